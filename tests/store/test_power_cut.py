"""Power loss at any instant: what the outside was told lies on the disk, as far as it was flushed.

One process redeems under strace. Its writes and flushes are played onto a disk that keeps only what
was flushed, and any part of the rest; the ledger is opened from there by the product itself.
"""

import os
import random
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import made_shop
import pytest
from books import read_books
from redeemers import Acknowledged, redeem
from traced import Call, Disk, calls, under_strace

from edge.store.errors import StoreError
from edge.store.ledger import Ledger

STRACE = shutil.which("strace")
pytestmark = pytest.mark.skipif(STRACE is None, reason="strace is not installed")
ORDERS = 90
FILES = ("ledger.db", "ledger.db-wal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A traced process. before: its folder as it was at the start."""

    folder: Path
    before: Path
    calls: tuple[Call, ...]


def trace(base: Path, orders: int, *words: object) -> Run:
    folder = base / "data"
    made_shop.prepare(folder, orders=orders)
    shutil.copytree(folder, base / "before")
    assert STRACE is not None
    said = redeem(
        folder, "--orders", f"1:{orders + 1}", *words, under=under_strace(STRACE, base / "trace")
    )
    assert said.ended, said.stderr
    return Run(folder=folder, before=base / "before", calls=tuple(calls(base / "trace")))


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Run:
    words = ("--clients", 3, "--undo", 0.3, "--seed", 4)
    return trace(tmp_path_factory.mktemp("traced"), ORDERS, *words)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trace(tmp_path_factory.mktemp("alone"), 12, "--undo", 0.5, "--seed", 4)


def is_answer(call: Call) -> bool:
    return call.name == "say" and call.data.startswith((b"handed ", b"undone ", b"no "))


def test_every_answer_comes_after_the_flush_of_its_commit(alone: Run) -> None:
    """The promise in system calls: asked, written, flushed whole, and only then told."""
    wal = str(alone.folder / "ledger.db-wal")
    answers = 0
    written: list[Call] = []
    flushed: list[Call] = []
    for call in alone.calls:
        if call.name == "say" and call.data.startswith(b"ask "):
            written, flushed = [], []
        elif call.path == wal and call.name == "write":
            written.append(call)
        elif call.path == wal and call.name == "sync":
            flushed.append(call)
        elif is_answer(call):
            answers += 1
            assert written, "an answer to which nothing was written"
            assert flushed, "an answer that was not flushed"
            assert flushed[-1].begun > written[-1].ended, "written behind the flush"
            assert flushed[-1].ended < call.begun, "told before the flush returned"
    assert answers > 15


def cut_points(run: Run, dice: random.Random, extra: int) -> list[int]:
    """Right before and after every flush and answer, and some places in between."""
    edges = {
        place + step
        for place, call in enumerate(run.calls)
        if is_answer(call) or (call.name == "sync" and call.path.startswith(str(run.folder)))
        for step in (0, 1)
    }
    chosen = set(dice.sample(sorted(edges), min(len(edges), extra)))
    return sorted(chosen | set(dice.sample(range(len(run.calls)), extra)))


def opens_whole(folder: Path) -> None:
    """The product opens the folder and finds nothing wrong."""
    ledger = Ledger(folder / "ledger.db")
    ledger.close()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", ["none", "all", "some"])
def test_power_may_be_cut_at_any_instant(
    traced: Run, tmp_path: Path, how: str, pytestconfig: pytest.Config
) -> None:
    seed = int(os.environ.get("STOREEDGE_SEED", random.SystemRandom().randrange(10**6)))
    print(f"STOREEDGE_SEED={seed}")  # noqa: T201 - shown when it fails
    dice = random.Random(seed)  # noqa: S311
    kills: int = pytestconfig.getoption("--kills")
    points = cut_points(traced, dice, kills // 4)
    disk = Disk(traced.before, FILES)
    disk_folder = traced.before
    said = Acknowledged()
    done = cuts = 0
    for point in points:
        for call in traced.calls[done:point]:
            moved = Call(
                name=call.name,
                path=call.path.replace(str(traced.folder), str(disk_folder), 1),
                data=call.data,
                offset=call.offset,
                begun=call.begun,
                ended=call.ended,
            )
            disk.do(moved)
            if call.name == "say":
                for line in call.data.decode().splitlines():
                    if line.split()[0] in ("ask", "handed", "undone", "no"):
                        said.hear(line)
        done = point
        found = tmp_path / f"cut-{point}"
        found.mkdir()
        disk.after_power_loss(found, how, dice)
        opens_whole(found)
        books = read_books(found / "ledger.db")
        assert books.faults == [], f"cut before call {point}"
        assert set(said.handed.values()) <= books.handovers, f"lost by the cut before {point}"
        assert set(said.undone.values()) <= books.undone, f"lost by the cut before {point}"
        assert len(books.handovers) <= len(said.handed) + len(said.open_keys)
        shutil.rmtree(found)
        cuts += 1
    assert cuts >= kills // 4
    assert len(said.handed) > ORDERS // 2


@pytest.mark.parametrize("how", ["none", "some"])
def test_a_disk_that_lies_about_flush_is_noticed_here(
    traced: Run, tmp_path: Path, how: str
) -> None:
    """The same check without the flushes must fail, or it proves nothing."""
    disk = Disk(traced.before, FILES)
    said = Acknowledged()
    for call in traced.calls:
        if call.name == "sync":
            continue
        path = call.path.replace(str(traced.folder), str(traced.before), 1)
        if call.name != "unlink":
            disk.do(Call(name=call.name, path=path, data=call.data, offset=call.offset,
                         begun=call.begun, ended=call.ended))  # fmt: skip
        if is_answer(call):
            said.hear(call.data.decode().strip())
    disk.after_power_loss(tmp_path, how, random.Random(1))  # noqa: S311
    try:
        opens_whole(tmp_path)
        books = read_books(tmp_path / "ledger.db")
    except (StoreError, sqlite3.Error):
        return
    assert books.faults or set(said.handed.values()) - books.handovers
