"""A thousand days of a chain, one seed each (`--seeds=N` for more); two worlds at a time."""

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
# What must happen somewhere in a thousand seeds, or they prove nothing about it.
HAPPENS = (
    "verdict_ok",
    "verdict_already",
    "verdict_expired",
    "verdict_revoked",
    "verdict_not_here",
    "verdict_review",
    "undone",
    "cancel",
    "refund",
    "move",
    "moved",
    "reissue",
    "extend",
    "restarted",
)


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
    idle = [what for what in HAPPENS if not seen[what]]
    assert not idle, f"never happened in {seeds} seeds: {idle}"
