"""The second person: who may release what is locked and approve what is dear (attacks 32).

On site it is another person than those involved, a supervisor or manager, by PIN. `remote` adds a
person at HQ: six digits read out, six read back, without any line (`sync.wire.approval`).
`lone_capped` adds a person who is alone: small amounts, a sum for the shift, and each act is a case
that somebody else closes afterwards. Four eyes compare persons, not accounts.
"""

import hmac
import secrets
from dataclasses import dataclass
from typing import Literal

from edge.domain.facts import Order
from edge.flow.answers import Refusal
from edge.flow.caller import Caller
from edge.flow.operator import (
    SHIFT_MS,
    Approval,
    Person,
    check_pin,
    count_pin_try,
    forget_pin_tries,
    pin_wait,
)
from edge.flow.shop import Shop
from edge.store.handovers import close_case, open_case
from edge.store.identity import Enrolled
from edge.store.orders import order_by_id
from edge.store.row import integer, maybe_blob, text
from edge.store.tx import Tx
from sync.wire import approval

CHALLENGE_MS = 15 * 60_000
MAX_WRONG = 3
MAX_NAME_CHARS = 40
_HQ = "hq"


@dataclass(frozen=True, slots=True, kw_only=True)
class HqAnswer:
    """What HQ said on the phone. case: of the challenge. name: who approves, as HQ gave it."""

    case: int
    response: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeAsk:
    """For what HQ is asked: an open case, or an order that is about to be handed over (hex id)."""

    case: int | None = None
    order: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """Six digits to read out with the case's number; good until `until_ms` (trusted time)."""

    case: int
    digits: str
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """Who approved. by: staff id, or `hq:` and the name. case: what reports or carried it."""

    by: str
    way: Literal["on_site", "remote", "alone"]
    case: int | None = None


Approver = Person | HqAnswer

OTHER_PERSON = Refusal(
    status=403,
    code="other_person",
    zh="须由另一位主管批准",
    en="Another person, a supervisor or manager, must approve it",
)
NOT_REMOTE = Refusal(
    status=409,
    code="not_remote",
    zh="本店没有开通总部远程批准",
    en="This shop does not take approval from afar",
)
NO_CASE = Refusal(status=404, code="no_case", zh="没有这个复核", en="No such case")
CHALLENGE_OVER = Refusal(
    status=409,
    code="challenge_over",
    zh="验证码已失效,请重新获取",
    en="This challenge is over; ask for a new one",
)
HQ_WRONG = Refusal(
    status=403, code="hq_wrong", zh="批准码不正确", en="HQ's six digits are not right"
)
NAME_NEEDED = Refusal(
    status=422,
    code="name_needed",
    zh="请输入总部批准人的姓名",
    en="Give the name of the person at HQ",
)
ALONE_EACH = Refusal(
    status=403,
    code="alone_each",
    zh="超过单人可批准的金额,须另一位主管",
    en="Above what one person may approve alone; another person must",
)
ALONE_SHIFT = Refusal(
    status=403,
    code="alone_shift",
    zh="本班单人批准的总额已用完,须另一位主管",
    en="This shift's sum for one person alone is used up; another person must",
)


async def identify(
    shop: Shop, approval_: Approval | None, hq: HqAnswer | None
) -> Approver | Refusal | None:
    """Who wants to approve: a person whose PIN is right, or what HQ said, judged later."""
    if hq is not None:
        return hq
    return None if approval_ is None else await check_pin(shop, approval_)


async def challenge(shop: Shop, caller: Caller, ask: ChallengeAsk) -> Challenge | Refusal:
    """Draw six digits for HQ; a new one ends the one before. For an order a case is opened."""
    shop = shop.at(caller.station, acts=True)
    if shop.settings.second_person != "remote":
        return NOT_REMOTE

    def act(tx: Tx) -> Challenge | Refusal:
        now = tx.moment.trusted_ms
        case = _case_for(tx, caller, ask)
        if case is None:
            return NO_CASE
        digits = f"{secrets.randbelow(10**approval.DIGITS):0{approval.DIGITS}}"
        tx.run("challenge_put", case, digits, now, now + CHALLENGE_MS)
        tx.note("hq_asked", case=case, station=caller.station)
        return Challenge(case=case, digits=digits, until_ms=now + CHALLENGE_MS)

    answer = await shop.writer.do(act, shop.moment())
    if isinstance(answer, Challenge) and ask.case is None:
        shop.screens.publish(None, "cases", {"case": answer.case})
        shop.wake_sync()
    return answer


