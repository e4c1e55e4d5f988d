"""The daily reconciliation: when it is due whatever clocks do, and what a digest tells."""

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.rules.reconcile import (
    BLOCK_FACTS,
    MOST_BLOCKS,
    SPREAD_S,
    Fact,
    Plan,
    block_of,
    blocks,
    cut_ms,
    differing,
    due_day,
    facts_differing,
    first_compared,
    newest_day,
    next_cut_ms,
    spread_of,
)

SHANGHAI = Plan(at_min=20 * 60, zone="Asia/Shanghai", spread_s=0)
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Asia/Kathmandu")
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

plans = st.builds(
    Plan,
    at_min=st.integers(0, 24 * 60 - 1),
    zone=st.sampled_from(ZONES),
    spread_s=st.integers(0, SPREAD_S),
)
# From 1971 to 2099: what trusted time may be.
instants = st.integers(365 * DAY_MS, 129 * 365 * DAY_MS)


def at(text: str, zone: str = "Asia/Shanghai") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def test_a_day_is_due_at_eight_in_the_evening_of_the_store() -> None:
    yesterday = date(2026, 11, 21)
    before, after = at("2026-11-22T19:59:59"), at("2026-11-22T20:00:00")
    assert due_day(SHANGHAI, before, last=yesterday, since_ms=0) is None
    assert due_day(SHANGHAI, after, last=yesterday, since_ms=0) == date(2026, 11, 22)
    assert due_day(SHANGHAI, after, last=date(2026, 11, 22), since_ms=0) is None
    assert next_cut_ms(SHANGHAI, before) == after
    assert next_cut_ms(SHANGHAI, after) == after + DAY_MS


def test_a_week_that_was_slept_through_is_due_once() -> None:
    now = at("2026-11-22T09:00:00")
    day = due_day(SHANGHAI, now, last=date(2026, 11, 14), since_ms=0)
    assert day == date(2026, 11, 21)
    assert due_day(SHANGHAI, now, last=day, since_ms=0) is None


def test_days_before_a_box_was_this_stores_are_not_its_own() -> None:
    since = at("2026-11-22T15:00:00")
    assert due_day(SHANGHAI, since + HOUR_MS, last=None, since_ms=since) is None
    evening = at("2026-11-22T20:00:00")
    assert due_day(SHANGHAI, evening, last=None, since_ms=since) == date(2026, 11, 22)


@pytest.mark.parametrize("now_ms", [-1, 0, 1, DAY_MS, 10**15, 2**62])
def test_without_a_believable_time_nothing_is_due(now_ms: int) -> None:
    assert due_day(SHANGHAI, now_ms, last=None, since_ms=0) is None
    assert next_cut_ms(SHANGHAI, now_ms) is None


def test_an_hour_back_over_the_cut_does_not_reconcile_twice() -> None:
    after = at("2026-11-22T20:30:00")
    day = due_day(SHANGHAI, after, last=None, since_ms=0)
    assert due_day(SHANGHAI, after - HOUR_MS, last=day, since_ms=0) is None
    assert due_day(SHANGHAI, after, last=day, since_ms=0) is None


def test_a_day_of_2099_holds_nothing_up_once_the_time_is_right_again() -> None:
    wrong = due_day(SHANGHAI, at("2099-01-01T21:00:00"), last=None, since_ms=0)
    assert wrong == date(2099, 1, 1)
    now = at("2026-11-22T20:00:00")
    assert due_day(SHANGHAI, now, last=wrong, since_ms=0) == date(2026, 11, 22)


@pytest.mark.parametrize(
    ("day", "at_min"),
    [
        (date(2026, 3, 29), 2 * 60 + 30),  # Berlin skips it
        (date(2026, 10, 25), 2 * 60 + 30),  # and has it twice
    ],
)
def test_a_time_that_is_skipped_or_repeated_is_due_once(day: date, at_min: int) -> None:
    plan = Plan(at_min=at_min, zone="Europe/Berlin", spread_s=0)
    last: date | None = day - timedelta(days=1)
    found: list[date] = []
    now = cut_ms(plan, day - timedelta(days=1))
    while now < cut_ms(plan, day + timedelta(days=1)):
        due = due_day(plan, now, last=last, since_ms=0)
        if due is not None:
            found.append(due)
            last = due
        now += 5 * 60_000
    assert found == [day]


@given(plans, instants)
def test_the_newest_day_is_the_last_one_cut(plan: Plan, now_ms: int) -> None:
    day = newest_day(plan, now_ms)
    assert cut_ms(plan, day) <= now_ms < cut_ms(plan, day + timedelta(days=1))
    assert next_cut_ms(plan, now_ms) == cut_ms(plan, day + timedelta(days=1))


