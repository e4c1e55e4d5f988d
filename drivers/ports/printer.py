"""Receipt printers: paper, and what is known about it.

The one fact that matters: bytes that were accepted are not yet paper. Only an answer that the
printer gives *in order*, behind the last byte of the job, proves that it worked through the job
(`GS r`, or a process-id response); the real-time `DLE EOT` overtakes the buffer and proves nothing.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from drivers.ports.document import Document


class Trouble(StrEnum):
    """Why a printer is not ready."""

    OFFLINE = "offline"
    PAPER_OUT = "paper_out"
    COVER_OPEN = "cover_open"
    CUTTER = "cutter"
    SILENT = "silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterStatus:
    """What the printer says of itself now. `trouble` None means ready."""

    trouble: Trouble | None
    paper_low: bool = False
    drawer_open: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """An in-order answer arrived behind the last byte, paper and cover good. `proof` names it."""

    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """All bytes were accepted and this printer can prove no more (`DLE EOT` only)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotStarted:
    """No byte of the job was sent: it may be tried again as the original."""

    trouble: Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Some bytes went out and no proof came back: paper may exist. Again only as a COPY."""

    reason: str


PrintOutcome = Confirmed | Sent | NotStarted | Unknown


class Printer(Protocol):
    """One printer. Opens its connection for a job and gives it back; methods never overlap."""

    @property
    def width_dots(self) -> int:
        """Printable width: 576 for 80 mm, 384 for 58 mm paper at 203 dpi."""
        ...

    async def status(self) -> PrinterStatus:
        """Ask in real time. Never raises: an absent printer is `Trouble.OFFLINE`."""
        ...

    async def send(
        self, document: Document, *, job: int, after_doubt: bool = False
    ) -> PrintOutcome:
        """Draw, send, and wait for the proof; never raises for what the device does.

        Call it only after the intent to send is durable: a process that dies inside leaves paper in
        an unknown state. While the printer reports paper out or an open cover behind our bytes the
        wait goes on, since it prints the rest of its buffer when it is mended. `job` is put into
        the process-id request, so a late answer of another job is not taken for this one's.
        `after_doubt`: an unfinished slip may hang in the printer; it is fed out and cut off first,
        so that two customers never share one piece of paper.
        """
        ...

    async def open_drawer(self) -> bool:
        """Pulse the drawer; True when the bytes were accepted. Never repeated by us."""
        ...

    async def buzz(self) -> bool:
        """Sound the buzzer; True when the bytes were accepted."""
        ...

    async def close(self) -> None:
        """Give everything back; never raises."""
        ...
