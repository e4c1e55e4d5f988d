"""Bytes in, typed values out: the one place where JSON and MessagePack are read and written."""

from typing import TypeVar

import msgspec

from sync.wire.errors import RemoteWireError

T = TypeVar("T")
_json = msgspec.json.Encoder()
_pack = msgspec.msgpack.Encoder()


def to_json(value: object) -> bytes:
    """JSON of structs, dataclasses, enums, tuples and plain values; bytes become base64."""
    return _json.encode(value)


def from_json(kind: type[T], data: bytes) -> T:
    """A value of `kind`, checked strictly; unknown fields are passed over.

    Raises:
        RemoteWireError: not JSON, or not of this shape; the message names the field, not its value.
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RemoteWireError(str(error)) from error


def to_pack(value: object) -> bytes:
    """MessagePack of the same values."""
    return _pack.encode(value)


def from_pack(kind: type[T], data: bytes) -> T:
    """A value of `kind` from MessagePack, checked strictly.

    Raises:
        RemoteWireError: as `from_json`.
    """
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RemoteWireError(str(error)) from error
