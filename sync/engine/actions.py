"""What the engine asks its surroundings to do. Each is answered by one call back into it."""

from dataclasses import dataclass
from typing import Literal

from sync.wire.messages import BatchAnswer, FeedPage, Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """Ask the hub; then `answered` with the body of a 200, or `failed`."""

    method: Literal["GET", "POST"]
    target: str
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeReading:
    """Verified hub time, true at some moment between two readings of our CLOCK_BOOTTIME."""

    time_ms: int
    asked_boot_ms: int
    answered_boot_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOutbox:
    """Read unsent events and the marks; then `outbox`."""

    limit: int
    max_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge:
    """Record a verified answer and its time; then `acknowledged`."""

    answer: BatchAnswer
    time: TimeReading


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewind:
    """Take the hub's mark back to `acked_seq`: it lost what is behind; then `rewound`."""

    acked_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCursors:
    """Read how far each scope was applied; then `cursors`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyFeed:
    """Take the time over and apply verified pages, each durably; then `applied`."""

    pages: tuple[FeedPage, ...]
    time: TimeReading


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSnapshot:
    """Download `target`, check size and hash, decompress and install; then `applied` or `failed`.

    `manifest` is verified and not behind what was applied.
    """

    manifest: Manifest
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do until then, or until woken; then `woken`."""

    until_boot_ms: int


PushAction = ReadOutbox | Send | Acknowledge | Rewind | Wait
PullAction = ReadCursors | Send | ApplyFeed | FetchSnapshot | Wait
