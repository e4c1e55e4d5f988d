"""Connections to the hub's database: one writer at a time, many readers, nothing half-done.

SQLite is opened with WAL and FULL, and a writing transaction takes the write lock at its start
(BEGIN IMMEDIATE), so that it never fails half-way because it read first.
"""

import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from sync.hub import migrate, tables_hubdb, tables_picking

# Every module that has tables of its own: `metadata` is whole once they are loaded.
TABLES = (tables_hubdb, tables_picking)

BUSY_MS = 10_000


def _open_sqlite(path: Path | None) -> Engine:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)  # it holds the private keys
    engine = (
        create_engine(f"sqlite:///{path}", pool_size=8, max_overflow=32)
        if path is not None
        else create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}
        )
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        assert isinstance(connection, sqlite3.Connection)
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            f"busy_timeout = {BUSY_MS}",
            "trusted_schema = OFF",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


class Database:
    """An open database; `sqlite:////path`, `sqlite://` (memory, for tests)."""

    def __init__(self, url: str) -> None:
        """Open and create tables.

        Raises:
            ValueError: another engine than SQLite; PostgreSQL is not ready yet.
        """
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            raise ValueError("this version keeps the hub in SQLite: give sqlite:////path/hub.db")
        self.file = Path(parsed.database) if parsed.database else None
        self._engine = _open_sqlite(self.file)
        self._one_writer = threading.RLock()
        with self.reading() as connection:
            behind = migrate.needs_upgrade(connection)
        if behind:
            with self.writing() as connection:
                migrate.upgrade(connection)

    @contextmanager
    def reading(self) -> Generator[Connection, None, None]:
        """A consistent view; what is written here is lost."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Generator[Connection, None, None]:
        """A transaction that commits at the end, or leaves nothing."""
        with self._one_writer, self._engine.connect() as connection:
            connection = connection.execution_options(writes=True)
            with connection.begin():
                yield connection

    def copy_to(self, file: Path) -> None:
        """Write a consistent copy to a file that is absent or empty (VACUUM INTO)."""
        with self._engine.connect() as connection:
            raw: object = connection.connection.dbapi_connection
            assert isinstance(raw, sqlite3.Connection)
            raw.execute("VACUUM INTO ?", (str(file),))

    def close(self) -> None:
        """Give every connection back."""
        self._engine.dispose()
