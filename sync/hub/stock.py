"""Stock at HQ: the online shop spends only rights that HQ holds, and moves them where they drain.

A right is free (`online`), reserved with a deadline, or an order's own; it came from a store's box
by a move with an id and goes back by one. What no right stands behind is refused. Nothing here asks
a store: a partition costs sales, never a promise that cannot be kept (attack 18).
"""

from sqlalchemy import Connection, func, select

from sync.hub import stock_rows
from sync.hub.problems import Problem
from sync.hub.tables_stock import order_right, reservation, stock
from sync.rules.rights import Drain, rebalance
from sync.rules.tiers import SCARCE_PIECES_A_MINUTE, Tier, of_word

MINUTE_MS = 60_000


def spend(connection: Connection, store: int, sku: str, quantity: int, *, now_ms: int) -> None:
    """Take free rights of an article for a promise.

    Raises:
        Problem: 409 `sold_out`, `online_closed` or `rate_capped`; nothing was taken.
    """
    if quantity <= 0:
        return
    record = stock_rows.ensure(connection, store, sku)
    left = int(record.online)
    if record.closed:
        raise _refused("online_closed", "Too scarce to be sold online in this store.", sku, 0)
    if _is_capped(connection, record, quantity, now_ms):
        raise _refused(
            "rate_capped",
            f"Scarce: at most {SCARCE_PIECES_A_MINUTE} pieces a minute are promised.",
            sku,
            left,
            wait_s=60,
        )
    if not stock_rows.spend(connection, store, sku, quantity):
        raise _refused("sold_out", f"HQ holds {left} of them for this store.", sku, left)
    stock_rows.change(connection, store, sku, online_sold=stock.c.online_sold + quantity)


def _refused(code: str, detail: str, sku: str, left: int, *, wait_s: int | None = None) -> Problem:
    extra: dict[str, int | str] = {"sku": sku, "left": left}
    if wait_s is not None:
        extra["retry_after_s"] = wait_s
    return Problem(status=409, code=code, detail=detail, extra=extra)


def _is_capped(
    connection: Connection, record: stock_rows.StockRecord, quantity: int, now_ms: int
) -> bool:
    if record.par is None or of_word(record.tier) < Tier.SCARCE:
        return False
    since_ms = now_ms - MINUTE_MS
    ordered: int = connection.execute(
        select(func.coalesce(func.sum(order_right.c.taken), 0)).where(
            order_right.c.store == record.store,
            order_right.c.sku == record.sku,
            order_right.c.taken_ms > since_ms,
        )
    ).scalar_one()
    reserved: int = connection.execute(
        select(func.coalesce(func.sum(reservation.c.quantity), 0)).where(
            reservation.c.store == record.store,
            reservation.c.sku == record.sku,
            reservation.c.made_ms > since_ms,
            reservation.c.state != "confirmed",
        )
    ).scalar_one()
    return ordered + reserved + quantity > SCARCE_PIECES_A_MINUTE


def balance(connection: Connection, store: int, sku: str, now_ms: int) -> None:
    """Move rights toward the side that drains; one move at a time for each article and store.

    A shortage at the store and a debt here come before any channel; a closed article's free rights
    all go home.
    """
    record = stock_rows.row_of(connection, store, sku)
    if record is None or not record.based:
        return
    if record.incarnation != stock_rows.current(connection, store):
        return
    if stock_rows.open_move(connection, store, sku) is not None:
        return
    online, counter = int(record.online), int(record.counter)
    if record.shortage > 0 and online > 0:
        send(connection, record, min(online, int(record.shortage)), why="shortage", now_ms=now_ms)
    elif record.shortage > 0:
        return
    elif record.closed:
        if online > 0:
            send(connection, record, online, why="closed", now_ms=now_ms)
    elif record.debt > 0:
        if counter > 0:
            quantity = min(counter, int(record.debt))
            stock_rows.publish_recall(connection, record, quantity, why="debt", now_ms=now_ms)
    else:
        drain = Drain(
            counter=counter,
            online=online,
            counter_sold=int(record.counter_sold),
            online_sold=int(record.online_sold),
        )
        wanted = rebalance(drain)
        if wanted > 0:
            stock_rows.publish_recall(connection, record, wanted, why="drains", now_ms=now_ms)
        elif wanted < 0:
            send(connection, record, -wanted, why="drains", now_ms=now_ms)
        if wanted:  # what sold long ago says less about what sells now
            stock_rows.change(
                connection,
                store,
                sku,
                counter_sold=int(record.counter_sold) // 2,
                online_sold=int(record.online_sold) // 2,
            )


def send(
    connection: Connection,
    record: stock_rows.StockRecord,
    quantity: int,
    *,
    why: str,
    now_ms: int,
) -> None:
    """Debit here first, then tell: it may be lost on the way, it is never in two places."""
    stock_rows.change(connection, record.store, record.sku, online=stock.c.online - quantity)
    stock_rows.publish_grant(connection, record, quantity, why=why, now_ms=now_ms)
