"""What is known about a code and its order at the moment of deciding, as plain values."""

from dataclasses import dataclass
from typing import Literal

Storage = Literal["ambient", "chilled", "frozen"]
CredentialKind = Literal["v1", "v2", "v3", "serial", "platform", "found", "list"]
Clockness = Literal["synced", "holdover", "unsure"]
CodeState = Literal["live", "reissued", "revoked"]
Lane = Literal["normal", "priority"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An order line of `quantity` units; `bundle_of` names the line of its main item."""

    line: int
    sku: str
    quantity: int
    bundle_of: int | None
    name_zh: str
    name_en: str
    storage: Storage
    min_grade: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as the replica, or a signed token with its lines, tells it.

    away: units that are not ours to give, whatever the epoch (refunded, or another store's).
    """

    order_id: bytes
    order_no: str
    home_store: int
    holder: bytes
    epoch: int
    cancelled: bool
    not_after_ms: int
    ready: bool
    place: str
    bags: int
    lane: Lane
    value_minor: int
    min_grade: int
    lines: tuple[Line, ...]
    sealed: bytes | None = None
    away: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """The way in: which credential, how strong, and until when (integer ms)."""

    kind: CredentialKind
    grade: int
    epoch: int
    not_after_ms: int
    state: CodeState


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """A unit that was given out here."""

    handover: int
    station: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """A unit that this box gave up. Only an order epoch above `epoch` brings it back."""

    reason: Literal["released", "lapsed"]
    destination: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A counter that serves the order until `until_ms` (trusted time)."""

    station: str
    until_ms: int


UnitKey = tuple[int, int]
"""(line, unit)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the ledger holds about an order: per unit, and who serves it.

    held_back: open units that HQ recalled; they stay here, the others may go.
    """

    handed: dict[UnitKey, Handed]
    gone: dict[UnitKey, Gone]
    claim: Claim | None
    needs_understanding: bool = False
    held_back: frozenset[UnitKey] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """This box at this moment.

    trusted_ms: hub-signed time plus elapsed boot time, never above true time by our doing.
    lease: whether HQ, that set one, was heard recently enough; over says nothing of what was spent.
    """

    store: int
    incarnation: bytes
    fenced: bool
    station: str
    trusted_ms: int
    clock: Clockness
    lease: Literal["none", "good", "over", "unsure"] = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The shop's settings that deciding rests on. Amounts in minor units."""

    confirm: Literal["auto", "tap"] = "auto"
    dear_minor: int = 20_000
    grade_by_amount: tuple[tuple[int, int], ...] = ()

    def least_grade(self, order: Order) -> int:
        """The grade that this order demands: by its own row, its articles, and its amount."""
        by_amount = (grade for amount, grade in self.grade_by_amount if order.value_minor >= amount)
        by_article = (line.min_grade for line in order.lines)
        return max(order.min_grade, *by_article, *by_amount, 1)
