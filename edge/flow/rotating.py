"""A rotating code (V3a) inside the deciding unit: are its digits right, is its step of this moment.

Time is trusted time alone (attacks 27). Our doubt is never the customer's fault: while the clock is
unsure a rotating code is `clock_unsure`, and so is a step off by more than the window after a long
time without HQ. A step that is late on a sure clock is a picture or a wrong phone: refresh it.
"""

from dataclasses import replace

from edge.domain.facts import Code, Order
from edge.domain.parse import PickupV3
from edge.domain.pickup import Refuse, decide
from edge.domain.rotating import freshness
from edge.flow.answers import ScanAnswer
from edge.flow.redeem import Redeemer, conclude, is_not_understood, locked, wrong
from edge.flow.shop import Shop
from edge.flow.view import order_view
from edge.store.handovers import lock_of
from edge.store.orders import codes_by_lookup, standing
from edge.store.rotating import accept_step, refuse_step, sealed_key, steps_seen
from sync.rules.verdicts import Verdict
from sync.wire.credential import rotating_lookup
from sync.wire.rotating import STEP_S, open_secret

HOLDOVER_MS = 72 * 3_600_000
"""As long as keys outlast the line: a crystal of 100 ppm is 26 s off by then, a step."""
_SLACK_MS = 90_000


def redeem_rotating(asking: Redeemer, shown: PickupV3) -> ScanAnswer:
    """The answer to a rotating code, and everything that it makes true."""
    tx = asking.tx
    lookup = rotating_lookup(asking.enrolled.k_store, shown.rotating.code_id)
    found = codes_by_lookup(tx, lookup)
    order = found[0].order if found else None
    if order is None:
        return asking.refuse(Verdict.UNKNOWN, "no_such_code")
    lock = lock_of(tx, lookup, "rotating")
    if lock.locked:
        return locked(asking, lock, order)
    secret = _secret(asking, lookup)
    if secret is None and _is_refused_anyway(asking, order, found[0].code):
        return conclude(asking, order, found[0].code, "replica")
    if secret is None:
        return asking.refuse(Verdict.REVIEW, "key_not_here", order=order)
    if not shown.rotating.is_genuine(secret):
        return wrong(asking, lookup, "rotating", order, "wrong_digits")
    return _at_its_step(asking, order, found[0].code, lookup, shown.rotating.step)


def count(shop: Shop, answer: ScanAnswer) -> None:
    """Add what a rotating code was answered to the metrics."""
    match answer.reason.code:
        case "step_replayed":
            shop.count("rotating_replayed")
        case "stale_step":
            shop.count("rotating_stale")
        case "wrong_digits":
            shop.count("rotating_wrong")
        case "key_not_here":
            shop.count("rotating_key_not_here")
        case "clock":
            shop.count("rotating_clock_unsure")
        case _ if answer.verdict is Verdict.OK:
            shop.count("rotating_accepted")
        case _:
            return


def _secret(asking: Redeemer, lookup: bytes) -> bytes | None:
    """The code's secret while its window lasts; None when it is not here or cannot be opened."""
    key = sealed_key(asking.tx, lookup)
    now_ms = asking.tx.moment.trusted_ms
    if key is None or now_ms > key.until_ms:
        return None
    if asking.tx.moment.clock != "unsure" and now_ms < key.from_ms - _SLACK_MS:
        return None
    try:
        return open_secret(
            asking.enrolled.k_store,
            key.sealed,
            lookup=lookup,
            from_ms=key.from_ms,
            until_ms=key.until_ms,
        )
    except ValueError:
        return None


def _at_its_step(
    asking: Redeemer, order: Order, code: Code, lookup: bytes, step: int
) -> ScanAnswer:
    tx = asking.tx
    skew = step - tx.moment.trusted_ms // 1000 // STEP_S
    judged = freshness(step, step - skew, steps_seen(tx, lookup))
    unsure = tx.moment.clock == "unsure"
    if judged == "fresh" and not unsure:
        answer = conclude(asking, order, code, "replica")
        if answer.verdict is Verdict.OK:
            accept_step(tx, lookup, step, skew=skew)
        return answer
    if _is_refused_anyway(asking, order, code):
        return conclude(asking, order, code, "replica")
    if judged == "replayed":
        return _refused(asking, order, Verdict.ALREADY, "step_replayed")
    if unsure or _is_long_alone(asking):
        return _refused(asking, order, Verdict.CLOCK_UNSURE, "clock")
    refuse_step(tx, lookup, step, skew=skew)
    return _refused(asking, order, Verdict.EXPIRED, "stale_step")


def _is_refused_anyway(asking: Redeemer, order: Order, code: Code) -> bool:
    """Whether the order itself is reason enough: gone, withdrawn, another store's, late."""
    now = standing(asking.tx, order.order_id)
    if is_not_understood(asking.tx):
        now = replace(now, needs_understanding=True)
    decision = decide(order, code, now, asking.here(), asking.shop.settings.policy)
    return isinstance(decision, Refuse)


def _is_long_alone(asking: Redeemer) -> bool:
    """Whether our own clock may have drifted by a step since HQ was last heard."""
    heard_s = asking.shop.time.heard_ago_s()
    return heard_s is None or heard_s * 1000 > HOLDOVER_MS


def _refused(asking: Redeemer, order: Order, verdict: Verdict, why: str) -> ScanAnswer:
    answer = asking.refuse(verdict, why, order=order)
    return replace(answer, order=order_view(order, standing(asking.tx, order.order_id)))
