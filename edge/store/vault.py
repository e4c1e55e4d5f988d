"""A file that only a recovery phrase opens: scrypt, then AES-256-GCM in chunks.

    "SEVAULT1" | length of the header, 4 bytes | header, JSON | chunk | chunk | … | last chunk

A chunk is 64 KiB of what is kept (the last one less, maybe nothing) and a tag of 16 bytes. Its
nonce is its number (11 bytes) and a byte that says whether it is the last, so chunks cannot be
reordered, left out or cut off; its associated data is the hash of everything before the first
chunk, so a change there shows as well. The key belongs to one file: the salt is random. The
construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015, section 6).
"""

import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from edge.store.errors import NotOpened

MAGIC = b"SEVAULT1"
CHUNK_BYTES = 64 * 1024
_TAG_BYTES = 16
_MAX_HEADER_BYTES = 16 * 1024
SCRYPT_N = 2**15  # 32 MiB and about 0.1 s: a Pi with 1 GB has it
_MOST_SCRYPT_N = 2**17
MIN_PHRASE_CHARS = 16

Facts = dict[str, str | int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What stands in front, readable by anybody: facts, and how the key is made. raw: its bytes."""

    facts: Facts
    salt: bytes
    scrypt_n: int
    raw: bytes


def normal_phrase(phrase: str) -> str:
    """As it is typed, without the spaces, dashes and case that people add.

    Raises:
        ValueError: too short to protect anything.
    """
    plain = "".join(phrase.split()).replace("-", "").upper()
    if len(plain) < MIN_PHRASE_CHARS:
        raise ValueError(f"a recovery phrase has at least {MIN_PHRASE_CHARS} characters")
    return plain


def new_header(facts: Facts, *, scrypt_n: int = SCRYPT_N) -> Header:
    """A header with a salt of its own; `scrypt_n`, a power of two, is what a guess costs."""
    salt = secrets.token_bytes(16)
    told = {"facts": facts, "kdf": {"name": "scrypt", "n": scrypt_n, "salt": salt.hex()}}
    body = json.dumps(told, ensure_ascii=False, sort_keys=True).encode()
    raw = MAGIC + len(body).to_bytes(4, "big") + body
    return Header(facts=facts, salt=salt, scrypt_n=scrypt_n, raw=raw)


def read_header(source: BinaryIO) -> Header:
    """The header, and `source` stands at the first chunk. Nothing in it is proved yet.

    Raises:
        NotOpened: it is no such file.
    """
    start = source.read(len(MAGIC) + 4)
    length = int.from_bytes(start[len(MAGIC) :], "big")
    if start[: len(MAGIC)] != MAGIC or len(start) < len(MAGIC) + 4 or length > _MAX_HEADER_BYTES:
        raise NotOpened("this is no backup of StoreEdge")
    body = source.read(length)
    try:
        told = json.loads(body)
        facts = {str(name): _fact(value) for name, value in told["facts"].items()}
        salt, scrypt_n = bytes.fromhex(told["kdf"]["salt"]), _fact(told["kdf"]["n"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotOpened("this is no backup of StoreEdge, or its head was changed") from error
    if not isinstance(scrypt_n, int) or not _is_scrypt_n(scrypt_n):
        raise NotOpened("the head of this backup was changed")
    return Header(facts=facts, salt=salt, scrypt_n=scrypt_n, raw=start + body)


def _fact(value: object) -> str | int:
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise TypeError("a fact is text or a number")
    return value


def _is_scrypt_n(number: int) -> bool:
    return 2 <= number <= _MOST_SCRYPT_N and number & (number - 1) == 0


class _Box:
    def __init__(self, header: Header, phrase: str) -> None:
        kdf = Scrypt(salt=header.salt, length=32, n=header.scrypt_n, r=8, p=1)
        self._aead = AESGCM(kdf.derive(normal_phrase(phrase).encode()))
        self._bound = hashlib.sha256(header.raw).digest()

    @staticmethod
    def _nonce(number: int, *, last: bool) -> bytes:
        return number.to_bytes(11, "big") + bytes([last])

    def seal(self, number: int, plain: bytes, *, last: bool) -> bytes:
        return self._aead.encrypt(self._nonce(number, last=last), plain, self._bound)

    def open(self, number: int, sealed: bytes, *, last: bool) -> bytes:
        try:
            return self._aead.decrypt(self._nonce(number, last=last), sealed, self._bound)
        except InvalidTag as error:
            raise NotOpened("the phrase is another one, or the file was changed") from error


def seal(plain: Iterator[bytes], target: BinaryIO, header: Header, phrase: str) -> None:
    """Write header and sealed chunks of `plain` (pieces of any size) to `target`, flushed to disk.

    Raises:
        OSError: the target's disk is full or gone.
        ValueError: the phrase is too short.
    """
    box = _Box(header, phrase)
    target.write(header.raw)
    number, waiting = 0, bytearray()
    for piece in plain:
        waiting += piece
        while len(waiting) > CHUNK_BYTES:
            target.write(box.seal(number, bytes(waiting[:CHUNK_BYTES]), last=False))
            del waiting[:CHUNK_BYTES]
            number += 1
    target.write(box.seal(number, bytes(waiting), last=True))
    target.flush()
    os.fsync(target.fileno())


def unseal(source: BinaryIO, header: Header, phrase: str) -> Iterator[bytes]:
    """The chunks behind the header, each proved; the last one proves that nothing is missing.

    Raises:
        NotOpened: another phrase, changed, cut off, or something follows.
        ValueError: the phrase is too short.
    """
    box = _Box(header, phrase)
    number, now = 0, source.read(CHUNK_BYTES + _TAG_BYTES)
    while True:
        after = source.read(CHUNK_BYTES + _TAG_BYTES)
        yield box.open(number, now, last=not after)
        if not after:
            return
        number, now = number + 1, after
