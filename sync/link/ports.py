"""What carries the engine's questions, and the clock that it waits by."""

from collections.abc import Callable, Mapping
from typing import Protocol

from sync.engine.actions import Send


class Link(Protocol):
    """A line to the hub. Every failure is a `LinkError`; nothing is retried here."""

    async def ask(self, send: Send) -> bytes:
        """The body of a 200, bounded in size and time."""
        ...

    async def download(self, target: str, *, offset: int, sink: Callable[[bytes], None]) -> None:
        """Give the bytes of a file from `offset` on to `sink`, in order, as they come.

        What the sink raises ends the download and comes out here.
        """
        ...

    async def ring(self, heads: Mapping[str, int]) -> bool:
        """Wait at the doorbell: whether a scope moved beyond its seq (False: time is over)."""
        ...

    async def personal_key(self) -> bytes:
        """The store's personal-data key, 32 bytes, for memory only."""
        ...


class Clock(Protocol):
    """Milliseconds since boot, and waiting for one; `drivers.ports.clock.Clock` is such a clock."""

    def boot_ms(self) -> int:
        """CLOCK_BOOTTIME."""
        ...

    async def until(self, boot_deadline_ms: int) -> None:
        """Return once `boot_ms() >= boot_deadline_ms`."""
        ...
