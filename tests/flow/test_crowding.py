"""One order, one printer or one clerk does not stand in the way of all others."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from drivers.ports.document import Document
from drivers.ports.printer import Confirmed, PrinterStatus, PrintOutcome
from edge.flow.answers import Refusal
from edge.flow.asks import lapse
from edge.flow.claim import take_over
from edge.flow.emergency import LateAsk, enter_later
from edge.flow.perform import Route, Spool
from edge.flow.review import cases
from edge.flow.undo import UndoAsk, undo
from sync.wire.catalog import LineRow

if TYPE_CHECKING:
    from tests.flow.conftest import Floor

HUGE = (LineRow(line=1, sku="MILK", quantity=2_000),)


async def test_an_order_too_large_to_be_told_is_parked_and_the_others_lapse(
    floor: "Floor",
) -> None:
    floor.order(lines=HUGE)
    floor.order()
    floor.advance(49 * 3_600_000)
    assert [await lapse(floor.shop) for _ in range(4)] == [1, 0, 0, 0]
    assert [case.reason.code for case in await cases(floor.shop)] == ["unserved"]
    assert await floor.count("SELECT times FROM failure") == 3
    assert await floor.count("SELECT count(*) FROM tombstone") == 1


class Paper:
    """A printer of another kind: it tells that it printed."""

    width_dots = 576

    def __init__(self) -> None:
        self.printed = asyncio.Event()

    async def status(self) -> PrinterStatus:
        return PrinterStatus(trouble=None)

    async def send(
        self, document: Document, *, job: int, after_doubt: bool = False
    ) -> PrintOutcome:
        assert document.blocks
        assert not after_doubt
        self.printed.set()
        return Confirmed(proof=f"job {job}")

    async def open_drawer(self) -> bool:
        return True

    async def buzz(self) -> bool:
        return True

    async def close(self) -> None:
        return


async def test_many_slips_that_wait_at_one_counter_do_not_hide_those_of_another(
    floor: "Floor",
) -> None:
    for _ in range(70):
        await floor.scan(floor.order().v1, station="till-1")
    await floor.scan(floor.order().v1, station="till-2")
    routes = {"till-1": Route(printers=("front",)), "till-2": Route(printers=("back",))}
    spool = Spool(floor.shop, routes, on_trouble=lambda _name, _trouble: None)
    paper = Paper()
    work = asyncio.create_task(spool.run("back", paper))
    await paper.printed.wait()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)


async def test_a_shop_that_wants_an_operator_wants_one_for_every_act(floor: "Floor") -> None:
    goods = floor.order(lines=(LineRow(line=1, sku="ICE", quantity=1),))
    claimed = await floor.scan(goods.v1)
    handed = await floor.scan(floor.order().v1)
    assert claimed.order is not None
    assert handed.handover is not None
    floor.shop.settings = replace(floor.shop.settings, operator="required")
    ask = UndoAsk(handover=handed.handover, goods_still_here=True)
    late = LateAsk(
        order_tail_or_no=goods.row.order_no, at_ms=floor.shop.moment().trusted_ms, clerk="c1"
    )
    refusals = (
        await undo(floor.shop, floor.caller(), ask),
        await take_over(floor.shop, floor.caller("till-2"), claimed.order.id),
        await enter_later(floor.shop, floor.caller(), late),
    )
    for refusal in refusals:
        assert isinstance(refusal, Refusal)
        assert refusal.code == "operator_needed"


async def test_a_late_entry_of_another_year_is_refused(floor: "Floor") -> None:
    goods = floor.order()
    for at_ms in (-1, 0, floor.shop.moment().trusted_ms - 8 * 86_400_000):
        late = LateAsk(order_tail_or_no=goods.row.order_no, at_ms=at_ms, clerk="c1")
        refusal = await enter_later(floor.shop, floor.caller(), late)
        assert isinstance(refusal, Refusal)
        assert refusal.code == "too_old"
