"""What cannot be understood or drawn does not stop what stands behind it."""

import asyncio
from typing import TYPE_CHECKING

from drivers.ports.document import Document
from drivers.ports.printer import Confirmed, PrinterStatus, PrintOutcome
from edge.flow.asks import answer_asks
from edge.flow.perform import Route, Spool
from edge.flow.review import cases
from edge.store.catalog import put
from edge.store.tx import Tx
from sync.rules.verdicts import Verdict
from sync.wire.catalog import AskRow
from sync.wire.codec import pack
from sync.wire.messages import Cursor, FeedPage, FeedRow

if TYPE_CHECKING:
    from tests.flow.conftest import Floor


def page(*rows: FeedRow, seq: int) -> FeedPage:
    head = Cursor(scope="store:7", generation=b"g" * 8, seq=seq, row_hash=bytes(32))
    return FeedPage(
        scope="store:7", generation=b"g" * 8, rows=rows, head=head, signature=b"", more=False
    )


async def test_a_malformed_row_is_a_case_and_the_rows_behind_it_arrive(floor: "Floor") -> None:
    goods = floor.order(synced=False)
    rows = (
        FeedRow(seq=1, kind="order", body=b"\xc1 not a message"),
        FeedRow(seq=2, kind="order", body=pack(goods.row)),
    )
    await floor.replica.apply(page(*rows, seq=2))
    assert [cursor.seq for cursor in await floor.replica.cursors()] == [0, 2]
    found = await cases(floor.shop)
    assert [case.reason.code for case in found] == ["not_understood"]
    answer = await floor.scan(goods.v1)
    assert (answer.verdict, answer.reason.code) == (Verdict.REVIEW, "not_understood")


async def test_a_malformed_article_is_a_case_and_orders_go_on(floor: "Floor") -> None:
    goods = floor.order()
    await floor.replica.apply(page(FeedRow(seq=1, kind="product", body=b"\xc1"), seq=1))
    assert [case.reason.code for case in await cases(floor.shop)] == ["not_understood"]
    assert (await floor.scan(goods.v1)).verdict is Verdict.OK


async def test_an_unknown_kind_that_need_not_be_understood_is_passed_over(floor: "Floor") -> None:
    goods = floor.order(synced=False)
    rows = (
        FeedRow(seq=1, kind="weather", body=b"", must_understand=False),
        FeedRow(seq=2, kind="order", body=pack(goods.row)),
    )
    await floor.replica.apply(page(*rows, seq=2))
    assert (await floor.scan(goods.v1)).verdict is Verdict.OK


async def test_an_ask_is_answered_once_and_what_it_released_is_not_given(floor: "Floor") -> None:
    goods = floor.order()
    mine = floor.shop.identity.incarnation
    good = AskRow(
        ask_id=b"g" * 16,
        kind="release",
        order_id=goods.row.order_id,
        epoch=1,
        holder=mine,
        destination="hq:cancel",
        units=((1, 1),),
    )
    put(floor.opened.catalog._connection, good)
    assert await answer_asks(floor.shop) == 1
    assert await answer_asks(floor.shop) == 0
    answer = await floor.scan(goods.v1)
    assert (answer.verdict, answer.reason.code) == (Verdict.REVOKED, "cancelled")


class Paper:
    """A printer of another kind: it keeps what it was given."""

    width_dots = 576

    def __init__(self) -> None:
        self.printed: list[Document] = []
        self.any_paper = asyncio.Event()

    async def status(self) -> PrinterStatus:
        return PrinterStatus(trouble=None)

    async def send(
        self, document: Document, *, job: int, after_doubt: bool = False
    ) -> PrintOutcome:
        assert not after_doubt
        self.printed.append(document)
        self.any_paper.set()
        return Confirmed(proof=f"job {job}")

    async def open_drawer(self) -> bool:
        return True

    async def buzz(self) -> bool:
        return True

    async def close(self) -> None:
        return


async def test_a_slip_that_cannot_be_drawn_fails_and_the_next_one_prints(floor: "Floor") -> None:
    first = await floor.scan(floor.order().v1)
    second = await floor.scan(floor.order().v1)
    assert first.slip is not None
    assert second.slip is not None
    broken = first.slip.effect

    def spoil(tx: Tx) -> None:
        tx.connection.execute("UPDATE effect SET body = ? WHERE effect = ?", (b"{}", broken))

    await floor.shop.writer.do(spoil, floor.shop.moment())
    spool = Spool(
        floor.shop,
        {"till-1": Route(printers=("front",))},
        on_trouble=lambda _name, _trouble: None,
    )
    paper = Paper()
    work = asyncio.create_task(spool.run("front", paper))
    await paper.any_paper.wait()
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert await floor.count("SELECT count(*) FROM effect WHERE state = 'failed'") == 1
