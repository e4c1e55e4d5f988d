"""The first steps: a box becomes a store's node, and learns what the store sells."""

from edge.lab.floor import STORE, Floor
from edge.lab.people import ARTICLES
from edge.lab.tour.step import Detail, claim


async def enrolled(floor: Floor) -> Detail:
    """The box enrols with a printed code; HQ confirms the fingerprint that the box shows."""
    told = await floor.first.enrol()
    states = [node.state for node in await floor.hq.fleet() if node.store == STORE]
    claim(states == ["enrolled"], "headquarters does not hold one enrolled box", states=states)
    floor.write_access()
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

    await floor.first.ready()
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
