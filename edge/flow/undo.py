"""Undo: a compensating act, never an eraser. The hand-over stays in the books, so does its undoing.

Without a reason only by the same station and operator, within the window, in the same run of the
process; later with a reason (attacks 8). The goods must still be here.
"""

from dataclasses import dataclass

from edge.flow.answers import Refusal, SlipView, UndoAnswer
from edge.flow.caller import Caller
from edge.flow.give import Giving, add_slip, slip_facts
from edge.flow.handover import NO_ORDER, find_order
from edge.flow.operator import missing_operator
from edge.flow.redeem import Redeemer
from edge.flow.scan import NOT_ENROLLED
from edge.flow.serve import serve
from edge.flow.shop import Shop
from edge.flow.stock_handing import gave_back
from edge.store import handovers
from edge.store.handovers import Handover, open_case
from edge.store.row import integer
from edge.store.tx import Tx
from sync.wire.codec import to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoAsk:
    """Take a hand-over back. reason: needed after the window."""

    handover: int
    goods_still_here: bool
    reason: str | None = None


UNDOS_AN_HOUR = 5
RATE_MS = 3_600_000

NO_HANDOVER = Refusal(status=404, code="no_handover", zh="没有这次交付", en="No such hand-over")
ALREADY_UNDONE = Refusal(
    status=409, code="already_undone", zh="已经撤销过", en="It was taken back already"
)
GOODS = Refusal(
    status=409,
    code="goods_not_here",
    zh="请确认货品仍在柜台",
    en="Confirm that the goods are still here",
)
OTHER_STATION = Refusal(
    status=403,
    code="other_station",
    zh="只能在原收银台由原操作员撤销",
    en="Only the same counter and operator can undo",
)
TOO_LATE = Refusal(
    status=409,
    code="undo_late",
    zh="已超过撤销时间,请填写原因",
    en="The undo window is over; give a reason",
)


async def undo(shop: Shop, caller: Caller, ask: UndoAsk) -> UndoAnswer | Refusal:
    """Take a hand-over back, print a VOID slip, tell HQ."""
    shop = shop.at(caller.station, acts=True)
    enrolled = shop.identity.enrolled
    if enrolled is None:
        return NOT_ENROLLED

    def act(tx: Tx, operator: str | None) -> UndoAnswer | Refusal:
        missing = missing_operator(shop, tx, operator)
        if missing is not None:
            return missing
        done = handovers.handover(tx, ask.handover)
        refusal = _refusal(shop, tx, caller, ask, done, operator)
        if refusal is not None or done is None:
            return refusal or NO_HANDOVER
        asking = Redeemer(
            shop=shop, tx=tx, enrolled=enrolled, station=caller.station, operator=operator
        )
        order = find_order(tx, asking, done.order_id)
        if order is None:
            return NO_ORDER
        units = handovers.units_of(tx, done.handover)
        count = handovers.undo(
            tx, done, station=caller.station, operator=operator, reason=ask.reason or ""
        )
        if shop.stock_managed:
            gave_back(shop, tx, order, units, done.handover)
        _watch_rate(tx, done.handover, station=caller.station, operator=operator)
        giving = Giving(
            order=order,
            units=units,
            station=caller.station,
            operator=operator,
            credential=done.credential,
            basis=done.basis,
        )
        facts = slip_facts(shop, tx, giving, done.handover, still_open=0)
        number = add_slip(tx, caller.station, "void", facts, order.order_id, handover=done.handover)
        return UndoAnswer(
            id="",
            handover=done.handover,
            order_no=done.order_no,
            units=count,
            at_ms=tx.moment.trusted_ms,
            slip=SlipView(effect=number, state="queued"),
        )

    answer = await serve(shop, caller, to_json(ask).decode(), UndoAnswer, act)
    if isinstance(answer, UndoAnswer):
        shop.count("undo")
        shop.station(caller.station).seen.clear()
        shop.screens.publish(caller.station, "undone", answer)
        shop.wake_sync()
        shop.wake_effects()
    return answer


def _watch_rate(tx: Tx, handover: int, *, station: str, operator: str | None) -> None:
    """More than five in an hour by one counter or person open one case (attacks 8)."""
    since = tx.moment.trusted_ms - RATE_MS
    tx.run("undo_add", handover, station, operator, tx.moment.trusted_ms)
    here = tx.one("undos_at_station", since, station)
    theirs = tx.one("undos_by_operator", since, operator)
    assert here is not None
    assert theirs is not None
    many = max(integer(here[0]), integer(theirs[0])) > UNDOS_AN_HOUR
    if many and tx.one("undo_alarm_since", since, station, operator) is None:
        open_case(tx, "undo_rate", station=station, operator=operator)


def _refusal(
    shop: Shop,
    tx: Tx,
    caller: Caller,
    ask: UndoAsk,
    done: Handover | None,
    operator: str | None,
) -> Refusal | None:
    if done is None:
        return NO_HANDOVER
    if done.undone_ms is not None:
        return ALREADY_UNDONE
    if not ask.goods_still_here:
        return GOODS
    same_run = done.run == shop.run
    in_window = same_run and tx.moment.boot_ms - done.boot_ms <= shop.settings.undo_ms
    if in_window:
        same = done.station == caller.station and done.operator == operator
        return None if same else OTHER_STATION
    return None if ask.reason and ask.reason.strip() else TOO_LATE
