"""An order's own rights: taken when made, spent by its hand-over, freed by what it gives up."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, insert, select, update

from sync.hub import reservations, stock, stock_rows
from sync.hub.tables import unit as unit_table
from sync.hub.tables_stock import order_right

Line = tuple[int, str, int]
"""(line, SKU, pieces)."""


def take_right_for_order(
    connection: Connection,
    *,
    store: int,
    order_id: bytes,
    lines: Sequence[Line],
    now_ms: int,
    reservation_id: str | None = None,
) -> None:
    """Give an order its own rights, of every managed article it has; all or nothing.

    Raises:
        Problem: 409 `sold_out`, `online_closed`, `rate_capped`, with `sku` and `left`; the
            reservation's own (`confirm`).
    """
    wanted: dict[str, int] = {}
    ours = stock_rows.managed(connection, store)
    for _, sku, quantity in lines:
        if sku in ours:
            wanted[sku] = wanted.get(sku, 0) + quantity
    if reservation_id is not None:
        held = reservations.confirm(
            connection, reservation_id, store=store, order_id=order_id, now_ms=now_ms
        )
        used = min(held.quantity, wanted.get(held.sku, 0))
        if held.sku in wanted:
            wanted[held.sku] -= used
        stock_rows.credit(connection, store, held.sku, held.quantity - used)
    for sku in sorted(wanted):
        stock.spend(connection, store, sku, wanted[sku], now_ms=now_ms)
    rows = [
        {
            "order_id": order_id,
            "line": line,
            "store": store,
            "sku": sku,
            "quantity": quantity,
            "taken_ms": now_ms,
            "taken": quantity,
        }
        for line, sku, quantity in lines
        if sku in ours
    ]
    if rows:
        connection.execute(insert(order_right), rows)
    for sku in sorted(wanted):
        stock.balance(connection, store, sku, now_ms)


def give_back(connection: Connection, order_id: bytes, line: int, quantity: int) -> int:
    """Free this much of a line's right; answers how much it had."""
    where = (order_right.c.order_id == order_id, order_right.c.line == line)
    row = connection.execute(select(order_right).where(*where)).first()
    given = 0 if row is None else min(int(row.quantity), quantity)
    if row is not None and given > 0:
        connection.execute(
            update(order_right).where(*where).values(quantity=order_right.c.quantity - given)
        )
        stock_rows.credit(connection, row.store, row.sku, given)
    return given


def settle_order(connection: Connection, order_id: bytes) -> None:
    """Free what an order no longer needs: a right is kept for each unit that is held, no more."""
    rows = connection.execute(
        select(order_right).where(order_right.c.order_id == order_id, order_right.c.quantity > 0)
    ).all()
    if not rows:
        return
    held = _held(connection, order_id)
    for row in rows:
        excess = int(row.quantity) - held.get(row.line, 0)
        if excess > 0:
            give_back(connection, order_id, row.line, excess)


def _held(connection: Connection, order_id: bytes) -> dict[int, int]:
    found = connection.execute(
        select(unit_table.c.line, func.count())
        .where(unit_table.c.order_id == order_id, unit_table.c.state == "held")
        .group_by(unit_table.c.line)
    )
    return {row[0]: row[1] for row in found}


def take_again(connection: Connection, order_id: bytes, now_ms: int) -> None:
    """Rights for held units that lack one: what lapsed is granted again.

    Raises:
        Problem: 409 as `spend`.
    """
    held = _held(connection, order_id)
    rows = connection.execute(
        select(order_right).where(order_right.c.order_id == order_id).order_by(order_right.c.sku)
    ).all()
    for row in rows:
        lacking = held.get(row.line, 0) - int(row.quantity)
        if lacking > 0:
            stock.spend(connection, row.store, row.sku, lacking, now_ms=now_ms)
            connection.execute(
                update(order_right)
                .where(order_right.c.order_id == order_id, order_right.c.line == row.line)
                .values(quantity=order_right.c.quantity + lacking)
            )


def move_right(connection: Connection, order_id: bytes, to_store: int, now_ms: int) -> int:
    """An order now waits in another store; answers how many of its pieces have no right there.

    The old store's rights are free again. At the new one free rights are taken as far as they go:
    an order whose goods travel with it brings its own when they are received. What had lapsed had
    no right left, and needs one again.
    """
    rows = connection.execute(
        select(order_right).where(order_right.c.order_id == order_id).order_by(order_right.c.sku)
    ).all()
    there = stock_rows.managed(connection, to_store)
    held = _held(connection, order_id)
    lacking = 0
    for row in rows:
        if row.store == to_store:
            continue
        wanted = held.get(row.line, 0)
        stock_rows.credit(connection, row.store, row.sku, int(row.quantity))
        taken = 0
        if wanted and row.sku in there and stock_rows.spend(connection, to_store, row.sku, wanted):
            taken = wanted
        lacking += wanted - taken
        connection.execute(
            update(order_right)
            .where(order_right.c.order_id == order_id, order_right.c.line == row.line)
            .values(store=to_store, quantity=taken, taken_ms=now_ms)
        )
        stock.balance(connection, row.store, row.sku, now_ms)
    return lacking
