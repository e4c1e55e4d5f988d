"""The rules of handing over, pure: facts and a moment in, a decision out.

The order of the questions is the order of what a cashier must know first: is it gone already, was
it withdrawn, is it somebody else's, is it late, is somebody serving it, is the code strong enough.
A refusal is an outcome, not an error.
"""

from dataclasses import dataclass
from typing import Literal

from edge.domain.facts import Code, Gone, Handed, Here, Order, Policy, Standing, UnitKey
from sync.rules.budgets import PROVISIONAL
from sync.rules.order_life import REFUND
from sync.rules.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Serve:
    """Give these units. `at_once`: register now; else claim for the station and wait for a tap."""

    units: tuple[UnitKey, ...]
    at_once: bool
    reason: Literal["ready", "rest_ready", "rest_recalled", "not_picked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Do not give, and why. earlier: the hand-over that came first."""

    verdict: Verdict
    reason: str
    earlier: Handed | None = None


Decision = Serve | Refuse

JUST_NOW_MS = 60_000


def units_of(order: Order) -> tuple[UnitKey, ...]:
    """Every unit of an order, in line order; units count from 1."""
    return tuple((line.line, unit) for line in order.lines for unit in range(1, line.quantity + 1))


def is_gone(gone: Gone | None, epoch: int) -> bool:
    """Whether a tombstone still holds against an order of this epoch (attacks 4, 5d)."""
    return gone is not None and epoch <= gone.epoch


def open_units(order: Order, standing: Standing) -> tuple[UnitKey, ...]:
    """The units that this box holds, has not given out, and need not hold back."""
    return tuple(
        unit
        for unit in units_of(order)
        if unit not in standing.handed
        and unit not in order.away
        and not is_gone(standing.gone.get(unit), order.epoch)
        and unit not in standing.held_back
    )


def decide(order: Order, code: Code, standing: Standing, here: Here, policy: Policy) -> Decision:
    """What to do with a genuine, unlocked credential for an order we know."""
    still_open = open_units(order, standing)
    refusal = (
        _recalled(order, standing, still_open, here)
        or _spent(order, standing, still_open, here)
        or _elsewhere(order, standing, here)
        or _withdrawn(order, code, standing, still_open)
        or _not_ours(order, here)
        or _late(order, code, here)
        or _lease(here)
        or _served_elsewhere(standing, here)
        or _too_weak(order, code, standing, policy)
    )
    if refusal is not None:
        return refusal
    partly = len(still_open) < len(units_of(order))
    if not order.ready:
        return Serve(units=still_open, at_once=False, reason="not_picked")
    if standing.held_back:
        return Serve(units=still_open, at_once=False, reason="rest_recalled")
    at_once = policy.confirm == "auto" and not partly and is_plain(order, policy)
    return Serve(units=still_open, at_once=at_once, reason="rest_ready" if partly else "ready")


def is_plain(order: Order, policy: Policy) -> bool:
    """One ambient bag of ordinary value: nothing to fetch twice, nothing to check."""
    ambient = all(line.storage == "ambient" for line in order.lines)
    return order.bags <= 1 and ambient and order.value_minor < policy.dear_minor


def _recalled(
    order: Order, standing: Standing, still_open: tuple[UnitKey, ...], here: Here
) -> Refuse | None:
    """All that is left of it must stay here; some of it only: the rest may go."""
    if still_open or not standing.held_back or order.home_store != here.store:
        return None
    return Refuse(verdict=Verdict.REVOKED, reason="recalled")


def _spent(
    order: Order, standing: Standing, still_open: tuple[UnitKey, ...], here: Here
) -> Refuse | None:
    if still_open or not standing.handed:
        return None
    last = max(standing.handed.values(), key=lambda handed: handed.at_ms)
    just_now = 0 <= here.trusted_ms - last.at_ms < JUST_NOW_MS
    return Refuse(
        verdict=Verdict.ALREADY, reason="just_now" if just_now else "handed", earlier=last
    )


def _withdrawn(
    order: Order, code: Code, standing: Standing, still_open: tuple[UnitKey, ...]
) -> Refuse | None:
    if code.state == "revoked":
        return Refuse(verdict=Verdict.REVOKED, reason="code_revoked")
    if order.cancelled:
        return Refuse(verdict=Verdict.REVOKED, reason="cancelled")
    if not still_open:
        return _refuse_gone(standing)
    if code.state == "reissued" or code.epoch < order.epoch:
        return Refuse(verdict=Verdict.REVOKED, reason="reissued")
    return None


def _refuse_gone(standing: Standing) -> Refuse:
    gone = list(standing.gone.values())
    if any(tomb.destination == PROVISIONAL for tomb in gone):
        return Refuse(verdict=Verdict.ALREADY, reason="handed_elsewhere")
    if any(tomb.destination.startswith("store:") for tomb in gone):
        return Refuse(verdict=Verdict.NOT_HERE, reason="moved")
    if any(tomb.reason == "lapsed" for tomb in gone):
        return Refuse(verdict=Verdict.EXPIRED, reason="lapsed")
    if any(tomb.destination == REFUND for tomb in gone):
        return Refuse(verdict=Verdict.REVOKED, reason="refunded")
    return Refuse(verdict=Verdict.REVOKED, reason="cancelled")


def _elsewhere(order: Order, standing: Standing, here: Here) -> Refuse | None:
    """Another store's, whatever became of its codes here."""
    if order.home_store == here.store or order.cancelled:
        return None
    moved = any(tomb.destination.startswith("store:") for tomb in standing.gone.values())
    return Refuse(verdict=Verdict.NOT_HERE, reason="moved" if moved else "other_store")


def _not_ours(order: Order, here: Here) -> Refuse | None:
    if here.fenced or (order.holder != here.incarnation and any(order.holder)):
        return Refuse(verdict=Verdict.REVIEW, reason="fenced")
    return None


def _late(order: Order, code: Code, here: Here) -> Refuse | None:
    """Late, never early: an unsure clock only stands still, so past the floor is past (27)."""
    if here.trusted_ms > min(code.not_after_ms, order.not_after_ms):
        return Refuse(verdict=Verdict.EXPIRED, reason="past_pickup_time")
    return None


def _lease(here: Here) -> Refuse | None:
    """A lease only stops us from giving; it never lets anybody else (attack 1)."""
    match here.lease:
        case "over":
            return Refuse(verdict=Verdict.REVIEW, reason="lease_over")
        case "unsure":
            return Refuse(verdict=Verdict.CLOCK_UNSURE, reason="lease_unsure")
        case "none" | "good":
            return None


def _served_elsewhere(standing: Standing, here: Here) -> Refuse | None:
    claim = standing.claim
    if claim is None or claim.station == here.station or here.trusted_ms > claim.until_ms:
        return None
    earlier = Handed(handover=0, station=claim.station, at_ms=here.trusted_ms)
    return Refuse(verdict=Verdict.ALREADY, reason="at_counter", earlier=earlier)


def _too_weak(order: Order, code: Code, standing: Standing, policy: Policy) -> Refuse | None:
    if standing.needs_understanding:
        return Refuse(verdict=Verdict.REVIEW, reason="not_understood")
    if code.grade < policy.least_grade(order):
        return Refuse(verdict=Verdict.REVIEW, reason="grade_too_low")
    return None
