"""The ledger file: opened safely, written in batches.

Group commit: `run_batch` takes what waits, runs each unit in its own SAVEPOINT, commits once, then
answers all. Only after COMMIT returned is there an answer. A constraint error or a Python
exception rolls back its unit alone. Some SQLite errors roll back the whole transaction by
themselves (FULL, IOERR, …, attacks 13): after them nothing is known, the batch is answered
`Unanswered` and this object refuses to go on; the process must end.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from edge.store.errors import (
    AlreadyRunning,
    Corrupt,
    DiskFull,
    StoreError,
    Unanswered,
    UnitFailed,
    Unsafe,
)
from edge.store.migrate import migrate
from edge.store.tx import Moment, Tx

T = TypeVar("T")
_FATAL = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
    }
)


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """The unit is durable."""

    value: T


@dataclass(frozen=True, slots=True)
class Failed:
    """The unit is not done, and why."""

    error: Unanswered | UnitFailed


Result = Done[object] | Failed


@dataclass(frozen=True, slots=True)
class Unit:
    """An act to run: at its moment, with the writer's connection."""

    act: Callable[[Tx], object]
    moment: Moment


class DataFolder:
    """The folder of one daemon: locked as long as this object lives."""

    def __init__(self, path: Path) -> None:
        """Create the folder (0700) and take the lock.

        Raises:
            AlreadyRunning: another process holds it.
        """
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise AlreadyRunning(f"{path} is in use by another StoreEdge") from error

    def close(self) -> None:
        """Give the lock back."""
        os.close(self._lock)


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection with the pragmas that durability rests on, asserted.

    Raises:
        Unsafe: WAL or synchronous=FULL does not hold here, or the file cannot be opened.
        Corrupt: the file is not a sound database.
    """
    uri = f"{path.absolute().as_uri()}{'?mode=ro' if read_only else ''}"
    try:
        connection = sqlite3.connect(
            uri, uri=True, isolation_level=None, check_same_thread=False, cached_statements=256
        )
    except sqlite3.OperationalError as error:
        raise Unsafe(f"{path.name}: {error}") from error
    try:
        journal = connection.execute(
            "PRAGMA journal_mode" if read_only else "PRAGMA journal_mode = WAL"
        ).fetchone()[0]
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA busy_timeout = 2000")
        connection.execute("PRAGMA cache_size = -8000")
        # A checkpoint flushes twice more in the commit that meets it: 300 redeems apart, not 75.
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
        connection.execute("PRAGMA temp_store = MEMORY")  # a savepoint's pages, else a file each
        synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
    except sqlite3.DatabaseError as error:
        connection.close()
        raise _not_opened(path, error) from error
    if journal != "wal" or synchronous != 2:
        connection.close()
        raise Unsafe(f"{path.name}: journal {journal}, synchronous {synchronous}")
    return connection


def _not_opened(path: Path, error: sqlite3.Error) -> StoreError:
    """What to tell of an error at the start; a disk that fails has not damaged the ledger yet."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    kinds: dict[int, type[StoreError]] = {
        sqlite3.SQLITE_FULL: DiskFull,
        sqlite3.SQLITE_BUSY: AlreadyRunning,
        sqlite3.SQLITE_IOERR: StoreError,
    }
    return kinds.get(code, Corrupt)(f"{path.name}: {error}")


class Ledger:
    """The open ledger, used by one thread."""

    def __init__(self, path: Path) -> None:
        """Open or create it, migrate, and check it.

        Raises:
            StoreError: any of its kinds; nothing was changed that a rerun would not repeat.
        """
        new = not path.exists()
        self.path = path
        self.connection = connect(path)
        if new:
            path.chmod(0o600)
            _sync_folder(path.parent)
        else:
            self._check()
        try:
            self.migrated = migrate(self.connection, path)
        except sqlite3.Error as error:
            self.connection.close()
            raise _not_opened(path, error) from error
        self._broken = False

    def _check(self) -> None:
        try:
            answer = self.connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise Corrupt(f"{self.path.name}: {error}") from error
        if answer != "ok":
            raise Corrupt(f"{self.path.name}: {answer}")

    @property
    def broken(self) -> bool:
        """Whether a batch ended unknown: the process must end."""
        return self._broken

    def run_batch(self, units: Sequence[Unit]) -> list[Result]:
        """Run units in order and commit them together; one result a unit, after COMMIT."""
        assert not self._broken, "a broken ledger is not written"
        connection = self.connection
        results: list[Result] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for unit in units:
                results.append(self._run_unit(unit))
            connection.execute("COMMIT")
        except _Lost as lost:
            return self._lose(units, lost.error)
        except (sqlite3.Error, MemoryError) as error:
            return self._lose(units, error)
        return results

    def _run_unit(self, unit: Unit) -> Result:
        connection = self.connection
        connection.execute("SAVEPOINT unit")
        try:
            tx = Tx(connection, unit.moment)
            value = unit.act(tx)
            tx.close()
            connection.execute("RELEASE unit")
        except sqlite3.Error as error:
            if _is_fatal(error) or not connection.in_transaction:
                raise _Lost(error) from error
            self._roll_back()
            return Failed(_unit_failed(error))
        except MemoryError as error:  # how SQLITE_NOMEM arrives; what it rolled back is not known
            raise _Lost(error) from error
        except Exception as error:
            if not connection.in_transaction:
                raise _Lost(error) from error
            self._roll_back()
            return Failed(_unit_failed(error))
        return Done(value)

    def _roll_back(self) -> None:
        self.connection.execute("ROLLBACK TO unit")
        self.connection.execute("RELEASE unit")

    def _lose(self, units: Sequence[Unit], error: Exception) -> list[Result]:
        self._broken = True
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        kind = DiskFull if code == sqlite3.SQLITE_FULL else Unanswered
        unanswered = kind(f"the batch is unknown: {error}")
        unanswered.__cause__ = error
        return [Failed(unanswered) for _ in units]

    def attach_catalog(self, path: Path) -> None:
        """Make `path` the catalog that units read as `cat`, between batches only."""
        assert not self.connection.in_transaction, "a swap happens between batches"
        attached = {row[1] for row in self.connection.execute("PRAGMA database_list")}
        if "cat" in attached:
            self.connection.execute("DETACH cat")
        self.connection.execute("ATTACH ? AS cat", (f"{path.absolute().as_uri()}?mode=ro",))

    def close(self) -> None:
        """Close the file."""
        self.connection.close()


class _Lost(Exception):
    """The transaction is gone or in doubt."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _is_fatal(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _FATAL


def _unit_failed(error: Exception) -> UnitFailed:
    failed = UnitFailed(f"{type(error).__name__}: {error}")
    failed.__cause__ = error
    return failed


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
