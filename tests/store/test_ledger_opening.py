"""Opening the ledger: what durability rests on is asserted, what is not ours is not touched."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from edge.store.errors import AlreadyRunning, Corrupt, DiskFull, SchemaTooNew, StoreError, Unsafe
from edge.store.ledger import DataFolder, Ledger, Unit, connect
from edge.store.migrate import steps
from edge.store.tx import Moment, Tx


def pragma(ledger: Ledger, name: str) -> object:
    return ledger.connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_new_ledger_is_wal_full_and_only_ours(ledger: Ledger) -> None:
    assert pragma(ledger, "journal_mode") == "wal"
    assert pragma(ledger, "synchronous") == 2
    assert pragma(ledger, "foreign_keys") == 1
    assert pragma(ledger, "trusted_schema") == 0
    assert pragma(ledger, "user_version") == len(steps())
    assert stat.S_IMODE(ledger.path.stat().st_mode) == 0o600
    assert ledger.migrated == len(steps())


def test_a_reopened_ledger_is_full_again(ledger: Ledger) -> None:
    ledger.close()
    again = Ledger(ledger.path)
    try:
        assert pragma(again, "synchronous") == 2
        assert again.migrated == 0
    finally:
        again.close()


def test_a_ledger_that_cannot_be_wal_is_unsafe() -> None:
    # SQLite keeps a nameless in-memory database out of WAL, as some network file systems do.
    with pytest.raises(Unsafe, match="journal"):
        connect(MemoryPath("/"))


class MemoryPath(type(Path())):  # type: ignore[misc]  # the concrete Path of this system
    """A path whose file: address names no file."""

    def absolute(self) -> "MemoryPath":
        return self

    def as_uri(self) -> str:
        return "file::memory:"


def test_one_folder_has_one_daemon_even_across_processes(tmp_path: Path) -> None:
    held = DataFolder(tmp_path / "data")
    program = (
        "import sys; from pathlib import Path; from edge.store.ledger import DataFolder\n"
        "from edge.store.errors import AlreadyRunning\n"
        "try: DataFolder(Path(sys.argv[1]))\n"
        "except AlreadyRunning as error: sys.exit(error.code)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "data")]
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    assert second.stderr.strip() == "E-STO-01"
    with pytest.raises(AlreadyRunning):
        DataFolder(tmp_path / "data")
    held.close()
    DataFolder(tmp_path / "data").close()
    assert subprocess.run(command, check=False).returncode == 0


def test_the_lock_of_a_killed_daemon_is_free(tmp_path: Path) -> None:
    child = os.fork()
    if child == 0:
        DataFolder(tmp_path / "data")
        os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    DataFolder(tmp_path / "data").close()


def test_a_newer_ledger_is_refused_and_left_alone(ledger: Ledger) -> None:
    ledger.connection.execute(f"PRAGMA user_version = {len(steps()) + 1}")
    ledger.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ledger.close()
    before = ledger.path.read_bytes()
    with pytest.raises(SchemaTooNew):
        Ledger(ledger.path)
    assert ledger.path.read_bytes() == before


def filled(path: Path) -> None:
    """A closed ledger of some tens of pages."""
    ledger = Ledger(path)
    moment = Moment(trusted_ms=1, boot_ms=1, clock="synced")

    def act(tx: Tx) -> None:
        for number in range(400):
            tx.note("filler", number=number, text="x" * 200)

    ledger.run_batch([Unit(act, moment)])
    ledger.close()


@pytest.fixture(scope="module")
def full_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("filled") / "ledger.db"
    filled(path)
    return path


def test_a_flipped_page_is_corrupt_wherever_its_header_was_hit(
    full_ledger: Path, tmp_path: Path
) -> None:
    data = full_ledger.read_bytes()
    pages = len(data) // 4096
    assert pages > 30
    for page in range(1, pages):
        damaged = tmp_path / f"page-{page}.db"
        flipped = bytearray(data)
        for at in range(page * 4096, page * 4096 + 8):
            flipped[at] ^= 0xFF
        damaged.write_bytes(flipped)
        with pytest.raises(Corrupt):
            Ledger(damaged)
        damaged.unlink()


@pytest.mark.parametrize("kept_bytes", [100, 4_096, 4_096 * 7 + 13])
def test_a_truncated_ledger_is_corrupt(full_ledger: Path, tmp_path: Path, kept_bytes: int) -> None:
    damaged = tmp_path / "ledger.db"
    damaged.write_bytes(full_ledger.read_bytes()[:kept_bytes])
    with pytest.raises(Corrupt):
        Ledger(damaged)


def test_a_file_that_is_no_database_is_corrupt_and_not_overwritten(tmp_path: Path) -> None:
    other = tmp_path / "ledger.db"
    other.write_bytes(b"the shopping list\n" * 500)
    with pytest.raises(Corrupt):
        Ledger(other)
    assert other.read_bytes() == b"the shopping list\n" * 500


def test_a_ledger_whose_creation_was_cut_short_is_made_on_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    connect(path).close()
    ledger = Ledger(path)
    assert pragma(ledger, "user_version") == len(steps())
    ledger.close()


def test_a_ledger_that_another_program_locked_is_not_called_damaged(ledger: Ledger) -> None:
    ledger.close()
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(AlreadyRunning):
            Ledger(ledger.path)
        other.execute("COMMIT")


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("when", range(1, 20, 2))
def test_a_disk_that_is_full_at_the_start_has_not_damaged_the_ledger(
    tmp_path: Path, when: int
) -> None:
    program = (
        "import sys; from pathlib import Path; from edge.store.ledger import Ledger\n"
        "from edge.store.errors import StoreError\n"
        "try: Ledger(Path(sys.argv[1]))\n"
        "except StoreError as error: sys.exit(error.code)\n"
    )
    fault = f"inject=pwrite64:error=ENOSPC:when={when}+"
    done = subprocess.run(
        ["strace", "-qq", "-o", "/dev/null", "-e", "trace=pwrite64", "-e", fault,
         sys.executable, "-c", program, str(tmp_path / "ledger.db")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    # SQLite calls a -shm file that cannot grow an I/O error, not a full disk.
    assert done.stderr.strip() in (DiskFull.code, StoreError.code)
    Ledger(tmp_path / "ledger.db").close()


def test_every_store_error_has_a_code_of_its_own_and_a_hint() -> None:
    def all_of(kind: type[StoreError]) -> list[type[StoreError]]:
        return [kind, *(one for child in kind.__subclasses__() for one in all_of(child))]

    kinds = all_of(StoreError)
    assert DiskFull in kinds
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert all(kind.hint for kind in kinds)
