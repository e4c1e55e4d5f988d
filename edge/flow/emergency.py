"""The power will go: a list of open pickups on paper, and its entries afterwards (补录).

The list names order tails, masked names and items. What was handed over by it is entered later with
the original time and clerk; what collides with the books becomes a case, nothing is refused away.
"""

from dataclasses import dataclass, replace

from edge.domain.facts import Handed, Order, Standing
from edge.domain.mask import order_tail
from edge.domain.pickup import open_units
from edge.domain.slip import EmergencyRow
from edge.flow.answers import Earlier, Refusal, ScanAnswer, SlipView
from edge.flow.caller import Caller
from edge.flow.give import Giving, add_slip, give, store_time
from edge.flow.handover import NO_ORDER
from edge.flow.operator import missing_operator, person
from edge.flow.recalls import hold_back
from edge.flow.redeem import Redeemer
from edge.flow.scan import NOT_ENROLLED, show
from edge.flow.serve import serve
from edge.flow.shop import Shop
from edge.flow.slips import EmergencyFacts
from edge.store.handovers import open_case
from edge.store.orders import order_by_id, standing
from edge.store.row import blob
from edge.store.tx import Tx
from sync.rules.verdicts import Verdict
from sync.wire.codec import to_json

MAX_ROWS = 200
_MAX_READ = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LateAsk:
    """A hand-over by paper: the order's number or last 4, when, and by whom (staff id)."""

    order_tail_or_no: str
    at_ms: int
    clerk: str


NO_CLERK = Refusal(status=422, code="no_clerk", zh="没有这位同事", en="No such member of staff")
NOT_UNIQUE = Refusal(
    status=409, code="not_unique", zh="多个订单相符,请输入完整订单号", en="Give the whole number"
)
LATE_AT_MOST_MS = 7 * 86_400_000
TOO_OLD = Refusal(
    status=422,
    code="too_old",
    zh="补录只限最近七天",
    en="A late entry is for the last seven days",
)
IN_FUTURE = Refusal(status=422, code="in_future", zh="时间在将来", en="That time is in the future")


async def print_list(shop: Shop, caller: Caller) -> SlipView | Refusal:
    """Queue the list of open pickups on this station's printer."""
    shop = shop.at(caller.station, acts=True)
    enrolled = shop.identity.enrolled
    if enrolled is None:
        return NOT_ENROLLED

    def act(tx: Tx) -> SlipView:
        orders = [
            order
            for row in tx.all(
                "open_orders", enrolled.certificate.store, tx.moment.trusted_ms, _MAX_READ
            )
            if (order := order_by_id(tx, blob(row[0]))) is not None
            and open_units(order, _to_give(shop, tx, order))
        ]
        facts = EmergencyFacts(
            store_name=shop.settings.store_name,
            at_text=store_time(shop, tx.moment.trusted_ms),
            rows=tuple(_row(order) for order in orders[:MAX_ROWS]),
            orders=tuple(order.order_id.hex() for order in orders[:MAX_ROWS]),
            left_out=max(0, len(orders) - MAX_ROWS),
        )
        tx.note("emergency_list", station=caller.station, orders=len(orders))
        number = add_slip(tx, caller.station, "emergency", facts, None)
        return SlipView(effect=number, state="queued")

    answer = await shop.writer.do(act, shop.moment())
    shop.wake_effects()
    return answer


def _to_give(shop: Shop, tx: Tx, order: Order) -> Standing:
    """How an order stands, without what is recalled: paper must not hand it over either."""
    now = standing(tx, order.order_id)
    return now if shop.recalls is None else hold_back(shop, tx, order, now)


def _row(order: Order) -> EmergencyRow:
    return EmergencyRow(
        order_tail=order_tail(order.order_no),
        name_masked=None,
        items_zh="、".join(f"{line.name_zh}×{line.quantity}" for line in order.lines),
        bags=order.bags,
        place=order.place,
        priority=order.lane == "priority",
    )


