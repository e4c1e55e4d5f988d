"""When the disk fails inside a batch: no lie is told, nothing half stays, a retry is served."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import made_shop
import pytest
from books import read_books
from gate import one_batch
from made_shop import MadeShop
from redeemers import Acknowledged, redeem

from edge.flow.answers import ScanAnswer
from edge.flow.scan import ScanAsk, scan
from edge.store.errors import DiskFull, Unanswered
from edge.store.ledger import Failed, Ledger, Unit
from edge.store.tx import Moment, Tx

STRACE = shutil.which("strace")
needs_strace = pytest.mark.skipif(STRACE is None, reason="strace is not installed")
ORDERS = 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made_shop.prepare(tmp_path / "data", orders=ORDERS)
    return tmp_path / "data"


async def ask(made: MadeShop, number: int) -> ScanAnswer:
    caller = made.caller(key=f"key-{number}", route="scans")
    answer = await scan(made.shop, caller, ScanAsk(text=made_shop.v1(number)))
    assert isinstance(answer, ScanAnswer)
    return answer


def leave_room(ledger: Ledger, pages: int) -> None:
    used = ledger.connection.execute("PRAGMA page_count").fetchone()[0]
    ledger.connection.execute(f"PRAGMA max_page_count = {used + pages:d}")


async def test_a_full_disk_answers_the_whole_batch_unknown_and_keeps_nothing_of_it(
    folder: Path,
) -> None:
    async with made_shop.open_shop(folder) as made:
        await made.shop.writer.between(lambda ledger: leave_room(ledger, 1))
        async with one_batch(made.shop.writer, made.shop.moment()):
            tasks = [asyncio.create_task(ask(made, number)) for number in range(1, ORDERS + 1)]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(answer) for answer in answers} == {DiskFull}
        assert made.ledger.broken
        with pytest.raises(Unanswered, match="nothing was done"):
            await ask(made, 1)
    assert [type(error) for error in made.fatal] == [DiskFull]
    books = read_books(folder / "ledger.db")
    assert books.faults == []
    assert books.handovers == set()

    async with made_shop.open_shop(folder, run="run-2") as made:
        again = [await ask(made, number) for number in range(1, ORDERS + 1)]
        assert {answer.state for answer in again} == {"handed"}
        repeated = [await ask(made, number) for number in range(1, ORDERS + 1)]
        assert [answer.handover for answer in repeated] == [answer.handover for answer in again]
        assert all(answer.repeat_of_ms is not None for answer in repeated)
    assert len(read_books(folder / "ledger.db").handed) == ORDERS


async def test_what_was_answered_before_the_disk_was_full_stays(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        await made.shop.writer.between(lambda ledger: leave_room(ledger, 3))
        handed: list[int | None] = []
        for number in range(1, ORDERS + 1):
            try:
                handed.append((await ask(made, number)).handover)
            except Unanswered:
                break
        assert 0 < len(handed) < ORDERS
    books = read_books(folder / "ledger.db")
    assert books.faults == []
    assert set(books.handed.values()) == set(handed)


def test_a_locked_ledger_leaves_the_batch_unanswered(ledger: Ledger, moment: Moment) -> None:
    ledger.connection.execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        results = ledger.run_batch([Unit(lambda tx: tx.note("waits"), moment)] * 3)
    assert [type(one.error) for one in results if isinstance(one, Failed)] == [Unanswered] * 3
    assert ledger.broken


def test_a_reader_that_stays_does_not_stop_the_writer(ledger: Ledger, moment: Moment) -> None:
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM audit").fetchone()
        for _ in range(50):
            results = ledger.run_batch([Unit(lambda tx: tx.note("goes on"), moment)])
            assert not any(isinstance(one, Failed) for one in results)
        assert other.execute("SELECT count(*) FROM audit").fetchone() == (0,)


def test_a_ledger_that_became_read_only_leaves_the_batch_unanswered(
    ledger: Ledger, moment: Moment
) -> None:
    ledger.connection.execute("PRAGMA query_only = ON")

    def act(tx: Tx) -> None:
        tx.note("not written")

    results = ledger.run_batch([Unit(act, moment)])
    assert [type(one.error) for one in results if isinstance(one, Failed)] == [Unanswered]
    assert ledger.broken


def check_after(folder: Path, said: Acknowledged) -> None:
    """What was acknowledged stands, nothing stands twice, and every lost key can be asked again."""
    books = read_books(folder / "ledger.db")
    assert books.faults == []
    assert set(said.handed.values()) <= set(books.handed.values())
    assert len(said.handed) < ORDERS
    assert said.lost
    assert said.fatal
    again = redeem(folder, "--orders", f"1:{ORDERS + 1}", "--retry", " ".join(said.open_keys))
    assert again.ended, again.stderr
    assert set(again.handed) >= set(said.lost)
    books = read_books(folder / "ledger.db")
    assert books.faults == []
    assert len(books.handed) == ORDERS


def test_a_write_that_the_system_refuses_answers_unknown(folder: Path) -> None:
    wal_bytes = 150_000
    said = redeem(folder, "--orders", f"1:{ORDERS + 1}", "--clients", 4, "--file-limit", wal_bytes)
    assert said.ended, said.stderr
    assert said.handed
    assert set(said.lost.values()) == {"Unanswered"}
    check_after(folder, said)


@needs_strace
@pytest.mark.parametrize(
    ("call", "error", "after", "word"),
    [
        ("fdatasync", "EIO", 9, "Unanswered"),
        ("pwrite64", "EIO", 120, "Unanswered"),
        ("pwrite64", "ENOSPC", 120, "DiskFull"),
        ("pwrite64", "EROFS", 130, "Unanswered"),
    ],
)
def test_a_disk_that_fails_from_some_moment_on_answers_unknown(
    folder: Path, call: str, error: str, after: int, word: str
) -> None:
    fault = f"inject={call}:error={error}:when={after}+"
    said = redeem(
        folder,
        "--orders",
        f"1:{ORDERS + 1}",
        "--clients",
        3,
        under=(str(STRACE), "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", fault),
    )
    assert said.handed, said.stderr
    assert word in said.lost.values()
    check_after(folder, said)


@needs_strace
def test_one_failed_flush_is_not_tried_again_by_the_same_process(folder: Path) -> None:
    """After a failed fdatasync the pages may be dropped: a second one proves nothing."""
    said = redeem(
        folder,
        "--orders",
        f"1:{ORDERS + 1}",
        under=(
            str(STRACE), "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
            "-e", "inject=fdatasync:error=EIO:when=9",
        ),
    )  # fmt: skip
    assert said.handed
    assert len(said.lost) == 1
    assert said.fatal == ["Unanswered"]
    check_after(folder, said)
