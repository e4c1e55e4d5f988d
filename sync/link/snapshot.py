"""Fetching a snapshot: part file → size and hash → bounded decompression → the replica.

A cut download goes on where it stopped. A file that does not hash to what the manifest says is
thrown away whole: nobody knows which of its bytes are wrong.
"""

import asyncio
import hashlib
import os
from pathlib import Path

import zstandard

from sync.engine.actions import FetchSnapshot
from sync.link.ports import Link
from sync.wire.errors import LinkError, RemoteWireError
from sync.wire.messages import Manifest
from sync.wire.ports import Replica

_CHUNK_BYTES = 256 * 1024
_MAX_WINDOW_BYTES = 8 * 1024 * 1024


async def fetch(action: FetchSnapshot, *, link: Link, replica: Replica, folder: Path) -> None:
    """Bring a snapshot into the replica; `folder` is on the file system of the catalogs.

    Raises:
        RemoteWireError: the bytes are not what the manifest says, or the replica refuses them.
        LinkError: the line was cut (the part file stays), or the disk cannot take it.
    """
    manifest = action.manifest
    name = manifest.sha256.hex()
    part, plain = folder / f"{name}.part", folder / f"{name}.plain"
    try:
        await asyncio.to_thread(_clear, folder, part)
        await _download(link, action.target, part, manifest.size)
        await asyncio.to_thread(_unpack, part, plain, manifest)
        await replica.install(plain, manifest)
        await asyncio.to_thread(_remove, part, plain)
    except RemoteWireError:
        await asyncio.to_thread(_remove, part, plain)
        raise
    except OSError as error:
        raise LinkError(f"the snapshot cannot be kept: {error}") from error


def _clear(folder: Path, part: Path) -> None:
    """Leave nothing of other snapshots behind."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for pattern in ("*.part", "*.plain"):
        for left in folder.glob(pattern):
            if left != part:
                left.unlink()


def _remove(*files: Path) -> None:
    for file in files:
        file.unlink(missing_ok=True)


async def _download(link: Link, target: str, part: Path, size: int) -> None:
    have = part.stat().st_size if part.exists() else 0  # noqa: ASYNC240  # one stat
    if have < size:
        with part.open("ab") as file:  # small writes to the page cache

            def keep(chunk: bytes) -> None:
                if file.tell() + len(chunk) > size:
                    raise RemoteWireError("a snapshot longer than its manifest says")
                file.write(chunk)

            await link.download(target, offset=have, sink=keep)
            have = file.tell()
    if have < size:
        raise LinkError("the snapshot ended early")


def _unpack(part: Path, plain: Path, manifest: Manifest) -> None:
    with part.open("rb") as file:
        if hashlib.file_digest(file, "sha256").digest() != manifest.sha256:
            raise RemoteWireError("the snapshot does not hash to what its manifest says")
    left = manifest.plain_size
    decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
    try:
        with part.open("rb") as packed, plain.open("wb") as out:
            with decompressor.stream_reader(packed, read_across_frames=False) as reader:
                while left >= 0 and (chunk := reader.read(min(_CHUNK_BYTES, left + 1))):
                    left -= len(chunk)
                    out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
    except zstandard.ZstdError as error:
        raise RemoteWireError("the snapshot is not a zstd file") from error
    if left != 0:
        raise RemoteWireError("the snapshot expands to another size than its manifest says")
