"""A bench's rows: their shape, what makes one not ok, the table in the docs. Nothing is timed."""

import json
import re
from pathlib import Path

import pytest

from edge.lab import bench
from edge.lab.bench.benches import NAMES, rows_of
from edge.lab.bench.budgets import BUDGETS, SCAN_EXTRA_MS, SCAN_FSYNCS, TABLE, Budget
from edge.lab.bench.figures import median, percentile
from edge.lab.bench.plan import Plan, make
from edge.lab.bench.rows import judged, table, unmeasured

KEYS = ["name", "value", "unit", "better", "floor", "ratio", "budget", "ok", "context"]
DOCS = Path(__file__).parents[2] / "docs" / "bench.md"


def nobody(what: str, done: int, of: int) -> None:
    """Nobody watches."""


def test_a_row_is_one_line_of_json_with_the_keys_that_others_rely_on() -> None:
    row = judged("redeem", 900.0, floor=3_000.0, fsync_delay_ms=0, context={"rounds": 3})
    told = json.loads(row.line())
    assert list(told) == KEYS
    assert "\n" not in row.line()
    assert told == {
        "name": "redeem",
        "value": 900.0,
        "unit": "1/s",
        "better": "higher",
        "floor": 3000.0,
        "ratio": 0.3,
        "budget": 0.2,
        "ok": True,
        "context": {"budget_of": "ratio", "rounds": 3},
    }


@pytest.mark.parametrize(
    ("name", "value", "floor", "ok"),
    [
        ("redeem", 600.0, 3_000.0, True),
        ("redeem", 599.0, 3_000.0, False),
        ("redeem-cpu", 0.6, None, True),
        ("redeem-cpu", 0.61, None, False),
        ("lookup", 30.0, 10.0, True),
        ("lookup", 30.1, 10.0, False),
        ("redeem-http-rate", 999.0, None, False),
    ],
)
def test_the_limit_itself_is_inside_the_budget(
    name: str, value: float, floor: float | None, ok: bool
) -> None:
    assert judged(name, value, floor=floor, fsync_delay_ms=0, context={}).ok is ok


def test_the_median_of_ratios_goes_before_the_ratio_of_medians() -> None:
    row = judged("redeem", 900.0, floor=3_000.0, ratio=0.1, fsync_delay_ms=0, context={})
    assert (row.ratio, row.ok) == (0.1, False)


def test_on_a_slow_disk_more_is_asked_of_ratios_and_nothing_of_cpu() -> None:
    slow = judged("redeem", 150.0, floor=200.0, fsync_delay_ms=5, context={})
    assert (slow.budget, slow.ok) == (0.8, False)
    cpu = judged("redeem-cpu", 9.0, fsync_delay_ms=5, context={})
    assert (cpu.budget, cpu.ok) == (None, True)


def test_a_limit_that_the_run_worked_out_goes_before_the_table() -> None:
    row = judged("scan", 40.0, floor=5.0, limit=40.0, fsync_delay_ms=0, context={})
    assert (row.budget, row.ok) == (40.0, True)


def test_a_fault_of_the_run_makes_the_best_figure_not_ok() -> None:
    row = judged("redeem", 9e9, floor=1.0, fsync_delay_ms=0, faults=("no delay",), context={})
    assert not row.ok
    assert row.context["faults"] == ["no delay"]


def test_what_was_not_measured_has_no_value_and_is_not_ok() -> None:
    told = json.loads(unmeasured("scan", "it is not here", package="strace").line())
    assert list(told) == KEYS
    assert (told["value"], told["ok"], told["budget"]) == (None, False, None)
    assert told["context"] == {"why": "it is not here", "package": "strace"}


@pytest.mark.parametrize("name", NAMES)
def test_without_strace_a_delayed_bench_names_the_package_in_every_row(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bench.run(name, as_json=True, fsync_delay_ms=5, progress=nobody) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["name"] for row in rows] == list(rows_of(name))
    assert all(list(row) == KEYS for row in rows)
    assert {row["context"]["package"] for row in rows} == {"strace"}
    assert not any(row["ok"] for row in rows)


def test_an_unknown_name_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.run("speed", as_json=True) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert all(name in told.err for name in NAMES)


def test_a_delay_that_the_disk_does_not_show_is_a_fault(tmp_path: Path) -> None:
    plan = make(tmp_path, nobody, fsync_delay_ms=60_000)
    assert len(plan.faults) == 1
    assert make(tmp_path, nobody, fsync_delay_ms=0).faults == ()


def test_a_bench_gives_its_rows_with_floor_and_machine(tmp_path: Path) -> None:
    from edge.lab.bench.lookup import lookup

    plan = Plan(folder=tmp_path, progress=nobody, fsync_delay_ms=0, fdatasync_p50_ms=0.1, faults=())
    (row,) = lookup(plan, codes=3_000)
    assert row.name == "lookup"
    assert row.value is not None
    assert row.floor is not None
    assert row.ratio is not None
    assert {"cpus", "load1", "fs", "floor_is", "codes"} <= set(row.context)


def test_every_row_of_every_bench_has_a_budget() -> None:
    assert [row for name in NAMES for row in rows_of(name)] == [budget.row for budget in TABLE]
    assert set(BUDGETS) == {budget.row for budget in TABLE}


def test_the_table_for_people_shows_every_row() -> None:
    rows = tuple(unmeasured(budget.row, "not yet") for budget in TABLE)
    lines = table(rows).splitlines()
    assert len(lines) == len(TABLE) + 1
    assert all(line.startswith("NOT OK") for line in lines[1:])


def test_the_docs_have_the_same_budgets() -> None:
    found = re.findall(
        r"^\| `([\w-]+)` \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$",
        DOCS.read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    assert [row[:4] for row in found] == [_documented(budget) for budget in TABLE]


def _documented(budget: Budget) -> tuple[str, str, str, str]:
    bound = "at least" if budget.better == "higher" else "at most"
    if budget.row == "scan":
        both = f"{bound} {SCAN_FSYNCS:g} x floor + {SCAN_EXTRA_MS:g} ms"
        return budget.row, budget.unit, both, both

    def limit(value: float | None) -> str:
        if value is None:
            return "none"
        unit = " x floor" if budget.of == "ratio" else f" {budget.unit}"
        return f"{bound} {value:g}{unit}"

    return budget.row, budget.unit, limit(budget.limit), limit(budget.slow)


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([3, 1, 2], 50, 2), ([1], 99, 1), (range(1, 101), 99, 99), (range(1, 1_001), 99, 990)],
)
def test_a_percentile_is_a_value_that_was_seen(
    values: range | list[int], percent: float, expected: float
) -> None:
    assert percentile([float(value) for value in values], percent) == expected
    assert median([1.0, 9.0, 2.0]) == 2.0
