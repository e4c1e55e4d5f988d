"""From a backup to a box again: a new incarnation, fenced, and what was here is kept aside.

    unsealed beside ──▶ checked, begun again ──▶ "restoring" stands ──▶ old files aside
      ──▶ new ledger in place ──▶ "restoring" is gone

Killed before `restoring` stands, nothing has changed; killed while it stands, the node refuses to
start and the restore is run again. A left-over -wal never lies beside another ledger (attacks 12).
"""

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.store import vault
from edge.store.backup import Backup, Progress, sync_folder
from edge.store.errors import LedgerThere, NotOpened, RestoreUnfinished
from edge.store.identity import current
from edge.store.incarnation import begin_again
from edge.store.ledger import DataFolder, Done, Ledger, Unit
from edge.store.tx import Moment, Tx
from sync.wire.enrol import node_name

MARK = "restoring"
STAGE = "restore.tmp"
_CATALOG = re.compile(r"catalog-(\d+)\.db(-wal|-shm)?")
_NOBODY = bytes(8)
_END: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What came out: the backup, the new incarnation, and where the old files lie (None: none)."""

    backup: Backup
    incarnation: bytes
    aside: Path | None


def refuse_unfinished(data_dir: Path) -> None:
    """Raise RestoreUnfinished where a restore was interrupted."""
    if (data_dir / MARK).exists():
        raise RestoreUnfinished(f"a restore into {data_dir} was interrupted")


def restore(
    data_dir: Path,
    source: Path,
    phrase: str,
    *,
    replace: bool,
    machine: str,
    now_ms: int,
    on_progress: Progress,
) -> Restored:
    """Make `data_dir` the box of a backup; no daemon may run on it.

    machine: as `edge.main.opening` names this machine. now_ms: wall clock, for the folder's name.

    Raises:
        StoreError: in use; a ledger is there and `replace` is not said; the backup is not sound,
            or newer than this program.
        OSError: the disk is full, or the file cannot be read; nothing has changed.
        ValueError: the phrase is too short.
    """
    vault.normal_phrase(phrase)
    folder = DataFolder(data_dir)
    try:
        unfinished = (data_dir / MARK).exists()
        if (data_dir / "ledger.db").exists() and not replace and not unfinished:
            raise LedgerThere(f"{data_dir / 'ledger.db'} is there")
        stage = data_dir / STAGE
        shutil.rmtree(stage, ignore_errors=True)
        stage.mkdir(mode=0o700)
        try:
            backup = _unseal(source, phrase, stage, on_progress)
            number = _free_number(data_dir, backup)
            has_catalog = _own_catalog(stage, backup)
            incarnation = _begin(stage, backup, machine, number if has_catalog else 0, number + 1)
            aside = _swap(data_dir, stage, number if has_catalog else None, now_ms)
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    finally:
        folder.close()
    return Restored(backup=backup, incarnation=incarnation, aside=aside)


def _unseal(source: Path, phrase: str, stage: Path, on_progress: Progress) -> Backup:
    total = source.stat().st_size
    with source.open("rb") as file:
        header = vault.read_header(file)
        pieces = vault.unseal(file, header, phrase)
        first = next(pieces)  # the head is proved from here on
        backup = Backup.of(header.facts)
        whole = _Pieces(first, pieces)
        sizes = {"ledger.db": backup.ledger_bytes, "catalog.db": backup.catalog_bytes}
        for name, size in sizes.items():
            with os.fdopen(os.open(stage / name, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as sink:
                for piece in whole.take(size):
                    sink.write(piece)
                    on_progress("unseal", file.tell(), total)
                sink.flush()
                os.fsync(sink.fileno())
        if whole.rest():
            raise NotOpened("the backup does not hold what its head says")
    return backup


class _Pieces:
    """A stream of pieces, cut where files end."""

    def __init__(self, first: bytes, more: Iterator[bytes]) -> None:
        self._now: bytes = first
        self._more = more

    def take(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes."""
        while size:
            if not self._now:
                self._now = next(self._more, _END)
            if not self._now:
                raise NotOpened("the backup does not hold what its head says")
            piece, self._now = self._now[:size], self._now[size:]
            size -= len(piece)
            yield piece

    def rest(self) -> bool:
        """Whether anything is left; reads to the end, which proves it."""
        return bool(self._now) | any(list(self._more))


