"""What printers answer: bytes in, values out, in whatever pieces the line delivers them.

Nothing in ESC/POS frames an answer; kinds are told apart by their fixed bits (Epson, "Transmission
status identification"):

    0xx1 xx10   one byte    DLE EOT, real time
    0xx0 xxxx   one byte    GS r, in order
    0xx1 xx00   four bytes  automatic status back (ASB), three more of 0xx0 xxxx
    0x37 0x22   seven bytes process id (GS ( H): four id bytes, then NUL
    0x11 0x13               XON, XOFF: no answer at all

A frame that does not go on as it began is dropped up to the byte that broke it, which is read anew.
"""

from dataclasses import dataclass

from drivers.ports.printer import Trouble

_XON, _XOFF = 0x11, 0x13
_PROCESS_HEADER = b"\x37\x22"
_PROCESS_LENGTH = 7
_AUTO_LENGTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class RealTime:
    """The answer to a DLE EOT; which one is known from what was asked."""

    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class InOrder:
    """The answer to `GS r 1`."""

    paper_out: bool
    paper_low: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessId:
    """The answer to `GS ( H`: everything before the request with this id is on paper."""

    ident: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Automatic:
    """A change of state, told unasked. `trouble` None means ready."""

    trouble: Trouble | None
    paper_low: bool


Answer = RealTime | InOrder | ProcessId | Automatic


class AnswerParser:
    """Feeds on bytes from the printer. Holds at most six bytes of an unfinished frame."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[Answer]:
        """Answers completed by `data`; noise is dropped."""
        self._held += data
        found: list[Answer] = []
        while self._held:
            used, answer = _next(self._held)
            if used == 0:
                break
            if answer is not None:
                found.append(answer)
            self._held = self._held[used:]
        return found

    def forget(self) -> None:
        """Drop an unfinished frame."""
        self._held = b""


def _next(held: bytes) -> tuple[int, Answer | None]:
    """How many bytes to take off, and what they mean; 0 means more bytes are needed."""
    first = held[0]
    if first == _PROCESS_HEADER[0]:
        return _process(held)
    if first in (_XON, _XOFF) or first & 0x80:
        return 1, None
    if first & 0x93 == 0x12:
        return 1, RealTime(value=first)
    if first & 0x93 == 0x10:
        return _automatic(held)
    if first & 0x90 == 0x00:
        return 1, InOrder(paper_out=bool(first & 0x0C), paper_low=bool(first & 0x03))
    return 1, None


def _process(held: bytes) -> tuple[int, Answer | None]:
    for place, byte in enumerate(held[1:_PROCESS_LENGTH], start=1):
        good = byte == 0x22 if place == 1 else byte == 0 if place == 6 else 0x20 <= byte <= 0x7E
        if not good:
            return place, None
    if len(held) < _PROCESS_LENGTH:
        return 0, None
    return _PROCESS_LENGTH, ProcessId(ident=held[2:6])


def _automatic(held: bytes) -> tuple[int, Answer | None]:
    for place, byte in enumerate(held[1:_AUTO_LENGTH], start=1):
        if byte & 0x90:
            return place, None
    if len(held) < _AUTO_LENGTH:
        return 0, None
    state, errors, paper = held[0], held[1], held[2]
    trouble: Trouble | None = None
    if paper & 0x0C:
        trouble = Trouble.PAPER_OUT
    elif state & 0x20:
        trouble = Trouble.COVER_OPEN
    elif errors & 0x08:
        trouble = Trouble.CUTTER
    elif errors & 0x60 or state & 0x08:
        trouble = Trouble.OFFLINE
    return _AUTO_LENGTH, Automatic(trouble=trouble, paper_low=bool(paper & 0x03))


def is_real_time(byte: int) -> bool:
    """Whether a byte has the fixed bits of a DLE EOT answer, 0xx1xx10."""
    return byte & 0x93 == 0x12


def trouble_of(*, offline_cause: int, error_cause: int, paper: int) -> Trouble | None:
    """The reason that DLE EOT 2, 3 and 4 together give; the most useful to a person first."""
    if paper & 0x60 or offline_cause & 0x20:
        return Trouble.PAPER_OUT
    if offline_cause & 0x04:
        return Trouble.COVER_OPEN
    if error_cause & 0x08:
        return Trouble.CUTTER
    if error_cause & 0x60 or offline_cause & 0x40:
        return Trouble.OFFLINE
    return None
