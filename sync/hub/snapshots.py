"""Snapshots: the newest row of every key in a store's scopes, as a SQLite file the node can use.

Built from the feed's rows, so a snapshot says what reading the feed from the start would say;
asks that were answered are left out. Files are named by the hash of their compressed bytes and
kept for the last few; a new one is built when a head has moved.
"""

import hashlib
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import zstandard
from sqlalchemy import Connection, func, select

from sync.hub.feed import CHAIN, head_cursor, store_scope
from sync.hub.identity import Hub
from sync.hub.problems import missing
from sync.hub.tables import feed
from sync.wire import codec
from sync.wire.catalog import (
    ROW_TYPES,
    SCHEMA_SQL,
    SCHEMA_VERSION,
    AskRow,
    CatalogRow,
    RightGrantRow,
    RightRecallRow,
)
from sync.wire.catalog_rows import upserts
from sync.wire.messages import Cursor, Manifest, SignedManifest
from sync.wire.snapshot import sign_manifest

KEPT_A_STORE = 2
_ZSTD_LEVEL = 3


def _rows(connection: Connection, scope: str, upto: int) -> Iterator[CatalogRow]:
    newest = (
        select(feed.c.kind, feed.c.row_key, func.max(feed.c.seq).label("seq"))
        .where(feed.c.scope == scope, feed.c.seq <= upto)
        .group_by(feed.c.kind, feed.c.row_key)
        .subquery()
    )
    found = connection.execute(
        select(feed.c.kind, feed.c.body)
        .join(newest, newest.c.seq == feed.c.seq)
        .where(feed.c.scope == scope)
        .order_by(feed.c.seq)
    )
    for row in found:
        yield codec.unpack(ROW_TYPES[row.kind], row.body)


def insert_row(target: sqlite3.Connection, row: CatalogRow) -> None:
    """Put a row into a catalog file; what HQ asked and heard the answer to is left out."""
    if isinstance(row, AskRow | RightGrantRow | RightRecallRow) and row.settled:
        return
    for statement, values in upserts(row):
        target.execute(statement, values)


def _build(hub: Hub, number: int, file: Path) -> tuple[Cursor, ...]:
    with (
        closing(sqlite3.connect(file, isolation_level=None)) as target,
        hub.database.reading() as connection,
    ):
        target.execute("PRAGMA journal_mode = OFF")
        target.execute("PRAGMA synchronous = OFF")  # hashed before use; made anew if lost
        target.executescript(SCHEMA_SQL)
        target.execute("BEGIN")
        target.executemany(
            "INSERT INTO meta VALUES (?, ?)",
            (
                ("schema", SCHEMA_VERSION),
                ("chain", hub.chain),
                ("store", number),
                ("generation", hub.generation),
            ),
        )
        cursors = tuple(
            head_cursor(connection, scope, hub.generation) for scope in (CHAIN, store_scope(number))
        )
        now_ms = hub.clock.now_ms()
        for cursor in cursors:
            for row in _rows(connection, cursor.scope, cursor.seq):
                insert_row(target, row)
            target.execute("DELETE FROM rotating_key WHERE until_ms < ?", (now_ms,))
            target.execute(
                "INSERT INTO cursor VALUES (?, ?, ?, ?, ?)",
                (cursor.scope, cursor.generation, cursor.seq, cursor.row_hash, now_ms),
            )
        target.execute("COMMIT")
    return cursors


class Snapshots:
    """Builds and keeps snapshot files in a folder; safe to use from any thread."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        """Files of an earlier run in `folder` are not trusted and go away."""
        self._hub = hub
        self._folder = folder
        self._lock = threading.Lock()
        self._made: dict[int, list[tuple[Manifest, SignedManifest, Path]]] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in folder.glob("snapshot-*"):
            left.unlink()

    def newest(self, number: int) -> SignedManifest:
        """The signed manifest of a snapshot that reads to the heads of now."""
        with self._lock:
            with self._hub.database.reading() as connection:
                heads = tuple(
                    head_cursor(connection, scope, self._hub.generation)
                    for scope in (CHAIN, store_scope(number))
                )
            made = self._made.setdefault(number, [])
            if not made or made[-1][0].cursors != heads:
                made.append(self._make(number))
                for _, _, file in made[:-KEPT_A_STORE]:
                    file.unlink(missing_ok=True)
                del made[:-KEPT_A_STORE]
            return made[-1][1]

    def file(self, number: int, sha256_hex: str) -> Path:
        """The compressed file with this hash (404: gone, ask for the newest again)."""
        with self._lock:
            for manifest, _, file in self._made.get(number, []):
                if manifest.sha256.hex() == sha256_hex:
                    return file
        raise missing("snapshot with this hash; ask for the newest")

    def _make(self, number: int) -> tuple[Manifest, SignedManifest, Path]:
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="snapshot-building-") as work:
            rows, plain, packed = (Path(work) / name for name in ("rows", "plain", "packed"))
            cursors = _build(self._hub, number, rows)
            with closing(sqlite3.connect(rows, isolation_level=None)) as source:
                source.execute("VACUUM INTO ?", (str(plain),))
            compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)
            with plain.open("rb") as reader, packed.open("wb") as writer:
                compressor.copy_stream(reader, writer, size=plain.stat().st_size)
            with packed.open("rb") as reader:
                digest = hashlib.file_digest(reader, "sha256").digest()
            manifest = Manifest(
                chain=self._hub.chain,
                store=number,
                generation=self._hub.generation,
                cursors=cursors,
                schema=SCHEMA_VERSION,
                size=packed.stat().st_size,
                plain_size=plain.stat().st_size,
                sha256=digest,
            )
            final = self._folder / f"snapshot-{number}-{digest.hex()}.db.zst"
            packed.rename(final)
        return manifest, sign_manifest(manifest, self._hub.signer), final
