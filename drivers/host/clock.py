"""Time as an address: the real clocks, or the real clocks plus what a file says.

`system:` reads the machine. `offset:FILE` adds the milliseconds in FILE to wall time and to
CLOCK_BOOTTIME alike, so that 48 hours pass in every process that reads the same file, at the same
moment. FILE is replaced by rename, never rewritten: a reader sees the old number or the new one.
Socket time-outs stay real.
"""

import asyncio
import logging
import time
from pathlib import Path

from drivers.ports.clock import Clock
from drivers.ports.errors import AddressError

logger = logging.getLogger(__name__)

LOOK_AGAIN_MS = 50
REREAD_MS = 20

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def _read_boot_id() -> str:
    """The kernel's random name of this boot, 36 characters."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


async def _wait(clock: Clock, boot_deadline_ms: int) -> None:
    while (left_ms := boot_deadline_ms - clock.boot_ms()) > 0:  # noqa: ASYNC110  # a file tells
        await asyncio.sleep(min(left_ms, LOOK_AGAIN_MS) / 1000)


class SystemClock:
    """The machine's own clocks."""

    def __init__(self) -> None:
        self._boot_id = _read_boot_id()

    def wall_ms(self) -> int:
        """Milliseconds since the Unix epoch, CLOCK_REALTIME."""
        return time.time_ns() // 1_000_000

    def boot_ms(self) -> int:
        """CLOCK_BOOTTIME in milliseconds."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def boot_id(self) -> str:
        """The kernel's boot id."""
        return self._boot_id

    async def until(self, boot_deadline_ms: int) -> None:
        """Wait; asyncio's own timer stops while the machine sleeps, so look again often."""
        await _wait(self, boot_deadline_ms)


class OffsetClock:
    """The machine's clocks moved ahead by the number in a file.

    The file is looked at no more than every 20 ms. An absent file adds nothing. A file that cannot
    be understood changes nothing and is logged once. `boot_ms` never goes back: when the number
    falls, wall time follows it and boot time keeps the largest number seen. May be read from any
    thread.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._system = SystemClock()
        self._seen: tuple[int, int] | None = None
        self._wall_offset_ms = 0
        self._boot_offset_ms = 0
        self._looked_at_ns = -(10**12)

    def wall_ms(self) -> int:
        """Milliseconds since the Unix epoch plus the offset."""
        self._look()
        return self._system.wall_ms() + self._wall_offset_ms

    def boot_ms(self) -> int:
        """CLOCK_BOOTTIME plus the largest offset seen."""
        self._look()
        return self._system.boot_ms() + self._boot_offset_ms

    def boot_id(self) -> str:
        """The kernel's boot id: moving the clock is not a reboot."""
        return self._system.boot_id()

    async def until(self, boot_deadline_ms: int) -> None:
        """Wait; an advance of the file is noticed within 50 ms."""
        await _wait(self, boot_deadline_ms)

    def _look(self) -> None:
        now_ns = time.monotonic_ns()
        if now_ns - self._looked_at_ns < REREAD_MS * 1_000_000:
            return
        self._looked_at_ns = now_ns
        try:
            stat = self._path.stat()
            seen = (stat.st_mtime_ns, stat.st_ino)
            if seen == self._seen:
                return
            self._wall_offset_ms = int(self._path.read_text(encoding="ascii"))
            self._seen = seen
        except FileNotFoundError:
            self._seen = None
            self._wall_offset_ms = 0
        except (OSError, ValueError) as error:
            if self._seen != (0, 0):
                logger.warning("clock offset unreadable file=%s error=%s", self._path, error)
            self._seen = (0, 0)
        self._boot_offset_ms = max(self._boot_offset_ms, self._wall_offset_ms)


def open_clock(address: str) -> Clock:
    """The clock named by `system:` or `offset:FILE`.

    Raises:
        AddressError: any other scheme, or `offset:` without an absolute path.
    """
    scheme, colon, rest = address.partition(":")
    if scheme == "system" and colon and not rest:
        return SystemClock()
    if scheme == "offset" and rest.startswith("/"):
        return OffsetClock(Path(rest))
    raise AddressError(f"time source {address!r}: give `system:` or `offset:/absolute/file`")
