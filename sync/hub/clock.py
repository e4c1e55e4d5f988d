"""The hub's time: the machine's, or the machine's plus the milliseconds in a file.

The same address as the node's (`system:` or `offset:FILE`), in its own few lines, because the hub
imports nothing outside sync. FILE is replaced by rename, never rewritten; an absent one adds 0.
"""

import logging
import time
from pathlib import Path
from typing import Protocol

logger = logging.getLogger(__name__)


class Clock(Protocol):
    """Wall time in integer milliseconds since the epoch."""

    def now_ms(self) -> int:
        """The present."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now_ms(self) -> int:
        """CLOCK_REALTIME."""
        return time.time_ns() // 1_000_000


class OffsetClock:
    """The machine's clock plus what a file says; an unreadable file keeps the last number."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset_ms = 0
        self._complained = False

    def now_ms(self) -> int:
        """CLOCK_REALTIME plus the offset; the file is read each time, it is a few bytes."""
        try:
            self._offset_ms = int(self._path.read_text(encoding="ascii"))
            self._complained = False
        except FileNotFoundError:
            self._offset_ms = 0
        except (OSError, ValueError) as error:
            if not self._complained:
                logger.warning("clock offset unreadable file=%s error=%s", self._path, error)
            self._complained = True
        return time.time_ns() // 1_000_000 + self._offset_ms


def open_clock(address: str) -> Clock:
    """The clock named by `system:` or `offset:/absolute/file`.

    Raises:
        ValueError: any other address.
    """
    scheme, _, rest = address.partition(":")
    if address == "system:":
        return SystemClock()
    if scheme == "offset" and rest.startswith("/"):
        return OffsetClock(Path(rest))
    raise ValueError(f"time source {address!r}: give `system:` or `offset:/absolute/file`")
