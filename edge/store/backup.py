"""A backup of a store's box while it works: ledger and catalog as one file behind a phrase.

The copy is one view of the ledger, read page by page on a connection of its own, so the daemon goes
on writing. It is staged in the data folder (where the ledger lies in the clear anyway), sealed to
`TARGET.part` and renamed when every byte is on the disk: the file of before stays until then.
"""

import contextlib
import fcntl
import os
import secrets
import sqlite3
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.store import vault
from edge.store.errors import AlreadyRunning, Corrupt, NotOpened, StoreError
from edge.store.ledger import connect
from edge.store.row import blob, integer
from edge.store.sql import query
from edge.store.vault import Facts
from sync.rules import crockford
from sync.wire.enrol import node_name
from sync.wire.signature import Signer

FORMAT = 1
_PIECE_BYTES = 256 * 1024
_PAGES = 256
STAGED = "backup-*.tmp"

Progress = Callable[[str, int, int], None]
"""(what, done, of), as bars take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup holds, as its head says; proved only once it was opened with the phrase.

    taken_ms: wall clock of the box. incarnation and head: in hexadecimal.
    """

    node: str
    incarnation: str
    audit_seq: int
    head: str
    schema: int
    taken_ms: int
    ledger_bytes: int
    catalog_bytes: int
    catalog_number: int

    @staticmethod
    def of(facts: Facts) -> "Backup":
        """From a header's facts.

        Raises:
            NotOpened: a fact is missing, or of a later format.
        """
        if facts.get("format") != FORMAT:
            raise NotOpened(f"this program knows backups of format {FORMAT}, and no other")
        try:
            return Backup(
                node=str(facts["node"]),
                incarnation=str(facts["incarnation"]),
                audit_seq=int(facts["audit_seq"]),
                head=str(facts["head"]),
                schema=int(facts["schema"]),
                taken_ms=int(facts["taken_ms"]),
                ledger_bytes=int(facts["ledger_bytes"]),
                catalog_bytes=int(facts["catalog_bytes"]),
                catalog_number=int(facts["catalog_number"]),
            )
        except (KeyError, ValueError) as error:
            raise NotOpened("the head of this backup was changed") from error


def new_phrase() -> str:
    """A recovery phrase to be printed: 25 symbols, 125 bits, in groups of five."""
    symbols = crockford.encode(secrets.randbits(125), 25)
    return "-".join(symbols[start : start + 5] for start in range(0, 25, 5))


def take(
    data_dir: Path, target: Path, phrase: str, *, now_ms: int, on_progress: Progress
) -> Backup:
    """Write a backup of `data_dir` to `target`; the daemon may run.

    Raises:
        StoreError: no ledger, not sound, or another backup is being taken.
        OSError: the target, or the data folder's disk, cannot take it; nothing is left behind.
        ValueError: the phrase is too short.
    """
    vault.normal_phrase(phrase)
    with _alone(data_dir):
        for left in data_dir.glob(STAGED):  # of a backup that was killed
            left.unlink()
        ledger, catalog = data_dir / "backup-ledger.tmp", data_dir / "backup-catalog.tmp"
        try:
            facts = _copy_ledger(data_dir / "ledger.db", ledger, on_progress)
            number = int(facts["catalog_number"])
            there = _copy_catalog(data_dir / f"catalog-{number}.db", catalog)
            facts |= {
                "format": FORMAT,
                "taken_ms": now_ms,
                "ledger_bytes": ledger.stat().st_size,
                "catalog_bytes": catalog.stat().st_size if there else 0,
            }
            made = Backup.of(facts)
            _seal(target, facts, phrase, (ledger, catalog) if there else (ledger,), on_progress)
        finally:
            for staged in (ledger, catalog):
                for suffix in ("", "-wal", "-shm", "-journal"):
                    Path(f"{staged}{suffix}").unlink(missing_ok=True)
    return made


