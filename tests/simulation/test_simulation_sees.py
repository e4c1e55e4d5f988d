"""The simulation sees: with a rule switched off in a copy of the product, a known seed breaks.

Only the seeds known to break are lived here; the product as it is lives the same ones well.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PACKAGES = ("config", "drivers", "edge", "sync")
BREAKS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """A rule: each text in `file` becomes the other, and this seed must break."""

    rule: str
    seed: int
    file: str
    changes: tuple[tuple[str, str], ...]


RULES = (
    Blind(
        rule="a-grant-waits-for-the-holders-release",
        seed=19,
        file="sync/hub/transfers.py",
        changes=(
            ('or_(released, unheld, unit_table.c.state == "lapsed")', 'unit_table.c.state != ""'),
        ),
    ),
    Blind(
        rule="a-tombstone-holds-for-its-epoch",
        seed=10,
        file="edge/domain/pickup.py",
        changes=(
            (
                "gone is not None and epoch <= gone.epoch",
                "gone is not None and epoch < gone.epoch",
            ),
        ),
    ),
    Blind(
        rule="a-refund-is-set-from-what-was-given-up",
        seed=3,
        file="sync/hub/refunds.py",
        changes=(
            ("or_(*given_up)", 'unit_table.c.state != "refunded"'),
            (
                'if due or (wanted and each.state in ("lapsed", "released")):',
                'if due or (wanted and each.state != "refunded"):',
            ),
        ),
    ),
    Blind(
        rule="rights-are-debited-before-they-are-sent",
        seed=3,
        file="sync/hub/stock.py",
        changes=(("online=stock.c.online - quantity)", "online=stock.c.online)"),),
    ),
)


def live(seed: int, product: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(HERE / "simulate.py"), str(seed)],
        env={**os.environ, "PYTHONPATH": str(product), "PYTHONWARNINGS": "ignore"},
        cwd=product,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("product")
    for package in PACKAGES:
        without = shutil.ignore_patterns("__pycache__", "bench")
        shutil.copytree(ROOT / package, copy / package, ignore=without)
    return copy


@pytest.mark.timeout(120)
@pytest.mark.parametrize("blind", RULES, ids=lambda blind: blind.rule)
def test_the_product_as_it_is_lives_the_seed(blind: Blind, product: Path) -> None:
    done = live(blind.seed, product)
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr


@pytest.mark.timeout(120)
@pytest.mark.parametrize("blind", RULES, ids=lambda blind: blind.rule)
def test_a_rule_switched_off_breaks_a_promise(blind: Blind, product: Path, tmp_path: Path) -> None:
    copy = tmp_path / "product"
    shutil.copytree(product, copy)
    file = copy / blind.file
    text = file.read_text(encoding="utf-8")
    for old, new in blind.changes:
        assert text.count(old) == 1, f"the rule is not where it was: {old}"
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    done = live(blind.seed, copy)
    assert done.returncode == BREAKS, "nobody noticed"
    assert "Broken(" in done.stdout, done.stdout[:500] + done.stderr
