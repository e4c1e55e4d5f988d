"""Bytes of a serial scanner → readings. Sans-IO.

A frame is `[STX] [AIM prefix] data end`. The end is what the setting says; `auto` takes CR, LF and
ETX alike, and since an empty frame is no reading, CRLF is one end however it is cut into reads.

States of the frame being collected:

    clean ──silence with bytes pending──▶ spoiled(gap) ──end──▶ dropped, clean
      └───more than 4 KiB──▶ spoiled(overlong) ──end──▶ dropped, clean

Silence never shortens a code. A pause inside a frame may be the tail still coming (a radio cradle,
a USB hiccup), so neither the head nor the tail is taken: everything up to the next end mark is
dropped and reported once, and the person scans again. Stray bytes without an end cost one scan for
the same reason. Only with `suffix=none` does silence end a frame, because nothing else does.

`silence` is called when the line was *watched* and stayed empty for the whole gap. Time between two
reads is no evidence: the reading thread may have been the one that slept.
"""

from dataclasses import dataclass
from enum import StrEnum

from drivers.ports.scanner import Fault, Reading, Spoiled
from drivers.scanner.payload import MAX_DATA_BYTES, unwrap

_CR, _LF, _ETX = 0x0D, 0x0A, 0x03
_MAX_FRAME_BYTES = MAX_DATA_BYTES + 16
_NOT_DATA = b"\r\n\x02\x03"


class Suffix(StrEnum):
    """What ends a frame."""

    AUTO = "auto"
    CR = "cr"
    LF = "lf"
    CRLF = "crlf"
    ETX = "etx"
    NONE = "none"


_ENDS: dict[Suffix, frozenset[int]] = {
    Suffix.AUTO: frozenset((_CR, _LF, _ETX)),
    Suffix.CR: frozenset((_CR,)),
    Suffix.LF: frozenset((_LF,)),
    Suffix.CRLF: frozenset((_LF,)),
    Suffix.ETX: frozenset((_ETX,)),
    Suffix.NONE: frozenset((_CR, _LF, _ETX)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Framing:
    """How this scanner frames: its end mark, and what it sends for 0x1D (empty: 0x1D itself)."""

    suffix: Suffix = Suffix.AUTO
    gs: bytes = b""


class Framer:
    """Collects bytes; answers complete readings and dropped ones, in order."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._ends = _ENDS[framing.suffix]
        self._pending = bytearray()
        self._size = 0
        self._last = -1
        self._spoiled: Fault | None = None
        self._boot_ms = 0

    def feed(self, data: bytes, *, boot_ms: int) -> list[Reading]:
        """Take what was read; `boot_ms` is the time that the readings ended by it will carry."""
        self._boot_ms = boot_ms
        found: list[Reading] = []
        for byte in data:
            if byte in self._ends and (
                self._framing.suffix is not Suffix.CRLF or self._last == _CR
            ):
                self._finish(found)
            else:
                self._take(byte)
            self._last = byte
        return found

    def silence(self) -> list[Reading]:
        """The line stayed empty for the whole gap while it was being watched."""
        found: list[Reading] = []
        if self._framing.suffix is Suffix.NONE:
            self._finish(found)
        elif not self._pending.strip(_NOT_DATA) and self._spoiled is None:
            self._clear()
        elif self._spoiled is None:
            self._spoiled = Fault.GAP
            self._pending.clear()
        return found

    def _take(self, byte: int) -> None:
        self._size += 1
        if self._spoiled is not None:
            return
        if self._size > _MAX_FRAME_BYTES:
            self._spoiled = Fault.OVERLONG
            self._pending.clear()
            return
        self._pending.append(byte)

    def _finish(self, found: list[Reading]) -> None:
        if self._spoiled is not None:
            found.append(Spoiled(fault=self._spoiled, size=self._size))
        else:
            outcome = unwrap(bytes(self._pending), gs=self._framing.gs, boot_ms=self._boot_ms)
            if outcome is not None:
                found.append(outcome)
        self._clear()

    def _clear(self) -> None:
        self._pending.clear()
        self._size = 0
        self._spoiled = None
