"""The line to HQ: the engine's loop with this node's outbox and replica, and the key of names."""

import asyncio
import logging
import random
from dataclasses import dataclass

from config.schema import Config
from edge.flow.boxes import doubt, set_aside, start_over
from edge.flow.receive import CatalogReplica
from edge.flow.shop import LinkState, Shop
from edge.main.boxes import come_back, hand_in_late, hear_papers, look_at_mark
from edge.main.condition import condition_of
from edge.main.reconciling import keep_reconciled
from edge.store.outbox import LedgerOutbox
from sync.engine.actions import Send
from sync.engine.peer import Peer
from sync.engine.state import LinkState as EngineState
from sync.link.http import HttpLink
from sync.link.loop import run
from sync.wire.errors import HubAhead, LinkError, RemoteWireError, Superseded

logger = logging.getLogger(__name__)
_KEY_AGAIN_MS = 2_000


async def keep_linked(
    config: Config, shop: Shop, replica: CatalogReplica, wake: asyncio.Event
) -> None:
    """Push, pull and listen for ever; a box without HQ's address or certificate only waits.

    A box in doubt first takes a new incarnation and asks HQ to attest it; one whose place was taken
    hands in what it still has and is silent from then on.
    """
    if config.hub.url is None or shop.identity.enrolled is None:
        await asyncio.Event().wait()
        return
    while True:
        shop.doubted.clear()
        await start_over(shop)
        if shop.identity.fenced_why == "superseded":
            await _say_the_rest(config, shop, config.hub.url)
            await asyncio.Event().wait()
        if not shop.identity.is_certified:
            await come_back(config, shop)
            continue
        async with asyncio.TaskGroup() as tasks:
            linked = tasks.create_task(_linked(config, shop, replica, wake, config.hub.url))
            await shop.doubted.wait()
            linked.cancel()


async def _linked(
    config: Config, shop: Shop, replica: CatalogReplica, wake: asyncio.Event, url: str
) -> None:
    enrolled = shop.identity.enrolled
    assert enrolled is not None
    peer = Peer.of(enrolled.certificate)
    screen = _Screen(shop=shop, ahead=asyncio.Event())
    papers: asyncio.Queue[Superseded] = asyncio.Queue()
    line = HttpLink(
        base_url=url,
        signer=shop.identity.signer(),
        peer=peer,
        ca_file=config.hub.ca,
        on_superseded=papers.put_nowait,
        condition=condition_of(shop, config.node.data_dir),
    )
    syncing = run(
        peer=peer,
        random_=random.SystemRandom(),
        link=line,
        outbox=LedgerOutbox(shop.writer, shop.moment, on_fork=screen.forked),
        replica=replica,
        clock=shop.clock,
        wake=wake,
        folder=config.node.data_dir,
        on_state=screen.show,
    )

    async def ask_hq(target: str, body: bytes) -> bytes:
        return await line.ask(Send(method="POST", target=target, body=body))

    try:
        async with line, asyncio.TaskGroup() as tasks:
            shop.ask_hq = ask_hq
            tasks.create_task(_fetch_key(shop, line), name="personal key")
            tasks.create_task(hear_papers(shop, papers), name="papers")
            tasks.create_task(_doubt_if_behind(shop, screen.ahead), name="ahead")
            tasks.create_task(look_at_mark(shop, line, peer), name="mark")
            tasks.create_task(hand_in_late(shop, line, peer), name="late")
            tasks.create_task(keep_reconciled(shop, line, config.node.data_dir), name="reconcile")
            tasks.create_task(syncing, name="sync")
    finally:
        shop.ask_hq = None
        screen.ended()


async def _doubt_if_behind(shop: Shop, ahead: asyncio.Event) -> None:
    await ahead.wait()
    await doubt(shop, "witness", "HQ holds events that were not written here")


async def _say_the_rest(config: Config, shop: Shop, url: str) -> None:
    """A box whose place was taken tells what only it knows, under its own old name."""
    enrolled = shop.identity.enrolled
    assert enrolled is not None
    shop.personal_key = None
    peer = Peer.of(enrolled.certificate)
    await set_aside(shop)
    async with HttpLink(
        base_url=url, signer=shop.identity.signer(), peer=peer, ca_file=config.hub.ca
    ) as link:
        await hand_in_late(shop, link, peer)


@dataclass(slots=True)
class _Screen:
    """The line's state as the shop shows it."""

    shop: Shop
    ahead: asyncio.Event

    def forked(self) -> None:
        """HQ holds another event of ours: it is durable already."""
        self.shop.fence()
        self.shop.doubted.set()

    def ended(self) -> None:
        """Nobody keeps the line any more."""
        self.shop.link = LinkState(state="offline", since_ms=self.shop.clock.wall_ms())
        self.shop.screens.publish(None, "link", {"state": "offline", "unsent": 0})

    def show(self, state: EngineState) -> None:
        """Tell the counters."""
        if state.push_error == HubAhead.code:
            self.ahead.set()
        word = "online" if state.online else "offline"
        before = self.shop.link.state
        ago_ms = self.shop.clock.boot_ms() - state.since_boot_ms
        self.shop.link = LinkState(state=word, since_ms=self.shop.clock.wall_ms() - ago_ms)
        if word != before:
            logger.info("link %s push=%s pull=%s", word, state.push_error, state.pull_error)
        self.shop.screens.publish(None, "link", {"state": word, "unsent": state.unsent})


async def _fetch_key(shop: Shop, link: HttpLink) -> None:
    """Names open as soon as HQ was reached once since this process began (attacks 30)."""
    while shop.personal_key is None:
        try:
            shop.personal_key = await link.personal_key()
        except (LinkError, RemoteWireError):
            await shop.clock.until(shop.clock.boot_ms() + _KEY_AGAIN_MS)
    shop.screens.publish(None, "names", {"names": "open"})
