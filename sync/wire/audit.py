"""The audit chain: hash = SHA-256(domain, previous hash, sequence, body)."""

import hashlib

GENESIS = bytes(32)
_DOMAIN = b"storeedge/audit/1\0"


def link(previous: bytes, seq: int, body: bytes) -> bytes:
    """The 32-byte hash of row `seq` (from 1) with the raw bytes `body` behind `previous`."""
    return hashlib.sha256(_DOMAIN + previous + seq.to_bytes(8, "big") + body).digest()


def short(head: bytes) -> str:
    """What a slip prints of a head: 8 hexadecimal digits."""
    return head[:4].hex().upper()
