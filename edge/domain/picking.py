"""Picking, pure: what of a line is found, replaced, waited for, and which units are missing."""

from collections.abc import Sequence
from dataclasses import dataclass

from edge.domain.facts import Line, Order, Standing, UnitKey
from edge.domain.pickup import open_units
from sync.rules.order_life import OnShort


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """A unit that was not on the shelf. sub_*: what goes instead, for `substitute`."""

    line: int
    unit: int
    epoch: int
    choice: OnShort
    sub_sku: str | None
    sub_minor: int | None
    sub_zh: str | None
    sub_en: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """How far an order is picked. started_ms None: nobody began. found: pieces by line."""

    placed_ms: int
    on_short: OnShort
    started_ms: int | None
    started_by: str | None
    ready_ms: int | None
    found: dict[int, int]
    shorts: tuple[Short, ...]
    prices: dict[int, int]

    def substitutes(self, line: int, still_open: Sequence[UnitKey]) -> tuple[Short, ...]:
        """The open units of a line for which another article goes."""
        return tuple(
            short
            for short in self.shorts
            if short.line == line
            and short.choice == "substitute"
            and (short.line, short.unit) in still_open
        )

    def waits(self, line: int, still_open: Sequence[UnitKey]) -> bool:
        """Whether open units of a line wait for goods, as the customer wanted."""
        return any(
            short.choice == "wait" and (short.line, short.unit) in still_open
            for short in self.shorts
            if short.line == line
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Open units that are not there, and what is done about them."""

    units: tuple[UnitKey, ...]
    choice: OnShort
    sub_sku: str | None = None
    sub_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCount:
    """A line by its open units: found as ordered, replaced, waited for. missing: not accounted for.

    found + replaced + missing is what is open; what waits is a part of missing.
    """

    open: tuple[UnitKey, ...]
    found: int
    replaced: int
    waits: bool

    @property
    def missing(self) -> int:
        """Units that are neither found nor replaced."""
        return len(self.open) - self.found - self.replaced


def count(line: Line, order: Order, standing: Standing, pick: Pick) -> LineCount:
    """How a line stands now."""
    still_open = tuple(unit for unit in open_units(order, standing) if unit[0] == line.line)
    replaced = len(pick.substitutes(line.line, still_open))
    return LineCount(
        open=still_open,
        found=min(pick.found.get(line.line, 0), len(still_open) - replaced),
        replaced=replaced,
        waits=pick.waits(line.line, still_open),
    )


def units_missing(line: LineCount, pick: Pick, found: int) -> tuple[UnitKey, ...]:
    """The units that are not there when `found` are: the last ones that nothing replaces."""
    replaced = {(short.line, short.unit) for short in pick.shorts if short.choice == "substitute"}
    plain = [unit for unit in line.open if unit not in replaced]
    return tuple(plain[found:])


def is_complete(order: Order, standing: Standing, pick: Pick) -> bool:
    """Whether every unit that can still be given lies in the basket, or its substitute does."""
    counts = [count(line, order, standing, pick) for line in order.lines]
    return any(each.open for each in counts) and all(each.missing == 0 for each in counts)
