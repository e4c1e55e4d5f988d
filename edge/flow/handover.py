"""The confirm: goods leave the counter. It decides anew, on what is true now."""

import hmac
from dataclasses import dataclass, replace

from edge.domain.facts import Order, UnitKey
from edge.domain.mask import order_tail
from edge.domain.pickup import open_units
from edge.flow.answers import Earlier, Refusal, ScanAnswer
from edge.flow.caller import Caller
from edge.flow.give import Giving, give
from edge.flow.operator import Approval, missing_operator
from edge.flow.recalls import hold_back
from edge.flow.redeem import Redeemer, fenced_answer
from edge.flow.scan import NOT_ENROLLED, show
from edge.flow.second_person import (
    Approved,
    Approver,
    HqAnswer,
    Matter,
    identify,
    judge,
    settle,
)
from edge.flow.serve import serve
from edge.flow.shop import Shop
from edge.flow.view import order_view, unsealed
from edge.store import budgets
from edge.store.handovers import LiveClaim, claim
from edge.store.orders import order_by_id, order_of_token, phone_tail, standing, token_order_by_id
from edge.store.tx import Tx
from sync.rules.verdicts import Verdict
from sync.wire.codec import to_json
from sync.wire.credential import phone_tail_lookup


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOverAsk:
    """Which units go. units: None for all that are open. missing: units that are not there.

    second_fact: for an order found without a code: the phone's last four digits, the order's last
    four, or the whole name. approved_by: another person, above a value; approved_by_hq: what HQ
    answered to a challenge for this order instead.
    """

    order: str
    units: tuple[tuple[int, int], ...] | None = None
    missing: tuple[tuple[int, int], ...] = ()
    approved_by: Approval | None = None
    approved_by_hq: HqAnswer | None = None
    second_fact: str | None = None


NO_ORDER = Refusal(status=404, code="no_order", zh="没有这个订单", en="No such order here")
NOT_CLAIMED = Refusal(
    status=409,
    code="not_claimed",
    zh="请先扫码或查找订单",
    en="Scan the code or find the order first",
)
BAD_UNITS = Refusal(
    status=422, code="bad_units", zh="货品选择有误", en="These units are not open in this order"
)
SECOND_FACT = Refusal(
    status=403,
    code="second_fact",
    zh="需要第二项核对信息",
    en="A second fact is needed: phone digits, order digits or the whole name",
)
APPROVAL = Refusal(
    status=403,
    code="approval",
    zh="需要另一位同事批准",
    en="Another person must approve this with a PIN",
)


async def hand_over(shop: Shop, caller: Caller, ask: HandOverAsk) -> ScanAnswer | Refusal:
    """Give the units of an order that this station serves.

    Raises:
        StoreError: not answered; ask again under the same key.
    """
    shop = shop.at(caller.station, acts=True)
    enrolled = shop.identity.enrolled
    if enrolled is None:
        return NOT_ENROLLED
    approver = await identify(shop, ask.approved_by, ask.approved_by_hq)
    if isinstance(approver, Refusal):
        return approver

    def act(tx: Tx, operator: str | None) -> ScanAnswer | Refusal:
        missing = missing_operator(shop, tx, operator)
        if missing is not None:
            return missing
        asking = Redeemer(
            shop=shop, tx=tx, enrolled=enrolled, station=caller.station, operator=operator
        )
        return _give(asking, ask, approver)

    answer = await serve(shop, caller, to_json(_said_again(ask)).decode(), ScanAnswer, act)
    if isinstance(answer, ScanAnswer):
        show(shop, answer)
        shop.wake_sync()
        shop.wake_effects()
    return answer


def _said_again(ask: HandOverAsk) -> HandOverAsk:
    """The question without its PIN: the same act asked again may be approved by another."""
    return replace(ask, approved_by=None, approved_by_hq=None)


def find_order(tx: Tx, asking: Redeemer, order_id: bytes) -> Order | None:
    """An order by id, synced or known from a token."""
    order = order_by_id(tx, order_id)
    if order is not None:
        return order
    known = token_order_by_id(tx, order_id)
    if known is None:
        return None
    here = asking.here()
    home = budgets.home_of(tx, order_id)  # one that was given on a budget stays another store's
    store = here.store if home is None else home
    return order_of_token(tx, known, store=store, incarnation=here.incarnation)


