"""Barcode scanners: bytes that a person pointed at."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One complete reading, framing removed.

    data: 1 to 4,096 bytes; GS1's FNC1 is kept as 0x1D; no CR, LF, STX or ETX at the ends.
    aim: the symbology identifier (`]C1`) when the scanner sends one, taken off `data`.
    boot_ms: CLOCK_BOOTTIME when the last byte arrived.
    """

    data: bytes
    aim: str | None = None
    boot_ms: int = 0


class Fault(StrEnum):
    """Why a reading was dropped; `OVERFLOW` means that nobody asked for readings in time."""

    OVERLONG = "overlong"
    GAP = "gap"
    KEY_UNKNOWN = "key_unknown"
    ALT_BURST = "alt_burst"
    ALT_CODE = "alt_code"
    EVENTS_LOST = "events_lost"
    OVERFLOW = "overflow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoiled:
    """One or more readings that were thrown away whole: the person has to scan again.

    size: bytes or keys that had been seen; for `OVERFLOW` the number of readings.
    """

    fault: Fault
    size: int


Reading = Scan | Spoiled


class Scanner(Protocol):
    """An opened scanner.

    After `read` raised, the scanner is of no more use: `close` it and open the address again.
    `close` never raises and may be called twice.
    """

    async def read(self) -> Reading:
        """Wait for the next reading, in the order in which they were made.

        Raises:
            DeviceGone: unplugged, or the far end closed. Unfinished bytes are dropped: half a code
                is never a scan.
        """
        ...

    async def close(self) -> None:
        """Give the device back (a grab ends)."""
        ...
