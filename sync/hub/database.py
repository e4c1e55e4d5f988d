"""Connections to the hub's database: writers as if one came after the other, nothing half-done.

Any number of hub processes may share a database; nothing that is right or wrong rests on what a
process remembers. A verb of the hub is one writing transaction, so that it can begin again from
its first read: `again` does so when another writer came between.
"""

import logging
import os
import random
import shutil
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sync.hub import (
    engines,
    feed,
    migrate,
    tables_boxes,
    tables_console,
    tables_hubdb,
    tables_outside,
    tables_ownership,
    tables_picking,
    tables_prices,
    tables_provisional,
    tables_recall,
    tables_reconcile,
    tables_rotating,
    tables_stock,
)
from sync.hub.engines import Trouble
from sync.hub.problems import Problem

# Every module that has tables of its own: `metadata` is whole once they are loaded.
TABLES = (
    tables_boxes,
    tables_console,
    tables_hubdb,
    tables_outside,
    tables_ownership,
    tables_picking,
    tables_prices,
    tables_provisional,
    tables_recall,
    tables_reconcile,
    tables_rotating,
    tables_stock,
)

T = TypeVar("T")
logger = logging.getLogger(__name__)
PATIENCE_S = 10.0
_CONSTRAINT_TRIES = 3
_FIRST_WAIT_S = 0.002
_LONGEST_WAIT_S = 0.25
_jitter = random.SystemRandom()


class Tries:
    """How often one verb began, and whether it may again; for `again` and its kin in a loop."""

    def __init__(self) -> None:
        self._began_s = time.monotonic()
        self._count = 0
        self._wait_s = _FIRST_WAIT_S

    def after(self, error: DBAPIError | PoolTimeout) -> float:
        """Seconds to wait before the next try.

        Raises:
            Problem: 503, see `again`.
            DBAPIError: the error itself, when it is a bug of ours.
        """
        self._count += 1
        match engines.trouble(error):
            case Trouble.AWAY:
                logger.warning("database away error=%s", type(error.__cause__).__name__)
                raise _away() from error
            case Trouble.AGAIN:
                if time.monotonic() - self._began_s > PATIENCE_S:
                    raise busy() from error
            case Trouble.PERHAPS_AGAIN:
                if self._count >= _CONSTRAINT_TRIES:
                    raise error
            case Trouble.OURS:
                raise error
        wait_s, self._wait_s = self._wait_s, min(2 * self._wait_s, _LONGEST_WAIT_S)
        return _jitter.uniform(0, wait_s)


def _away() -> Problem:
    return Problem(
        status=503,
        code="database_away",
        detail="The hub's database does not answer; ask again.",
        extra={"retry_after_s": 2},
    )


def busy() -> Problem:
    """503: another writer was first, too often."""
    return Problem(
        status=503,
        code="busy",
        detail="Too many changes at once; ask again.",
        extra={"retry_after_s": 1},
    )


class Database:
    """An open database; `sqlite:////path`, `sqlite://` (memory, for tests), `postgresql://…`."""

    def __init__(self, url: str) -> None:
        """Open it, and bring its tables to the present revision.

        Raises:
            ValueError: another engine, not a URL, or a newer schema than ours.
            Problem: a PostgreSQL that does not answer.
        """
        try:
            self._url = make_url(url)
        except ArgumentError as error:
            raise ValueError("a database is sqlite:////path/hub.db or postgresql://…") from error
        kind = self._url.get_backend_name()
        self.file: Path | None = None
        if kind == "sqlite":
            self.file = Path(self._url.database) if self._url.database else None
            self._engine = engines.open_sqlite(self.file)
        elif kind == "postgresql":
            self._engine = engines.open_postgresql(self._url)
        else:
            raise ValueError(f"{kind}: the hub keeps its data in SQLite or PostgreSQL")
        self._reading = engines.for_reading(self._engine)
        self._writing = engines.for_writing(self._engine)
        self._glancing = (
            self._engine if kind == "sqlite" else engines.open_postgresql(self._url, glancing=True)
        )
        # Writers of one process wait for each other here rather than refuse each other there. No
        # more than that rests on it; other processes do not know of it.
        self._turn = threading.RLock()
        try:
            self.again(self._migrate)
        except BaseException:
            self.close()
            raise

    def _migrate(self) -> None:
        with self.reading() as connection:
            behind = migrate.needs_upgrade(connection)
        if behind:
            with self.writing() as connection:
                migrate.upgrade(connection)

    @contextmanager
    def reading(self) -> Generator[Connection, None, None]:
        """A consistent view; what is written here is lost."""
        with self._reading.connect() as connection:
            yield connection

    @contextmanager
    def glancing(self) -> Generator[Connection, None, None]:
        """For one statement that reads."""
        with self._glancing.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Generator[Connection, None, None]:
        """A transaction that commits at the end, or leaves nothing.

        Whoever calls this is called through `again`, or answers 503 when another writer came first.
        """
        waiting = feed.WaitingRows()
        with self._turn, self._writing.connect() as connection:
            connection = connection.execution_options(**{feed.WAITING_ROWS: waiting})
            with connection.begin():
                yield connection
                waiting.write(connection)

    def again(self, verb: Callable[[], T]) -> T:
        """Do it; from the start when another writer came between.

        verb: has at most one writing transaction, its last, and keeps nothing of a run that failed.

        Raises:
            Problem: 503 `busy` after 10 s; 503 `database_away`, when it is not known whether
                the verb was done.
        """
        tries = Tries()
        while True:
            try:
                return verb()
            except (DBAPIError, PoolTimeout) as error:
                time.sleep(tries.after(error))  # real time: another writer has the row

    def copy_to(self, file: Path) -> None:
        """Write a consistent copy to a file that is absent or empty.

        SQLite: another database file (VACUUM INTO). PostgreSQL: an archive for `pg_restore`.

        Raises:
            OSError: `pg_dump` is not there, or failed.
        """
        if self._engine.dialect.name == "sqlite":
            with self._engine.connect() as connection:
                raw: object = connection.connection.dbapi_connection
                assert isinstance(raw, sqlite3.Connection)
                raw.execute("VACUUM INTO ?", (str(file),))
            return
        url = self._url.set(drivername="postgresql", password=None)
        secret = {} if self._url.password is None else {"PGPASSWORD": str(self._url.password)}
        _dump(url.render_as_string(), file, secret)

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()
        self._glancing.dispose()


def _dump(url: str, file: Path, secret: dict[str, str]) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise OSError("pg_dump is not installed: install Debian's package `postgresql-client`")
    done = subprocess.run(  # noqa: S603 - its own program, our own arguments
        [program, "--format=custom", f"--file={file}", f"--dbname={url}"],
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **secret},
    )
    if done.returncode != 0:
        raise OSError(f"pg_dump exited with {done.returncode}: {done.stderr.strip()[-500:]}")
