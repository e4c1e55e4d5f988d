"""Deciding: every branch with its verdict and reason, and what must hold whatever the facts."""

from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.facts import (
    Claim,
    Code,
    Gone,
    Handed,
    Here,
    Line,
    Order,
    Policy,
    Standing,
    UnitKey,
)
from edge.domain.pickup import (
    JUST_NOW_MS,
    Refuse,
    Serve,
    decide,
    is_gone,
    is_plain,
    open_units,
    units_of,
)
from sync.rules.verdicts import Verdict, reason_codes

US = b"incarn-1"
OTHER = b"incarn-2"
NOW_MS = 1_790_000_000_000
LATER_MS = NOW_MS + 3_600_000

LINE = Line(
    line=1,
    sku="MILK1",
    quantity=2,
    bundle_of=None,
    name_zh="牛奶",
    name_en="Milk",
    storage="ambient",
    min_grade=1,
)
ORDER = Order(
    order_id=b"order00001",
    order_no="SE1",
    home_store=101,
    holder=US,
    epoch=3,
    cancelled=False,
    not_after_ms=LATER_MS,
    ready=True,
    place="A1",
    bags=1,
    lane="normal",
    value_minor=1_990,
    min_grade=1,
    lines=(LINE,),
)
CODE = Code(kind="v1", grade=1, epoch=3, not_after_ms=LATER_MS, state="live")
STANDING = Standing(handed={}, gone={}, claim=None)
HERE = Here(
    store=101, incarnation=US, fenced=False, station="till1", trusted_ms=NOW_MS, clock="synced"
)
POLICY = Policy(confirm="auto", dear_minor=20_000)

FIRST: UnitKey = (1, 1)
SECOND: UnitKey = (1, 2)
HANDED = Handed(handover=7, station="till2", at_ms=NOW_MS - 3_600_000)
JUST_NOW = Handed(handover=8, station="till2", at_ms=NOW_MS - JUST_NOW_MS + 1)
RELEASED = Gone(reason="released", destination="hq:cancel", epoch=3)
MOVED = Gone(reason="released", destination="store:202", epoch=3)
LAPSED = Gone(reason="lapsed", destination="hq", epoch=3)
ELSEWHERE = Claim(station="till2", until_ms=NOW_MS)


def standing(
    *,
    handed: dict[UnitKey, Handed] | None = None,
    gone: dict[UnitKey, Gone] | None = None,
    claim: Claim | None = None,
    needs_understanding: bool = False,
) -> Standing:
    return Standing(
        handed=handed or {},
        gone=gone or {},
        claim=claim,
        needs_understanding=needs_understanding,
    )


