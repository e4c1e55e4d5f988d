"""A backup is whole or refused; a restore is another incarnation, fenced, and hides nothing."""

import io
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import made_shop
import pytest
from made_shop import MadeShop, v1

from edge.flow.answers import ScanAnswer
from edge.flow.caller import Caller
from edge.flow.scan import ScanAsk, scan
from edge.main.opening import machine_name, open_store
from edge.store import backup, restore, vault
from edge.store.errors import AlreadyRunning, LedgerThere, NotOpened, RestoreUnfinished
from edge.store.ledger import DataFolder
from edge.store.verify import verify
from sync.rules.verdicts import Verdict

PHRASE = "ABCDE-FGHJK-MNPQR-STVWX-YZ234"
TILL = Caller(station="till1", route="t")


def quiet(_what: str, _done: int, _of: int) -> None:
    return


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made_shop.prepare(tmp_path / "data", orders=3)
    return tmp_path / "data"


def saved(folder: Path, name: str = "box.backup") -> Path:
    target = folder.parent / name
    backup.take(folder, target, PHRASE, now_ms=1, on_progress=quiet)
    return target


def restored(folder: Path, source: Path, *, replace: bool = True) -> restore.Restored:
    return restore.restore(
        folder,
        source,
        PHRASE,
        replace=replace,
        machine=machine_name(folder),
        now_ms=7,
        on_progress=quiet,
    )


async def given(made: MadeShop, number: int) -> ScanAnswer:
    answer = await scan(made.shop, TILL, ScanAsk(text=v1(number)))
    assert isinstance(answer, ScanAnswer)
    return answer


