"""A row of a bench: one figure beside its floor and its budget."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.lab.bench.budgets import BUDGETS, Better

Context = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of output. ratio: value to floor. budget: what `context["budget_of"]` is held to.

    value is None when nothing could be measured; then the row is not ok and the context says why.
    """

    name: str
    value: float | None
    unit: str
    better: Better
    floor: float | None = None
    ratio: float | None = None
    budget: float | None = None
    ok: bool = True
    context: Context = field(default_factory=dict[str, object])

    def line(self) -> str:
        """The row as JSON on one line."""
        return json.dumps(
            {
                "name": self.name,
                "value": _rounded(self.value),
                "unit": self.unit,
                "better": self.better,
                "floor": _rounded(self.floor),
                "ratio": _rounded(self.ratio),
                "budget": _rounded(self.budget),
                "ok": self.ok,
                "context": self.context,
            },
            ensure_ascii=False,
        )


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def judged(
    name: str,
    value: float,
    *,
    fsync_delay_ms: int,
    floor: float | None = None,
    ratio: float | None = None,
    limit: float | None = None,
    faults: tuple[str, ...] = (),
    context: Context,
) -> Row:
    """A row held to its budget.

    ratio: of medians taken round by round, else value to floor. limit: in place of the table's, for
    a budget that the run itself works out. faults: what makes the row not ok whatever the figure.
    """
    budget = BUDGETS[name]
    if ratio is None and floor is not None:
        ratio = value / floor
    wanted = budget.at(fsync_delay_ms) if limit is None else limit
    held = value if budget.of == "value" else ratio
    inside = True
    if wanted is not None and held is not None:
        inside = held >= wanted if budget.better == "higher" else held <= wanted
    told: dict[str, object] = {"budget_of": budget.of, **context}
    if faults:
        told["faults"] = list(faults)
    return Row(
        name=name,
        value=value,
        unit=budget.unit,
        better=budget.better,
        floor=floor,
        ratio=ratio,
        budget=wanted,
        ok=inside and not faults,
        context=told,
    )


def unmeasured(name: str, why: str, **more: object) -> Row:
    """A row that is not ok because nothing was measured; `package` in `more` names what to add."""
    budget = BUDGETS[name]
    return Row(
        name=name,
        value=None,
        unit=budget.unit,
        better=budget.better,
        ok=False,
        context={"why": why, **more},
    )


def table(rows: tuple[Row, ...]) -> str:
    """The rows for people."""
    head = ("", "name", "value", "unit", "floor", "ratio", "budget")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    bound = "at least" if row.better == "higher" else "at most"
    held = f" ({row.context['budget_of']})" if "budget_of" in row.context else ""
    return (
        "ok" if row.ok else "NOT OK",
        row.name,
        _text(row.value),
        row.unit,
        _text(row.floor),
        _text(row.ratio),
        "" if row.budget is None else f"{bound} {_text(row.budget)}{held}",
    )


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