@given(plans, st.dates(date(1971, 1, 1), date(2099, 1, 1)))
def test_each_days_cut_comes_after_the_one_before(plan: Plan, day: date) -> None:
    assert cut_ms(plan, day) <= cut_ms(plan, day + timedelta(days=1))


@given(plans, st.lists(instants, min_size=1, max_size=30))
def test_whatever_the_clock_does_no_day_is_reconciled_twice_in_a_row(
    plan: Plan, times: list[int]
) -> None:
    last: date | None = None
    for now_ms in times:
        due = due_day(plan, now_ms, last=last, since_ms=0)
        if due is None:
            continue
        assert due != last
        assert cut_ms(plan, due) <= now_ms
        last = due
        assert due_day(plan, now_ms, last=last, since_ms=0) is None


@given(plans, instants, st.integers(0, 400))
def test_a_clock_that_runs_on_makes_every_evening_due_within_its_look(
    plan: Plan, now_ms: int, days: int
) -> None:
    last = newest_day(plan, now_ms)
    then_ms = now_ms + days * DAY_MS + 2 * HOUR_MS
    due = due_day(plan, then_ms, last=last, since_ms=0)
    assert due == (newest_day(plan, then_ms) if newest_day(plan, then_ms) > last else None)


@given(st.integers(1, 100_000))
def test_stores_are_spread_over_ten_minutes(store: int) -> None:
    assert 0 <= spread_of(store) <= 600
    assert spread_of(store) != spread_of(store + 1)


facts = st.builds(
    Fact,
    handover=st.integers(1, 2_000),
    order_id=st.binary(min_size=10, max_size=10),
    units=st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), unique=True).map(
        lambda units: tuple(sorted(units))
    ),
    undone=st.booleans(),
)
books = st.lists(facts, unique_by=lambda fact: fact.handover, max_size=40)


@given(books, st.randoms())
def test_the_order_in_which_facts_are_read_changes_no_digest(
    known: list[Fact], dice: random.Random
) -> None:
    shuffled = list(known)
    dice.shuffle(shuffled)
    assert differing(blocks(known), blocks(shuffled)) == ()


@given(books, books)
def test_blocks_differ_exactly_where_a_fact_does(one: list[Fact], other: list[Fact]) -> None:
    left = {fact.handover: fact for fact in one}
    right = {fact.handover: fact for fact in other}
    wrong = {number for number, _ in facts_differing(left, right)}
    assert set(differing(blocks(one), blocks(other))) == {block_of(number) for number in wrong}


@given(books, st.data())
def test_a_fact_that_only_one_side_has_is_named(known: list[Fact], data: st.DataObject) -> None:
    if not known:
        return
    lost = data.draw(st.sampled_from(known))
    all_of_it = {fact.handover: fact for fact in known}
    rest = {number: fact for number, fact in all_of_it.items() if number != lost.handover}
    assert facts_differing(all_of_it, rest) == ((lost.handover, "hub_lacks"),)
    assert facts_differing(rest, all_of_it) == ((lost.handover, "node_lacks"),)
    assert sum(block.count for block in blocks(known)) == len(known)


def test_what_differs_is_said() -> None:
    fact = Fact(handover=7, order_id=b"o" * 10, units=((1, 1), (1, 2)), undone=False)
    others = {
        "order": Fact(handover=7, order_id=b"p" * 10, units=fact.units, undone=False),
        "units": Fact(handover=7, order_id=fact.order_id, units=((1, 1),), undone=False),
        "undone": Fact(handover=7, order_id=fact.order_id, units=fact.units, undone=True),
    }
    for word, other in others.items():
        assert facts_differing({7: fact}, {7: other}) == ((7, word),)
        assert differing(blocks([fact]), blocks([other])) == (0,)


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_comparison_has_a_bounded_number_of_blocks(first: int, count: int) -> None:
    last = first + count
    begins = first_compared(first, last)
    assert first <= begins <= max(first, last)
    assert (block_of(last) - block_of(begins)) // BLOCK_FACTS < MOST_BLOCKS


def test_days_are_counted_in_the_stores_zone() -> None:
    plan = Plan(at_min=20 * 60, zone="America/New_York", spread_s=0)
    now = int(datetime(2026, 11, 23, 0, 59, tzinfo=UTC).timestamp() * 1000)
    assert newest_day(plan, now) == date(2026, 11, 21)
    assert newest_day(plan, now + 60_000) == date(2026, 11, 22)
