"""What stock needs by itself: locks that end, rights that HQ moves, tiers that are crossed.

Run at start, after each page of HQ's and every two seconds; what is due comes from the database.
Tiers are looked at again only for articles that something happened to.
"""

from collections.abc import Sequence

from edge.flow.serve import count_failure
from edge.flow.shop import Shop
from edge.flow.stock import store_of
from edge.store import stock as stocks
from edge.store import stock_locks, stock_rights, stock_tiers
from edge.store.errors import UnitFailed
from edge.store.stock_rights import Asked
from edge.store.stock_tiers import Crossed
from edge.store.tx import Tx
from sync.wire.catalog import OrderRow, StockPlanRow
from sync.wire.codec import unpack
from sync.wire.messages import FeedRow

_LOOKS_A_ROUND = 200


async def load(shop: Shop) -> None:
    """Read which articles are kept here; all of them are looked at once."""
    kept = await shop.writer.do(stocks.managed, shop.moment())
    shop.stock_managed |= kept
    shop.stock_stale |= kept


async def after_page(shop: Shop, rows: Sequence[FeedRow]) -> None:
    """HQ sent rows: answer what moves rights, note whose orders or plan changed."""
    if any(row.kind in ("right_grant", "right_recall") for row in rows):
        await heard(shop)
    if not shop.stock_managed:
        return
    for row in rows:
        if row.kind == "order":
            order = unpack(OrderRow, row.body)
            shop.stock_stale |= shop.stock_managed.intersection(one.sku for one in order.lines)
        elif row.kind == "stock_plan":
            shop.stock_stale |= shop.stock_managed & {unpack(StockPlanRow, row.body).sku}


async def after_swap(shop: Shop) -> None:
    """A whole new catalog: anything may have changed."""
    shop.stock_stale |= shop.stock_managed
    await heard(shop)


async def keep(shop: Shop) -> None:
    """Everything that is due now."""
    if shop.training or shop.identity.enrolled is None:
        return
    await heard(shop)
    if not shop.stock_managed:
        return
    boot_id = shop.clock.boot_id()
    stale = sorted(shop.stock_stale)[:_LOOKS_A_ROUND]

    def due(tx: Tx) -> tuple[int, int, list[Crossed]]:
        stock_locks.run_anew(tx, boot_id=boot_id)
        over = stock_locks.expire(tx, boot_id=boot_id)
        heard = stock_rights.hear(tx)
        looked = [
            stock_tiers.look(tx, sku, store_of(shop))
            for sku in sorted({*stale, *(one.sku for one in over)})
        ]
        return len(over), heard, [one for one in looked if one is not None]

    ended, credited, crossed = await shop.writer.do(due, shop.moment())
    shop.stock_stale.difference_update(stale)
    for _ in range(ended):
        shop.count("stock_lock_ended")
    for one in crossed:
        shop.count("stock_tier")
        shop.screens.publish(None, "tier", one)
    if ended or credited or crossed:
        shop.wake_sync()


async def heard(shop: Shop) -> None:
    """Answer the grants and recalls of HQ's that this box has read."""
    asked = await shop.writer.do(stock_rights.unanswered, shop.moment())
    answered = 0
    for one in asked:

        def act(tx: Tx, one: Asked = one) -> bool:
            return stock_rights.answer(tx, one)

        try:
            answered += await shop.writer.do(act, shop.moment())
        except UnitFailed as error:
            await count_failure(shop, f"right:{one.move_id.hex()}", error)
    for _ in range(answered):
        shop.count("stock_rights")
    if answered:
        shop.wake_sync()
