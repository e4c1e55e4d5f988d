"""The review queue: what a person must decide, and who may.

A locked code is released by another person than the one who operated when it locked
(`second_person`): four eyes compare persons, not accounts.
"""

from typing import Literal

from edge.flow.answers import CaseView, Refusal, Said
from edge.flow.caller import Caller
from edge.flow.operator import Approval, Person, check_pin
from edge.flow.serve import operator_of
from edge.flow.shop import Shop
from edge.flow.view import said
from edge.store.handovers import close_case, release_lock
from edge.store.row import integer, maybe_integer, maybe_text, text
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
OTHER_PERSON = Refusal(
    status=403,
    code="other_person",
    zh="须由另一位主管解除",
    en="Another person, a supervisor or manager, must release it",
)
_CASES = {
    "missing_part": ("缺少部件", "A part is missing"),
    "late_collision": ("补录冲突", "A late entry collides"),
    "sync_conflict": ("总部记录冲突", "HQ's record disagrees"),
    "sync_refused": ("总部拒收", "HQ refused a record"),
}


async def cases(shop: Shop, station: str | None = None) -> tuple[CaseView, ...]:
    """Open cases first, newest first, at most 100; a station that trains sees its own."""
    shop = shop if station is None else shop.at(station)

    def read(tx: Tx) -> tuple[CaseView, ...]:
        return tuple(_view(row) for row in tx.all("reviews"))

    return await shop.writer.do(read, shop.moment())


async def release(
    shop: Shop, caller: Caller, case: int, approval: Approval, note: str
) -> CaseView | Refusal:
    """Let a locked code be tried again."""
    return await _decide(shop, caller, case, approval, note, "released")


async def close(
    shop: Shop, caller: Caller, case: int, approval: Approval, note: str
) -> CaseView | Refusal:
    """Close a case with a note and no other effect."""
    return await _decide(shop, caller, case, approval, note, "closed")


async def _decide(
    shop: Shop,
    caller: Caller,
    case: int,
    approval: Approval,
    note: str,
    outcome: Literal["released", "closed"],
) -> CaseView | Refusal:
    shop = shop.at(caller.station, acts=True)
    checked = await check_pin(shop, approval)
    if isinstance(checked, Refusal):
        return checked
    decider: Person = checked

    def act(tx: Tx) -> CaseView | Refusal:
        row = tx.one("review", case)
        if row is None:
            return NO_CASE
        if row[7] is not None:
            return CLOSED
        involved = {maybe_text(row[5]), operator_of(tx, caller.station)}
        if decider.role == "cashier" or decider.staff_id in involved:
            return OTHER_PERSON
        if outcome == "released" and not release_lock(tx, case, staff_id=decider.staff_id):
            return NOT_RELEASABLE
        close_case(tx, case, outcome=outcome, staff_id=decider.staff_id, note=note[:500])
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
        may_release=row[7] is None and why == "three_tries",
    )


def _said(why: str) -> Said:
    if why in reason_codes():
        return said(why)
    zh, en = _CASES.get(why, (why, why))
    return Said(code=why, zh=zh, en=en)
