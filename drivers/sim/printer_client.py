"""One connection to a virtual printer: what it sent and is not worked through yet."""

import asyncio
import contextlib

from drivers.sim.escpos import Command, CommandReader, RealTimeScanner, Unknown


class Client:
    """Buffers, and flags that faults set."""

    def __init__(self, outgoing: asyncio.StreamWriter) -> None:
        self._outgoing = outgoing
        self._room = asyncio.Event()
        self.reader = CommandReader()
        self.scanner = RealTimeScanner()
        self.left = asyncio.Event()
        self.gone = False
        self.fresh = False
        self.started = False
        self.automatic = False
        self.dropping = False
        self.greeted = False

    @property
    def ready(self) -> bool:
        """Something new has come since a look found no whole command, or no more will come."""
        return len(self.reader) > 0 and (self.fresh or self.gone)

    def receive(self, data: bytes) -> None:
        """Put bytes into the buffer."""
        self.reader.feed(data)
        self.fresh = True

    def take(self) -> Command | Unknown | None:
        """The next whole command; None when there is none yet, or will be none any more."""
        command = self.reader.next()
        if command is None:
            self.fresh = False
        self._room.set()
        return command

    def full(self, limit_bytes: int) -> bool:
        """Whether reading must pause; a command larger than the buffer is still let in."""
        return self.fresh and not self.gone and len(self.reader) >= limit_bytes

    async def room(self) -> None:
        """Wait until something was taken out of the buffer, or the connection ends."""
        self._room.clear()
        await self._room.wait()

    def send(self, data: bytes) -> None:
        """Answer; a client that is gone hears nothing."""
        with contextlib.suppress(OSError, RuntimeError):
            self._outgoing.write(data)

    def abort(self) -> None:
        """Power lost: no farewell, the buffer is gone."""
        self.gone = True
        self.reader.clear()
        self._room.set()
        self.left.set()
        self._outgoing.transport.abort()
