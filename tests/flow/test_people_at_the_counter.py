"""Who is at the counter: PIN rules, waits that outlive a restart, and a counter left alone."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge.flow.answers import OperatorAnswer, Refusal, UndoAnswer
from edge.flow.claim import put_back
from edge.flow.operator import Approval, check_pin, current, lock_idle, sign_in
from edge.flow.review import cases
from edge.flow.scan import ScanAsk, scan
from edge.flow.undo import UndoAsk, undo
from edge.store.catalog import put
from sync.hub import identity, stores
from sync.hub.database import Database
from sync.hub.problems import Problem
from sync.rules.crockford import check_character
from sync.rules.verdicts import Verdict
from sync.wire.catalog import LineRow, StaffRow
from sync.wire.credential import badge_lookup

if TYPE_CHECKING:
    from tests.flow.conftest import Floor

K_STORE = bytes(range(32))
WRONG = Approval(staff_id="c1", pin="9999")
RIGHT = Approval(staff_id="c1", pin="1357")
MINUTE_MS = 60_000
TWO = (LineRow(line=1, sku="MILK", quantity=2),)


async def codes(floor: "Floor", approval: Approval, times: int) -> list[str]:
    answers = [await check_pin(floor.shop, approval) for _ in range(times)]
    return [one.code if isinstance(one, Refusal) else "right" for one in answers]


async def test_five_wrong_pins_wait_30_s_then_2_min_then_10_min_and_never_for_ever(
    floor: "Floor",
) -> None:
    assert await codes(floor, WRONG, 6) == ["pin_wrong"] * 5 + ["pin_wait"]
    for wait_s in (30, 120, 600, 600):
        waits = await check_pin(floor.shop, RIGHT)
        assert isinstance(waits, Refusal)
        assert waits.wait_s == wait_s
        floor.advance(wait_s * 1_000 + 100)
        assert await codes(floor, WRONG, 1) == ["pin_wrong"]
    floor.advance(601_000)
    assert await codes(floor, RIGHT, 1) == ["right"]
    assert await codes(floor, WRONG, 5) == ["pin_wrong"] * 5


async def test_waits_outlive_a_restart_and_are_per_person(floor: "Floor") -> None:
    await codes(floor, WRONG, 5)
    await floor.stop()
    await floor.start(run="run-2")
    assert await codes(floor, RIGHT, 1) == ["pin_wait"]
    assert await codes(floor, Approval(staff_id="s1", pin="246810"), 1) == ["right"]
    floor.advance(31_000)
    assert await codes(floor, RIGHT, 1) == ["right"]


async def test_a_hundred_guesses_at_once_get_no_more_tries_than_five(floor: "Floor") -> None:
    guesses = [Approval(staff_id="c1", pin=f"{1300 + number}") for number in range(100)]
    answers = await asyncio.gather(*(check_pin(floor.shop, one) for one in guesses))
    told = [one.code if isinstance(one, Refusal) else "right" for one in answers]
    assert told.count("pin_wait") == 95
    assert "right" not in told


async def test_people_without_a_pin_or_unknown_ones_are_told_no_more_than_a_wrong_pin(
    floor: "Floor",
) -> None:
    put(
        floor.opened.catalog._connection,
        StaffRow(staff_id="n1", name="无码", role="cashier", badge=None, pin_hash=None),
    )
    for staff_id in ("n1", "nobody"):
        assert await codes(floor, Approval(staff_id=staff_id, pin="1357"), 1) == ["pin_wrong"]


@pytest.mark.parametrize(
    "pin",
    ["123456", "654321", "111111", "1234", "0000", "900101", "311299", "123", "1234567", "12a4"],
)
def test_hq_refuses_birthdays_rows_and_wrong_lengths(pin: str) -> None:
    with pytest.raises(Problem):
        _person_at_hq(pin)


@pytest.mark.parametrize("pin", ["718293", "3905"])
def test_hq_takes_six_digits_and_four_for_staffed_tills(pin: str) -> None:
    assert _person_at_hq(pin)["has_pin"]


def _person_at_hq(pin: str) -> dict[str, object]:
    database = Database("sqlite://")
    identity.initialise(database, _Clock(), name="t", demo=True)
    hub = identity.open_hub(database, _Clock())
    stores.add_store(hub, stores.NewStore(number=7, code="S7", name_zh="七", name_en="7"))
    new = stores.NewPerson(store=7, staff_id="a", name="A", role="cashier", pin=pin)
    return stores.put_person(hub, new)


class _Clock:
    def now_ms(self) -> int:
        return 1_800_000_000_000


# -- badge, and the PIN once a shift


def with_badge(floor: "Floor", badge: str) -> str:
    """Give the cashier a badge; the text on it."""
    row = next(one for one in floor.staff() if one.staff_id == "c1")
    put(floor.opened.catalog._connection, replace_badge(row, badge))
    return f"SB:{badge}"


def replace_badge(row: StaffRow, badge: str) -> StaffRow:
    return StaffRow(
        staff_id=row.staff_id,
        name=row.name,
        role=row.role,
        badge=badge_lookup(K_STORE, badge),
        pin_hash=row.pin_hash,
    )


async def test_a_badge_switches_and_the_pin_of_the_shift_is_remembered_across_stations(
    floor: "Floor",
) -> None:
    badge = "BADGE001" + check_character("BADGE001")
    text = with_badge(floor, badge)
    assert (await floor.scan(text)).kind == "staff"
    assert not (await current(floor.shop, "till-1")).pin_fresh
    await sign_in(floor.shop, floor.caller("till-2"), "c1", "1357")
    await floor.scan(text)
    assert (await current(floor.shop, "till-1")).pin_fresh
    floor.advance(12 * 60 * MINUTE_MS + 1_000)
    assert not (await current(floor.shop, "till-1")).pin_fresh


async def test_where_an_operator_is_required_a_badge_alone_is_not_enough_for_the_shift(
    floor: "Floor",
) -> None:
    floor.shop.settings = replace(floor.shop.settings, operator="required")
    goods = floor.order()
    badge = "BADGE001" + check_character("BADGE001")
    text = with_badge(floor, badge)

    async def code() -> str:
        answer = await scan(floor.shop, floor.caller(), ScanAsk(text=goods.v1))
        return answer.code if isinstance(answer, Refusal) else answer.reason.code

    assert await code() == "operator_needed"
    await floor.scan(text)
    assert await code() == "pin_due"
    await sign_in(floor.shop, floor.caller(), "c1", "1357")
    assert await code() == "handed_now"


# -- a counter that nobody uses


async def test_a_counter_locks_after_fifteen_idle_minutes(floor: "Floor") -> None:
    await sign_in(floor.shop, floor.caller(), "c1", "1357")
    floor.advance(14 * MINUTE_MS)
    await lock_idle(floor.shop)
    assert (await current(floor.shop, "till-1")).staff_id == "c1"
    floor.advance(MINUTE_MS + 1_000)
    await lock_idle(floor.shop)
    assert (await current(floor.shop, "till-1")).staff_id is None
    nobody = OperatorAnswer(staff_id=None, name=None, role=None)
    assert floor.screens.shown[-1] == ("till-1", "operator", nobody)


async def test_any_act_keeps_the_counter_open_and_looking_at_it_does_not(floor: "Floor") -> None:
    await sign_in(floor.shop, floor.caller(), "c1", "1357")
    floor.advance(10 * MINUTE_MS)
    await floor.scan("NOTACODE?")
    floor.advance(10 * MINUTE_MS)
    await lock_idle(floor.shop)
    assert (await current(floor.shop, "till-1")).staff_id == "c1"
    floor.advance(6 * MINUTE_MS)
    await lock_idle(floor.shop)
    assert (await current(floor.shop, "till-1")).staff_id is None


async def test_a_counter_that_serves_an_order_never_locks(floor: "Floor") -> None:
    await sign_in(floor.shop, floor.caller(), "c1", "1357")
    floor.shop.settings = replace(floor.shop.settings, claim_ms=60 * MINUTE_MS)
    claimed = await floor.scan(floor.order(lines=TWO, bags=2).v1)
    assert claimed.order is not None
    floor.advance(30 * MINUTE_MS)
    await lock_idle(floor.shop)
    assert (await current(floor.shop, "till-1")).staff_id == "c1"
    await put_back(floor.shop, floor.caller(), claimed.order.id)
    floor.advance(16 * MINUTE_MS)
    await lock_idle(floor.shop)
    assert (await current(floor.shop, "till-1")).staff_id is None


async def test_after_a_restart_an_idle_counter_locks_later_not_at_once(floor: "Floor") -> None:
    await sign_in(floor.shop, floor.caller(), "c1", "1357")
    floor.advance(14 * MINUTE_MS)
    await floor.stop()
    await floor.start(run="run-2")
    await lock_idle(floor.shop)
    assert (await current(floor.shop, "till-1")).staff_id == "c1"
    floor.advance(15 * MINUTE_MS + 1_000)
    await lock_idle(floor.shop)
    assert (await current(floor.shop, "till-1")).staff_id is None


# -- undo, too often


async def undone(floor: "Floor", station: str) -> None:
    done = await floor.scan(floor.order().v1, station=station)
    assert done.verdict is Verdict.OK
    assert done.handover is not None
    ask = UndoAsk(handover=done.handover, goods_still_here=True)
    assert isinstance(await undo(floor.shop, floor.caller(station), ask), UndoAnswer)


async def alarms(floor: "Floor") -> list[tuple[str | None, str | None]]:
    found = [one for one in await cases(floor.shop) if one.reason.code == "undo_rate"]
    return [(one.station, one.opened_by) for one in found]


async def test_more_than_five_undos_in_an_hour_open_one_case_for_the_station(
    floor: "Floor",
) -> None:
    for _ in range(5):
        await undone(floor, "till-1")
    assert await alarms(floor) == []
    for _ in range(3):
        await undone(floor, "till-1")
    assert await alarms(floor) == [("till-1", None)]
    floor.advance(61 * MINUTE_MS)
    await undone(floor, "till-1")
    assert len(await alarms(floor)) == 1


async def test_a_person_s_undos_are_counted_across_stations(floor: "Floor") -> None:
    for number in range(6):
        station = f"till-{number}"
        await sign_in(floor.shop, floor.caller(station), "c1", "1357")
        await undone(floor, station)
    assert await alarms(floor) == [("till-5", "c1")]


async def test_undos_spread_over_hours_alarm_nobody(floor: "Floor") -> None:
    for _ in range(8):
        await undone(floor, "till-1")
        floor.advance(13 * MINUTE_MS)
    assert await alarms(floor) == []
