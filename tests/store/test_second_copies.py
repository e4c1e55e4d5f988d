"""What HQ has not got lies on another medium as well, sealed, signed and bounded."""

from pathlib import Path

import made_shop
import pytest
from made_shop import v1

from edge.flow.caller import Caller
from edge.flow.scan import ScanAsk, scan
from edge.main.keeping import look_once
from edge.store.errors import NotOpened
from edge.store.second_copy import MAGIC, SecondCopy, read
from sync.wire.messages import Event
from sync.wire.signature import Signer
from sync.wire.takeover import Author, open_recovered

K_STORE = bytes(range(32))
SIGNER = Signer.generate()
AUTHOR = Author(node="A" * 16, incarnation=b"incarna1", signer=SIGNER)


def event(seq: int) -> Event:
    return Event(
        seq=seq,
        hlc=seq,
        trusted_ms=1,
        kind="audit_head",
        schema=1,
        units=(),
        body=b'{"at_ms": 1}',
        audit_seq=seq,
        audit_hash=bytes(32),
    )


def seqs(folder: Path, k_store: bytes = K_STORE) -> list[int]:
    return [
        each.seq
        for kept in read(folder, k_store)
        for frame in kept.frames
        for each in open_recovered(frame, SIGNER.public)
    ]


def begun(folder: Path) -> SecondCopy:
    copy = SecondCopy(folder, AUTHOR, K_STORE)
    copy.begin((event(4), event(5)), after=3)
    copy.append((event(6),))
    return copy


def test_what_was_kept_comes_out_in_order(tmp_path: Path) -> None:
    begun(tmp_path)
    assert seqs(tmp_path) == [4, 5, 6]


def test_a_new_start_keeps_one_file(tmp_path: Path) -> None:
    begun(tmp_path)
    SecondCopy(tmp_path, AUTHOR, K_STORE).begin((event(6),), after=5)
    assert seqs(tmp_path) == [6]
    assert len(list(tmp_path.iterdir())) == 1


def test_another_box_s_copy_in_the_same_folder_stays(tmp_path: Path) -> None:
    begun(tmp_path)
    other = Author(node="B" * 16, incarnation=b"incarna2", signer=Signer.generate())
    SecondCopy(tmp_path, other, K_STORE).begin((event(1),), after=0)
    assert len(list(tmp_path.glob("*.log"))) == 2


def test_a_frame_torn_by_a_power_cut_is_left_out_and_the_rest_stays(tmp_path: Path) -> None:
    begun(tmp_path)
    [path] = tmp_path.iterdir()
    data = path.read_bytes()
    for cut in range(1, 40):
        path.write_bytes(data[:-cut])
        assert seqs(tmp_path) == [4, 5]


def test_a_changed_frame_before_the_end_is_refused(tmp_path: Path) -> None:
    begun(tmp_path)
    [path] = tmp_path.iterdir()
    data = bytearray(path.read_bytes())
    data[len(MAGIC) + 40] ^= 1
    path.write_bytes(data)
    with pytest.raises(NotOpened):
        seqs(tmp_path)


def test_without_the_store_s_key_it_tells_nothing(tmp_path: Path) -> None:
    begun(tmp_path)
    [path] = tmp_path.iterdir()
    assert b"audit_head" not in path.read_bytes()
    with pytest.raises(NotOpened):
        seqs(tmp_path, bytes(32))


def test_an_unmounted_stick_is_not_written_beside(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        begun(tmp_path / "stick")
    assert not (tmp_path / "stick").exists()


async def test_every_event_that_hq_lacks_is_in_the_copy(tmp_path: Path) -> None:
    folder = tmp_path / "stick"
    folder.mkdir()
    made_shop.prepare(tmp_path / "data", orders=3)
    async with made_shop.open_shop(tmp_path / "data") as made:
        till = Caller(station="till1", route="t")
        await scan(made.shop, till, ScanAsk(text=v1(1)))
        copy = await look_once(made.shop, folder, None, K_STORE)
        await scan(made.shop, till, ScanAsk(text=v1(2)))
        copy = await look_once(made.shop, folder, copy, K_STORE)
        written = made.ledger.connection.execute("SELECT seq FROM outbox ORDER BY seq").fetchall()
        public = made.shop.identity.signer().public
    kept = [
        each.seq
        for one in read(folder, K_STORE)
        for frame in one.frames
        for each in open_recovered(frame, public)
    ]
    assert kept == [seq for (seq,) in written]
