"""What HQ has not got yet, kept on another medium as well, so that it outlives this box's disk.

A folder of append-only files, one for each start of the node and whenever all of one is at HQ:
`second-copy-NODE-INCARNATION-SEQ.log`, SEQ the first event in it. Behind the magic, frames:

    length, 4 bytes | nonce 12 | AES-256-GCM of a `Recovered` in MessagePack

Each frame is signed by the box that wrote it, so that whoever hands it in need not be believed. The
key is derived from the store's own key, which HQ gives to the store's next box: the medium alone
tells nothing. A frame that a power cut tore is the last one, and is left out.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.store.backup import sync_folder
from edge.store.errors import NotOpened
from sync.wire import codec
from sync.wire.errors import RemoteWireError
from sync.wire.messages import Event
from sync.wire.takeover import Author, Recovered, sign_recovered

MAGIC = b"SECOPY01"
_NAME = re.compile(r"second-copy-([0-9A-Z]{16})-([0-9a-f]{16})-(\d{19})\.log")
_MAX_FRAME_BYTES = 8 * 1024 * 1024
NEW_FILE_BYTES = 256 * 1024
"""A file this large is begun anew once HQ has all of it."""


def copy_key(k_store: bytes) -> bytes:
    """The key of a store's second copies."""
    return hmac.digest(k_store, b"storeedge/derived/1\0second copy", hashlib.sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A file of a second copy, and the frames that were whole in it, in order."""

    path: Path
    frames: tuple[Recovered, ...]


class SecondCopy:
    """One box's copy in `folder`, which must be there: an unmounted stick is not written beside."""

    def __init__(self, folder: Path, author: Author, k_store: bytes) -> None:
        self._folder = folder
        self._author = author
        self._aead = AESGCM(copy_key(k_store))
        self._path: Path | None = None
        self._frames = 0
        self.last_seq = 0
        self.size = 0

    def begin(self, events: tuple[Event, ...], *, after: int) -> None:
        """A new file with everything that HQ has not got, then the older ones of this box go.

        Raises:
            OSError: the medium is gone or full; the older files are as they were.
        """
        seq = events[0].seq if events else after + 1
        name = f"second-copy-{self._author.node}-{self._author.incarnation.hex()}-{seq:019}.log"
        path = self._folder / name
        part = path.with_suffix(".part")
        self._frames = 0
        frame = self._frame(path, events) if events else b""
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(MAGIC + frame)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(self._folder)
        for old in self._folder.glob(f"second-copy-{self._author.node}-*.log"):
            found = _NAME.fullmatch(old.name)
            if found and found[2] == self._author.incarnation.hex() and old != path:
                old.unlink()
        self._path = path
        self._frames = 1 if events else 0
        self.last_seq = events[-1].seq if events else after
        self.size = len(MAGIC) + len(frame)

    def append(self, events: tuple[Event, ...]) -> None:
        """Add events behind the last, flushed to the medium.

        Raises:
            OSError: the medium is gone or full; call `begin` before anything else.
        """
        assert self._path is not None
        frame = self._frame(self._path, events)
        with self._path.open("ab") as file:
            file.write(frame)
            file.flush()
            os.fsync(file.fileno())
        self._frames += 1
        self.last_seq = events[-1].seq
        self.size += len(frame)

    def _frame(self, path: Path, events: tuple[Event, ...]) -> bytes:
        nonce = os.urandom(12)
        plain = codec.pack(sign_recovered(self._author, events))
        sealed = nonce + self._aead.encrypt(nonce, plain, _bound(path, self._frames))
        return len(sealed).to_bytes(4, "big") + sealed


def _bound(path: Path, number: int) -> bytes:
    return MAGIC + path.stem.encode() + number.to_bytes(8, "big")


def read(folder: Path, k_store: bytes) -> Iterator[Kept]:
    """Every second copy in a folder, in the order of its events.

    Raises:
        NotOpened: a file is another store's, or was changed before its end.
        OSError: it cannot be read.
    """
    aead = AESGCM(copy_key(k_store))
    for path in sorted(folder.iterdir()):
        if _NAME.fullmatch(path.name):
            yield Kept(path=path, frames=tuple(_frames(path, aead)))


def _frames(path: Path, aead: AESGCM) -> Iterator[Recovered]:
    data = path.read_bytes()
    if data[: len(MAGIC)] != MAGIC:
        raise NotOpened(f"{path.name} is no second copy")
    at, number = len(MAGIC), 0
    while len(data) - at >= 4:
        size = int.from_bytes(data[at : at + 4], "big")
        sealed = data[at + 4 : at + 4 + size]
        if size > _MAX_FRAME_BYTES or len(sealed) < size:
            return  # torn by a power cut: nothing was ever written behind it
        at += 4 + size
        try:
            plain = aead.decrypt(sealed[:12], sealed[12:], _bound(path, number))
            yield codec.unpack(Recovered, plain)
        except (InvalidTag, RemoteWireError) as error:
            if at >= len(data):
                return
            raise NotOpened(f"{path.name}: another store's, or changed") from error
        number += 1