def _free_number(data_dir: Path, backup: Backup) -> int:
    """A catalog number that no file here ever had, as far as they lie here."""
    found = (_CATALOG.fullmatch(path.name) for path in data_dir.iterdir())
    return max([backup.catalog_number, *(int(each[1]) for each in found if each)]) + 1_000


def _own_catalog(stage: Path, backup: Backup) -> bool:
    """Rows that nobody held at the backup may have been held since: theirs was the box before."""
    if backup.catalog_bytes == 0:
        return False
    connection = sqlite3.connect(stage / "catalog.db", isolation_level=None)
    try:
        connection.execute(
            "UPDATE pickup_order SET holder = ? WHERE holder = ?",
            (bytes.fromhex(backup.incarnation), _NOBODY),
        )
    except sqlite3.Error as error:
        raise NotOpened(f"the catalog in this backup is not sound: {error}") from error
    finally:
        connection.close()
    return True


def _begin(stage: Path, backup: Backup, machine: str, catalog: int, next_catalog: int) -> bytes:
    ledger = Ledger(stage / "ledger.db")  # checks and migrates it

    def act(tx: Tx) -> bytes:
        known = current(tx)
        row = tx.one("outbox_ends")
        assert row is not None
        told = (
            node_name(known.signer().public),
            known.incarnation.hex(),
            row[2],
            row[3].hex() if isinstance(row[3], bytes) else "",
        )
        if told != (backup.node, backup.incarnation, backup.audit_seq, backup.head):
            raise NotOpened("the ledger in this backup is not the one its head names")
        tx.run("machine_bind", machine)
        tx.run("catalog_skip_to", catalog, next_catalog)
        return begin_again(tx, "restored", detail=f"backup of {backup.taken_ms}")

    try:
        moment = Moment(trusted_ms=_floor_ms(ledger), boot_ms=0, clock="unsure")
        [result] = ledger.run_batch([Unit(act, moment)])
        if not isinstance(result, Done):
            raise result.error.__cause__ or result.error
        ledger.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        ledger.close()
    assert isinstance(result.value, bytes)
    return result.value


def _floor_ms(ledger: Ledger) -> int:
    floor: int = ledger.connection.execute(
        "SELECT time_floor_ms FROM counters WHERE id = 1"
    ).fetchone()[0]
    return floor


def _swap(data_dir: Path, stage: Path, catalog: int | None, now_ms: int) -> Path | None:
    """Old files aside, new ones in place; nobody starts on what lies between."""
    mark = data_dir / MARK
    mark.touch(mode=0o600)
    sync_folder(data_dir)
    old = [
        path
        for path in sorted(data_dir.iterdir())
        if path.name.startswith("ledger.db") or _CATALOG.fullmatch(path.name)
    ]
    aside = None
    if old:
        aside = _new_folder(data_dir, now_ms)
        for path in old:
            path.rename(aside / path.name)
        sync_folder(aside)
        sync_folder(data_dir)
    if catalog is not None:
        (stage / "catalog.db").rename(data_dir / f"catalog-{catalog}.db")
    (stage / "ledger.db").rename(data_dir / "ledger.db")
    sync_folder(data_dir)
    mark.unlink()
    sync_folder(data_dir)
    return aside


def _new_folder(data_dir: Path, now_ms: int) -> Path:
    number = now_ms
    while True:
        folder = data_dir / f"replaced-{number}"
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            number += 1
            continue
        return folder
