"""Barcode scanners: bytes that a person pointed at."""

from dataclasses import dataclass
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


class Scanner(Protocol):
    """An opened scanner.

    After `read` raised, the scanner is of no more use: `close` it and open the address again.
    `close` never raises and may be called twice.
    """

    async def read(self) -> Scan:
        """Wait for the next complete scan.

        Raises:
            DeviceGone: unplugged, or the far end closed. Unfinished bytes are dropped: half a code
                is never a scan.
        """
        ...

    async def close(self) -> None:
        """Give the device back (a grab ends)."""
        ...
