"""Snapshots: the newest row of every key in a store's scopes, as a SQLite file the node can use.

Built from the feed's rows, so a snapshot says what reading the feed from the start would say;
asks that were answered are left out. Files are named by the hash of their compressed bytes and
kept for the last few; a new one is built when a head has moved. The same heads give the same bytes,
so that a download begun at one hub process goes on at another; several may share the folder.
"""

import contextlib
import hashlib
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import zstandard
from sqlalchemy import Connection, func, select

from sync.hub.feed import head_cursor
from sync.hub.identity import Hub, generation_of
from sync.hub.problems import missing
from sync.hub.scopes import scopes_of
from sync.hub.tables import feed
from sync.wire import codec
from sync.wire.catalog import (
    ROW_TYPES,
    SCHEMA_SQL,
    SCHEMA_VERSION,
    AskRow,
    BudgetRow,
    CatalogRow,
    RecallRow,
    RightGrantRow,
    RightRecallRow,
)
from sync.wire.catalog_rows import upserts
from sync.wire.messages import Cursor, Manifest, SignedManifest
from sync.wire.snapshot import sign_manifest

KEPT_A_STORE = 2
_ZSTD_LEVEL = 3
_NOT_YET_MS = 0  # the node has not applied it; an hour here would make every build another file
_OLD_S = 24 * 3_600


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
    if isinstance(row, BudgetRow | RecallRow) and row.ended:
        return
    for statement, values in upserts(row):
        target.execute(statement, values)


def _heads(connection: Connection, number: int) -> tuple[Cursor, ...]:
    generation = generation_of(connection)
    return tuple(
        head_cursor(connection, scope, generation) for scope in scopes_of(connection, number)
    )


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
                ("generation", generation_of(connection)),
            ),
        )
        cursors = _heads(connection, number)
        for cursor in cursors:
            for row in _rows(connection, cursor.scope, cursor.seq):
                insert_row(target, row)
            target.execute(
                "INSERT INTO cursor VALUES (?, ?, ?, ?, ?)",
                (cursor.scope, cursor.generation, cursor.seq, cursor.row_hash, _NOT_YET_MS),
            )
        target.execute("COMMIT")
    return cursors


def _hash(file: Path) -> bytes:
    with file.open("rb") as reader:
        return hashlib.file_digest(reader, "sha256").digest()


class Snapshots:
    """Builds and keeps snapshot files in a folder; safe to use from any thread or process."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        """Files of others in `folder` are served once their hash was checked, old ones go away."""
        self._hub = hub
        self._folder = folder
        self._lock = threading.Lock()
        self._made: dict[int, list[tuple[Manifest, SignedManifest, Path]]] = {}
        self._checked: set[Path] = set()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left in folder.glob("snapshot-*"):
            with contextlib.suppress(FileNotFoundError):  # another process was first
                if time.time() - left.stat().st_mtime > _OLD_S:
                    shutil.rmtree(left) if left.is_dir() else left.unlink()

    def newest(self, number: int) -> SignedManifest:
        """The signed manifest of a snapshot that reads to the heads of now."""
        with self._lock:
            with self._hub.database.reading() as connection:
                heads = _heads(connection, number)
            made = self._made.setdefault(number, [])
            if not made or made[-1][0].cursors != heads or not made[-1][2].exists():
                made.append(self._make(number))
                for _, _, file in made[:-KEPT_A_STORE]:
                    if file != made[-1][2]:
                        file.unlink(missing_ok=True)
                del made[:-KEPT_A_STORE]
            return made[-1][1]

    def file(self, number: int, sha256_hex: str) -> Path:
        """The compressed file with this hash (404: gone, ask for the newest again)."""
        file = self._path(number, sha256_hex)
        with self._lock:
            if file.exists() and (file in self._checked or _hash(file).hex() == sha256_hex):
                self._checked.add(file)
                return file
        raise missing("snapshot with this hash; ask for the newest")

    def _path(self, number: int, sha256_hex: str) -> Path:
        return self._folder / f"snapshot-{number}-{sha256_hex}.db.zst"

    def _make(self, number: int) -> tuple[Manifest, SignedManifest, Path]:
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="snapshot-building-") as work:
            rows, plain, packed = (Path(work) / name for name in ("rows", "plain", "packed"))
            cursors = _build(self._hub, number, rows)
            with closing(sqlite3.connect(rows, isolation_level=None)) as source:
                source.execute("VACUUM INTO ?", (str(plain),))
            compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)
            with plain.open("rb") as reader, packed.open("wb") as writer:
                compressor.copy_stream(reader, writer, size=plain.stat().st_size)
            digest = _hash(packed)
            manifest = Manifest(
                chain=self._hub.chain,
                store=number,
                generation=cursors[0].generation,
                cursors=cursors,
                schema=SCHEMA_VERSION,
                size=packed.stat().st_size,
                plain_size=plain.stat().st_size,
                sha256=digest,
            )
            final = self._path(number, digest.hex())
            packed.rename(final)
        return manifest, sign_manifest(manifest, self._hub.signer), final
