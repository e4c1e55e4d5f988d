"""A store's line to headquarters: a TCP proxy that can be cut, silenced, slowed and cut short.

The bytes pass untouched, so TLS runs from end to end and the hub's certificate (for 127.0.0.1)
still fits. States: *whole* (both ways), *cut* (connections are reset and new ones refused, as when
a router says that there is no way), *silent* (connections are taken and nothing moves, as when a
cable is pulled). Delay and truncation come on top of *whole*.
"""

import asyncio
import contextlib
import socket

HOST = "127.0.0.1"
_CHUNK_BYTES = 16 * 1024


def reserve_port() -> socket.socket:
    """A port of this machine that is nobody else's while the socket is open: bound, not listening.

    A server with SO_REUSEADDR can listen there all the same; without one, callers are refused.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((HOST, 0))
    return holder


class Line:
    """One line. `port` is where it begins; it stays the same through everything."""

    def __init__(self, *, to_port: int) -> None:
        self._to_port = to_port
        self._holder = reserve_port()
        self.port = int(self._holder.getsockname()[1])
        self._server: asyncio.Server | None = None
        self._pairs: set[asyncio.Task[None]] = set()
        self._open = asyncio.Event()
        self._open.set()
        self._delay_ms = 0
        self._left_bytes: int | None = None
        self.carried_bytes = 0
        self.broken = 0

    @property
    def is_cut(self) -> bool:
        """Whether callers are refused."""
        return self._server is None

    async def mend(self) -> None:
        """Make it whole: no delay, nothing cut short."""
        self._delay_ms, self._left_bytes = 0, None
        self._open.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._take, HOST, self.port)

    async def cut(self) -> None:
        """Reset every connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._drop()

    def silence(self) -> None:
        """Let nothing through and say nothing; what waits goes on when it is mended."""
        self._open.clear()

    def delay(self, ms: int) -> None:
        """Hold each piece back this long, both ways."""
        self._delay_ms = ms

    def truncate(self, after_bytes: int) -> None:
        """Let so many bytes through, both ways counted together, then reset what is open, once."""
        self._left_bytes = after_bytes

    async def close(self) -> None:
        """Cut it for good."""
        await self.cut()
        self._holder.close()

    async def _drop(self) -> None:
        pairs = tuple(self._pairs)
        for pair in pairs:
            pair.cancel()
        await asyncio.gather(*pairs, return_exceptions=True)

    async def _take(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        pair = asyncio.current_task()
        assert pair is not None
        self._pairs.add(pair)
        writers = [back]
        try:
            await self._open.wait()
            far, forth = await asyncio.open_connection(HOST, self._to_port)
            writers.append(forth)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._carry(near, forth))
                both.create_task(self._carry(far, back))
        except* (OSError, asyncio.CancelledError):
            # A task that was started by a server has nobody to tell; the ends see the reset.
            for writer in writers:
                writer.transport.abort()
        finally:
            for writer in writers:
                writer.close()
            self._pairs.discard(pair)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(_CHUNK_BYTES):
            if self._delay_ms:
                await asyncio.sleep(self._delay_ms / 1000)  # the delay is what this line is for
            await self._open.wait()
            if self._left_bytes is not None and len(piece) >= self._left_bytes:
                writer.write(piece[: self._left_bytes])
                with contextlib.suppress(OSError):
                    await writer.drain()
                self._left_bytes = None
                self.broken += 1
                raise ConnectionResetError("cut short")
            if self._left_bytes is not None:
                self._left_bytes -= len(piece)
            self.carried_bytes += len(piece)
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
