"""The line to a printer, as the conversation needs it: blocking, bounded, one thread."""

from typing import Protocol


class Wire(Protocol):
    """A byte line that is opened for a job and closed after it.

    Every method but `close` raises `DeviceGone` when the line is lost; it is then of no more use
    until it is opened anew, and bytes written before may or may not have arrived.
    """

    def open(self) -> None:
        """Connect; returns or raises within a few seconds."""
        ...

    def writable(self, wait_s: float) -> bool:
        """Whether `PIECE_BYTES` can be written without waiting; waits at most `wait_s` for it."""
        ...

    def write(self, data: bytes) -> None:
        """Hand over at most `PIECE_BYTES`; call it after `writable` said so."""
        ...

    def read(self, wait_s: float) -> bytes:
        """What has arrived, waiting at most `wait_s` for the first byte; empty when nothing did."""
        ...

    def close(self) -> None:
        """Give the line back; never raises, may be called twice."""
        ...


PIECE_BYTES = 512
"""Small, so that little is in flight unseen when the printer stops taking bytes."""
