"""The doorbell as a stream (SSE), kept open between rings; long-poll where it does not get through.

The hub sends a comment at once and every few seconds, and an event with the heads of our scopes
when one moved: never data. A proxy that keeps the stream's first bytes to itself, or a hub that
answers without a stream, is asked by long-poll from then on, until the process ends.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

import httpx

from sync.link.answers import require_ok
from sync.wire.errors import Offline

CONNECT_S = 5.0
FIRST_BYTE_S = 10.0
SILENCE_S = 35.0
LONGEST_S = 25.0
MAX_LINE_CHARS = 4_096
Headers = Callable[[str, str], dict[str, str]]
Poll = Callable[[Mapping[str, int]], Awaitable[bool]]


def target_of(heads: Mapping[str, int]) -> str:
    """Path and query that ask to be told when a scope moves beyond these."""
    query = "&".join(f"at={scope}.{seq}" for scope, seq in sorted(heads.items()))
    return f"/v1/doorbell?{query}"


def heads_in(line: str) -> dict[str, int]:
    """The heads that an event names; what is none of them is left out."""
    found: dict[str, int] = {}
    for word in line.removeprefix("data:").split():
        scope, _, seq = word.rpartition(".")
        if scope and seq.isdecimal() and len(seq) < 19:
            found[scope] = int(seq)
    return found


class Bell:
    """One node's doorbell. Not for two tasks at once."""

    def __init__(self, client: httpx.AsyncClient, signed: Headers, poll: Poll) -> None:
        """signed: headers for (method, target). poll: the long-poll, see `Link.ring`."""
        self.client = client
        self._signed = signed
        self._poll = poll
        self._stack = AsyncExitStack()
        self._lines: AsyncIterator[str] | None = None
        self._scopes: frozenset[str] = frozenset()
        self.first_byte_s = FIRST_BYTE_S
        self.streams = True
        """False once the stream was found not to get through."""

    def question(self, heads: Mapping[str, int]) -> tuple[str, dict[str, str]]:
        """Target and signed headers that ask for the stream."""
        target = target_of(heads)
        return target, self._signed("GET", target) | {"accept": "text/event-stream"}

    async def ring(self, heads: Mapping[str, int]) -> bool:
        """Whether a scope moved beyond these before about 25 s were over.

        Raises:
            LinkError: the line is down, or the hub refuses.
        """
        if not self.streams:
            return await self._poll(heads)
        try:
            if self._lines is None or self._scopes != frozenset(heads):
                await self.close()
                if not await self._open(heads):
                    self.streams = False
                    return await self._poll(heads)
            return await self._listen(heads)
        except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
            await self.close()
            raise Offline(f"{type(error).__name__} at the doorbell") from error
        except BaseException:
            await self.close()
            raise

    async def _open(self, heads: Mapping[str, int]) -> bool:
        """Open the stream; False when there is none to be had."""
        target, headers = self.question(heads)
        timeout = httpx.Timeout(SILENCE_S, connect=CONNECT_S)
        asked = self.client.stream("GET", target, headers=headers, timeout=timeout)
        try:
            async with asyncio.timeout(self.first_byte_s):
                response = await self._stack.enter_async_context(asked)
                if response.status_code != 200:
                    require_ok(response.status_code, response.headers, await response.aread())
                    return False
                if not response.headers.get("content-type", "").startswith("text/event-stream"):
                    return False
                lines = response.aiter_lines()
                await anext(lines)  # the hub's first comment: nothing on the way keeps it back
        except (TimeoutError, StopAsyncIteration):
            await self.close()
            return False
        self._lines, self._scopes = lines, frozenset(heads)
        return True

    async def _listen(self, heads: Mapping[str, int]) -> bool:
        assert self._lines is not None
        until_s = time.monotonic() + LONGEST_S
        async for line in self._lines:
            if len(line) > MAX_LINE_CHARS:
                raise Offline("a line without end at the doorbell")
            if line.startswith("data:"):
                told = heads_in(line)
                if any(told.get(scope, 0) > seq for scope, seq in heads.items()):
                    return True
            if time.monotonic() >= until_s:
                return False
        await self.close()  # the hub ends each stream after some minutes
        return False

    async def close(self) -> None:
        """Let go of the stream."""
        self._lines = None
        await self._stack.aclose()
