"""Handing another store's order over on HQ's budget: chosen by a person, with badge and PIN.

Nobody knows whether the home gave it already, so it may be a loss. It is one that HQ was ready to
take: the budget is spent in the very unit that records the hand-over (attacks 9).
"""

from dataclasses import dataclass, replace

from edge.domain.pickup import Refuse, units_of
from edge.flow.answers import Refusal, ScanAnswer, SlipView
from edge.flow.caller import Caller
from edge.flow.give import Giving, add_slip, slip_facts
from edge.flow.operator import OPERATOR_NEEDED, Approval, Person, check_pin
from edge.flow.provisional_offer import CLOCK, Chance, look
from edge.flow.redeem import Checked, Redeemer
from edge.flow.scan import NOT_ENROLLED, show
from edge.flow.second_person import Approver, HqAnswer, Matter, identify, judge, settle
from edge.flow.serve import operator_of, serve
from edge.flow.shop import Shop
from edge.flow.stock_handing import took
from edge.flow.view import order_view, pickup_answer
from edge.store import budgets
from edge.store.budgets import Spending
from edge.store.handovers import Handing
from edge.store.orders import TokenOrder, keep_token_order, standing
from edge.store.tx import Tx
from sync.rules.verdicts import Verdict
from sync.wire.codec import to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionalAsk:
    """Choose it for the order that this station was offered. pin: the operator's own.

    units: None for all that the budget offers. approved_by: another person, above a value;
    approved_by_hq: what HQ answered to a challenge instead.
    """

    order: str
    pin: str
    units: tuple[tuple[int, int], ...] | None = None
    approved_by: Approval | None = None
    approved_by_hq: HqAnswer | None = None


NOT_OFFERED = Refusal(
    status=409,
    code="not_offered",
    zh="请再扫一次顾客的码和明细码",
    en="Scan the customer's code and its lines once more",
)
TRAINING = Refusal(
    status=409, code="training", zh="练习中不能暂定交付", en="Nothing is risked while training"
)
APPROVAL = Refusal(
    status=403,
    code="approval",
    zh="需要另一位同事批准",
    en="Another person must approve this with a PIN",
)


async def give_provisionally(
    shop: Shop, caller: Caller, ask: ProvisionalAsk
) -> ScanAnswer | Refusal:
    """Hand over what was offered; decided anew, on what is true now.

    Raises:
        StoreError: not answered; ask again under the same key.
    """
    if shop.at(caller.station, acts=True) is not shop:
        return TRAINING
    enrolled = shop.identity.enrolled
    if enrolled is None:
        return NOT_ENROLLED
    memory = shop.station(caller.station)
    if memory.offered is None:
        return NOT_OFFERED
    signed, lines = memory.offered
    public = shop.issuer_keys.get(signed.signed.token.key_id)
    if public is None or not signed.signed.is_genuine(public):
        return NOT_OFFERED
    checked = Checked(signed=signed, key_known=True, genuine=True, lines=lines)
    staff_id = await shop.writer.do(lambda tx: operator_of(tx, caller.station), shop.moment())
    if staff_id is None:
        return OPERATOR_NEEDED
    person = await check_pin(shop, Approval(staff_id=staff_id, pin=ask.pin))
    if isinstance(person, Refusal):
        return person
    approver = await identify(shop, ask.approved_by, ask.approved_by_hq)
    if isinstance(approver, Refusal):
        return approver
    operator = person

    def act(tx: Tx, now_operator: str | None) -> ScanAnswer | Refusal:
        if now_operator != operator.staff_id:
            return OPERATOR_NEEDED
        asking = Redeemer(
            shop=shop, tx=tx, enrolled=enrolled, station=caller.station, operator=now_operator
        )
        return _give(asking, ask, checked, operator, approver)

    body = to_json(replace(ask, pin="", approved_by=None, approved_by_hq=None)).decode()
    answer = await serve(shop, caller, body, ScanAnswer, act)
    if isinstance(answer, ScanAnswer):
        memory.seen.clear()  # the code means `already` from now on
        outcome = "handed" if answer.state == "handed" else "refused"
        shop.count(f"provisional_{outcome}")
        show(shop, answer)
        shop.wake_sync()
        shop.wake_effects()
    return answer


def _give(
    asking: Redeemer,
    ask: ProvisionalAsk,
    checked: Checked,
    operator: Person,
    approver: Approver | None,
) -> ScanAnswer | Refusal:
    tx, shop = asking.tx, asking.shop
    chance = look(asking, checked, ask.units)
    if chance is CLOCK:
        return asking.refuse(Verdict.CLOCK_UNSURE, "clock", source="token")
    if isinstance(chance, Refuse):
        return asking.refuse(chance.verdict, chance.reason, source="token")
    if isinstance(chance, Refusal):
        return chance
    order = chance.candidate.order
    if ask.order != order.order_id.hex():
        return NOT_OFFERED
    approved_by = None
    if chance.amount.minor >= shop.settings.proxy_approval_minor:
        if approver is None:
            return APPROVAL
        involved = frozenset((operator.staff_id,))
        # what is risked is its own amount: an order that only a code tells of has none
        worth = replace(order, value_minor=max(order.value_minor, chance.amount.minor))
        matter = Matter(order=worth, involved=involved, station=asking.station)
        approved = judge(shop, tx, asking.enrolled, approver, matter)
        if isinstance(approved, Refusal):
            return approved
        tx.note("approved", order=order.order_no, by=approved.by, way=approved.way)
        settle(tx, approved)
        approved_by = approved.by
    return _record(asking, chance, operator, approved_by)


def _record(
    asking: Redeemer, chance: Chance, operator: Person, approved_by: str | None
) -> ScanAnswer:
    tx, shop, candidate = asking.tx, asking.shop, chance.candidate
    order = candidate.order
    if candidate.lines:  # for undo, slips and recalls of what was given
        known = TokenOrder(
            order_id=order.order_id,
            lookup=candidate.lookup,
            epoch=order.epoch,
            not_after_ms=order.not_after_ms,
            grade=candidate.code.grade,
        )
        keep_token_order(tx, known, candidate.lines)
    giving = Giving(
        order=order,
        units=chance.units,
        station=asking.station,
        operator=operator.staff_id,
        credential="v2",
        basis="token",
    )
    handing = Handing(
        order=order,
        units=chance.units,
        station=asking.station,
        operator=operator.staff_id,
        credential="v2",
        basis="token",
        run=shop.run,
        at_ms=tx.moment.trusted_ms,
    )
    spending = Spending(
        budget=chance.budget,
        amount=chance.amount,
        lookup=candidate.lookup,
        home_store=candidate.home_store,
        approved_by=approved_by,
    )
    number = budgets.hand_over(tx, handing, spending, operator.staff_id)
    if shop.stock_managed:
        took(shop, tx, order, chance.units, number)
    now = standing(tx, order.order_id)
    left = len(units_of(order)) - len(now.handed)
    facts = replace(
        slip_facts(shop, tx, giving, number, still_open=left), provisional=True, place=""
    )
    slip = add_slip(tx, asking.station, "pickup", facts, order.order_id, handover=number)
    return pickup_answer(
        shop,
        tx,
        station=asking.station,
        verdict=Verdict.OK,
        why="provisional",
        source="token",
        order=order_view(order, now),
        state="handed",
        handover=number,
        undo_s=shop.settings.undo_ms // 1000,
        slip=SlipView(effect=slip, state="queued"),
    )
