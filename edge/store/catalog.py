"""The catalog file: HQ's data with the cursors of the rows it holds; disposable, not edited by us.

Its own connection writes it, also FULL, and a page is one transaction: rows and cursor together.
The ledger's connection reads it attached as `cat`.
"""

import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from edge.store.errors import Corrupt
from edge.store.ledger import connect
from sync.wire.catalog import ROW_TYPES, SCHEMA_SQL, SCHEMA_VERSION, CatalogRow, SettingRow
from sync.wire.catalog_rows import upserts
from sync.wire.codec import unpack
from sync.wire.errors import RemoteWireError
from sync.wire.messages import Cursor, FeedPage, FeedRow

logger = logging.getLogger(__name__)


def create(path: Path, rows: Sequence[CatalogRow] = ()) -> None:
    """A catalog under a name never used before, empty or with `rows` in it."""
    assert not path.exists(), "a catalog's number is never used twice"
    connection = connect(path)
    try:
        connection.executescript(SCHEMA_SQL)
        connection.execute("INSERT INTO meta VALUES ('schema', ?)", (SCHEMA_VERSION,))
        for row in rows:
            put(connection, row)
    finally:
        connection.close()
    path.chmod(0o600)


def check(path: Path) -> tuple[Cursor, ...]:
    """Look at a snapshot before it becomes the catalog; answers the cursors in it.

    Raises:
        RemoteWireError: not a sound database, or not the schema text that we know.
    """
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            connection.execute("PRAGMA trusted_schema = OFF")
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise RemoteWireError("the snapshot fails its check")
            if _schema(connection) != _expected_schema():
                raise RemoteWireError("the snapshot has another schema than this program knows")
            return tuple(_cursors(connection))
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        raise RemoteWireError(f"the snapshot is not a database: {error}") from error


def _schema(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name"
    )
    return [" ".join(str(row[0]).split()) for row in rows]


def _expected_schema() -> list[str]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(SCHEMA_SQL)
        return _schema(connection)
    finally:
        connection.close()


def _cursors(connection: sqlite3.Connection) -> list[Cursor]:
    rows = connection.execute("SELECT scope, generation, seq, row_hash FROM cursor ORDER BY scope")
    return [
        Cursor(scope=scope, generation=generation, seq=seq, row_hash=row_hash)
        for scope, generation, seq, row_hash in rows
    ]


_FORGET_KEYS = "DELETE FROM rotating_key WHERE until_ms < ?"
_WITHOUT_SAY = frozenset({"store", "product", "staff", "rotating_key", "budget", "prices"})
"""Kinds that say nothing about whether units may be given: one that cannot be read is a case, not a
reason to ask a person at every order."""


class Catalog:
    """The writing side of one catalog file."""

    def __init__(self, path: Path) -> None:
        """Open it.

        Raises:
            Corrupt: it is damaged; fetch a snapshot under a new number.
        """
        self.path = path
        self._connection = connect(path)
        self._connection.execute("PRAGMA secure_delete = ON")  # for keys that are forgotten
        if self._connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            self._connection.close()
            raise Corrupt(f"{path.name} fails its check")

    def cursors(self) -> Sequence[Cursor]:
        """How far each scope was applied."""
        return _cursors(self._connection)

    def apply(self, page: FeedPage, *, applied_ms: int) -> tuple[FeedRow, ...]:
        """Put a verified page and its cursor in, durably; answers the rows it did not understand.

        A row that is malformed, breaks a constraint, or is of a kind that must be understood and
        is not, does not stop the rows behind it (attacks 15). If it may say who holds what, it
        leaves a mark in `setting`, and every order asks for a person until the next snapshot.
        """
        connection = self._connection
        unknown: list[FeedRow] = []
        connection.execute("BEGIN IMMEDIATE")
        try:
            for row in page.rows:
                if not self._put(row):
                    unknown.append(row)
            connection.execute(_FORGET_KEYS, (applied_ms,))
            head = page.head
            connection.execute(
                "INSERT INTO cursor VALUES (?, ?, ?, ?, ?) ON CONFLICT (scope) DO UPDATE SET"
                " generation = excluded.generation, seq = excluded.seq,"
                " row_hash = excluded.row_hash, applied_ms = excluded.applied_ms",
                (page.scope, head.generation, head.seq, head.row_hash, applied_ms),
            )
            connection.execute("COMMIT")
        except BaseException:  # whatever it is: a transaction left open stops every later page
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return tuple(unknown)

    def forget_keys(self, *, now_ms: int) -> int:
        """Clear away secrets of rotating codes whose window is over; answers how many.

        A disk that is full or slow is no reason to stop a counter: the next minute tries again.
        """
        try:
            forgotten = self._connection.execute(_FORGET_KEYS, (now_ms,)).rowcount
            if forgotten:
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.OperationalError as error:
            logger.warning("keys not cleared away error=%s", error)
            return 0
        return forgotten

    def is_current(self) -> bool:
        """Whether its tables are those that this program knows; else a snapshot replaces it."""
        return _schema(self._connection) == _expected_schema()

    def _put(self, row: FeedRow) -> bool:
        kind = ROW_TYPES.get(row.kind)
        if kind is None and not row.must_understand:
            return True
        connection = self._connection
        connection.execute("SAVEPOINT feed_row")
        try:
            if kind is not None:
                put(connection, unpack(kind, row.body))
                return True
        except (RemoteWireError, sqlite3.IntegrityError, sqlite3.DataError, OverflowError):
            connection.execute("ROLLBACK TO feed_row")
        finally:
            connection.execute("RELEASE feed_row")
        if row.kind not in _WITHOUT_SAY:
            put(connection, SettingRow(key=f"not_understood:{row.kind}", value="true"))
        return False

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def put(connection: sqlite3.Connection, row: CatalogRow) -> None:
    """Upsert one row by its key; the same row twice changes nothing."""
    for statement, values in upserts(row):
        connection.execute(statement, values)
