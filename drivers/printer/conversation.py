"""One job's talk with a printer: ask, fence, send, wait for the proof.

States, each left by the next or by an outcome:

    asked    DLE EOT 1 to 4 are answered and good        else NotStarted (trouble)
    filled   only after a doubt: NUL for what a lost sender's picture may still lack
    fenced   an in-order request behind nothing of ours  else NotStarted (silent)
             is answered: the printer works, its buffer is empty, and we know its best proof
    sending  from the first byte on, whatever goes wrong is Unknown
    waiting  all bytes are out, the in-order request behind them is not answered yet
    done     Confirmed, or Sent for a printer that has no in-order answer

In `sending` and `waiting` the printer is asked DLE EOT 2, 3 and 4 in turn, one question at a time
(their answers look alike), and tells changes unasked if it can (ASB). While it says paper out or
cover open, nothing more is sent and no time runs: it prints the rest of its buffer when it is
mended. Pausing also keeps its buffer from filling up, since a full one lets no question through.
Otherwise two bounds hold, both of `answer_s`: no byte of answer at all, and no proof with good
paper.

All of it blocks, in one worker thread; `stop` ends it within `TICK_S`. Time-outs here are those of
a socket and run in real time.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from threading import Event
from typing import assert_never

from drivers.ports.errors import DeviceError, DeviceGone, DeviceSilent
from drivers.ports.printer import (
    Confirmed,
    NotStarted,
    PrinterStatus,
    PrintOutcome,
    Sent,
    Trouble,
    Unknown,
)
from drivers.printer import escpos
from drivers.printer.answers import (
    Answer,
    AnswerParser,
    Automatic,
    InOrder,
    ProcessId,
    RealTime,
    trouble_of,
)
from drivers.printer.wire import PIECE_BYTES, Wire

TICK_S = 0.1
_POLL_S = 0.4
_HEALTHY = 0x12
_MENDABLE = frozenset({Trouble.PAPER_OUT, Trouble.COVER_OPEN})
_NEXT_TURN = {2: 3, 3: 4, 4: 2}
# An unasked status in the terms of the questions, so that whatever was heard last holds.
_CAUSES: dict[Trouble | None, dict[int, int]] = {
    Trouble.PAPER_OUT: {2: 0x32, 4: 0x72},
    Trouble.COVER_OPEN: {2: 0x16},
    Trouble.CUTTER: {3: 0x1A},
    Trouble.OFFLINE: {2: 0x52},
}


class Proof(StrEnum):
    """The best evidence that a printer gives of having worked through its input."""

    PROCESS_ID = "process_id"
    IN_ORDER = "gs_r"
    NONE = "dle_only"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait, in seconds of real time.

    answer_s: for a proof with good paper, and for any sign of life, once bytes are out.
    status_s: for the first real-time answer of a connection.
    probe_s: for an in-order answer from a printer not known to give one.
    """

    answer_s: float = 10.0
    status_s: float = 2.0
    probe_s: float = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnd:
    """What became of a job, and the proof this printer turned out to give."""

    outcome: PrintOutcome
    proof: Proof | None


Wanted = Callable[[Answer], bool]


class Stopped(DeviceError):
    """The caller gave up; says nothing about the printer."""


