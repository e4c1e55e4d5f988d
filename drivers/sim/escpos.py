"""ESC/POS as a printer reads it: bytes in, commands out. Pure; shares nothing with any driver.

Two readers look at the same bytes. `RealTimeScanner` sees each byte as it arrives and finds DLE
commands wherever they stand, even inside a picture's data, as real printers do. `CommandReader`
takes commands in order, out of the receive buffer, when the mechanism gets to them; DLE commands
that stand between commands have been answered already and are skipped.

A command that is not in the tables is reported, never passed over in silence: the virtual printer
is also the judge of what drivers send.
"""

from dataclasses import dataclass

_ESC, _FS, _GS, _DLE, _LF = 0x1B, 0x1C, 0x1D, 0x10, 0x0A

# Bytes that follow the command's two letters.
_FIXED: dict[bytes, int] = {
    b"\x1b@": 0,
    b"\x1ba": 1,
    b"\x1b!": 1,
    b"\x1bE": 1,
    b"\x1bG": 1,
    b"\x1b-": 1,
    b"\x1bM": 1,
    b"\x1bt": 1,
    b"\x1bR": 1,
    b"\x1bd": 1,
    b"\x1bJ": 1,
    b"\x1bB": 2,
    b"\x1bp": 3,
    b"\x1b2": 0,
    b"\x1b3": 1,
    b"\x1b$": 2,
    b"\x1c&": 0,
    b"\x1c.": 0,
    b"\x1c!": 1,
    b"\x1d!": 1,
    b"\x1dB": 1,
    b"\x1dH": 1,
    b"\x1dh": 1,
    b"\x1dw": 1,
    b"\x1df": 1,
    b"\x1da": 1,
    b"\x1dr": 1,
    b"\x1dI": 1,
    b"\x1dL": 2,
    b"\x1dW": 2,
}
_MOST_RASTER_BYTES = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command: its name as manuals print it (`GS v 0`, `text`, `LF`), and what followed."""

    name: str
    data: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Bytes that no table knows."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RealTimeRequest:
    """`DLE EOT`, `DLE ENQ` or `DLE DC4` with its parameter bytes."""

    name: str
    data: bytes


_REALTIME = {0x04: ("DLE EOT", 1), 0x05: ("DLE ENQ", 1), 0x14: ("DLE DC4", 3)}


class RealTimeScanner:
    """Finds real-time commands in the raw stream."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[RealTimeRequest]:
        """Requests completed by `data`."""
        found: list[RealTimeRequest] = []
        held = self._held + data
        at = 0
        while (at := held.find(_DLE, at)) >= 0:
            kind = _REALTIME.get(held[at + 1]) if at + 1 < len(held) else None
            if at + 1 == len(held) or (kind is not None and len(held) < at + 2 + kind[1]):
                self._held = held[at:]
                return found
            if kind is not None:
                name, length = kind
                found.append(RealTimeRequest(name=name, data=held[at + 2 : at + 2 + length]))
                at += 1 + length
            at += 1
        self._held = b""
        return found


class CommandReader:
    """Takes commands off a receive buffer."""

    def __init__(self) -> None:
        self._held = bytearray()

    def __len__(self) -> int:
        """Bytes held."""
        return len(self._held)

    def feed(self, data: bytes) -> None:
        """Append what arrived."""
        self._held += data

    def precede(self, data: bytes) -> None:
        """Put bytes before what is held."""
        self._held[:0] = data

    def clear(self) -> bytes:
        """Give up everything held; answers it."""
        held = bytes(self._held)
        self._held.clear()
        return held

    def next(self) -> Command | Unknown | None:
        """The next whole command; None when more bytes are needed."""
        while self._held:
            length, found = self._read()
            if length == 0:
                return None
            del self._held[:length]
            if found is not None:
                return found
        return None

    def _read(self) -> tuple[int, Command | Unknown | None]:
        held = self._held
        first = held[0]
        if first == _LF:
            return 1, Command(name="LF")
        if first == _DLE:
            return self._skip_real_time()
        if first in (_ESC, _FS, _GS):
            return self._escape() if len(held) > 1 else (0, None)
        if first in (0x00, 0x0D):
            return 1, None  # NUL: padding. CR: without effect unless a switch says otherwise
        if first < 0x20:
            return 1, Unknown(data=bytes(held[:1]))
        return self._text()

    def _text(self) -> tuple[int, Command]:
        held = self._held
        end = 1
        while end < len(held) and held[end] >= 0x20:
            end += 1
        return end, Command(name="text", data=bytes(held[:end]))

    def _skip_real_time(self) -> tuple[int, Unknown | None]:
        held = self._held
        if len(held) < 2:
            return 0, None
        kind = _REALTIME.get(held[1])
        if kind is None:
            return 2, Unknown(data=bytes(held[:2]))
        return (2 + kind[1], None) if len(held) >= 2 + kind[1] else (0, None)

    def _escape(self) -> tuple[int, Command | Unknown | None]:
        held = self._held
        letters = bytes(held[:2])
        if letters in _FIXED:
            return self._take(2, _FIXED[letters])
        match letters:
            case b"\x1dV":
                cut_with_feed = len(held) > 2 and held[2] in (65, 66)
                return self._take(2, 2 if cut_with_feed else 1)
            case b"\x1dv":
                return self._raster()
            case b"\x1d(" | b"\x1c(":
                if len(held) < 5:
                    return 0, None
                return self._take(3, 2 + int.from_bytes(held[3:5], "little"))
            case b"\x1dk":
                return self._barcode()
            case _:
                return 2, Unknown(data=letters)

    def _take(self, letters: int, more: int) -> tuple[int, Command | None]:
        held = self._held
        if len(held) < letters + more:
            return 0, None
        data = bytes(held[letters : letters + more])
        return letters + more, Command(name=_name(bytes(held[:letters])), data=data)

    def _raster(self) -> tuple[int, Command | Unknown | None]:
        held = self._held
        if len(held) < 8:
            return 0, None
        across = int.from_bytes(held[4:6], "little")
        rows = int.from_bytes(held[6:8], "little")
        if held[2] != 0x30 or across * rows > _MOST_RASTER_BYTES:
            return 8, Unknown(data=bytes(held[:8]))
        return self._take(3, 5 + across * rows)

    def _barcode(self) -> tuple[int, Command | Unknown | None]:
        held = self._held
        if len(held) < 4:
            return 0, None
        if held[2] < 65:  # function A ends with NUL; nobody should need it
            return 3, Unknown(data=bytes(held[:3]))
        return self._take(2, 2 + held[3])


def _name(letters: bytes) -> str:
    group = {_ESC: "ESC", _FS: "FS", _GS: "GS"}[letters[0]]
    return " ".join((group, *(chr(byte) for byte in letters[1:])))
