"""The feed's hash chain and its signed heads."""

import hashlib

import msgspec

from sync.wire.messages import Cursor, FeedRow
from sync.wire.signature import DOMAIN_FEED_HEAD, DOMAIN_HUB_TIME, Signer, is_genuine

REGION = "region:"
"""What the name of a region's scope begins with."""
GENESIS = bytes(32)
_DOMAIN = b"storeedge/feed-row/1\0"
_encoder = msgspec.msgpack.Encoder()


def row_hash(previous: bytes, scope: str, row: FeedRow) -> bytes:
    """The 32-byte hash of `row` behind the row with hash `previous`."""
    header = _encoder.encode((scope, row.seq, row.kind, row.must_understand))
    return hashlib.sha256(_DOMAIN + previous + header + row.body).digest()


def sign_head(head: Cursor, signer: Signer) -> bytes:
    """The hub's signature over a head."""
    return signer.sign(DOMAIN_FEED_HEAD, _encoder.encode(head))


def is_genuine_head(head: Cursor, public: bytes, signature: bytes) -> bool:
    """Whether the hub signed this head."""
    return is_genuine(public, DOMAIN_FEED_HEAD, _encoder.encode(head), signature)


def time_message(time_ms: int, nonce: bytes) -> bytes:
    """What a hub-time signature covers."""
    return time_ms.to_bytes(8, "big") + nonce


def is_genuine_time(time_ms: int, nonce: bytes, public: bytes, signature: bytes) -> bool:
    """Whether the hub said `time_ms` in answer to `nonce`."""
    return is_genuine(public, DOMAIN_HUB_TIME, time_message(time_ms, nonce), signature)
