"""Readings between the device and the one who asks for them.

At most 64 wait. When it is full the *oldest* goes: whoever scans on while the node stands still
will look at the last thing in their hand, and a minute-old code acted upon late surprises. The loss
is counted and logged once for each time it begins.
"""

import asyncio
import logging
from collections import deque

from drivers.ports.errors import DeviceError
from drivers.ports.scanner import Scan
from drivers.scanner.payload import Dropped

logger = logging.getLogger(__name__)

LIMIT = 64


class Inbox:
    """A bounded queue with an end; used from the loop's thread only."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: deque[Scan] = deque()
        self._changed = asyncio.Event()
        self._error: DeviceError | None = None
        self._overflowing = False
        self.lost = 0
        self.dropped = 0

    def put(self, outcome: Scan | Dropped) -> None:
        """Take a reading, or note a dropped one; nothing is taken after the end."""
        if self._error is not None:
            return
        if isinstance(outcome, Dropped):
            self.dropped += 1
            logger.warning(
                "reading dropped device=%s fault=%s size=%d",
                self._name,
                outcome.fault,
                outcome.size,
            )
            return
        if len(self._waiting) >= LIMIT:
            self._waiting.popleft()
            self.lost += 1
            if not self._overflowing:
                logger.warning("readings pile up, oldest lost device=%s", self._name)
            self._overflowing = True
        self._waiting.append(outcome)
        self._changed.set()

    def end(self, error: DeviceError) -> None:
        """No more will come; whoever waits gets `error` after the readings already complete."""
        if self._error is None:
            self._error = error
        self._changed.set()

    async def get(self) -> Scan:
        """The next reading; raises the error given to `end` when none is left."""
        while not self._waiting:
            self._overflowing = False
            if self._error is not None:
                raise self._error
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.popleft()