async def test_a_restored_box_gives_nothing_that_was_open_at_the_backup(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        assert (await given(made, 1)).verdict is Verdict.OK
        source = saved(folder)  # while it runs
        assert (await given(made, 2)).verdict is Verdict.OK
        before = made.shop.identity.incarnation
    done = restored(folder, source)
    assert done.incarnation != before
    async with made_shop.open_shop(folder, run="run-2") as made:
        assert made.shop.identity.incarnation == done.incarnation
        assert made.shop.identity.fenced_why == "restored"
        for number in (2, 3):
            assert (await given(made, number)).verdict is Verdict.REVIEW
        assert (await given(made, 1)).verdict in (Verdict.ALREADY, Verdict.REVIEW)


async def test_what_the_restored_box_wrote_before_waits_under_its_old_name(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        await given(made, 1)
        source = saved(folder)
    restored(folder, source)
    connection = sqlite3.connect(folder / "ledger.db")
    kinds = [row[0] for row in connection.execute("SELECT kind FROM outbox_before ORDER BY seq")]
    ends = connection.execute("SELECT outbox_seq, outbox_acked FROM counters").fetchone()
    connection.close()
    assert "handed" in kinds
    assert ends == (0, 0)
    assert verify(folder / "ledger.db").faults == ()


def test_a_backup_is_taken_while_others_write(folder: Path) -> None:
    stop = threading.Event()
    wrote = threading.Event()

    def write() -> None:
        connection = sqlite3.connect(folder / "ledger.db", isolation_level=None, timeout=10)
        number = 0
        while not stop.is_set():
            number += 1
            connection.execute(
                "INSERT INTO find_try (station, at_ms) VALUES ('till', ?)", (number,)
            )
            wrote.set()
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        wrote.wait()
        for _ in range(5):
            source = saved(folder)
            assert backup.check(source, PHRASE, on_progress=quiet).ledger_bytes > 0
    finally:
        stop.set()
        writer.join()


def opened(data: bytes, phrase: str = PHRASE) -> bytes:
    source = io.BytesIO(data)
    return b"".join(vault.unseal(source, vault.read_header(source), phrase))


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_what_was_sealed_comes_out(tmp_path: Path, size: int) -> None:
    plain = bytes(number % 251 for number in range(size))
    assert opened(written(tmp_path, plain)) == plain


def written(tmp_path: Path, plain: bytes) -> bytes:
    path = tmp_path / "vault"
    with path.open("wb") as target:
        vault.seal(iter([plain]), target, vault.new_header({"format": 1}, scrypt_n=16), PHRASE)
    return path.read_bytes()


def flips(data: bytes) -> Iterator[bytes]:
    for place in range(len(data)):
        yield data[:place] + bytes([data[place] ^ 0x01]) + data[place + 1 :]


def test_every_changed_byte_is_refused(tmp_path: Path) -> None:
    data = written(tmp_path, b"a ledger")
    assert opened(data) == b"a ledger"
    for changed in flips(data):
        with pytest.raises(NotOpened):
            opened(changed)


def test_a_cut_or_longer_file_is_refused(tmp_path: Path) -> None:
    data = written(tmp_path, bytes(150_000))
    chunk = vault.CHUNK_BYTES + 16
    for cut in (len(data) - 1, len(data) - chunk, len(data) // 2, 100, 8, 0):
        with pytest.raises(NotOpened):
            opened(data[:cut])
    with pytest.raises(NotOpened):
        opened(data + b"x")


def test_chunks_in_another_order_are_refused(tmp_path: Path) -> None:
    data = written(tmp_path, bytes(200_000))
    header = len(vault.read_header(io.BytesIO(data)).raw)
    chunk = vault.CHUNK_BYTES + 16
    first, second = data[header : header + chunk], data[header + chunk : header + 2 * chunk]
    with pytest.raises(NotOpened):
        opened(data[:header] + second + first + data[header + 2 * chunk :])


def test_another_phrase_is_refused_and_a_short_one_is_none(tmp_path: Path) -> None:
    data = written(tmp_path, b"a ledger")
    with pytest.raises(NotOpened, match="phrase"):
        opened(data, "ABCDE-FGHJK-MNPQR-STVWX-YZ235")
    assert opened(data, " abcde fghjk mnpqr stvwx yz234 ") == b"a ledger"
    with pytest.raises(ValueError, match="at least 16"):
        opened(data, "short")


def test_a_changed_backup_changes_nothing_here(folder: Path) -> None:
    source = saved(folder)
    data = bytearray(source.read_bytes())
    data[-1] ^= 1
    source.write_bytes(data)
    before = (folder / "ledger.db").read_bytes()
    with pytest.raises(NotOpened):
        restored(folder, source)
    assert (folder / "ledger.db").read_bytes() == before
    assert not (folder / restore.MARK).exists()
    assert not (folder / restore.STAGE).exists()


def test_a_running_box_is_not_restored_over(folder: Path) -> None:
    source = saved(folder)
    running = DataFolder(folder)
    try:
        with pytest.raises(AlreadyRunning):
            restored(folder, source)
    finally:
        running.close()


def test_a_ledger_is_not_hidden_unasked_and_kept_when_asked(folder: Path) -> None:
    source = saved(folder)
    with pytest.raises(LedgerThere):
        restored(folder, source, replace=False)
    done = restored(folder, source)
    assert done.aside is not None
    assert (done.aside / "ledger.db").exists()
    assert not list(folder.glob("ledger.db-*"))
    restored(folder.parent / "new-box", source, replace=False)


def test_a_catalog_number_is_never_used_again(folder: Path) -> None:
    source = saved(folder)
    old = {path.name for path in folder.glob("catalog-*.db")}
    restored(folder, source)
    fresh = {path.name for path in folder.glob("catalog-*.db")}
    assert fresh
    assert not fresh & old


def test_an_interrupted_restore_is_not_started_on(folder: Path) -> None:
    source = saved(folder)
    (folder / restore.MARK).touch()
    with pytest.raises(RestoreUnfinished):
        open_store(folder, boot_ms=1)
    restored(folder, source, replace=False)
    opened_again = open_store(folder, boot_ms=1)
    assert opened_again.identity.fenced
    opened_again.catalog.close()
    opened_again.ledger.close()
    opened_again.folder.close()


def test_a_full_target_leaves_the_older_backup(folder: Path, tmp_path: Path) -> None:
    source = saved(folder)
    before = source.read_bytes()
    (tmp_path / "box.backup.part").mkdir()
    with pytest.raises(OSError, match=r".*"):
        saved(folder)
    assert source.read_bytes() == before
    assert not list(folder.glob(backup.STAGED))


def test_two_backups_at_a_time_are_one_too_many(folder: Path) -> None:
    import fcntl

    with (folder / "backup.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(AlreadyRunning):
            saved(folder)
