"""The line to HQ: the engine's loop with this node's outbox and replica, and the key of names."""

import asyncio
import logging
import random
from dataclasses import dataclass

from config.schema import Config
from edge.flow.receive import CatalogReplica
from edge.flow.shop import LinkState, Shop
from edge.store.outbox import LedgerOutbox
from sync.engine.peer import Peer
from sync.engine.state import LinkState as EngineState
from sync.link.http import HttpLink
from sync.link.loop import run
from sync.wire.errors import LinkError, RemoteWireError

logger = logging.getLogger(__name__)
_KEY_AGAIN_MS = 2_000


async def keep_linked(
    config: Config, shop: Shop, replica: CatalogReplica, wake: asyncio.Event
) -> None:
    """Push, pull and listen for ever; a box without HQ's address or certificate only waits."""
    enrolled = shop.identity.enrolled
    if config.hub.url is None or enrolled is None:
        await asyncio.Event().wait()
        return
    peer = Peer.of(enrolled.certificate)
    signer = shop.identity.signer()
    screen = _Screen(shop=shop)
    async with (
        HttpLink(base_url=config.hub.url, signer=signer, peer=peer, ca_file=config.hub.ca) as link,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(_fetch_key(shop, link), name="personal key")
        tasks.create_task(
            run(
                peer=peer,
                random_=random.SystemRandom(),
                link=link,
                outbox=LedgerOutbox(shop.writer, shop.moment, on_fork=shop.fence),
                replica=replica,
                clock=shop.clock,
                wake=wake,
                folder=config.node.data_dir,
                on_state=screen.show,
            ),
            name="sync",
        )


@dataclass(slots=True)
class _Screen:
    """The line's state as the shop shows it."""

    shop: Shop

    def show(self, state: EngineState) -> None:
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
