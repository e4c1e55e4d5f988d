"""An ESC/POS printer behind its port: one worker thread for the blocking line."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import TypeVar

from drivers.ports.clock import Clock
from drivers.ports.document import Document
from drivers.ports.errors import DeviceError
from drivers.ports.printer import NotStarted, Printer, PrinterStatus, PrintOutcome, Trouble
from drivers.printer import escpos
from drivers.printer.conversation import Conversation, JobEnd, Patience, Proof
from drivers.printer.encode import Profile, commands
from drivers.printer.wire import Wire

logger = logging.getLogger(__name__)

_T = TypeVar("_T")
_ASK_AGAIN_MS = 600_000
"""A printer that gives no proof, or not the one it used to, is tried anew after ten minutes."""

_PULSE_LATE_S = 3.0


class EscposPrinter:
    """See `drivers.ports.printer.Printer`.

    `proof` None means: find out at the first job what in-order answer the printer gives.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        width_dots: int,
        profile: Profile,
        clock: Clock,
        name: str,
        proof: Proof | None = None,
        patience: Patience | None = None,
    ) -> None:
        self._wire = wire
        self._width_dots = width_dots
        self._profile = profile
        self._clock = clock
        self._name = name
        self._fixed = proof
        self._patience = Patience() if patience is None else patience
        self._found: Proof | None = proof
        self._short_since_ms: int | None = None  # it has not given what is expected of it
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"printer-{name}")
        self._closed = Event()
        self._talk: Conversation | None = None  # of the job that is under way

    @property
    def width_dots(self) -> int:
        """Printable width."""
        return self._width_dots

    async def status(self) -> PrinterStatus:
        """Ask in real time over a connection of its own; while a job runs, say what it heard."""
        talk = self._talk
        return await self._in_worker(self._status) if talk is None else talk.now()

    async def send(
        self, document: Document, *, job: int, after_doubt: bool = False
    ) -> PrintOutcome:
        """Draw and print.

        Raises:
            DeviceRefused: the document itself cannot be drawn (no font, a code wider than the
                paper, a broken picture); nothing was sent and trying again will not help.
        """

        def work(stop: Event) -> JobEnd:
            made = commands(document, width_dots=self._width_dots, profile=self._profile)
            if after_doubt:
                made = [escpos.INITIALIZE, escpos.CUT, *made]
            return self._print(made, job, stop, after_doubt=after_doubt)

        end = await self._in_worker(work)
        self._learn(end)
        logger.info("printer=%s job=%s outcome=%s", self._name, job, end.outcome)
        return end.outcome

    async def open_drawer(self) -> bool:
        """Pulse pin 2, unless the printer is in trouble: a pulse kept for later is a surprise."""
        return await self._pulsed(escpos.DRAWER)

    async def buzz(self) -> bool:
        """Two beeps."""
        return await self._pulsed(escpos.BUZZER)

    async def close(self) -> None:
        """End a running job as `Unknown` or `NotStarted` and let the thread go."""
        self._closed.set()
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _known(self) -> Proof | None:
        since = self._short_since_ms
        long_short = since is not None and self._clock.boot_ms() - since > _ASK_AGAIN_MS
        return None if long_short and self._fixed is None else self._found

    def _learn(self, end: JobEnd) -> None:
        if end.proof is not self._found:
            logger.info("printer=%s proof=%s", self._name, end.proof)
            self._found = end.proof
        silent = end.outcome == NotStarted(trouble=Trouble.SILENT)
        if not silent and self._found is not Proof.NONE:
            self._short_since_ms = None
        elif self._short_since_ms is None or self._known() is None:
            self._short_since_ms = self._clock.boot_ms()

    def _print(self, made: list[bytes], job: int, stop: Event, *, after_doubt: bool) -> JobEnd:
        known = self._known()
        talk = Conversation(self._wire, patience=self._patience, stop=stop)
        self._talk = talk
        try:
            return talk.print(made, job=job, known=known, after_doubt=after_doubt)
        finally:
            self._talk = None
            self._wire.close()

    def _status(self, stop: Event) -> PrinterStatus:
        try:
            self._wire.open()
            talk = Conversation(self._wire, patience=self._patience, stop=stop)
            return talk.status()
        except DeviceError:
            return PrinterStatus(trouble=Trouble.OFFLINE)
        finally:
            self._wire.close()

    async def _pulsed(self, pulse: bytes) -> bool:
        asked_at = time.monotonic()

        def work(stop: Event) -> bool:
            # Behind a slip that waited for paper: too late to be what somebody expects.
            late = time.monotonic() - asked_at > _PULSE_LATE_S
            return False if late else self._pulse(pulse, stop)

        return await self._in_worker(work)

    def _pulse(self, pulse: bytes, stop: Event) -> bool:
        try:
            self._wire.open()
            talk = Conversation(self._wire, patience=self._patience, stop=stop)
            return talk.pulse(pulse)
        except DeviceError as error:
            logger.info("printer=%s pulse=lost error=%s", self._name, error)
            return False
        finally:
            self._wire.close()

    async def _in_worker(self, work: Callable[[Event], _T]) -> _T:
        """Run blocking `work`; a cancelled caller stops it and waits until the line is free."""
        stop = _Either(self._closed)
        running = asyncio.get_running_loop().run_in_executor(self._worker, work, stop)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait((running,))
            raise


class _Either(Event):
    """Set when it is, or when the whole printer is closed."""

    def __init__(self, other: Event) -> None:
        super().__init__()
        self._other = other

    def is_set(self) -> bool:
        return super().is_set() or self._other.is_set()


_: type[Printer] = EscposPrinter