SERVES = {
    "a plain order at once": (ORDER, CODE, STANDING, HERE, POLICY, (FIRST, SECOND), True, "ready"),
    "after a tap where the shop wants one": (
        ORDER, CODE, STANDING, HERE, replace(POLICY, confirm="tap"), (FIRST, SECOND), False,
        "ready",
    ),
    "the rest after a tap": (
        ORDER, CODE, standing(handed={FIRST: HANDED}), HERE, POLICY, (SECOND,), False, "rest_ready",
    ),
    "the rest of what was given up in part": (
        ORDER, CODE, standing(gone={FIRST: LAPSED}), HERE, POLICY, (SECOND,), False, "rest_ready",
    ),
    "an order not picked yet, after a tap": (
        replace(ORDER, ready=False), CODE, STANDING, HERE, POLICY, (FIRST, SECOND), False,
        "not_picked",
    ),
    "the rest of an order not picked yet": (
        replace(ORDER, ready=False), CODE, standing(handed={FIRST: HANDED}), HERE, POLICY,
        (SECOND,), False, "not_picked",
    ),
    "two bags after a tap": (
        replace(ORDER, bags=2), CODE, STANDING, HERE, POLICY, (FIRST, SECOND), False, "ready",
    ),
    "a dear order after a tap": (
        replace(ORDER, value_minor=20_000), CODE, STANDING, HERE, POLICY, (FIRST, SECOND), False,
        "ready",
    ),
    "an order just below dear at once": (
        replace(ORDER, value_minor=19_999), CODE, STANDING, HERE, POLICY, (FIRST, SECOND), True,
        "ready",
    ),
    "something frozen after a tap": (
        replace(ORDER, lines=(LINE, replace(LINE, line=2, quantity=1, storage="frozen"))),
        CODE, STANDING, HERE, POLICY, (FIRST, SECOND, (2, 1)), False, "ready",
    ),
    "at the last millisecond": (
        ORDER, CODE, STANDING, replace(HERE, trusted_ms=LATER_MS), POLICY, (FIRST, SECOND), True,
        "ready",
    ),
    "while time was never heard": (
        ORDER, CODE, STANDING, replace(HERE, trusted_ms=0, clock="unsure"), POLICY,
        (FIRST, SECOND), True, "ready",
    ),
    "its own counter's claim": (
        ORDER, CODE, standing(claim=replace(ELSEWHERE, station="till1")), HERE, POLICY,
        (FIRST, SECOND), True, "ready",
    ),
    "a claim elsewhere that is over": (
        ORDER, CODE, standing(claim=replace(ELSEWHERE, until_ms=NOW_MS - 1)), HERE, POLICY,
        (FIRST, SECOND), True, "ready",
    ),
    "units granted again at a higher epoch": (
        replace(ORDER, epoch=4), replace(CODE, epoch=4),
        standing(gone={FIRST: RELEASED, SECOND: MOVED}), HERE, POLICY, (FIRST, SECOND), True,
        "ready",
    ),
    "a code of the next epoch than the row's": (
        ORDER, replace(CODE, epoch=4), STANDING, HERE, POLICY, (FIRST, SECOND), True, "ready",
    ),
    "a code as strong as the amount demands": (
        ORDER, replace(CODE, grade=2), STANDING, HERE,
        replace(POLICY, grade_by_amount=((1_990, 2),)), (FIRST, SECOND), True, "ready",
    ),
    "an amount below the step": (
        ORDER, CODE, STANDING, HERE, replace(POLICY, grade_by_amount=((1_991, 2),)),
        (FIRST, SECOND), True, "ready",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("order", "code", "now", "here", "policy", "units", "at_once", "why"),
    SERVES.values(),
    ids=SERVES.keys(),
)
def test_it_serves(
    order: Order,
    code: Code,
    now: Standing,
    here: Here,
    policy: Policy,
    units: tuple[UnitKey, ...],
    at_once: bool,
    why: Literal["ready", "rest_ready", "not_picked"],
) -> None:
    decision = decide(order, code, now, here, policy)
    assert decision == Serve(units=units, at_once=at_once, reason=why)


ALL_HANDED = {FIRST: HANDED, SECOND: HANDED}
LATE = replace(HERE, trusted_ms=LATER_MS + 1)

REFUSES: dict[str, tuple[Order, Code, Standing, Here, Policy, Refuse]] = {
    "all handed": (
        ORDER, CODE, standing(handed=ALL_HANDED), HERE, POLICY,
        Refuse(verdict=Verdict.ALREADY, reason="handed", earlier=HANDED),
    ),
    "the later of two hand-overs is named": (
        ORDER, CODE, standing(handed={FIRST: JUST_NOW, SECOND: HANDED}), HERE, POLICY,
        Refuse(verdict=Verdict.ALREADY, reason="just_now", earlier=JUST_NOW),
    ),
    "a minute ago is not just now": (
        ORDER, CODE,
        standing(handed=dict.fromkeys(
            (FIRST, SECOND), replace(HANDED, at_ms=NOW_MS - JUST_NOW_MS)
        )),
        HERE, POLICY,
        Refuse(
            verdict=Verdict.ALREADY, reason="handed",
            earlier=replace(HANDED, at_ms=NOW_MS - JUST_NOW_MS),
        ),
    ),
    "handed at a time that our clock has not reached": (
        ORDER, CODE,
        standing(handed=dict.fromkeys((FIRST, SECOND), replace(HANDED, at_ms=NOW_MS + 1))),
        HERE, POLICY,
        Refuse(
            verdict=Verdict.ALREADY, reason="handed", earlier=replace(HANDED, at_ms=NOW_MS + 1)
        ),
    ),
    "handed in part, the rest given up": (
        ORDER, CODE, standing(handed={FIRST: HANDED}, gone={SECOND: LAPSED}), HERE, POLICY,
        Refuse(verdict=Verdict.ALREADY, reason="handed", earlier=HANDED),
    ),
    "handed comes before withdrawn, not ours, late and weak": (
        replace(ORDER, cancelled=True, home_store=7, holder=OTHER, min_grade=5),
        replace(CODE, state="revoked", epoch=1), standing(handed=ALL_HANDED, claim=ELSEWHERE),
        LATE, POLICY, Refuse(verdict=Verdict.ALREADY, reason="handed", earlier=HANDED),
    ),
    "code revoked": (
        ORDER, replace(CODE, state="revoked"), STANDING, HERE, POLICY,
        Refuse(verdict=Verdict.REVOKED, reason="code_revoked"),
    ),
    "order cancelled": (
        replace(ORDER, cancelled=True), CODE, STANDING, HERE, POLICY,
        Refuse(verdict=Verdict.REVOKED, reason="cancelled"),
    ),
    "all released": (
        ORDER, CODE, standing(gone={FIRST: RELEASED, SECOND: RELEASED}), HERE, POLICY,
        Refuse(verdict=Verdict.REVOKED, reason="cancelled"),
    ),
    "moved to another store": (
        ORDER, CODE, standing(gone={FIRST: RELEASED, SECOND: MOVED}), HERE, POLICY,
        Refuse(verdict=Verdict.NOT_HERE, reason="moved"),
    ),
    "lapsed": (
        ORDER, CODE, standing(gone={FIRST: RELEASED, SECOND: LAPSED}), HERE, POLICY,
        Refuse(verdict=Verdict.EXPIRED, reason="lapsed"),
    ),
    "given up at a later epoch than the row's": (
        replace(ORDER, epoch=2), replace(CODE, epoch=2),
        standing(gone={FIRST: LAPSED, SECOND: LAPSED}), HERE, POLICY,
        Refuse(verdict=Verdict.EXPIRED, reason="lapsed"),
    ),
    "an order without lines": (
        replace(ORDER, lines=()), CODE, STANDING, HERE, POLICY,
        Refuse(verdict=Verdict.REVOKED, reason="cancelled"),
    ),
    "code re-issued": (
        ORDER, replace(CODE, state="reissued"), STANDING, HERE, POLICY,
        Refuse(verdict=Verdict.REVOKED, reason="reissued"),
    ),
    "code of an earlier epoch": (
        ORDER, replace(CODE, epoch=2), STANDING, HERE, POLICY,
        Refuse(verdict=Verdict.REVOKED, reason="reissued"),
    ),
    "withdrawn comes before not ours and late": (
        replace(ORDER, cancelled=True, home_store=7), CODE, STANDING, LATE, POLICY,
        Refuse(verdict=Verdict.REVOKED, reason="cancelled"),
    ),
    "another store's": (
        replace(ORDER, home_store=202), CODE, STANDING, HERE, POLICY,
        Refuse(verdict=Verdict.NOT_HERE, reason="other_store"),
    ),
    "another store's comes before fenced": (
        replace(ORDER, home_store=202), CODE, STANDING, replace(HERE, fenced=True), POLICY,
        Refuse(verdict=Verdict.NOT_HERE, reason="other_store"),
    ),
    "a fenced box": (
        ORDER, CODE, STANDING, replace(HERE, fenced=True), POLICY,
        Refuse(verdict=Verdict.REVIEW, reason="fenced"),
    ),
    "held by another incarnation": (
        replace(ORDER, holder=OTHER), CODE, STANDING, HERE, POLICY,
        Refuse(verdict=Verdict.REVIEW, reason="fenced"),
    ),
    "fenced comes before late": (
        ORDER, CODE, STANDING, replace(LATE, fenced=True), POLICY,
        Refuse(verdict=Verdict.REVIEW, reason="fenced"),
    ),
    "past the order's end": (
        ORDER, replace(CODE, not_after_ms=LATER_MS * 2), STANDING, LATE, POLICY,
        Refuse(verdict=Verdict.EXPIRED, reason="past_pickup_time"),
    ),
    "past the code's end": (
        replace(ORDER, not_after_ms=LATER_MS * 2), CODE, STANDING, LATE, POLICY,
        Refuse(verdict=Verdict.EXPIRED, reason="past_pickup_time"),
    ),
    "late by an unsure clock too": (
        ORDER, CODE, STANDING, replace(LATE, clock="unsure"), POLICY,
        Refuse(verdict=Verdict.EXPIRED, reason="past_pickup_time"),
    ),
    "late comes before served elsewhere": (
        ORDER, CODE, standing(claim=replace(ELSEWHERE, until_ms=LATER_MS * 2)), LATE, POLICY,
        Refuse(verdict=Verdict.EXPIRED, reason="past_pickup_time"),
    ),
    "served at another counter, to the last millisecond of its claim": (
        ORDER, CODE, standing(claim=ELSEWHERE), HERE, POLICY,
        Refuse(
            verdict=Verdict.ALREADY, reason="at_counter",
            earlier=Handed(handover=0, station="till2", at_ms=NOW_MS),
        ),
    ),
    "served elsewhere comes before too weak": (
        replace(ORDER, min_grade=5), CODE,
        standing(claim=ELSEWHERE, needs_understanding=True), HERE, POLICY,
        Refuse(
            verdict=Verdict.ALREADY, reason="at_counter",
            earlier=Handed(handover=0, station="till2", at_ms=NOW_MS),
        ),
    ),
    "a rule of HQ that we do not know": (
        ORDER, CODE, standing(needs_understanding=True), HERE, POLICY,
        Refuse(verdict=Verdict.REVIEW, reason="not_understood"),
    ),
    "the order demands a stronger code": (
        replace(ORDER, min_grade=2), CODE, STANDING, HERE, POLICY,
        Refuse(verdict=Verdict.REVIEW, reason="grade_too_low"),
    ),
    "an article demands a stronger code": (
        replace(ORDER, lines=(LINE, replace(LINE, line=2, min_grade=3))),
        replace(CODE, grade=2), STANDING, HERE, POLICY,
        Refuse(verdict=Verdict.REVIEW, reason="grade_too_low"),
    ),
    "the amount demands a stronger code": (
        ORDER, CODE, STANDING, HERE, replace(POLICY, grade_by_amount=((1_990, 2), (9_999, 4))),
        Refuse(verdict=Verdict.REVIEW, reason="grade_too_low"),
    ),
    "a code worth nothing": (
        ORDER, replace(CODE, grade=0), STANDING, HERE, POLICY,
        Refuse(verdict=Verdict.REVIEW, reason="grade_too_low"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("order", "code", "now", "here", "policy", "expected"), REFUSES.values(), ids=REFUSES.keys()
)
def test_it_refuses(
    order: Order, code: Code, now: Standing, here: Here, policy: Policy, expected: Refuse
) -> None:
    assert decide(order, code, now, here, policy) == expected


def test_every_reason_of_a_decision_has_words() -> None:
    said = {case[5].reason for case in REFUSES.values()} | {case[7] for case in SERVES.values()}
    assert said <= set(reason_codes())


@pytest.mark.parametrize(
    ("tomb", "order_epoch", "expected"),
    [(None, 0, False), (3, 2, True), (3, 3, True), (3, 4, False)],
)
def test_a_tombstone_holds_up_to_its_own_epoch(
    tomb: int | None, order_epoch: int, expected: bool
) -> None:
    gone = None if tomb is None else replace(LAPSED, epoch=tomb)
    assert is_gone(gone, order_epoch) is expected


# ------------------------------------------------------------------ whatever the facts are

small = st.integers(1, 3)
times = st.integers(NOW_MS - 5, NOW_MS + 5)
lines = st.builds(
    Line,
    line=small,
    sku=st.just("S"),
    quantity=small,
    bundle_of=st.none(),
    name_zh=st.just("货"),
    name_en=st.just("item"),
    storage=st.sampled_from(["ambient", "chilled", "frozen"]),
    min_grade=small,
)
orders = st.builds(
    Order,
    order_id=st.just(b"order00001"),
    order_no=st.just("SE1"),
    home_store=st.sampled_from([101, 101, 101, 202]),
    holder=st.sampled_from([US, US, US, OTHER]),
    epoch=small,
    cancelled=st.sampled_from([False, False, True]),
    not_after_ms=times,
    ready=st.booleans(),
    place=st.just(""),
    bags=st.integers(0, 2),
    lane=st.just("normal"),
    value_minor=st.sampled_from([0, 19_999, 20_000]),
    min_grade=small,
    lines=st.lists(lines, max_size=3, unique_by=lambda line: line.line).map(tuple),
)
codes = st.builds(
    Code,
    kind=st.just("v1"),
    grade=st.integers(0, 4),
    epoch=small,
    not_after_ms=times,
    state=st.sampled_from(["live", "live", "live", "reissued", "revoked"]),
)
keys = st.tuples(small, small)
standings = st.builds(
    Standing,
    handed=st.dictionaries(
        keys,
        st.builds(Handed, handover=small, station=st.just("till2"), at_ms=times),
        max_size=3,
    ),
    gone=st.dictionaries(
        keys,
        st.builds(
            Gone,
            reason=st.sampled_from(["released", "lapsed"]),
            destination=st.sampled_from(["hq:cancel", "store:202", "hq"]),
            epoch=small,
        ),
        max_size=3,
    ),
    claim=st.none() | st.builds(Claim, station=st.sampled_from(["till1", "till2"]), until_ms=times),
    needs_understanding=st.sampled_from([False, False, False, True]),
)
heres = st.builds(
    Here,
    store=st.just(101),
    incarnation=st.just(US),
    fenced=st.sampled_from([False, False, False, True]),
    station=st.just("till1"),
    trusted_ms=times | st.just(0),
    clock=st.sampled_from(["synced", "holdover", "unsure"]),
)
policies = st.builds(
    Policy,
    confirm=st.sampled_from(["auto", "tap"]),
    grade_by_amount=st.sampled_from([(), ((20_000, 3),)]),
)


@given(orders, codes, standings, heres, policies)
def test_what_was_given_or_given_up_is_never_served(
    order: Order, code: Code, now: Standing, here: Here, policy: Policy
) -> None:
    decision = decide(order, code, now, here, policy)
    if isinstance(decision, Refuse):
        assert decision.verdict is not Verdict.OK
        return
    assert decision.units
    assert len(set(decision.units)) == len(decision.units)
    for unit in decision.units:
        assert unit in units_of(order)
        assert unit not in now.handed
        assert unit not in now.gone or now.gone[unit].epoch < order.epoch


@given(orders, codes, standings, heres, policies)
def test_it_serves_only_what_is_ours_live_in_time_and_strong_enough(
    order: Order, code: Code, now: Standing, here: Here, policy: Policy
) -> None:
    decision = decide(order, code, now, here, policy)
    if isinstance(decision, Refuse):
        return
    assert order.home_store == here.store
    assert order.holder == here.incarnation
    assert not here.fenced
    assert not order.cancelled
    assert code.state == "live"
    assert code.epoch >= order.epoch
    assert here.trusted_ms <= min(order.not_after_ms, code.not_after_ms)
    assert code.grade >= policy.least_grade(order) >= 1
    assert not now.needs_understanding
    served_here = now.claim is None or now.claim.station == here.station
    assert served_here or (now.claim is not None and here.trusted_ms > now.claim.until_ms)


@given(orders, codes, standings, heres, policies)
def test_at_once_only_what_is_plain_whole_picked_and_wished_so(
    order: Order, code: Code, now: Standing, here: Here, policy: Policy
) -> None:
    decision = decide(order, code, now, here, policy)
    if isinstance(decision, Serve) and decision.at_once:
        assert is_plain(order, policy)
        assert policy.confirm == "auto"
        assert order.ready
        assert decision.units == units_of(order)
        assert order.bags <= 1
        assert {line.storage for line in order.lines} == {"ambient"}
        assert order.value_minor < policy.dear_minor


@given(orders, codes, standings, heres, policies)
def test_an_earlier_clock_never_finds_it_expired_when_a_later_one_does_not(
    order: Order, code: Code, now: Standing, here: Here, policy: Policy
) -> None:
    """Late, never early: time that stands still or lags cannot expire a code."""
    true_time = decide(order, code, now, here, policy)
    for behind in (0, here.trusted_ms - 3):
        lagging = decide(order, code, now, replace(here, trusted_ms=max(0, behind)), policy)
        if isinstance(lagging, Refuse) and lagging.reason == "past_pickup_time":
            assert isinstance(true_time, Refuse)
            assert true_time.verdict is Verdict.EXPIRED


@given(orders, codes, standings, heres, policies)
def test_handing_over_what_is_served_leaves_nothing_to_serve(
    order: Order, code: Code, now: Standing, here: Here, policy: Policy
) -> None:
    decision = decide(order, code, now, here, policy)
    if isinstance(decision, Refuse):
        return
    handed = Handed(handover=99, station=here.station, at_ms=here.trusted_ms)
    after = replace(now, handed=now.handed | dict.fromkeys(decision.units, handed))
    assert open_units(order, after) == ()
    again = decide(order, code, after, here, policy)
    assert isinstance(again, Refuse)
    assert again.verdict is Verdict.ALREADY


@given(orders, standings)
def test_a_row_of_a_lower_epoch_never_opens_more(order: Order, now: Standing) -> None:
    older = replace(order, epoch=order.epoch - 1)
    assert set(open_units(older, now)) <= set(open_units(order, now))
