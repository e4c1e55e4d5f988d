"""What the engine needs from the node: an outbox to empty and a replica to fill."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sync.wire.messages import BatchAnswer, Cursor, Event, FeedPage, Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMarks:
    """What an outbox holds: the newest seq, the hub's mark, and the oldest event still there."""

    last_seq: int
    acked_seq: int
    kept_from: int


class Outbox(Protocol):
    """Facts for HQ in seq order. Nothing here is ever dropped by age, refusal or size."""

    async def unsent(self, *, limit: int, max_bytes: int) -> Sequence[Event]:
        """The next events above the acknowledged mark; at least one if there is any."""
        ...

    async def acknowledge(self, answer: BatchAnswer) -> None:
        """Record what the hub said, durably; conflict and refused become cases."""
        ...

    async def marks(self) -> OutboxMarks:
        """How far it is."""
        ...

    async def rewind(self, acked_seq: int) -> None:
        """Take the hub's mark back, durably: the hub was restored; what is kept is unsent again."""
        ...


class Replica(Protocol):
    """HQ's data on the node."""

    async def cursors(self) -> Sequence[Cursor]:
        """How far each scope was applied; a scope never read is left out or stands at seq 0."""
        ...

    async def apply(self, page: FeedPage) -> None:
        """Put verified rows and their cursor into the catalog in one durable transaction.

        Returns after COMMIT and after asks in it were answered. Raises StoreError's kin when the
        disk fails; the engine stops then.

        Raises:
            RemoteWireError: a row is not of its kind's shape; nothing of the page was applied.
        """
        ...

    async def install(self, file: Path, manifest: Manifest) -> None:
        """Take a verified, decompressed snapshot file over as the new catalog.

        Raises:
            RemoteWireError: schema text differs, the check fails, or it is behind what was applied.
        """
        ...

    async def hub_time(self, time_ms: int, *, asked_boot_ms: int, answered_boot_ms: int) -> None:
        """Take a verified hub time over; it was true at some moment between the two readings."""
        ...
