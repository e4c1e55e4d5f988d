"""Budgets for hand-overs of other stores' orders: what is granted, what is spent, and spending it.

Spending and handing over are one unit of work. `budget_spent` carries HQ's limits in a CHECK, so
that goods cannot leave beyond them even if the code forgets to ask.
"""

from dataclasses import dataclass, replace
from typing import cast

from edge.domain.facts import Handed, Line, Order, Storage, UnitKey
from edge.store.handovers import Handing
from edge.store.row import blob, integer, text
from edge.store.tx import Tx
from sync.rules.budgets import Amount
from sync.wire.budgets import Budget, Provisional
from sync.wire.token import TokenLine

Signed = tuple[bytes, bytes]
"""A packed `Budget` and the hub's signature over it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What a hand-over costs which budget. lookup: of the code that was shown."""

    budget: Budget
    amount: Amount
    lookup: bytes
    home_store: int
    approved_by: str | None


def granted(tx: Tx) -> list[Signed]:
    """The grants in the catalog that HQ has not ended."""
    return [(blob(row[1]), blob(row[2])) for row in tx.all("budgets_granted")]


def is_open(tx: Tx, budget: Budget) -> bool:
    """Whether it may be spent now: not ended, not over, and this very incarnation's."""
    return tx.one("budget_is_open", budget.budget_id, tx.moment.trusted_ms) is not None


def spent(tx: Tx, budget: Budget) -> Amount:
    """What is gone of it."""
    row = tx.one("budget_spent", budget.budget_id)
    if row is None:
        return Amount(pieces=0, minor=0)
    return Amount(pieces=integer(row[0]), minor=integer(row[1]))


def on_order(tx: Tx, order_id: bytes) -> Amount:
    """What was given provisionally on an order before, taken back or not."""
    row = tx.one("provisional_on_order", order_id)
    assert row is not None
    return Amount(pieces=integer(row[0]), minor=integer(row[1]))


def home_of(tx: Tx, order_id: bytes) -> int | None:
    """The store of an order that was given on a budget; None when it was not."""
    row = tx.one("provisional_home", order_id)
    return None if row is None else integer(row[0])


def given(tx: Tx, lookup: bytes) -> Handed | None:
    """The last hand-over on this code, unless it was taken back."""
    row = tx.one("provisional_given", lookup)
    if row is None:
        return None
    return Handed(handover=integer(row[0]), station=text(row[1]), at_ms=integer(row[2]))


def hand_over(tx: Tx, handing: Handing, spending: Spending, operator: str) -> int:
    """Spend the budget and record the units as given; answers the hand-over's number."""
    order, budget = handing.order, spending.budget
    tx.run(
        "budget_spend",
        budget.budget_id,
        budget.incarnation,
        spending.amount.pieces,
        spending.amount.minor,
        budget.pieces,
        budget.amount_minor,
    )
    number = tx.run(
        "handover_add",
        order.order_id,
        order.order_no,
        order.epoch,
        handing.station,
        operator,
        handing.at_ms,
        handing.credential,
        handing.basis,
        handing.run,
        tx.moment.boot_ms,
        0,
    )
    for line, unit in handing.units:
        tx.run("redemption_add", order.order_id, line, unit, number)
    tx.run(
        "provisional_add",
        number,
        budget.budget_id,
        order.order_id,
        spending.lookup,
        spending.home_store,
        spending.amount.pieces,
        spending.amount.minor,
    )
    _tell(tx, handing, spending, operator, number)
    return number


def _tell(tx: Tx, handing: Handing, spending: Spending, operator: str, number: int) -> None:
    order, budget = handing.order, spending.budget
    tx.note(
        "handed",
        handover=number,
        order=order.order_no,
        units=handing.units,
        station=handing.station,
        operator=operator,
        credential=handing.credential,
        provisional=budget.budget_id.hex(),
        amount_minor=spending.amount.minor,
        approved_by=spending.approved_by,
    )
    units = tuple((order.order_id, line, unit) for line, unit in handing.units)
    tx.tell(
        "provisional",
        Provisional(
            handover=number,
            order_id=order.order_id,
            order_no=order.order_no,
            units=units,
            epoch=order.epoch,
            home_store=spending.home_store,
            at_ms=handing.at_ms,
            station=handing.station,
            operator=operator,
            budget_id=budget.budget_id,
            amount_minor=spending.amount.minor,
            approved_by=spending.approved_by,
        ),
        units,
    )


def with_lines(tx: Tx, order: Order, lines: tuple[TokenLine, ...]) -> Order:
    """An order of lines that only a code told; nothing of it is kept."""
    return replace(order, lines=tuple(_line(tx, each) for each in lines))


def _line(tx: Tx, told: TokenLine) -> Line:
    row = tx.one("article", told.sku)
    return Line(
        line=told.line,
        sku=told.sku,
        quantity=told.quantity,
        bundle_of=None,
        name_zh=told.sku if row is None else text(row[0]),
        name_en=told.sku if row is None else text(row[1]),
        storage="ambient" if row is None else cast("Storage", text(row[2])),
        min_grade=1 if row is None else integer(row[3]),
    )


def cost(budget: Budget, order: Order, units: tuple[UnitKey, ...]) -> Amount | None:
    """What these units count by the budget's prices; None when it does not name an article."""
    prices = dict(budget.articles)
    skus = {line.line: line.sku for line in order.lines}
    minor = 0
    for line, _ in units:
        price = prices.get(skus.get(line, ""))
        if price is None:
            return None
        minor += price
    return Amount(pieces=len(units), minor=minor)
