"""The two engines: how a connection is prepared, and what their errors mean to us.

Nothing else in the hub knows which engine it is on. SQLite has WAL and FULL, and a writing
transaction takes the write lock at its start, so that it never fails half-way because it read
first. PostgreSQL runs writing transactions SERIALIZABLE and reading ones on one snapshot; of two
writers that cannot both be right it refuses one, who begins again (`Database.again`).
"""

import sqlite3
from enum import Enum, auto
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

BUSY_MS = 10_000
POOL = 8
POOL_MORE = 32
_CONNECT_S = 5
_SERIALIZATION = ("40001", "40P01", "55P03")  # serialization, deadlock, lock not available
_AWAY_CLASSES = ("08", "57")  # connection exceptions, operator intervention


class Trouble(Enum):
    """What a database error means to who asked."""

    AGAIN = auto()
    """Nothing was done, by somebody else's work; begin again."""
    PERHAPS_AGAIN = auto()
    """A constraint; somebody else's row may have come first: one more try tells."""
    AWAY = auto()
    """The database is not there, or went away; what was being committed is unknown."""
    OURS = auto()
    """A bug."""


def open_sqlite(path: Path | None) -> Engine:
    """A file, or memory for tests."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)  # it holds the private keys
    engine = (
        create_engine(
            f"sqlite:///{path}", pool_size=POOL, max_overflow=POOL_MORE, hide_parameters=True
        )
        if path is not None
        else create_engine(
            "sqlite://",
            poolclass=StaticPool,
            connect_args={"check_same_thread": False},
            hide_parameters=True,
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


def open_postgresql(url: URL, *, glancing: bool = False) -> Engine:
    """A server, by psycopg 3; `?host=/folder` is a Unix socket.

    glancing: for single statements that read; nothing is sent around them, nor when a connection
    is given back.
    """
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=POOL,
        max_overflow=POOL_MORE,
        hide_parameters=True,  # errors reach logs, and what they were about are keys and names
        connect_args={"connect_timeout": _CONNECT_S, "application_name": "storeedge-hub"},
        isolation_level="AUTOCOMMIT" if glancing else None,
        pool_reset_on_return=None if glancing else "rollback",
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        # a writer that waits for a dead one, or a dead one that holds a row, must not last
        cursor.execute(f"SET lock_timeout = {BUSY_MS}")
        cursor.execute("SET idle_in_transaction_session_timeout = 60000")
        cursor.close()
        connection.commit()

    return engine


def for_writing(engine: Engine) -> Engine:
    """The same pool, with transactions that behave as if one came after the other."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(writes=True)
    return engine.execution_options(isolation_level="SERIALIZABLE")


def for_reading(engine: Engine) -> Engine:
    """The same pool, with transactions that see one moment."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def trouble(error: DBAPIError | PoolTimeout) -> Trouble:
    """What an error means."""
    if isinstance(error, PoolTimeout):
        return Trouble.AWAY
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        if getattr(cause, "sqlite_errorcode", 0) & 0xFF in (
            sqlite3.SQLITE_BUSY,
            sqlite3.SQLITE_LOCKED,
        ):
            return Trouble.AGAIN
    else:
        state = getattr(cause, "sqlstate", None)
        if state in _SERIALIZATION:
            return Trouble.AGAIN
        if error.connection_invalidated or (
            state is None and not isinstance(error, IntegrityError)
        ):
            return Trouble.AWAY
        if isinstance(state, str) and state[:2] in _AWAY_CLASSES:
            return Trouble.AWAY
    return Trouble.PERHAPS_AGAIN if isinstance(error, IntegrityError) else Trouble.OURS
