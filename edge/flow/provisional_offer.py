"""A code of another store that cannot be asked for: whether it may be handed over on a budget.

Looked at when a scan is answered `not_here`, and decided anew when somebody chooses it. The order
is taken as if it were ours, so that every other rule counts: gone, cancelled, late, too weak.
"""

from dataclasses import dataclass, replace

from edge.domain.facts import Code, Order, UnitKey
from edge.domain.pickup import Refuse, decide
from edge.flow.answers import Earlier, ProvisionalOffer, Refusal, Said, ScanAnswer
from edge.flow.recalls import hold_back
from edge.flow.redeem import Checked, Redeemer, is_not_understood
from edge.flow.shop import Shop
from edge.flow.view import next_of, said
from edge.store import budgets
from edge.store.identity import Enrolled
from edge.store.orders import (
    TokenOrder,
    codes_by_lookup,
    order_by_id,
    order_of_token,
    standing,
)
from edge.store.tx import Tx
from sync.rules.budgets import Amount, short_of
from sync.rules.verdicts import Verdict
from sync.wire.budgets import Budget, open_budget
from sync.wire.credential import code_lookup
from sync.wire.errors import RemoteWireError
from sync.wire.token import TokenLine, line_digest


def _no(code: str, zh: str, en: str) -> Refusal:
    return Refusal(status=409, code=code, zh=zh, en=en)


