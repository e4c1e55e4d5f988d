"""What is due by itself: claims that end, asks that waited, orders that lapse, old answers.

What is due comes from the database; this loop only looks again, by the clock port.
"""

from edge.flow import stock_keeping, training
from edge.flow.asks import answer_asks, lapse
from edge.flow.grants import accept_grants
from edge.flow.operator import lock_idle
from edge.flow.recalls import answer_recalls
from edge.flow.receive import CatalogReplica
from edge.flow.serve import count_failure
from edge.flow.shop import Shop
from edge.store.errors import UnitFailed
from edge.store.tx import Tx

LOOK_EVERY_MS = 2_000
ANSWERS_KEPT_MS = 72 * 3_600_000


FORGET_EVERY_MS = 60_000
STEPS_KEPT_MS = 7 * 24 * 3_600_000
"""Longer than any step can still be of this moment, since trusted time does not go back."""


async def forget_keys(shop: Shop, replica: CatalogReplica) -> None:
    """Clear secrets of rotating codes away when their window is over, for ever; offline too."""
    while True:
        await replica.forget_keys()
        await shop.clock.until(shop.clock.boot_ms() + FORGET_EVERY_MS)


async def keep_house(shop: Shop) -> None:
    """Do what is due, for ever; a step that throws holds up no other."""

    async def sweep(shop: Shop) -> None:
        await shop.writer.do(_sweep, shop.moment())

    steps = (
        sweep,
        answer_recalls,
        answer_asks,
        accept_grants,
        lapse,
        lock_idle,
        training.keep,
        stock_keeping.keep,
    )
    while True:
        for step in steps:
            try:
                await step(shop)
            except UnitFailed as error:
                await count_failure(shop, f"house:{step.__name__}", error)
        await shop.clock.until(shop.clock.boot_ms() + LOOK_EVERY_MS)


def _sweep(tx: Tx) -> None:
    now = tx.moment.trusted_ms
    tx.run("claims_over", now)
    tx.run("answers_prune", now - ANSWERS_KEPT_MS)
    tx.run("undos_prune", now - ANSWERS_KEPT_MS)
    tx.run("rotating_steps_prune", now - STEPS_KEPT_MS)
