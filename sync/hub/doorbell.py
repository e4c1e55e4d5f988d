"""The doorbell: a node asks to be told when its scopes move, and gets no data by it.

One task looks at the heads while anybody waits, so a thousand nodes cost one small query each
50 ms, and a change made by another process (the admin command) rings as well.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterable, Mapping

from sqlalchemy.exc import SQLAlchemyError

from sync.hub.desk import NodeDesk

logger = logging.getLogger(__name__)
LOOK_EVERY_S = 0.05
LONGEST_S = 25.0
COMMENT_EVERY_S = 12.0
STREAM_S = 600.0
COMMENT = ":\n\n"


class Doorbell:
    """Wakes who waits. `run` lives in the application's task group."""

    def __init__(self, desk: NodeDesk) -> None:
        self._desk = desk
        self._heads: Mapping[str, int] = {}
        self._moved = asyncio.Condition()
        self._waiting = 0
        self._closed = False
        self._somebody = asyncio.Event()

    async def run(self) -> None:
        """Look at the heads for as long as anybody waits."""
        failed = False
        while True:
            await self._somebody.wait()
            try:
                heads = await asyncio.to_thread(self._desk.heads)
                failed = False
            except SQLAlchemyError as error:
                if not failed:
                    logger.warning("doorbell cannot read heads error=%s", error)
                failed = True
                heads = dict(self._heads)
            if heads != self._heads:
                async with self._moved:
                    self._heads = heads
                    self._moved.notify_all()
            await asyncio.sleep(LOOK_EVERY_S)

    async def wait(self, seqs: Mapping[str, int], *, longest_s: float = LONGEST_S) -> bool:
        """Whether a scope got beyond its seq before the time was over."""
        self._waiting += 1
        self._somebody.set()
        try:
            async with asyncio.timeout(longest_s), self._moved:
                await self._moved.wait_for(lambda: self._closed or self._is_beyond(seqs))
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._somebody.clear()
        return self._is_beyond(seqs)

    def heads_of(self, scopes: Iterable[str]) -> dict[str, int]:
        """How far these scopes are."""
        return {scope: self._heads[scope] for scope in scopes if scope in self._heads}

    async def stream(self, seqs: Mapping[str, int]) -> AsyncGenerator[str, None]:
        """Server-sent events: a comment at once and now and then, the heads when one moved.

        It ends after some minutes: who asks anew is looked at anew.
        """
        told = dict(seqs)
        until_s = time.monotonic() + STREAM_S
        yield COMMENT
        while not self._closed and time.monotonic() < until_s:
            if await self.wait(told, longest_s=COMMENT_EVERY_S):
                heads = self.heads_of(told)
                told |= heads
                words = " ".join(f"{scope}.{seq}" for scope, seq in sorted(heads.items()))
                yield f"data: {words}\n\n"
            else:
                yield COMMENT

    def _is_beyond(self, seqs: Mapping[str, int]) -> bool:
        return any(self._heads.get(scope, 0) > seq for scope, seq in seqs.items())

    async def close(self) -> None:
        """Send everybody home: the server ends."""
        async with self._moved:
            self._closed = True
            self._moved.notify_all()
