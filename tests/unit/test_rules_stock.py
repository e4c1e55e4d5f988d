"""Rights and tiers: what holds for every number, and the thresholds by table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.rules import rights, tiers
from sync.rules.rights import Drain, Rights
from sync.rules.tiers import Crossing, Tier

FEW = st.integers(0, 12)


@st.composite
def conserved(draw: st.DrawFn) -> Rights:
    parts = {
        owner: draw(FEW)
        for owner in ("counter", "kiosk", "safety", "online", "in_transit", "locked", "shortage")
    }
    on_hand = sum(parts.values()) - 2 * parts["shortage"]
    return Rights(on_hand=on_hand, **parts)


@given(now=conserved(), quantity=FEW, safety=FEW)
def test_every_piece_has_one_owner_whatever_happens(
    now: Rights, quantity: int, safety: int
) -> None:
    assert rights.is_conserved(now)
    after = [
        rights.came(now, quantity, safety=safety),
        rights.left(now, quantity),
        rights.order_took(now, quantity)[0],
        rights.order_gave_back(now, quantity),
        rights.debit(now, quantity)[0],
        rights.acknowledged(now, quantity),
        rights.credit(now, quantity),
        rights.settled(now, quantity, safety=safety),
    ]
    if (locked := rights.lock(now, quantity)) is not None:
        after.append(locked)
    if 0 < quantity <= now.locked:
        after += [rights.unlock(now, quantity), rights.lock_taken(now, quantity)]
    for each in after:
        assert rights.is_conserved(each), each


@given(now=conserved(), quantity=FEW)
def test_an_orders_hand_over_spares_the_counter_as_long_as_headquarters_holds_rights(
    now: Rights, quantity: int
) -> None:
    after, bare = rights.order_took(now, quantity)
    assert after.on_hand == now.on_hand - quantity
    if quantity <= now.online + now.in_transit:
        assert bare == 0
        assert (after.counter, after.kiosk, after.safety) == (now.counter, now.kiosk, now.safety)
        assert after.shortage == now.shortage
    assert bare == max(0, quantity - now.online - now.in_transit)


@given(now=conserved(), quantity=st.integers(1, 12))
def test_a_shortage_locks_nothing_and_gives_nothing_away(now: Rights, quantity: int) -> None:
    locked = rights.lock(now, quantity)
    _, given_away = rights.debit(now, quantity)
    if now.shortage or quantity > now.counter:
        assert locked is None
    if now.shortage:
        assert given_away == 0
    assert given_away <= now.counter


@given(now=conserved(), quantity=FEW)
def test_rights_that_went_and_came_back_are_the_same(now: Rights, quantity: int) -> None:
    gone, given_away = rights.debit(now, quantity)
    back = rights.credit(rights.acknowledged(gone, given_away), given_away)
    assert back.counter == now.counter
    assert back.online + back.in_transit == now.online + now.in_transit


def test_a_count_below_the_promises_is_a_shortage_and_paid_by_what_arrives() -> None:
    six_promised = Rights(on_hand=8, counter=2, online=6)
    counted = rights.left(six_promised, 5)
    assert (counted.on_hand, counted.counter, counted.online, counted.shortage) == (3, 0, 6, 3)
    assert rights.came(counted, 5) == Rights(on_hand=8, counter=2, online=6)


def test_a_first_count_gives_the_store_what_headquarters_does_not_hold() -> None:
    counted = Rights(on_hand=10, in_transit=10)
    assert rights.settled(counted, 4, safety=2) == Rights(on_hand=10, counter=4, safety=2, online=4)
    assert rights.settled(counted, 13) == Rights(on_hand=10, online=13, shortage=3)


@given(
    counter=st.integers(0, 200),
    online=st.integers(0, 200),
    counter_sold=st.integers(0, 50),
    online_sold=st.integers(0, 50),
)
def test_moving_never_asks_for_more_than_there_is_and_comes_to_rest(
    counter: int, online: int, counter_sold: int, online_sold: int
) -> None:
    now = Drain(counter=counter, online=online, counter_sold=counter_sold, online_sold=online_sold)
    moved = rights.rebalance(now)
    assert -online <= moved <= counter
    after = Drain(
        counter=counter - moved,
        online=online + moved,
        counter_sold=counter_sold,
        online_sold=online_sold,
    )
    assert rights.rebalance(after) == 0


def test_rights_move_toward_the_side_that_drains() -> None:
    assert rights.rebalance(Drain(counter=10, online=0)) == 5
    assert rights.rebalance(Drain(counter=9, online=1, online_sold=9)) > 5
    assert rights.rebalance(Drain(counter=0, online=10, counter_sold=9)) < -5
    assert rights.rebalance(Drain(counter=5, online=5)) == 0


@pytest.mark.parametrize(
    ("available", "par", "tier"),
    [
        (30, 100, Tier.NORMAL),
        (29, 100, Tier.TIGHT),
        (11, 100, Tier.TIGHT),
        (10, 100, Tier.SCARCE),
        (6, 100, Tier.SCARCE),
        (5, 100, Tier.CLOSED),
        (2, 100, Tier.CLOSED),
        (1, 100, Tier.EMERGENCY),
        (0, 100, Tier.EMERGENCY),
        (3, 10, Tier.SCARCE),
        (4, 10, Tier.NORMAL),
        (2, 10, Tier.CLOSED),
        (1, 10, Tier.EMERGENCY),
        (100, 1_000, Tier.SCARCE),
        (50, 1_000, Tier.CLOSED),
        (10, 1_000, Tier.EMERGENCY),
        (299, 1_000, Tier.TIGHT),
        (300, 1_000, Tier.NORMAL),
    ],
)
def test_a_threshold_is_the_larger_of_percent_and_pieces(
    available: int, par: int, tier: Tier
) -> None:
    assert tiers.bare(available, par) is tier
    assert tiers.judge(Tier.NORMAL, available, par) is tier


@given(before=st.sampled_from(Tier), available=st.integers(0, 400), par=st.integers(1, 300))
def test_a_tier_never_looks_better_than_it_is_and_one_look_is_enough(
    before: Tier, available: int, par: int
) -> None:
    now = tiers.judge(before, available, par)
    assert now >= tiers.bare(available, par)
    assert tiers.judge(now, available, par) is now
    if now < before:
        assert available > tiers.limit(Tier(now + 1), par)


@given(par=st.integers(1, 300), flips=st.lists(st.sampled_from([0, 1]), max_size=20))
def test_a_piece_that_comes_and_goes_at_a_threshold_rings_once(par: int, flips: list[int]) -> None:
    at = tiers.limit(Tier.SCARCE, par)
    tier, rung = Tier.NORMAL, 0
    for flip in [0, *flips]:
        now = tiers.judge(tier, at + flip, par)
        rung += "alarm" in Crossing(before=tier, now=now).actions
        tier = now
    assert rung == 1


def test_falling_through_several_tiers_causes_each_action_once() -> None:
    fall = Crossing(before=Tier.NORMAL, now=Tier.EMERGENCY)
    assert fall.actions == (
        "shorter_window", "alarm", "replenish", "rate_cap", "online_closed", "transfer_proposed",
    )  # fmt: skip
    assert Crossing(before=Tier.EMERGENCY, now=Tier.NORMAL).actions == ()
    assert tiers.suggested(4, 100) == 96
    assert tiers.is_closed_online(Tier.EMERGENCY)
    assert not tiers.is_closed_online(Tier.SCARCE)
    assert tiers.of_word("scarce").word == "scarce"