def _case_for(tx: Tx, caller: Caller, ask: ChallengeAsk) -> int | None:
    if ask.case is not None:
        row = tx.one("review", ask.case)
        return None if row is None or row[7] is not None else ask.case
    try:
        order = order_by_id(tx, bytes.fromhex(ask.order or ""))
    except ValueError:
        order = None
    if order is None:
        return None
    known = tx.one("review_of_order", order.order_id, "remote_approval")
    if known is not None:
        return integer(known[0])
    operator = tx.one("operator", caller.station)
    return open_case(
        tx,
        "remote_approval",
        order=order,
        station=caller.station,
        operator=None if operator is None else text(operator[0]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What is to be approved. involved: who must not. case: the case that is decided, if any.

    may_be_alone: whether a person alone may at all; what reports a lone act never is.
    """

    order: Order | None
    involved: frozenset[str]
    station: str
    case: int | None = None
    may_be_alone: bool = True


def judge(
    shop: Shop, tx: Tx, enrolled: Enrolled, approver: Approver, matter: Matter
) -> Approved | Refusal:
    """Whether this approver may approve this matter; inside the unit that acts on it."""
    match approver:
        case HqAnswer():
            return _from_hq(shop, tx, enrolled, approver, matter)
        case Person():
            if approver.role != "cashier" and approver.staff_id not in matter.involved:
                return Approved(by=approver.staff_id, way="on_site")
            if shop.settings.second_person != "lone_capped" or not matter.may_be_alone:
                return OTHER_PERSON
            return _alone(shop, tx, approver, matter)


def _from_hq(
    shop: Shop, tx: Tx, enrolled: Enrolled, said: HqAnswer, matter: Matter
) -> Approved | Refusal:
    if shop.settings.second_person != "remote":
        return NOT_REMOTE
    name = " ".join(said.name.split())[:MAX_NAME_CHARS]
    if not name or not name.isprintable():
        return NAME_NEEDED
    waiting = pin_wait(tx, _HQ)
    if waiting is not None:
        return waiting
    row = tx.one("challenge", said.case)
    if row is None or not _is_for(tx, said.case, matter):
        return CHALLENGE_OVER
    digits, until_ms, tries, used_ms = text(row[0]), integer(row[1]), integer(row[2]), row[3]
    if used_ms is not None or tries >= MAX_WRONG or until_ms < tx.moment.trusted_ms:
        return CHALLENGE_OVER
    given = "".join(said.response.split())
    wanted = approval.response(enrolled.k_store, digits, said.case)
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        tx.run("challenge_wrong", said.case)
        failures = count_pin_try(tx, _HQ)
        tx.note("hq_wrong", case=said.case, station=matter.station, failures=failures)
        return HQ_WRONG
    forget_pin_tries(tx, _HQ)
    assert tx.changed("challenge_used", tx.moment.trusted_ms, said.case) == 1
    tx.note("hq_approved", case=said.case, station=matter.station, name=name)
    return Approved(by=f"{_HQ}:{name}", way="remote", case=said.case)


def _is_for(tx: Tx, case: int, matter: Matter) -> bool:
    """Whether a challenge's case is about this very matter."""
    if matter.case is not None:
        return case == matter.case
    row = tx.one("review_order", case)
    return (
        row is not None
        and matter.order is not None
        and maybe_blob(row[0]) == matter.order.order_id
        and row[1] == "remote_approval"
    )


def _alone(shop: Shop, tx: Tx, person: Person, matter: Matter) -> Approved | Refusal:
    # An order that only a token tells of has no amount: what is not known is not small.
    known = matter.order is None or order_by_id(tx, matter.order.order_id) is not None
    amount = 0 if matter.order is None else matter.order.value_minor
    if not known or amount > shop.settings.lone_each_minor:
        return ALONE_EACH
    before = tx.one("lone_sum", person.staff_id, tx.moment.trusted_ms - SHIFT_MS)
    assert before is not None
    if integer(before[0]) + amount > shop.settings.lone_shift_minor:
        return ALONE_SHIFT
    report = open_case(
        tx, "lone_act", order=matter.order, station=matter.station, operator=person.staff_id
    )
    tx.run("lone_add", report, person.staff_id, amount, tx.moment.trusted_ms)
    tx.note("approved_alone", operator=person.staff_id, amount_minor=amount, case=report)
    return Approved(by=person.staff_id, way="alone", case=report)


def settle(tx: Tx, approved: Approved) -> None:
    """Close the case that carried an approval from afar; a lone act's stays open for others."""
    if approved.way == "remote" and approved.case is not None:
        close_case(tx, approved.case, outcome="approved", staff_id=approved.by, note="")