LINES_NEEDED = _no("lines_needed", "请先扫描明细码 (PL)", "Scan the second code (PL) first")
LINES_MISMATCH = _no("lines_mismatch", "明细与取货码不符", "The lines are not this code's")
ASK_FIRST = _no("ask_first", "有网络,请先申请转单", "The line is up: ask for the order first")
NO_BUDGET = _no("no_budget", "总部没有授权暂定交付", "HQ granted nothing to be risked here")
CLOCK = _no("clock", "本机时间不确定,不能暂定交付", "The clock is unsure: nothing is risked")
NOT_LISTED = _no(
    "article_not_granted", "商品不在授权范围", "HQ does not let this article be risked"
)
BUDGET_SPENT = _no("budget_spent", "授权额度不够", "Not so much is left of the budget")
OVER_CODE_LIMIT = _no("over_code_limit", "超过每单额度", "Above what one order may risk")
_SHORT = {"budget_spent": BUDGET_SPENT, "over_code_limit": OVER_CODE_LIMIT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Another store's order as its code tells it, taken as ours for the rules.

    lines: as a PL told them; empty when the catalog has the order.
    """

    order: Order
    code: Code
    lookup: bytes
    home_store: int
    lines: tuple[TokenLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """What could be given, and what it costs."""

    candidate: Candidate
    units: tuple[UnitKey, ...]
    budget: Budget
    amount: Amount


def verified(grants: list[budgets.Signed], enrolled: Enrolled | None) -> tuple[Budget, ...]:
    """The grants that HQ signed for this store, newest first; others count for nothing."""
    if enrolled is None:
        return ()
    found: list[Budget] = []
    for data, signature in grants:
        try:
            budget = open_budget(data, signature, enrolled.hub_public)
        except RemoteWireError:
            continue
        if budget.store == enrolled.certificate.store:
            found.append(budget)
    return tuple(sorted(found, key=lambda each: (-each.granted_ms, each.budget_id)))


def offered(asking: Redeemer, checked: Checked, answer: ScanAnswer) -> ScanAnswer:
    """A `not_here` answer with what the budget allows; or `already`, when we gave it ourselves."""
    shop, tx = asking.shop, asking.tx
    if not checked.genuine or shop.training:
        return answer
    lookup = code_lookup(asking.enrolled.k_store, checked.signed.signed.token.code_id)
    before = budgets.given(tx, lookup)
    if before is not None:
        return replace(
            answer,
            verdict=Verdict.ALREADY,
            reason=said("handed"),
            next_step=next_of("handed"),
            earlier=Earlier(station=before.station, at_ms=before.at_ms, handover=before.handover),
        )
    budget = open_one(shop, tx)
    if budget is None:
        return answer
    return replace(answer, provisional=_offer(asking, checked, budget))


def open_one(shop: Shop, tx: Tx) -> Budget | None:
    """The newest budget of this incarnation that may be spent now."""
    for budget in shop.budgets:
        mine = budget.incarnation == shop.identity.incarnation
        if mine and tx.moment.trusted_ms <= budget.not_after_ms and budgets.is_open(tx, budget):
            return budget
    return None


def _offer(asking: Redeemer, checked: Checked, budget: Budget) -> ProvisionalOffer:
    left = budget.granted().minus(budgets.spent(asking.tx, budget))
    chance = look(asking, checked, None)
    offer = ProvisionalOffer(
        budget=budget.budget_id.hex(),
        pieces_left=left.pieces,
        amount_left_minor=left.minor,
        currency=budget.currency,
        until_ms=budget.not_after_ms,
    )
    if isinstance(chance, Chance):
        settings = asking.shop.settings
        return replace(
            offer,
            order=chance.candidate.order.order_id.hex(),
            pieces=chance.amount.pieces,
            amount_minor=chance.amount.minor,
            approval=chance.amount.minor >= settings.proxy_approval_minor,
        )
    why = said(chance.reason) if isinstance(chance, Refuse) else _why(chance)
    return replace(offer, why=why)


def _why(refusal: Refusal) -> Said:
    return Said(code=refusal.code, zh=refusal.zh, en=refusal.en)


def look(
    asking: Redeemer, checked: Checked, units: tuple[UnitKey, ...] | None
) -> Chance | Refuse | Refusal:
    """What may be given on a budget now; units: None for all that is open."""
    shop, tx = asking.shop, asking.tx
    budget = open_one(shop, tx)
    if budget is None:
        return NO_BUDGET
    if tx.moment.clock == "unsure":
        return CLOCK
    if shop.link.state == "online" and not _is_out_of_reach(asking, checked):
        return ASK_FIRST
    candidate = _candidate(asking, checked)
    if isinstance(candidate, Refusal):
        return candidate
    order = candidate.order
    now = standing(tx, order.order_id)
    if is_not_understood(tx):
        now = replace(now, needs_understanding=True)
    if shop.recalls is not None:
        now = hold_back(shop, tx, order, now)
    decision = decide(order, candidate.code, now, asking.here(), shop.settings.policy)
    if isinstance(decision, Refuse):
        return decision
    wanted = decision.units if units is None else units
    allowed = frozenset(decision.units)
    if not wanted or not allowed.issuperset(wanted) or len(set(wanted)) != len(wanted):
        return NOT_LISTED
    amount = budgets.cost(budget, order, wanted)
    if amount is None:
        return NOT_LISTED
    short = short_of(
        granted=budget.granted(),
        spent=budgets.spent(tx, budget),
        per_code=budget.per_code(),
        on_code=budgets.on_order(tx, order.order_id),
        wanted=amount,
    )
    if short is not None:
        return _SHORT[short]
    return Chance(candidate=candidate, units=wanted, budget=budget, amount=amount)


def _is_out_of_reach(asking: Redeemer, checked: Checked) -> bool:
    """Whether HQ said of this code, at this station, that its home is not heard."""
    memory = asking.shop.station(asking.station)
    return checked.signed.signed.token.code_id in memory.out_of_reach


def _candidate(asking: Redeemer, checked: Checked) -> Candidate | Refusal:
    tx, here = asking.tx, asking.here()
    token = checked.signed.signed.token
    lookup = code_lookup(asking.enrolled.k_store, token.code_id)
    code = Code(
        kind="v2",
        grade=token.grade,
        epoch=token.epoch,
        not_after_ms=token.not_after_s * 1000,
        state="live",
    )
    lines: tuple[TokenLine, ...] = ()
    row = next((each for each in codes_by_lookup(tx, lookup) if each.order is not None), None)
    order = None if row is None else row.order
    if row is not None:
        code = replace(row.code, kind="v2", grade=min(row.code.grade, token.grade))
    elif checked.lines is None or checked.lines.code_id != token.code_id:
        return LINES_NEEDED
    else:
        told = checked.lines
        if line_digest(token.code_id, told.order_id, told.lines) != token.line_digest:
            return LINES_MISMATCH
        order = order_by_id(tx, told.order_id)
        if order is None:
            lines = told.lines
            known = TokenOrder(
                order_id=told.order_id,
                lookup=lookup,
                epoch=token.epoch,
                not_after_ms=token.not_after_s * 1000,
                grade=token.grade,
            )
            plain = order_of_token(tx, known, store=here.store, incarnation=here.incarnation)
            order = budgets.with_lines(tx, plain, lines)
    assert order is not None
    home = token.home_store if order.home_store == here.store else order.home_store
    ours = replace(order, home_store=here.store, holder=here.incarnation, ready=True)
    return Candidate(order=ours, code=code, lookup=lookup, home_store=home, lines=lines)