def _give(asking: Redeemer, ask: HandOverAsk, approver: Approver | None) -> ScanAnswer | Refusal:
    tx, shop = asking.tx, asking.shop
    try:
        order_id = bytes.fromhex(ask.order)
    except ValueError:
        return NO_ORDER
    order = find_order(tx, asking, order_id)
    if order is None:
        return NO_ORDER
    fenced = fenced_answer(asking, order)
    if fenced is not None:
        return fenced
    now = standing(tx, order_id)
    taken = claim(tx, order_id)
    if taken is None or taken.until_ms < tx.moment.trusted_ms:
        return _already(asking, order) or NOT_CLAIMED
    if taken.station != asking.station:
        return _at_counter(asking, order, taken)
    if taken.credential == "found" and not _has_fact(asking, order, ask):
        return SECOND_FACT
    if shop.recalls is not None:
        now = hold_back(shop, tx, order, now)
    still_open = open_units(order, now)
    if now.held_back and not still_open:
        answer = asking.refuse(Verdict.REVOKED, "recalled", order=order)
        return replace(answer, order=order_view(order, now))
    wanted = still_open if ask.units is None else ask.units
    missing = frozenset(ask.missing)
    units: tuple[UnitKey, ...] = tuple(unit for unit in wanted if unit not in missing)
    allowed = frozenset(still_open)
    if not units or not allowed.issuperset(units) or len(set(units)) != len(units):
        return _already(asking, order) or BAD_UNITS
    approved = _approval(asking, order, taken, approver)
    if isinstance(approved, Refusal):
        return approved
    giving = Giving(
        order=order,
        units=units,
        station=asking.station,
        operator=asking.operator,
        credential=taken.credential,
        basis=taken.basis,
        missing=tuple(missing),
    )
    if approved is not None:
        tx.note("approved", order=order.order_no, by=approved.by, way=approved.way)
        settle(tx, approved)
    return give(shop, tx, giving, now)


def _has_fact(asking: Redeemer, order: Order, ask: HandOverAsk) -> bool:
    return ask.second_fact is not None and _is_fact(asking, order, ask.second_fact)


def _approval(
    asking: Redeemer, order: Order, taken: LiveClaim, approver: Approver | None
) -> Approved | Refusal | None:
    """Who approves the hand-over of a found order above the value; None where nobody needs to."""
    settings = asking.shop.settings
    if taken.credential != "found" or order.value_minor < settings.proxy_approval_minor:
        return None
    if approver is None:
        return APPROVAL
    involved = () if asking.operator is None else (asking.operator,)
    matter = Matter(order=order, involved=frozenset(involved), station=asking.station)
    return judge(asking.shop, asking.tx, asking.enrolled, approver, matter)


def _is_fact(asking: Redeemer, order: Order, fact: str) -> bool:
    given = fact.strip()
    if given.upper() == order_tail(order.order_no).upper():
        return True
    key = asking.shop.personal_key
    if key is None or not given:
        return False
    if given.isdigit() and len(given) == 4:
        kept = phone_tail(asking.tx, order.order_id)
        return kept is not None and hmac.compare_digest(kept, phone_tail_lookup(key, given))
    if order.sealed is None:
        return False
    someone = unsealed(asking.shop, order.order_id, order.sealed)
    return someone is not None and someone.get("name", "") == given


def _already(asking: Redeemer, order: Order) -> ScanAnswer | None:
    """The answer when the goods went meanwhile, or None when they did not."""
    now = standing(asking.tx, order.order_id)
    if not now.handed or open_units(order, now):
        return None
    last = max(now.handed.values(), key=lambda handed: handed.at_ms)
    answer = asking.refuse(Verdict.ALREADY, "handed", order=order)
    return replace(
        answer,
        order=order_view(order, now),
        earlier=Earlier(station=last.station, at_ms=last.at_ms, handover=last.handover),
    )


def _at_counter(asking: Redeemer, order: Order, taken: LiveClaim) -> ScanAnswer:
    answer = asking.refuse(Verdict.ALREADY, "at_counter", order=order)
    return replace(
        answer,
        order=order_view(order, standing(asking.tx, order.order_id)),
        earlier=Earlier(station=taken.station, at_ms=asking.tx.moment.trusted_ms, handover=None),
    )
