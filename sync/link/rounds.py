"""One round of push or pull: does what the engine says until it says wait."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import assert_never

from sync.engine.actions import (
    Acknowledge,
    ApplyFeed,
    FetchSnapshot,
    PullAction,
    PushAction,
    ReadCursors,
    ReadOutbox,
    Rewind,
    Send,
    TimeReading,
    Wait,
)
from sync.engine.pull import PullEngine
from sync.engine.push import PushEngine
from sync.link import snapshot
from sync.link.ports import Clock, Link
from sync.wire.errors import LinkError, RemoteWireError
from sync.wire.ports import Outbox, Replica

logger = logging.getLogger(__name__)


async def _tell_time(replica: Replica, time: TimeReading) -> None:
    await replica.hub_time(
        time.time_ms,
        asked_boot_ms=time.asked_boot_ms,
        answered_boot_ms=time.answered_boot_ms,
    )


def _nothing() -> None:
    return


def _unheard(_: int) -> None:
    return


class _Complaints:
    """Logs what goes wrong when it changes, not at each retry."""

    def __init__(self, way: str) -> None:
        self._way = way
        self._last = ""

    def note(self, error: LinkError | RemoteWireError | None) -> None:
        words = f"{error.code} {error}" if error else ""
        if error and words != self._last:
            logger.warning("sync failed way=%s error=%s", self._way, words)
        elif self._last and not error:
            logger.info("sync works again way=%s", self._way)
        self._last = words


class Pusher:
    """Push over a link: the outbox's events up, their answers back into it."""

    def __init__(
        self,
        engine: PushEngine,
        *,
        link: Link,
        outbox: Outbox,
        replica: Replica,
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self.engine = engine
        self._link = link
        self._outbox = outbox
        self._replica = replica
        self._clock = clock
        self._changed = changed
        self._complaints = _Complaints("push")

    async def begin(self) -> Wait:
        """The first round."""
        return await self._drive(self.engine.begin())

    async def woken(self) -> Wait:
        """Another round."""
        return await self._drive(self.engine.woken(now_boot_ms=self._clock.boot_ms()))

    async def _drive(self, action: PushAction) -> Wait:
        while not isinstance(action, Wait):
            action = await self._do(action)
            self._changed()
        self._complaints.note(self.engine.failure)
        return action

    async def _do(self, action: ReadOutbox | Send | Acknowledge | Rewind) -> PushAction:
        engine, clock = self.engine, self._clock
        match action:
            case ReadOutbox(limit=limit, max_bytes=max_bytes):
                events = await self._outbox.unsent(limit=limit, max_bytes=max_bytes)
                marks = await self._outbox.marks()
                return engine.outbox(events, marks=marks, now_boot_ms=clock.boot_ms())
            case Rewind(acked_seq=acked_seq):
                logger.warning("the hub was restored; sending again after seq=%d", acked_seq)
                await self._outbox.rewind(acked_seq)
                return engine.rewound()
            case Send():
                asked_boot_ms = clock.boot_ms()
                try:
                    body = await self._link.ask(action)
                except LinkError as error:
                    return engine.failed(error, now_boot_ms=clock.boot_ms())
                return engine.answered(
                    body, asked_boot_ms=asked_boot_ms, answered_boot_ms=clock.boot_ms()
                )
            case Acknowledge(answer=answer, time=time):
                await _tell_time(self._replica, time)
                await self._outbox.acknowledge(answer)
                return engine.acknowledged()
            case _:
                assert_never(action)


class Puller:
    """Pull over a link: feeds and snapshots into the replica."""

    def __init__(
        self,
        engine: PullEngine,
        *,
        link: Link,
        replica: Replica,
        clock: Clock,
        folder: Path,
        changed: Callable[[], None],
    ) -> None:
        self.engine = engine
        self._link = link
        self._replica = replica
        self._clock = clock
        self._folder = folder
        self._changed = changed
        self._complaints = _Complaints("pull")
        self.on_snapshot: Callable[[], None] = _nothing
        self.on_hub_mark: Callable[[int], object] = _unheard

    async def begin(self) -> Wait:
        """The first round."""
        return await self._drive(self.engine.begin())

    async def woken(self) -> Wait:
        """Another round."""
        return await self._drive(self.engine.woken(now_boot_ms=self._clock.boot_ms()))

    async def _drive(self, action: PullAction) -> Wait:
        while not isinstance(action, Wait):
            action = await self._do(action)
            self._changed()
        self._complaints.note(self.engine.failure)
        return action

    async def _do(self, action: ReadCursors | Send | ApplyFeed | FetchSnapshot) -> PullAction:
        engine, clock = self.engine, self._clock
        match action:
            case ReadCursors():
                return engine.cursors(await self._replica.cursors())
            case Send():
                asked_boot_ms = clock.boot_ms()
                try:
                    body = await self._link.ask(action)
                except LinkError as error:
                    return engine.failed(error, now_boot_ms=clock.boot_ms())
                then = engine.answered(
                    body, asked_boot_ms=asked_boot_ms, answered_boot_ms=clock.boot_ms()
                )
                if engine.hub_mark is not None:
                    self.on_hub_mark(engine.hub_mark)
                return then
            case ApplyFeed(pages=pages, time=time):
                await _tell_time(self._replica, time)
                try:
                    for page in pages:
                        await self._replica.apply(page)
                except RemoteWireError as error:
                    return engine.failed(error, now_boot_ms=clock.boot_ms())
                return engine.applied(now_boot_ms=clock.boot_ms())
            case FetchSnapshot():
                try:
                    await snapshot.fetch(
                        action, link=self._link, replica=self._replica, folder=self._folder
                    )
                except (LinkError, RemoteWireError) as error:
                    return engine.failed(error, now_boot_ms=clock.boot_ms())
                self.on_snapshot()
                return engine.applied(now_boot_ms=clock.boot_ms())
            case _:
                assert_never(action)
