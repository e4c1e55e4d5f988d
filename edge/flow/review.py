"""The review queue: what a person must decide, and who may.

A locked code is released by another person than the one who operated when it locked
(`second_person`): four eyes compare persons, not accounts.
"""

from typing import Literal

from edge.domain.facts import Order
from edge.flow import attest
from edge.flow.answers import CaseView, Refusal, Said
from edge.flow.caller import Caller
from edge.flow.operator import Approval
from edge.flow.scan import NOT_ENROLLED
from edge.flow.second_person import HqAnswer, Matter, identify, judge
from edge.flow.serve import operator_of
from edge.flow.shop import Shop
from edge.flow.view import said
from edge.store.handovers import close_case, release_lock
from edge.store.orders import order_by_id
from edge.store.row import integer, maybe_blob, maybe_integer, maybe_text, text
from edge.store.tx import Tx
from sync.rules.verdicts import reason_codes

NO_CASE = Refusal(status=404, code="no_case", zh="没有这个复核", en="No such case")
CLOSED = Refusal(status=409, code="case_closed", zh="已处理", en="It was decided already")
NOT_RELEASABLE = Refusal(
    status=409,
    code="not_releasable",
    zh="此类复核不能在柜台解除",
    en="This kind of case cannot be released at the counter",
)
_CASES = {
    "missing_part": ("缺少部件", "A part is missing"),
    "late_collision": ("补录冲突", "A late entry collides"),
    "undo_rate": ("撤销过于频繁", "Too many hand-overs taken back"),
    "lone_act": ("单人批准,待复核", "Approved by one person alone; to be looked at"),
    "remote_approval": ("等待总部批准", "Waiting for HQ's approval"),
    "training_began": ("练习开始", "Training began"),
    "sync_conflict": ("总部记录冲突", "HQ's record disagrees"),
    "stock_shortage": ("盘亏:承诺多于实物", "Fewer pieces than were promised"),
    "reconcile_differs": ("对账不符", "The daily reconciliation found a difference"),
    "sync_refused": ("总部拒收", "HQ refused a record"),
}


async def cases(shop: Shop, station: str | None = None) -> tuple[CaseView, ...]:
    """Open cases first, newest first, at most 100; a station that trains sees its own."""
    shop = shop if station is None else shop.at(station)

    def read(tx: Tx) -> tuple[CaseView, ...]:
        return tuple(_view(row) for row in tx.all("reviews"))

    return await shop.writer.do(read, shop.moment())


async def release(
    shop: Shop, caller: Caller, case: int, by: Approval | HqAnswer, note: str
) -> CaseView | Refusal:
    """Let a locked code be tried again; or an order of the box before be given, being here."""
    return await _decide(shop, caller, case, by, note, "released")


async def close(
    shop: Shop, caller: Caller, case: int, by: Approval | HqAnswer, note: str
) -> CaseView | Refusal:
    """Close a case with a note and no other effect."""
    return await _decide(shop, caller, case, by, note, "closed")


async def _decide(
    shop: Shop,
    caller: Caller,
    case: int,
    by: Approval | HqAnswer,
    note: str,
    outcome: Literal["released", "closed"],
) -> CaseView | Refusal:
    shop = shop.at(caller.station, acts=True)
    enrolled = shop.identity.enrolled
    if enrolled is None:
        return NOT_ENROLLED
    hq = by if isinstance(by, HqAnswer) else None
    approver = await identify(shop, by if isinstance(by, Approval) else None, hq)
    if isinstance(approver, Refusal):
        return approver
    assert approver is not None

    def act(tx: Tx) -> CaseView | Refusal:
        row = tx.one("review", case)
        if row is None:
            return NO_CASE
        if row[7] is not None:
            return CLOSED
        found_here = outcome == "released" and attest.is_attestable(tx, case)
        if found_here and (against := attest.refuse(shop, tx, case)) is not None:
            return against
        if outcome == "released" and not found_here and not _is_locked(tx, case):
            return NOT_RELEASABLE
        involved = (maybe_text(row[5]), operator_of(tx, caller.station))
        matter = Matter(
            order=_order_of(tx, case),
            involved=frozenset(one for one in involved if one is not None),
            station=caller.station,
            case=case,
            may_be_alone=row[1] != "lone_act",
        )
        approved = judge(shop, tx, enrolled, approver, matter)
        if isinstance(approved, Refusal):
            return approved
        if found_here:
            attest.attest(shop, tx, case, staff_id=approved.by)
        elif outcome == "released":
            release_lock(tx, case, staff_id=approved.by)
        close_case(tx, case, outcome=outcome, staff_id=approved.by, note=note[:500])
        after = tx.one("review", case)
        assert after is not None
        return _view(after)

    answer = await shop.writer.do(act, shop.moment())
    if isinstance(answer, CaseView):
        for memory in shop.memory.values():
            memory.seen.clear()
        shop.screens.publish(None, "cases", {"case": case})
        shop.wake_sync()
    return answer


def _is_locked(tx: Tx, case: int) -> bool:
    return tx.one("lockout_of_review", case) is not None


def _order_of(tx: Tx, case: int) -> Order | None:
    row = tx.one("review_order", case)
    order_id = None if row is None else maybe_blob(row[0])
    return None if order_id is None else order_by_id(tx, order_id)


def _view(row: tuple[object, ...]) -> CaseView:
    why = text(row[1])
    return CaseView(
        case=integer(row[0]),
        reason=_said(why),
        order_no=maybe_text(row[2]),
        station=maybe_text(row[3]),
        opened_ms=integer(row[4]),
        opened_by=maybe_text(row[5]),
        tries=maybe_integer(row[6]),
        state="open" if row[7] is None else "closed",
        outcome=maybe_text(row[8]),
        may_release=row[7] is None and why in ("three_tries", attest.FENCED),
    )


def _said(why: str) -> Said:
    if why in reason_codes():
        return said(why)
    zh, en = _CASES.get(why, (why, why))
    return Said(code=why, zh=zh, en=en)