@contextlib.contextmanager
def _alone(data_dir: Path) -> Generator[None]:
    if not (data_dir / "ledger.db").exists():
        raise Corrupt(f"{data_dir / 'ledger.db'} is not there")
    handle = os.open(data_dir / "backup.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyRunning("another backup of this box is being taken") from error
        yield
    finally:
        os.close(handle)


def _copy_ledger(source: Path, staged: Path, on_progress: Progress) -> Facts:
    staged.touch(mode=0o600)
    reader = connect(source, read_only=True)
    try:
        reader.execute("BEGIN")  # one view: pages that the daemon writes meanwhile are not in it
        identity = reader.execute(query("identity")).fetchone()
        if identity is None:
            raise Corrupt(f"{source.name}: nobody ever started this box")
        ends = reader.execute(query("outbox_ends")).fetchone()
        (schema,) = reader.execute("PRAGMA user_version").fetchone()

        def told(_status: int, remaining: int, total: int) -> None:
            on_progress("copy", total - remaining, total)

        _copy_pages(reader, staged, told)
    finally:
        reader.close()
    return {
        "node": node_name(Signer(blob(identity[0])).public),
        "incarnation": blob(identity[1]).hex(),
        "audit_seq": integer(ends[2]),
        "head": blob(ends[3]).hex(),
        "schema": integer(schema),
        "catalog_number": integer(identity[8]),
    }


def _copy_catalog(source: Path, staged: Path) -> bool:
    """False when it is not there: a snapshot took its place, and it is HQ's data anyway."""
    if not source.exists():
        return False
    staged.touch(mode=0o600)
    try:
        reader = connect(source, read_only=True)
    except StoreError as error:
        if source.exists():
            raise
        raise Corrupt("the catalog was replaced meanwhile; take the backup again") from error
    try:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        _copy_pages(reader, staged, _untold)
    finally:
        reader.close()
    return True


def _untold(_status: int, _remaining: int, _total: int) -> None:
    return


def _copy_pages(
    reader: sqlite3.Connection, staged: Path, told: Callable[[int, int, int], None]
) -> None:
    copy = sqlite3.connect(staged, isolation_level=None)
    try:
        copy.execute("PRAGMA synchronous = OFF")  # it is read once and sealed; a crash discards it
        reader.backup(copy, pages=_PAGES, progress=told)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
        answer = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        if answer != "ok":
            raise Corrupt(f"the copy of the ledger is not sound: {answer}")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
            raise OSError("no space is left for the copy in the data folder") from error
        raise Corrupt(f"the copy could not be made: {error}") from error
    finally:
        copy.close()


def _seal(
    target: Path, facts: Facts, phrase: str, files: tuple[Path, ...], on_progress: Progress
) -> None:
    total = sum(each.stat().st_size for each in files)
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as sink:
            vault.seal(_pieces(files, total, on_progress), sink, vault.new_header(facts), phrase)
        part.replace(target)
        sync_folder(target.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _pieces(files: tuple[Path, ...], total: int, on_progress: Progress) -> Iterator[bytes]:
    done = 0
    for path in files:
        with path.open("rb") as source:
            while piece := source.read(_PIECE_BYTES):
                yield piece
                done += len(piece)
                on_progress("seal", done, total)


def check(source: Path, phrase: str, *, on_progress: Progress) -> Backup:
    """Read a backup to its end and prove every byte; nothing is written.

    Raises:
        NotOpened: another phrase, changed, cut off, or no backup.
        OSError: the file cannot be read.
        ValueError: the phrase is too short.
    """
    with source.open("rb") as file:
        header = vault.read_header(file)
        total = source.stat().st_size
        size = 0
        for piece in vault.unseal(file, header, phrase):
            size += len(piece)
            on_progress("check", file.tell(), total)
    held = Backup.of(header.facts)
    if size != held.ledger_bytes + held.catalog_bytes:
        raise NotOpened("the backup does not hold what its head says")
    return held


def sync_folder(folder: Path) -> None:
    """Make names in `folder` durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
