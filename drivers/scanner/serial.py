"""A scanner on a serial line (RS-232, USB-COM, CDC-ACM), through pyserial.

One thread a port reads and frames; whole readings hop to the loop. pyserial opens with an advisory
lock, and throws away the bytes that waited while nobody had the port open: a code scanned during a
reconnect is gone, and the person scans again.

What pyserial does on loss, seen in tests: read() raises SerialException, `in_waiting` a plain
OSError, `is_open` stays true; open of a vanished tty may raise termios.error, which is no OSError.
"""

import asyncio
import contextlib
import errno
import logging
import termios
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drivers.ports.clock import Clock
from drivers.ports.errors import (
    AddressError,
    DeviceBusy,
    DeviceError,
    DeviceGone,
    DeviceRefused,
)
from drivers.ports.scanner import Reading, Scanner
from drivers.scanner.framing import Framer, Framing, Suffix
from drivers.scanner.inbox import Inbox

if TYPE_CHECKING:
    import serial

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialSettings:
    """The line. `gap_ms` is the silence that spoils an unfinished frame, or ends it (`none`)."""

    baud: int = 9600
    bytesize: int = 8
    parity: str = "N"
    stopbits: float = 1
    suffix: Suffix = Suffix.AUTO
    gap_ms: int = 100

    @classmethod
    def parse(cls, options: Mapping[str, str]) -> "SerialSettings":
        """Read `baud=9600&bytesize=8&parity=N&stopbits=1&suffix=cr&gap_ms=100`, all optional.

        Raises:
            AddressError: an unknown option, or a value outside its list.
        """
        known = {"baud", "bytesize", "parity", "stopbits", "suffix", "gap_ms"}
        if unknown := options.keys() - known:
            raise AddressError(
                f"serial option {sorted(unknown)[0]!r}: there are {', '.join(sorted(known))}"
            )
        try:
            settings = cls(
                baud=int(options.get("baud", "9600")),
                bytesize=int(options.get("bytesize", "8")),
                parity=options.get("parity", "N").upper(),
                stopbits=float(options.get("stopbits", "1")),
                suffix=Suffix(options.get("suffix", "auto").lower()),
                gap_ms=int(options.get("gap_ms", "100")),
            )
        except ValueError as error:
            raise AddressError(f"serial option: {error}") from error
        if (
            not 50 <= settings.baud <= 4_000_000
            or settings.bytesize not in (5, 6, 7, 8)
            or settings.parity not in ("N", "E", "O", "M", "S")
            or settings.stopbits not in (1, 1.5, 2)
            or not 10 <= settings.gap_ms <= 5000
        ):
            raise AddressError(
                "serial option outside its range: baud 50-4000000, bytesize 5-8, "
                "parity N E O M S, stopbits 1 1.5 2, gap_ms 10-5000"
            )
        return settings


async def open_serial(
    path: str, settings: SerialSettings, *, gs: bytes, clock: Clock
) -> "SerialScanner":
    """Open and lock the port, and start reading.

    Raises:
        DeviceGone: no such port now.
        DeviceBusy: another process holds the lock.
        DeviceRefused: no permission, or the port does not take these line settings.
    """
    opening = asyncio.ensure_future(asyncio.to_thread(_open, path, settings))
    try:
        port = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_late)
        raise
    framer = Framer(Framing(suffix=settings.suffix, gs=gs))
    return SerialScanner(port, framer, name=path, clock=clock)


def _close_late(opening: "asyncio.Future[serial.Serial]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


def _open(path: str, settings: SerialSettings) -> "serial.Serial":
    import serial  # a store without a serial scanner never loads it

    try:
        return serial.Serial(
            path,
            baudrate=settings.baud,
            bytesize=settings.bytesize,
            parity=settings.parity,
            stopbits=settings.stopbits,
            timeout=settings.gap_ms / 1000,
            exclusive=True,
        )
    except (OSError, termios.error) as error:
        raise _translate(path, error) from error
    except ValueError as error:
        raise DeviceRefused(f"{path}: {error}") from error


def _translate(path: str, error: Exception) -> DeviceError:
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    if number in (errno.EAGAIN, errno.EBUSY):
        return DeviceBusy(f"{path} is held by another program")
    if number in (errno.EACCES, errno.EPERM):
        return DeviceRefused(f"{path}: no permission; the service needs the group dialout")
    if number in (errno.ENOTTY, errno.EINVAL):
        return DeviceRefused(f"{path}: not a serial port, or not with these settings")
    return DeviceGone(f"{path} is not there: {error}")


class SerialScanner:
    """An opened port and its reading thread."""

    def __init__(self, port: "serial.Serial", framer: Framer, *, name: str, clock: Clock) -> None:
        self._port = port
        self._framer = framer
        self._name = name
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._inbox = Inbox(name)
        self._stopping = threading.Event()
        self._ended = asyncio.Event()
        self._turned_ns = time.monotonic_ns()
        threading.Thread(target=self._run, name=f"serial {name}", daemon=True).start()

    async def read(self) -> Reading:
        """Wait for the next reading."""
        return await self._inbox.get()

    async def close(self) -> None:
        """Stop the thread, then give the port and its lock back."""
        if not self._stopping.is_set():
            self._stopping.set()
            with contextlib.suppress(OSError, TypeError):  # TypeError: the thread just closed it
                self._port.cancel_read()
        await self._ended.wait()

    def pulse_age_ms(self) -> int:
        """Real milliseconds since the reading thread last came round; it does every gap."""
        return (time.monotonic_ns() - self._turned_ns) // 1_000_000

    def _run(self) -> None:
        error = DeviceGone(f"{self._name} was closed")
        try:
            while not self._stopping.is_set():
                self._turn()
        except (OSError, ValueError, RuntimeError, termios.error) as cause:
            # ValueError: select() with a descriptor above 1023. RuntimeError: the loop is closed.
            error = DeviceGone(f"{self._name} is gone: {cause}")
            error.__cause__ = cause
        finally:
            with contextlib.suppress(OSError, termios.error):
                self._port.close()
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                self._loop.call_soon_threadsafe(self._end, error)

    def _turn(self) -> None:
        data = self._port.read(1)
        if data and (waiting := self._port.in_waiting):
            data += self._port.read(waiting)
        self._turned_ns = time.monotonic_ns()
        if data:
            outcomes = self._framer.feed(data, boot_ms=self._clock.boot_ms())
        elif self._stopping.is_set():
            return
        else:
            outcomes = self._framer.silence()
        if outcomes:
            self._loop.call_soon_threadsafe(self._deliver, outcomes)

    def _deliver(self, outcomes: list[Reading]) -> None:
        for outcome in outcomes:
            self._inbox.put(outcome)

    def _end(self, error: DeviceError) -> None:
        self._inbox.end(error)
        self._ended.set()


_: type[Scanner] = SerialScanner
