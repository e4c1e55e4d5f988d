"""The benches of headquarters and its line, small: every row measured, none of it judged here."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from edge.lab.bench.benches import rows_of
from edge.lab.bench.fleet import fleet
from edge.lab.bench.hub import hub
from edge.lab.bench.plan import Plan
from edge.lab.bench.pricefeed import pricefeed
from edge.lab.bench.rows import Row
from edge.lab.bench.snapshot import snapshot
from edge.lab.bench.sync import sync
from edge.lab.postgres import PACKAGE, VOLATILE, PostgresMissing, programs


def nobody(what: str, done: int, of: int) -> None:
    """Nobody watches."""


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan(folder=tmp_path, progress=nobody, fsync_delay_ms=0, fdatasync_p50_ms=0.1, faults=())


def are_measured(rows: Sequence[Row], name: str) -> None:
    assert tuple(row.name for row in rows) == rows_of(name)
    for row in rows:
        assert row.value is not None
        assert row.value > 0
        assert {"cpus", "load1", "fs"} <= set(row.context)
        assert "faults" not in row.context


def needs_postgres() -> None:
    try:
        programs()
    except PostgresMissing:
        pytest.skip(f"needs Debian's package {PACKAGE}")


def test_a_snapshot_is_weighed_and_taken_over(plan: Plan) -> None:
    rows = snapshot(plan, skus=2_000, rounds=1)
    are_measured(rows, "snapshot")
    assert rows[1].ratio is not None


def test_the_hub_is_polled_and_sent_batches_beside_its_floors(plan: Plan) -> None:
    needs_postgres()
    rows = hub(plan, polls=60, rounds=1, batches=2, settings=VOLATILE)
    are_measured(rows, "hub")
    assert rows[0].floor is not None
    assert rows[1].ratio is not None


def test_every_bell_of_a_fleet_rings_and_every_event_is_taken(plan: Plan) -> None:
    needs_postgres()
    rows = fleet(plan, boxes=8, rounds=2, settings=VOLATILE)
    are_measured(rows, "fleet")
    assert rows[2].context["events"] == 8 * 400


def test_prices_reach_the_catalog_of_a_real_box(plan: Plan) -> None:
    rows = pricefeed(plan, skus=600, batches=2)
    are_measured(rows, "pricefeed")
    assert rows[0].ok, "bytes do not depend on who else is on the machine"


def test_a_box_that_was_cut_off_catches_up(plan: Plan) -> None:
    rows = sync(plan, up=60, down=80, idle_s=1)
    are_measured(rows, "sync")
    assert isinstance(rows[0].context["events_up"], int)
    assert rows[0].context["events_up"] >= 60
