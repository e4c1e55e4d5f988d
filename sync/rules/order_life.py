"""The life of an order in a shop, and what a short item does to it: alike on node and hub, pure.

`placed → picking → ready → handed`. An order that HQ made ready skips the first two. Time is
trusted milliseconds, which never run ahead of true time: a late order is late for sure, an order
that does not look late while the clock is unsure is `unknown`.
"""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

Life = Literal["placed", "picking", "ready", "handed", "closed"]
OnShort = Literal["substitute", "refund_line", "wait"]
Timer = Literal["ok", "warn", "alarm", "unknown"]
DocumentState = Literal["draft", "dispatched", "received", "short"]

REFUND = "hq:refund"
"""The destination of units that a shop gives up because the goods are not there."""
WARN_MS = 30 * 60_000
ALARM_MS = 60 * 60_000


def life(*, ready: bool, started: bool, open_units: int, handed_units: int) -> Life:
    """Where an order stands. open_units: units that can still be given.

    >>> life(ready=False, started=True, open_units=2, handed_units=0)
    'picking'
    """
    if not open_units:
        return "handed" if handed_units else "closed"
    if ready:
        return "ready"
    return "picking" if started else "placed"


def timer(placed_ms: int, trusted_ms: int, *, clock_sure: bool) -> Timer:
    """How long an order waits to be picked.

    >>> timer(1, 1 + WARN_MS, clock_sure=True)
    'warn'
    """
    waited_ms = trusted_ms - placed_ms
    if placed_ms > 0 and trusted_ms > 0:
        if waited_ms >= ALARM_MS:
            return "alarm"
        if waited_ms >= WARN_MS:
            return "warn"
        if clock_sure:  # trusted time may stand a little behind HQ's
            return "ok"
    return "unknown"


def allows(recorded: OnShort, done: OnShort) -> bool:
    """Whether the customer's recorded choice covers what the shop wants to do.

    Who agreed to another article gets the money back when there is none; nothing else is decided
    for them.
    """
    return done == recorded or (recorded == "substitute" and done == "refund_line")


@dataclass(frozen=True, slots=True, kw_only=True)
class SubstitutePrice:
    """What a substitute costs the customer, and what they get back, in minor units a piece."""

    charged_minor: int
    back_minor: int


def substitute_price(ordered_minor: int, substitute_minor: int) -> SubstitutePrice:
    """The lower of both prices is charged; the difference is owed.

    >>> substitute_price(1290, 990)
    SubstitutePrice(charged_minor=990, back_minor=300)
    """
    if ordered_minor < 0 or substitute_minor < 0:
        raise ValueError("a price is not negative")
    charged = min(ordered_minor, substitute_minor)
    return SubstitutePrice(charged_minor=charged, back_minor=ordered_minor - charged)


def price_text(minor: int) -> str:
    """Minor units of a currency with two decimals, as a person reads them.

    >>> price_text(1290)
    '12.90'
    """
    return f"{minor // 100}.{minor % 100:02}"


def read_price(text: str) -> int | None:
    """What a person typed for a price, in minor units; None for what is no price.

    >>> read_price(" 12.9 "), read_price("12.905"), read_price("-1")
    (1290, None, None)
    """
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        return None
    if not amount.is_finite() or amount < 0 or amount > 10**10 or amount != round(amount, 2):
        return None
    return int(amount * 100)


def document_state(
    *, dispatched: bool, received: bool, ordered: int, arrived: int
) -> DocumentState:
    """Where a document stands; goods that arrived have left, whatever was told of it first."""
    if received:
        return "short" if arrived < ordered else "received"
    return "dispatched" if dispatched else "draft"
