"""The engine running: push, pull and the doorbell side by side until cancelled."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

from sync.engine.backoff import Backoff
from sync.engine.peer import Peer
from sync.engine.pull import PullEngine
from sync.engine.push import PushEngine
from sync.engine.state import LinkState, Presence
from sync.link.ports import Clock, Link
from sync.link.rounds import Puller, Pusher
from sync.wire.errors import LinkError, Offline
from sync.wire.ports import Outbox, Replica

RINGS_APART_MS = 1_000


async def run(
    *,
    peer: Peer,
    random_: random.Random,
    link: Link,
    outbox: Outbox,
    replica: Replica,
    clock: Clock,
    wake: asyncio.Event,
    folder: Path,
    on_state: Callable[[LinkState], None],
) -> None:
    """Keep node and hub alike for ever.

    random_: `random.SystemRandom()` in the daemon; nonces and jitter come from it. wake: set by
    who commits to the outbox. folder: for part files, on the file system of the catalogs.
    on_state: told each change. Ends by cancellation, or with what outbox or replica raise.
    """
    presence = Presence(now_boot_ms=clock.boot_ms())
    told: LinkState | None = None

    def changed() -> None:
        nonlocal told
        if presence.state != told:
            told = presence.state
            on_state(told)

    changed()
    pusher = Pusher(
        PushEngine(peer, random_, presence),
        link=link,
        outbox=outbox,
        replica=replica,
        clock=clock,
        changed=changed,
    )
    puller = Puller(
        PullEngine(peer, random_, presence),
        link=link,
        replica=replica,
        clock=clock,
        folder=folder,
        changed=changed,
    )
    bell = _Bell(puller, link=link, clock=clock, random_=random_)

    def began_anew() -> None:  # the hub was restored, perhaps: does it have all that it had?
        pusher.engine.ask_marks()
        wake.set()

    def heard_mark(acked_seq: int) -> None:
        if pusher.engine.heard_mark(acked_seq):
            wake.set()

    puller.on_snapshot = began_anew
    puller.on_hub_mark = heard_mark
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_keep(pusher, clock, wake), name="sync push")
        tasks.create_task(bell.keep_pulling(), name="sync pull")
        tasks.create_task(bell.listen(), name="sync doorbell")


async def wait_for(clock: Clock, boot_deadline_ms: int, event: asyncio.Event) -> None:
    """Return at the deadline or when the event is set, whichever is first; clears the event."""
    timer = asyncio.ensure_future(clock.until(boot_deadline_ms))
    bell = asyncio.ensure_future(event.wait())
    try:
        await asyncio.wait((timer, bell), return_when=asyncio.FIRST_COMPLETED)
    finally:
        timer.cancel()
        bell.cancel()
        await asyncio.gather(timer, bell, return_exceptions=True)
    event.clear()


async def _keep(pusher: Pusher, clock: Clock, wake: asyncio.Event) -> None:
    wait = await pusher.begin()
    while True:
        await wait_for(clock, wait.until_boot_ms, wake)
        wait = await pusher.woken()


class _Bell:
    """Pull, and the doorbell that wakes it.

    The doorbell is asked only while everything read was applied, and never in a tight loop: a hub
    that answers at once without news, or not at all, is asked again after a backed-off wait.
    """

    def __init__(self, puller: Puller, *, link: Link, clock: Clock, random_: random.Random) -> None:
        self._puller = puller
        self._link = link
        self._clock = clock
        self._backoff = Backoff(random_)
        self._rung = asyncio.Event()
        self._settled = asyncio.Event()

    async def keep_pulling(self) -> None:
        wait = await self._puller.begin()
        while True:
            if self._puller.engine.up_to_date:
                self._settled.set()
            await wait_for(self._clock, wait.until_boot_ms, self._rung)
            self._settled.clear()
            wait = await self._puller.woken()

    async def listen(self) -> None:
        while True:
            await self._settled.wait()
            heads = self._puller.engine.heads
            asked_boot_ms = self._clock.boot_ms()
            try:
                moved = await self._link.ring(heads)
            except LinkError as error:
                self._pull_now()  # the line may be down: find out now
                await self._rest(error)
                continue
            if moved:
                self._pull_now()
                await self._settled.wait()
                if self._puller.engine.heads != heads:
                    self._backoff.succeeded()
                    continue
            elif self._clock.boot_ms() - asked_boot_ms >= RINGS_APART_MS:
                self._backoff.succeeded()
                continue
            await self._rest(Offline("the doorbell answers without news"))

    def _pull_now(self) -> None:
        self._settled.clear()
        self._rung.set()

    async def _rest(self, error: LinkError) -> None:
        until = self._clock.boot_ms() + self._backoff.wait_ms(error)
        await self._clock.until(until)
