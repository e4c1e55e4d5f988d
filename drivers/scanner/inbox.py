"""Readings between the device and the one who asks for them.

At most 64 wait. When it is full the *oldest* goes: whoever scans on while the node stands still
will look at the last thing in their hand, and a minute-old code acted upon late surprises. In the
place of those that went stands one `Spoiled`, so that the person is told; the loss is logged once
for each time it begins.
"""

import asyncio
import logging
from collections import deque

from drivers.ports.errors import DeviceError
from drivers.ports.scanner import Fault, Reading, Spoiled

logger = logging.getLogger(__name__)

LIMIT = 64


class Inbox:
    """A bounded queue with an end; used from the loop's thread only."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: deque[Reading] = deque()
        self._lost = 0
        self._overflowing = False
        self._changed = asyncio.Event()
        self._error: DeviceError | None = None

    def put(self, reading: Reading) -> None:
        """Take a reading; nothing is taken after the end."""
        if self._error is not None:
            return
        if isinstance(reading, Spoiled):
            logger.warning(
                "reading dropped device=%s fault=%s size=%d",
                self._name,
                reading.fault,
                reading.size,
            )
        if len(self._waiting) >= LIMIT:
            self._waiting.popleft()
            if not self._overflowing:
                logger.warning("readings pile up, oldest lost device=%s", self._name)
            self._overflowing = True
            self._lost += 1
        self._waiting.append(reading)
        self._changed.set()

    def end(self, error: DeviceError) -> None:
        """No more will come; whoever waits gets `error` after the readings already complete."""
        if self._error is None:
            self._error = error
        self._changed.set()

    async def get(self) -> Reading:
        """The next reading; raises the error given to `end` when none is left."""
        while not self._waiting:
            self._overflowing = False
            if self._error is not None:
                raise self._error
            self._changed.clear()
            await self._changed.wait()
        if self._lost:
            lost, self._lost = self._lost, 0
            return Spoiled(fault=Fault.OVERFLOW, size=lost)
        return self._waiting.popleft()
