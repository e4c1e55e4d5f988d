"""Days of a chain, one seed each (`--seeds=N`; a thousand and more for proof); two at a time."""

import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import simulate
from world import make_template

WORKERS = 2
# What must happen somewhere in all those seeds, or they prove nothing about it.
HAPPENS = (
    *("verdict_ok", "verdict_already", "verdict_expired", "verdict_revoked", "verdict_not_here"),
    *("verdict_review", "verdict_unknown"),
    *("undone", "cancel", "refund", "move", "reissue", "extend"),
    *("line_cut", "line_good", "line_bad", "restarted", "rebooted"),
    *("counted", "received", "set_aside", "lock_sold", "reserved", "stocked_order"),
    *("hq_no_sold_out", "budget", "risked", "recall", "recall_ended"),
    *("backed_up", "restored", "attested", "left_with_the_dead"),
    *("replaced", "old_box_refused", "copied", "copy_caught", "hub_restored"),
)

# The default is too short for the rarest of them; a run of this many names them all.
ENOUGH_FOR_ALL = 1_000
OFTEN = tuple(what for what in HAPPENS if what.startswith("verdict_")) + HAPPENS[7:18]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "chain"
    make_template(folder)
    return folder


@pytest.mark.slow
@pytest.mark.timeout(3_600)
def test_no_seed_breaks_a_promise(template: Path, pytestconfig: pytest.Config) -> None:
    seeds: int = pytestconfig.getoption("--seeds")
    seen: Counter[str] = Counter()
    with ProcessPoolExecutor(WORKERS) as pool:
        for one in pool.map(simulate.run, repeat(template), range(seeds), chunksize=8):
            seen += one
    expected = HAPPENS if seeds >= ENOUGH_FOR_ALL else OFTEN
    idle = [what for what in expected if not seen[what]]
    assert not idle, f"never happened in {seeds} seeds: {idle}"
