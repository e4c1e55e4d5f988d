"""Keeps one device open: the loop that lets a plug be pulled and put back without a restart.

    open ──▶ up ──▶ use until an error ──▶ close ──▶ down ──▶ wait ──▶ open …

This is the one place in the drivers that catches everything: a driver's bug marks its own device
down and is tried again; it does not end the shop. What `let_through` names goes up all the same.

The wait starts at 250 ms, doubles, and is jittered so that ten devices on one hub do not come back
in step. Something that is merely gone is looked for about every second, for ever; anything else at
most every 5 s. Udev may tell sooner, but nothing rests on it.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from drivers.ports.clock import Clock
from drivers.ports.errors import DeviceError, DeviceGone
from drivers.ports.pulse import Pulse

logger = logging.getLogger(__name__)

FIRST_WAIT_MS = 250
GONE_WAIT_MS = 1000
MOST_WAIT_MS = 5000
STEADY_MS = 5000
BEAT_S = 1.0
PULSE_LIMIT_MS = 10_000


class Closable(Protocol):
    """Anything opened here. `close` never raises and may be called twice."""

    async def close(self) -> None:
        """Give the device back."""
        ...


_Device = TypeVar("_Device", bound=Closable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Up:
    """The device is open."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Down:
    """The device is not usable and why; it is being tried again."""

    name: str
    error: DeviceError


DeviceState = Up | Down


class Progress:
    """When a supervised device was last seen to make progress, for the watchdog.

    Waiting for a scan or for a device to come back is progress; a driver thread that no longer
    turns, an open or a close that hangs are not.
    """

    def __init__(self) -> None:
        self._beat_ns = time.monotonic_ns()

    def beat(self) -> None:
        """Progress was made now."""
        self._beat_ns = time.monotonic_ns()

    def age_ms(self) -> int:
        """Real milliseconds since the last progress."""
        return (time.monotonic_ns() - self._beat_ns) // 1_000_000


async def supervise(
    name: str,
    open_device: Callable[[], Awaitable[_Device]],
    use: Callable[[_Device], Awaitable[None]],
    *,
    clock: Clock,
    on_state: Callable[[DeviceState], None],
    jitter: Callable[[], float],
    progress: Progress | None = None,
    let_through: tuple[type[Exception], ...] = (),
) -> None:
    """Keep `name` open and in use until cancelled; returns only if `use` returns.

    `on_state` is called on each change: Up, and Down again whenever the error's code differs.
    `jitter` answers 0.0 to 1.0.
    """
    beating = progress or Progress()
    wait_ms = FIRST_WAIT_MS
    told: str | None = None
    while True:
        opened_ms: int | None = None
        try:
            device = await open_device()
            opened_ms = clock.boot_ms()
            try:
                told = None
                logger.info("device up name=%s", name)
                on_state(Up(name=name))
                await _use(device, use, beating)
                return
            finally:
                await device.close()
        except let_through:
            raise
        except DeviceError as caught:
            error = caught
        except Exception as caught:  # the one place: a driver's bug stays its own
            logger.exception("driver failed name=%s", name)
            error = DeviceError(f"{name}: {type(caught).__name__}")
            error.__cause__ = caught
        if told != error.code:
            told = error.code
            logger.warning("device down name=%s code=%s error=%s", name, error.code, error)
            on_state(Down(name=name, error=error))
        if opened_ms is not None and clock.boot_ms() - opened_ms >= STEADY_MS:
            wait_ms = FIRST_WAIT_MS
        beating.beat()
        await _wait(clock, round(wait_ms * (0.5 + jitter() / 2)), beating)
        most_ms = GONE_WAIT_MS if isinstance(error, DeviceGone) else MOST_WAIT_MS
        wait_ms = min(wait_ms * 2, most_ms)


async def _use(
    device: _Device, use: Callable[[_Device], Awaitable[None]], progress: Progress
) -> None:
    using = asyncio.ensure_future(use(device))
    turning: object = device
    try:
        while not using.done():
            if not isinstance(turning, Pulse) or turning.pulse_age_ms() < PULSE_LIMIT_MS:
                progress.beat()
            await asyncio.wait((using,), timeout=BEAT_S)
    finally:
        if not using.done():
            using.cancel()
            await asyncio.wait((using,))
    await using


async def _wait(clock: Clock, wait_ms: int, progress: Progress) -> None:
    await clock.until(clock.boot_ms() + wait_ms)
    progress.beat()
