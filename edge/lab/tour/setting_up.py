"""The first steps: a box becomes a store's node, and learns what the store sells."""

import asyncio
from dataclasses import dataclass

from edge.lab.floor import STORE, Floor
from edge.lab.headquarters import NodeAtHq
from edge.lab.people import ARTICLES
from edge.lab.tour.step import Detail, claim
from sync.wire.codec import from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class _Enrolled:
    """What `storeedge enroll --json` prints at the end."""

    node: str
    fingerprint: str
    store: int
    demo: bool


async def enrolled(floor: Floor) -> Detail:
    """The box enrols with a printed code; HQ confirms the fingerprint that the box shows."""
    pairing = await floor.hq.pairing(STORE)
    box = asyncio.create_task(
        floor.call(
            "storeedge",
            *("enroll", "--config", str(floor.config), "--code", pairing.code, "--json"),
        ),
        name="enroll",
    )
    waiting: list[NodeAtHq] = []

    async def knocks() -> bool:
        if box.done():
            box.result()
        waiting.extend(node for node in await floor.hq.fleet() if node.state == "pending")
        return bool(waiting)

    try:
        await floor.until(knocks, "the box asks headquarters to be enrolled")
        await floor.hq.confirm(waiting[0].fingerprint)
        floor.advance("3s")  # the box asks again every two seconds
        told = from_json(_Enrolled, (await box).strip().splitlines()[-1].encode())
    finally:
        box.cancel()
    claim(
        told.fingerprint == waiting[0].fingerprint,
        "the box and headquarters show different fingerprints",
        box=told.fingerprint,
        headquarters=waiting[0].fingerprint,
    )
    fleet = await floor.hq.fleet()
    states = [node.state for node in fleet]
    claim(states == ["enrolled"], "headquarters does not hold one enrolled box", states=states)
    floor.write_access(fingerprint=told.fingerprint)
    await floor.start_node()
    return {
        "node": told.node,
        "fingerprint": told.fingerprint,
        "store": told.store,
        "state": states[0],
        "demo": told.demo,
    }


async def bootstrapped(floor: Floor) -> Detail:
    """The node is online and ready, and names an article as HQ wrote it down."""
    counter = floor.counter(1)

    async def online() -> bool:
        return await counter.ready() and (await counter.status()).link == "online"

    await floor.until(online, "the node is ready and online")
    article = ARTICLES[0]

    async def named() -> bool:
        held = await counter.stock(article.sku)
        return held is not None and held.name_zh == article.name_zh

    await floor.until(named, f"the node names {article.sku}")
    await floor.heard()
    status = await counter.status()
    claim(status.clock == "synced", "the clock is not synced", clock=status.clock)
    return {
        "link": status.link,
        "data_age_s": status.data_age_s,
        "clock": status.clock,
        "product": article.name_zh,
        "devices": {device.name: device.state for device in status.devices},
    }
