"""Bytes on the wire: MessagePack, JSON and bounded zstd, in one place.

Whatever cannot be decoded is a `RemoteWireError`: bytes that we decode were always sent by others.
A zstd frame must declare its content size, so that nothing is decompressed before its bound is
known, and must be the only frame.
"""

from collections.abc import Iterator, Sequence
from typing import TypeVar, cast

import msgspec
import zstandard

from sync.wire.errors import RemoteWireError
from sync.wire.messages import MAX_BODY_BYTES

T = TypeVar("T")
ZSTD_LEVEL = 3
_packer = msgspec.msgpack.Encoder()
_json = msgspec.json.Encoder()


def pack(value: object) -> bytes:
    """MessagePack of a struct or plain value."""
    return _packer.encode(value)


def unpack(kind: type[T], data: bytes) -> T:
    """The value of type `kind` in MessagePack.

    Raises:
        RemoteWireError: not MessagePack, or not of this shape.
    """
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.MsgspecError, ValueError) as error:
        raise RemoteWireError(f"not a {kind.__name__}: {error}") from error


def to_json(value: object) -> bytes:
    """JSON of a struct or plain value; bytes as base64."""
    return _json.encode(value)


def from_json(kind: type[T], data: bytes) -> T:
    """The value of type `kind` in JSON.

    Raises:
        RemoteWireError: not JSON, or not of this shape.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, ValueError) as error:
        raise RemoteWireError(f"not a {kind.__name__}: {error}") from error


def squeeze(data: bytes) -> bytes:
    """One zstd frame that declares its content size."""
    return zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True).compress(data)


def expand(data: bytes, *, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """The content of one zstd frame.

    Raises:
        RemoteWireError: not one whole frame, no declared size, or more than `max_bytes`.
    """
    try:
        size = zstandard.get_frame_parameters(data).content_size
        if size > max_bytes:  # an undeclared size is the largest number there is
            raise RemoteWireError("zstd frame above its bound")
        return zstandard.ZstdDecompressor().decompress(
            data, max_output_size=size, allow_extra_data=False
        )
    except zstandard.ZstdError as error:
        raise RemoteWireError("not a zstd frame") from error


def to_body(value: object) -> bytes:
    """What goes into the body of `/v1/events` and `/v1/feed`, both ways."""
    return squeeze(pack(value))


def from_body(kind: type[T], data: bytes, *, max_bytes: int = MAX_BODY_BYTES) -> T:
    """What stands in such a body (`RemoteWireError`: see `expand` and `unpack`)."""
    return unpack(kind, expand(data, max_bytes=max_bytes))


def integers(value: object) -> Iterator[int]:
    """Every integer of a decoded message, however deep."""
    match value:
        case bool():
            return
        case int():
            yield value
        case msgspec.Struct():
            yield from integers(msgspec.structs.astuple(value))
        case tuple() | list():
            for each in cast("Sequence[object]", value):
                yield from integers(each)
        case _:
            return