async def enter_later(shop: Shop, caller: Caller, ask: LateAsk) -> ScanAnswer | Refusal:
    """Record what was handed over by paper; a collision is a case, with both times in it."""
    shop = shop.at(caller.station, acts=True)
    enrolled = shop.identity.enrolled
    if enrolled is None:
        return NOT_ENROLLED

    def act(tx: Tx, operator: str | None) -> ScanAnswer | Refusal:
        missing = missing_operator(shop, tx, operator)
        if missing is not None:
            return missing
        if ask.at_ms > tx.moment.trusted_ms:
            return IN_FUTURE
        if ask.at_ms < tx.moment.trusted_ms - LATE_AT_MOST_MS:
            return TOO_OLD
        if person(tx, ask.clerk) is None:
            return NO_CLERK
        asking = Redeemer(
            shop=shop, tx=tx, enrolled=enrolled, station=caller.station, operator=operator
        )
        found = _orders(tx, ask.order_tail_or_no.strip().upper())
        if len(found) > 1:  # a tail returns with the months: what is open is meant
            found = [one for one in found if open_units(one, standing(tx, one.order_id))] or found
        if len(found) != 1:
            return NOT_UNIQUE if found else NO_ORDER
        order = found[0]
        now = standing(tx, order.order_id)
        units = open_units(order, now)
        elsewhere = order.home_store != enrolled.certificate.store
        if not units or elsewhere or asking.here().fenced:
            return _collision(asking, order, ask)
        giving = Giving(
            order=order,
            units=units,
            station=caller.station,
            operator=ask.clerk,
            credential="list",
            basis="replica",
            at_ms=ask.at_ms,
        )
        tx.note("entered_later", order=order.order_no, clerk=ask.clerk, by=operator)
        answer = give(shop, tx, giving, now)
        if any(handed.at_ms > ask.at_ms for handed in now.handed.values()):
            # Part of it went by a scan after the paper says that all of it had gone.
            answer = replace(answer, case=_open_collision(asking, order, ask))
        return answer

    answer = await serve(shop, caller, to_json(ask).decode(), ScanAnswer, act)
    if isinstance(answer, ScanAnswer):
        show(shop, answer)
        shop.wake_sync()
    return answer


def _collision(asking: Redeemer, order: Order, ask: LateAsk) -> ScanAnswer:
    """The paper says that goods went which the books gave otherwise: a person looks at both."""
    last = _last(asking, order)
    answer = asking.refuse(Verdict.REVIEW, "case_open", order=order)
    earlier = None
    if last is not None:
        earlier = Earlier(station=last.station, at_ms=last.at_ms, handover=last.handover)
    return replace(answer, case=_open_collision(asking, order, ask), earlier=earlier)


def _last(asking: Redeemer, order: Order) -> Handed | None:
    handed = standing(asking.tx, order.order_id).handed.values()
    return max(handed, key=lambda one: one.at_ms, default=None)


def _open_collision(asking: Redeemer, order: Order, ask: LateAsk) -> int:
    """A case with both times in the audit beside it."""
    last = _last(asking, order)
    case = open_case(
        asking.tx, "late_collision", order=order, station=asking.station, operator=ask.clerk
    )
    asking.tx.note(
        "late_collision",
        case=case,
        order=order.order_no,
        on_paper_ms=ask.at_ms,
        clerk=ask.clerk,
        in_books_ms=None if last is None else last.at_ms,
        station=None if last is None else last.station,
    )
    return case


def _orders(tx: Tx, text: str) -> list[Order]:
    rows = tx.all("order_ids_by_no", text) or (
        tx.all("order_ids_by_tail", text) if len(text) >= 4 and text.isalnum() else []
    )
    orders = [order_by_id(tx, blob(row[0])) for row in rows]
    return [order for order in orders if order is not None]
