"""Roads on which a unit could get lost between the shop and HQ, walked one by one."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from books import read_books
from whole_chain import Chain

from edge.flow.answers import Refusal, ScanAnswer
from edge.flow.caller import Caller
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.scan import ScanAsk, scan
from edge.flow.undo import UndoAsk, undo
from sync.hub import cases, orders, ownership

HOUR_MS = 3_600_000
TILL1, TILL2 = Caller(station="till1", route="t"), Caller(station="till2", route="t")


@pytest_asyncio.fixture
async def chain(tmp_path: Path) -> AsyncIterator[Chain]:
    chain = Chain(tmp_path, 1)
    await chain.open()
    yield chain
    await chain.stop()
    assert read_books(chain.ledger).faults == []
    chain.close()


class Order:
    """An order at HQ, seen from outside."""

    def __init__(self, chain: Chain, *, quantity: int = 2, bags: int = 2, hours: int = 2) -> None:
        self.chain = chain
        new = orders.NewOrder(
            store=101,
            lines=(orders.NewLine(sku="MILK1", quantity=quantity),),
            bags=bags,
            hours=hours,
        )
        shown = json.loads(json.dumps(orders.create(chain.headquarters.hub, new)))
        self.no: str = shown["order_no"]
        self.id: str = shown["order_id"]
        self.codes: dict[str, str] = shown["codes"]

    def view(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(
            json.dumps(orders.show(self.chain.headquarters.hub, self.no))
        )
        return found

    def states(self) -> list[str]:
        lines = self.view()["lines"]
        assert isinstance(lines, list)
        return [unit["state"] for line in lines for unit in line["units"]]

    def cancel(self) -> None:
        ownership.cancel(self.chain.headquarters.hub, self.no)

    async def show(self, caller: Caller = TILL1, kind: str = "v1") -> ScanAnswer:
        self.chain.node.shop.station(caller.station).seen.clear()
        answer = await scan(self.chain.node.shop, caller, ScanAsk(text=self.codes[kind]))
        assert isinstance(answer, ScanAnswer)
        return answer

    async def give(self, *units: tuple[int, int]) -> int:
        await self.show()
        answer = await hand_over(
            self.chain.node.shop, TILL1, HandOverAsk(order=self.id, units=units or None)
        )
        assert isinstance(answer, ScanAnswer), answer
        assert answer.handover is not None
        return answer.handover

    async def take_back(self, handover: int) -> None:
        ask = UndoAsk(handover=handover, goods_still_here=True, reason="wrong bag")
        answer = await undo(self.chain.node.shop, TILL1, ask)
        assert not isinstance(answer, Refusal), answer


def no_cases(chain: Chain) -> bool:
    return cases.list_cases(chain.headquarters.hub) == []


async def test_what_nobody_collects_comes_back_to_headquarters(chain: Chain) -> None:
    order = Order(chain)
    await chain.heal()
    chain.advance(2 * HOUR_MS + 1)
    await chain.heal()
    assert order.states() == ["lapsed", "lapsed"]
    assert (await order.show()).reason.code == "lapsed"
    assert no_cases(chain)


async def test_a_cancel_comes_back_as_released_and_the_code_is_refused(chain: Chain) -> None:
    order = Order(chain)
    await chain.heal()
    order.cancel()
    assert order.view()["state"] == "cancel_pending"
    assert (await order.show()).verdict == "ok"
    chain.advance(11 * 60_000)
    await chain.heal()
    assert order.states() == ["released", "released"]
    assert (await order.show()).reason.code == "cancelled"
    assert no_cases(chain)


async def test_a_cancel_that_comes_too_late_is_answered_kept(chain: Chain) -> None:
    order = Order(chain)
    await chain.heal()
    chain.weather.cut = True
    order.cancel()
    await order.give()
    await chain.heal()
    assert order.states() == ["handed", "handed"]
    assert order.view()["refundable"] == []
    assert order.view()["state"] == "open"
    assert no_cases(chain)


async def test_a_cancel_waits_while_a_counter_serves_the_order(chain: Chain) -> None:
    order = Order(chain)
    await chain.heal()
    assert (await order.show()).state == "claimed"
    order.cancel()
    await chain.heal()
    assert order.view()["state"] == "cancel_pending"
    handed = await hand_over(chain.node.shop, TILL1, HandOverAsk(order=order.id))
    assert isinstance(handed, ScanAnswer)
    await chain.heal()
    assert order.states() == ["handed", "handed"]


async def test_a_box_that_lapsed_before_it_read_the_cancel_disputes_nothing(chain: Chain) -> None:
    order = Order(chain)
    await chain.heal()
    chain.weather.cut = True
    order.cancel()
    chain.advance(2 * HOUR_MS + 1)
    await chain.house()
    await chain.heal()
    assert set(order.states()) <= {"lapsed", "released"}
    assert order.view()["state"] != "cancel_pending"
    assert no_cases(chain)


async def test_what_was_taken_back_after_the_rest_lapsed_lapses_too(chain: Chain) -> None:
    order = Order(chain)
    await chain.heal()
    handover = await order.give((1, 1))
    chain.advance(2 * HOUR_MS + 1)
    await chain.heal()
    assert order.states() == ["handed", "lapsed"]
    await order.take_back(handover)
    await chain.heal()
    assert order.states() == ["lapsed", "lapsed"]
    assert no_cases(chain)


async def test_what_was_taken_back_after_a_cancel_is_not_stuck(chain: Chain) -> None:
    order = Order(chain)
    await chain.heal()
    handover = await order.give((1, 1))
    await chain.heal()
    order.cancel()
    await chain.heal()
    assert order.states() == ["handed", "released"]
    await order.take_back(handover)
    chain.advance(2 * HOUR_MS + 1)
    await chain.heal()
    assert order.states()[0] in ("lapsed", "released")
    assert no_cases(chain)


async def test_a_box_that_lapsed_while_headquarters_extended_can_be_granted_again(
    chain: Chain,
) -> None:
    order = Order(chain)
    await chain.heal()
    chain.weather.cut = True
    orders.extend(chain.headquarters.hub, order.no, 24)
    chain.advance(2 * HOUR_MS + 1)
    await chain.house()
    await chain.heal()
    assert order.states() == ["lapsed", "lapsed"]
    orders.extend(chain.headquarters.hub, order.no, 24)
    await chain.heal()
    assert order.states() == ["held", "held"]
    assert (await order.show()).verdict == "ok"
    assert no_cases(chain)


async def test_an_order_issued_anew_is_given_by_its_new_code_alone(chain: Chain) -> None:
    order = Order(chain, bags=1)
    await chain.heal()
    old = dict(order.codes)
    answer = json.loads(json.dumps(orders.reissue(chain.headquarters.hub, order.no)))
    await chain.heal()
    assert (await order.show()).reason.code == "reissued"
    order.codes = answer["codes"]
    assert (await order.show()).state == "handed"
    order.codes = old
    assert (await order.show()).verdict == "already"


async def test_a_code_that_never_came_by_feed_is_given_once_by_its_signature(chain: Chain) -> None:
    await chain.heal()
    chain.weather.cut = True
    chain.advance(1_000)
    order = Order(chain)
    assert (await order.show(kind="v1")).reason.code == "no_such_code_offline"
    assert (await order.show(kind="v2")).reason.code == "lines_needed"
    shown = await order.show(kind="pl")
    assert shown.verdict == "ok"
    if shown.state == "claimed":
        await hand_over(chain.node.shop, TILL1, HandOverAsk(order=order.id))
    assert (await order.show(TILL2, kind="v2")).verdict == "already"
    await chain.heal()
    assert order.states() == ["handed", "handed"]
    assert (await order.show(TILL2, kind="v1")).verdict == "already"
    assert no_cases(chain)


async def test_a_code_never_synced_and_cancelled_meanwhile_is_kept_or_released_never_both(
    chain: Chain,
) -> None:
    await chain.heal()
    chain.weather.cut = True
    chain.advance(1_000)
    order = Order(chain)
    order.cancel()
    await order.show(kind="v2")
    shown = await order.show(kind="pl")
    assert shown.verdict == "ok"
    if shown.state == "claimed":
        await hand_over(chain.node.shop, TILL1, HandOverAsk(order=order.id))
    await chain.heal()
    assert order.states() == ["handed", "handed"]
    assert order.view()["refundable"] == []
    assert no_cases(chain)


async def test_a_tombstone_holds_for_a_token_that_never_came_by_feed(chain: Chain) -> None:
    """Attacks 2 and 4: HQ cancels what the box never saw; the token is shown afterwards."""
    await chain.heal()
    chain.advance(1_000)
    order = Order(chain)
    order.cancel()
    await chain.heal()
    assert order.states() == ["released", "released"]
    await order.show(kind="v2")
    assert (await order.show(kind="pl")).verdict != "ok"
    assert (await order.show(kind="v1")).verdict == "revoked"


async def test_everything_is_told_once_over_a_line_that_repeats_and_loses(chain: Chain) -> None:
    made = [Order(chain) for _ in range(5)]
    await chain.heal()
    weather = chain.weather
    weather.lose_question = weather.lose_answer = weather.repeat = weather.late = 0.4
    for number, order in enumerate(made):
        handover = await order.give()
        await chain.push()
        if number % 2:
            await order.take_back(handover)
        await chain.pull()
    await chain.heal()
    assert chain.unsent() == 0
    for number, order in enumerate(made):
        assert order.states() == (["held", "held"] if number % 2 else ["handed", "handed"])
    assert no_cases(chain)


@pytest.mark.parametrize("wall_ms", [0, 4_070_908_800_000], ids=["1970", "2099"])
async def test_a_wrong_wall_clock_after_a_reboot_expires_nothing_and_lapses_nothing(
    chain: Chain, wall_ms: int
) -> None:
    order = Order(chain)
    await chain.heal()
    chain.weather.cut = True
    await chain.stop()
    chain.power_off(60_000, wall_ms=wall_ms)
    await chain.open()
    await chain.house()
    assert (await order.show()).verdict == "ok"
    assert (await order.show()).basis.clock == "unsure"


async def test_issued_anew_a_partly_cancelled_order_gives_only_what_is_left(chain: Chain) -> None:
    """The higher epoch clears the cancelled unit's tombstone; the row itself says it is away."""
    order = Order(chain)
    await chain.heal()
    handover = await order.give((1, 1))
    await chain.heal()
    order.cancel()
    await chain.pull()  # the box answers, and what it answers waits with the undoing behind it
    await chain.house()
    await order.take_back(handover)
    await chain.heal()
    assert order.states() == ["held", "released"]
    anew = json.loads(json.dumps(orders.reissue(chain.headquarters.hub, order.no)))
    assert anew["codes"]["v2"] is None, "a signed code names no units"
    await chain.heal()
    order.codes["v1"] = anew["codes"]["v1"]
    answer = await order.show()
    assert answer.order is not None
    assert answer.order.lines[0].units == ("open", "gone")
    await order.give()
    await chain.heal()
    assert order.states() == ["handed", "released"]


async def test_a_lapse_that_is_on_its_way_loses_to_what_headquarters_granted_meanwhile(
    chain: Chain,
) -> None:
    order = Order(chain)
    await chain.heal()
    handover = await order.give((1, 1))
    chain.advance(2 * HOUR_MS + 1)
    await chain.heal()
    await order.take_back(handover)
    await chain.push()
    chain.weather.cut = True
    await chain.house()
    orders.extend(chain.headquarters.hub, order.no, 24)
    await chain.heal()
    assert set(order.states()) == {"held"}
    assert order.view()["refundable"] == []
    assert no_cases(chain)
