"""SIGKILL while redeeming: what was acknowledged stands, nothing stands twice, all can be retried.

A kill leaves the system's page cache alone; what power loss does is in `test_power_cut.py`.
"""

import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import made_shop
import pytest
from books import Books, read_books
from redeemers import PROGRAM, Acknowledged, environment, redeem

STRACE = shutil.which("strace")
needs_strace = pytest.mark.skipif(STRACE is None, reason="strace is not installed")
KILLS_PER_FOLDER = 20
ORDERS = 600


class Warm:
    """A process that forks redeeming ones, imports done once."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(PROGRAM), "--warm"],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: object, kill_after_s: float | None = None) -> Acknowledged:
        """Run one redeeming process; kill it so long after it opened the ledger."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(shlex.join(map(str, words)) + "\n")
        stdin.flush()
        said = Acknowledged()
        child = -1
        for line in stdout:
            said.hear(line)
            match line.split():
                case ["pid", number]:
                    child = os.pidfd_open(int(number))
                case ["open"] if kill_after_s is not None:
                    time.sleep(kill_after_s)
                    with suppress(ProcessLookupError):  # it had nothing left to do
                        signal.pidfd_send_signal(child, signal.SIGKILL)
                case ["dead"]:
                    os.close(child)
                    return said
                case _:
                    pass
        raise AssertionError("the warm process ended")

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait(30) == 0
        self._process.stdout.close()


@contextmanager
def warm_process() -> Iterator[Warm]:
    warm = Warm()
    try:
        yield warm
    finally:
        warm.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "data"
    made_shop.prepare(folder, orders=ORDERS)
    return folder


@dataclass(slots=True)
class Witness:
    """What the outside was told over the life of one folder."""

    folder: Path
    handed: dict[str, int] = field(default_factory=dict)
    undone: dict[str, int] = field(default_factory=dict)
    open_keys: dict[str, None] = field(default_factory=dict)

    def hear(self, said: Acknowledged) -> None:
        for key, number in said.handed.items():
            assert self.handed.setdefault(key, number) == number, f"{key} was answered anew"
        self.undone |= said.undone
        for key in (*said.handed, *said.undone, *said.refused):
            self.open_keys.pop(key, None)
        self.open_keys |= said.open_keys

    def check(self) -> Books:
        books = read_books(self.folder / "ledger.db")
        assert books.faults == []
        acknowledged = set(self.handed.values())
        assert len(acknowledged) == len(self.handed), "two keys were told the same hand-over"
        assert acknowledged <= books.handovers, "an acknowledged hand-over is lost"
        assert set(self.undone.values()) <= books.undone, "an acknowledged undo is lost"
        live = set(books.handed.values())
        asked_back = {int(key.split("-")[3]) for key in self.open_keys if key.startswith("undo")}
        assert acknowledged - set(self.undone.values()) - asked_back <= live
        unheard = books.handovers - acknowledged
        in_doubt = [key for key in self.open_keys if key.startswith("scan")]
        assert len(unheard) <= len(in_doubt), "a hand-over that nobody asked for"
        return books


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_kills_at_random_moments_lose_nothing_and_double_nothing(
    template: Path, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    kills: int = pytestconfig.getoption("--kills")
    seed = int(os.environ.get("STOREEDGE_SEED", random.SystemRandom().randrange(10**6)))
    print(f"STOREEDGE_SEED={seed}")  # noqa: T201 - shown when it fails
    dice = random.Random(seed)  # noqa: S311
    in_doubt = acknowledged = 0
    witness = Witness(folder=tmp_path)
    with warm_process() as warm:
        for kill in range(kills):
            if kill % KILLS_PER_FOLDER == 0:
                witness = Witness(folder=tmp_path / f"data-{kill}")
                shutil.copytree(template, witness.folder)
            turn = kill % KILLS_PER_FOLDER
            first = 1 + turn * (ORDERS // KILLS_PER_FOLDER)
            said = warm.run(
                witness.folder,
                "--orders", f"{first}:{first + ORDERS // KILLS_PER_FOLDER}",
                "--clients", dice.choice((1, 1, 4, 16)),
                "--seed", kill + 1,
                "--undo", 0.4,
                "--retry", " ".join(witness.open_keys),
                kill_after_s=dice.expovariate(1 / 0.012),
            )  # fmt: skip
            witness.hear(said)
            in_doubt += bool(said.open_keys)
            acknowledged += len(said.handed) + len(said.undone)
            witness.check()
            if turn == KILLS_PER_FOLDER - 1 or kill == kills - 1:
                witness.hear(
                    warm.run(
                        witness.folder,
                        "--orders", "1:1",
                        "--seed", kills + 1,
                        "--retry", " ".join(witness.open_keys),
                    )
                )  # fmt: skip
                assert witness.open_keys == {}
                assert witness.check().handovers == set(witness.handed.values())
                shutil.rmtree(witness.folder)
    assert in_doubt > kills // 4, "the kills came too late or too early to prove anything"
    assert acknowledged > kills


@pytest.mark.timeout(300)
def test_a_kill_at_every_statement_of_a_redeem_and_of_an_undo(
    template: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(template, folder)
    witness = Witness(folder=folder)
    died = 0
    with warm_process() as warm:
        for statement in range(400):
            number = statement + 1
            key = f"scan-{number}-{statement}"
            said = warm.run(
                folder, "--orders", f"{number}:{number + 1}", "--seed", statement,
                "--undo", 1.0, "--statement", statement,
            )  # fmt: skip
            witness.hear(said)
            witness.check()
            if said.ended:
                break
            died += 1
            again = warm.run(folder, "--orders", "1:1", "--retry", key, "--seed", 1000 + statement)
            assert key in again.handed
            witness.hear(again)
            witness.check()
        else:
            pytest.fail("a redeem does not end")
    assert died > 60


@needs_strace
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("call", "when"),
    [("fdatasync", when) for when in range(1, 5)]
    + [("pwrite64", when) for when in range(1, 40, 3)],
)
def test_a_kill_inside_the_commit_itself(
    template: Path, tmp_path: Path, call: str, when: int
) -> None:
    """Between the writes of one commit: half a transaction lies in the -wal and is not believed."""
    folder = tmp_path / "data"
    shutil.copytree(template, folder)
    witness = Witness(folder=folder)
    said = redeem(
        folder, "--orders", "1:8",
        under=(
            str(STRACE), "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
            "-e", f"inject={call}:signal=SIGKILL:when={when}",
        ),
    )  # fmt: skip
    assert not said.ended
    witness.hear(said)
    witness.check()
    again = redeem(folder, "--orders", "1:8", "--retry", " ".join(witness.open_keys))
    witness.hear(again)
    books = witness.check()
    assert len(books.handed) == 7