class Conversation:
    """The talk over one open connection. Make a new one for each."""

    def __init__(self, wire: Wire, *, patience: Patience, stop: Event) -> None:
        self._wire = wire
        self._patience = patience
        self._stop = stop
        self._parser = AnswerParser()
        self._causes: dict[int, int] = {}  # what DLE EOT 2, 3, 4 would answer, as last heard
        self._turn = 4  # the last of them that was asked while polling
        self._asked: int | None = None  # the one whose answer is still out
        self._asked_at = 0.0
        self._heard_at = time.monotonic()

    # -- status ---------------------------------------------------------------------------------

    def status(self) -> PrinterStatus:
        """Ask DLE EOT 1 to 4.

        Raises:
            DeviceGone: the line is lost.
        """
        first = self._question(1, self._patience.status_s)
        if first is None:
            return PrinterStatus(trouble=Trouble.SILENT)
        for n in (2, 3, 4):
            # Firmware that knows only some of them is taken at its word for the others.
            answer = self._question(n, self._patience.status_s / 2)
            self._causes[n] = _HEALTHY if answer is None else answer
        trouble = self._trouble()
        if trouble is None and first & 0x08:
            trouble = Trouble.OFFLINE
        return PrinterStatus(trouble=trouble, paper_low=bool(self._causes[4] & 0x0C))

    def now(self) -> PrinterStatus:
        """What was heard last, without asking; may be called from another thread."""
        low = bool(self._causes.get(4, _HEALTHY) & 0x0C)
        return PrinterStatus(trouble=self._trouble(), paper_low=low)

    def _question(self, n: int, wait_s: float) -> int | None:
        self._listen(0)
        self._send(escpos.ask(n))
        end = time.monotonic() + wait_s
        while (left := end - time.monotonic()) > 0:
            for answer in self._listen(min(left, TICK_S)):
                if isinstance(answer, RealTime):
                    return answer.value
        return None

    def _trouble(self) -> Trouble | None:
        return trouble_of(
            offline_cause=self._causes.get(2, _HEALTHY),
            error_cause=self._causes.get(3, _HEALTHY),
            paper=self._causes.get(4, _HEALTHY),
        )

    # -- fence ----------------------------------------------------------------------------------

    def fence(self, job: int, known: Proof | None) -> Proof | None:
        """Show that the printer works through its input, and find its best proof.

        Returns None when a printer known to answer in order does not. Sends nothing that prints.
        `GS ( H` is tried only on printers that answer `GS r`: one that knows neither might print
        its letters.
        """
        if known is Proof.NONE:
            return Proof.NONE
        wait_s = self._patience.probe_s if known is None else self._patience.answer_s
        ident = escpos.process_id(job, fence=True)
        if known is Proof.PROCESS_ID:
            if self._answers_id(ident, wait_s):
                return known
            # Another make may have taken its place; an answer in order is proof enough of that.
            return Proof.IN_ORDER if self._answers_in_order(self._patience.probe_s) else None
        if not self._answers_in_order(wait_s):
            return Proof.NONE if known is None else None
        if known is None and self._answers_id(ident, self._patience.probe_s):
            return Proof.PROCESS_ID
        return Proof.IN_ORDER

    def _answers_id(self, ident: bytes, wait_s: float) -> bool:
        self._send(escpos.request_process_id(ident))
        return self._hears(wait_s, lambda answer: answer == ProcessId(ident=ident))

    def _answers_in_order(self, wait_s: float) -> bool:
        self._listen(0)
        self._send(escpos.PAPER_IN_ORDER)
        return self._hears(wait_s, lambda answer: isinstance(answer, InOrder))

    def _hears(self, wait_s: float, wanted: Wanted) -> bool:
        end = time.monotonic() + wait_s
        while (left := end - time.monotonic()) > 0:
            if any(wanted(answer) for answer in self._listen(min(left, TICK_S))):
                return True
        return False

    def pulse(self, command: bytes) -> bool:
        """Send one command that prints nothing; False when the printer is in trouble.

        True means that a question behind it was answered: the printer has received it.

        Raises:
            DeviceGone: the line is lost.
        """
        if self.status().trouble is not None:
            return False
        self._send(command)
        return self._question(1, self._patience.status_s) is not None

    # -- job ------------------------------------------------------------------------------------

    def print(
        self,
        commands: Sequence[bytes],
        *,
        job: int,
        known: Proof | None,
        after_doubt: bool = False,
    ) -> JobEnd:
        """Do a whole job; returns its outcome and the proof that the printer turned out to give.

        `commands` are whole commands, so that a question may stand between any two of them.
        `after_doubt`: the printer may be inside a command of a sender that is gone; it is filled up
        before the fence, which would not be answered otherwise.
        """
        try:
            self._wire.open()
            trouble = self.status().trouble
            if after_doubt and trouble is None:
                self._send(escpos.RESYNC)  # prints nothing new: the job has not started
            proof = self.fence(job, known) if trouble is None else None
            if proof is None:
                again = trouble or self.status().trouble or Trouble.SILENT
                return JobEnd(outcome=NotStarted(trouble=again), proof=known)
        except DeviceError:
            return JobEnd(outcome=NotStarted(trouble=Trouble.OFFLINE), proof=known)
        try:
            outcome = self._print(commands, job, proof)
        except DeviceGone:
            outcome = Unknown(reason="connection lost")
        except DeviceSilent as error:
            outcome = Unknown(reason=str(error))
        except Stopped:
            outcome = Unknown(reason="given up by us")
        return JobEnd(outcome=outcome, proof=proof)

    def _print(self, commands: Sequence[bytes], job: int, proof: Proof) -> PrintOutcome:
        self._heard_at = time.monotonic()
        if proof is not Proof.NONE:
            self._send(escpos.AUTO_STATUS_ON)
        for command in commands:
            self._hold_while_mended()
            self._send(command)
        match proof:
            case Proof.PROCESS_ID:
                ident = escpos.process_id(job)
                self._send(escpos.request_process_id(ident))
                self._wait(lambda answer: answer == ProcessId(ident=ident))
                named = f"process id {ident.hex()}"
            case Proof.IN_ORDER:
                self._listen(0)
                self._send(escpos.PAPER_IN_ORDER)
                self._wait(lambda a: isinstance(a, InOrder) and not a.paper_out)
                named = "GS r 1"
            case Proof.NONE:
                self._hold_while_mended()
                self._settle()
                # Answered in real time, but on the same line: all bytes before it were received.
                if self._question(1, self._patience.answer_s) is None:
                    raise DeviceSilent("printer fell silent behind our bytes")
                return Sent()
            case _:
                assert_never(proof)
        self._send(escpos.AUTO_STATUS_OFF)
        self._settle()
        trouble = self.status().trouble
        if trouble is not None:
            return Unknown(reason=f"answered, then {trouble}")
        return Confirmed(proof=named)

    def _hold_while_mended(self) -> None:
        """Poll between commands; while paper or cover are bad, wait."""
        self._listen(0)
        self._poll()
        while self._trouble() in _MENDABLE:
            self._listen(TICK_S)
            self._poll()
            self._still_alive()

    def _wait(self, wanted: Wanted) -> None:
        since = time.monotonic()
        while True:
            if any(wanted(answer) for answer in self._listen(TICK_S)):
                return
            self._poll()
            self._still_alive()
            if self._trouble() in _MENDABLE:
                since = time.monotonic()
            elif time.monotonic() - since > self._patience.answer_s:
                raise DeviceSilent(f"no proof in time, trouble={self._trouble()}")

    def _still_alive(self) -> None:
        quiet_s = time.monotonic() - self._heard_at
        # A full buffer lets no question through: what the printer told last stands until it speaks.
        if quiet_s > self._patience.answer_s and self._trouble() not in _MENDABLE:
            raise DeviceSilent("printer fell silent behind our bytes")

    def _poll(self) -> None:
        now = time.monotonic()
        if self._asked is not None or now - self._asked_at < _POLL_S or not self._wire.writable(0):
            return
        self._turn = _NEXT_TURN[self._turn]
        self._asked, self._asked_at = self._turn, now
        self._wire.write(escpos.ask(self._turn))

    def _settle(self) -> None:
        """Let the answer to the last poll arrive, so that it is not taken for the next one's."""
        end = time.monotonic() + self._patience.status_s
        while self._asked is not None and time.monotonic() < end:
            self._listen(TICK_S)
        self._asked = None

    # -- line -----------------------------------------------------------------------------------

    def _send(self, data: bytes) -> None:
        for at in range(0, len(data), PIECE_BYTES):
            while not self._wire.writable(TICK_S):
                self._listen(0)
                self._still_alive()
            self._wire.write(data[at : at + PIECE_BYTES])

    def _listen(self, wait_s: float) -> list[Answer]:
        if self._stop.is_set():
            raise Stopped("stopped")
        data = self._wire.read(wait_s)
        if not data:
            return []
        self._heard_at = time.monotonic()
        answers = self._parser.feed(data)
        for answer in answers:
            if isinstance(answer, Automatic):
                self._causes = dict(_CAUSES.get(answer.trouble, {}))
            elif isinstance(answer, RealTime) and self._asked is not None:
                self._causes[self._asked] = answer.value
                self._asked = None
        return answers
