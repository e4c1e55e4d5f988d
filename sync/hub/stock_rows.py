"""Stock at HQ as rows: rights credited and spent by compare-and-set, moves published, HQ's view."""

import secrets

from sqlalchemy import Connection, Row, case, func, insert, select, update

from sync.hub import feed
from sync.hub.stores import NOBODY
from sync.hub.tables import store as store_table
from sync.hub.tables_stock import order_right, reservation, right_move, stock
from sync.wire.catalog import RightGrantRow, RightRecallRow
from sync.wire.events import StockLevel

MOVE_ID_BYTES = 16
StockRecord = Row[tuple[object, ...]]


def row_of(connection: Connection, store: int, sku: str) -> StockRecord | None:
    """What HQ keeps of an article in a store."""
    return connection.execute(
        select(stock).where(stock.c.store == store, stock.c.sku == sku)
    ).first()


def ensure(connection: Connection, store: int, sku: str) -> StockRecord:
    """The row, begun when it is not there."""
    found = row_of(connection, store, sku)
    if found is None:
        connection.execute(
            insert(stock).values(
                store=store,
                sku=sku,
                closed=False,
                managed=False,
                incarnation=NOBODY,
                based=False,
                tier="normal",
            )
        )
        found = row_of(connection, store, sku)
        assert found is not None
    return found


def change(connection: Connection, store: int, sku: str, **values: object) -> None:
    """Set columns of a row that exists."""
    connection.execute(
        update(stock).where(stock.c.store == store, stock.c.sku == sku).values(**values)
    )


def managed(connection: Connection, store: int) -> set[str]:
    """The articles whose rights are kept in this store."""
    found = connection.execute(select(stock.c.sku).where(stock.c.store == store, stock.c.managed))
    return {row.sku for row in found}


def current(connection: Connection, store: int) -> bytes:
    """The incarnation of the store's box."""
    known: bytes | None = connection.execute(
        select(store_table.c.incarnation).where(store_table.c.number == store)
    ).scalar_one_or_none()
    return known or NOBODY


def credit(connection: Connection, store: int, sku: str, quantity: int) -> None:
    """Rights are free again: promises that no right stands behind are paid first."""
    if quantity <= 0:
        return
    over = stock.c.debt - quantity
    change(
        connection,
        store,
        sku,
        online=stock.c.online + case((over < 0, -over), else_=0),
        debt=case((over < 0, 0), else_=over),
    )


def spend(connection: Connection, store: int, sku: str, quantity: int) -> bool:
    """Take free rights, all or none."""
    done = connection.execute(
        update(stock)
        .where(
            stock.c.store == store,
            stock.c.sku == sku,
            stock.c.online >= quantity,
            stock.c.closed.is_(False),
        )
        .values(online=stock.c.online - quantity)
    )
    return done.rowcount == 1


def overspend(connection: Connection, store: int, sku: str, quantity: int) -> None:
    """Pieces left that HQ had promised: take free rights as far as they go, the rest is debt."""
    under = stock.c.online - quantity
    change(
        connection,
        store,
        sku,
        online=case((under < 0, 0), else_=under),
        debt=stock.c.debt + case((under < 0, -under), else_=0),
    )


def held(connection: Connection, store: int, sku: str) -> int:
    """All rights that HQ holds: free ones, those of orders and reservations, less its debt."""
    row = row_of(connection, store, sku)
    if row is None:
        return 0
    of_orders: int = connection.execute(
        select(func.coalesce(func.sum(order_right.c.quantity), 0)).where(
            order_right.c.store == store, order_right.c.sku == sku
        )
    ).scalar_one()
    return int(row.online + of_orders + reserved(connection, store, sku) - row.debt)


def reserved(connection: Connection, store: int, sku: str) -> int:
    """Pieces of reservations that are held."""
    found: int = connection.execute(
        select(func.coalesce(func.sum(reservation.c.quantity), 0)).where(
            reservation.c.store == store,
            reservation.c.sku == sku,
            reservation.c.state == "held",
        )
    ).scalar_one()
    return int(found)


def open_move(connection: Connection, store: int, sku: str) -> StockRecord | None:
    """The move that is under way; there is one at a time."""
    return connection.execute(
        select(right_move).where(
            right_move.c.store == store, right_move.c.sku == sku, right_move.c.state == "open"
        )
    ).first()


def publish_grant(
    connection: Connection, record: StockRecord, quantity: int, *, why: str, now_ms: int
) -> None:
    """Rights that were debited here go to the store's box."""
    move_id = _keep(connection, record, "base" if why == "base" else "grant", quantity, why, now_ms)
    row = RightGrantRow(
        move_id=move_id,
        sku=record.sku,
        quantity=quantity,
        holder=record.incarnation,
        why="base" if why == "base" else "moved",
    )
    feed.append(connection, feed.store_scope(record.store), [row])


def publish_recall(
    connection: Connection, record: StockRecord, quantity: int, *, why: str, now_ms: int
) -> None:
    """Ask the store's counter for rights."""
    move_id = _keep(connection, record, "recall", quantity, why, now_ms)
    row = RightRecallRow(
        move_id=move_id, sku=record.sku, quantity=quantity, holder=record.incarnation
    )
    feed.append(connection, feed.store_scope(record.store), [row])


def _keep(
    connection: Connection, record: StockRecord, kind: str, quantity: int, why: str, now_ms: int
) -> bytes:
    move_id = secrets.token_bytes(MOVE_ID_BYTES)
    connection.execute(
        insert(right_move).values(
            move_id=move_id,
            store=record.store,
            sku=record.sku,
            kind=kind,
            quantity=quantity,
            given=None,
            incarnation=record.incarnation,
            state="open",
            why=why,
            asked_ms=now_ms,
            done_ms=None,
        )
    )
    return move_id


def settle_move(
    connection: Connection, move: StockRecord, *, state: str, given: int | None, now_ms: int
) -> None:
    """A move is over; its row in the store's feed says so."""
    connection.execute(
        update(right_move)
        .where(right_move.c.move_id == move.move_id, right_move.c.state == "open")
        .values(state=state, given=given, done_ms=now_ms)
    )
    settled: RightGrantRow | RightRecallRow
    if move.kind == "recall":
        settled = RightRecallRow(
            move_id=move.move_id,
            sku=move.sku,
            quantity=move.quantity,
            holder=move.incarnation,
            settled=True,
        )
    else:
        settled = RightGrantRow(
            move_id=move.move_id,
            sku=move.sku,
            quantity=move.quantity,
            holder=move.incarnation,
            why="base" if move.kind == "base" else "moved",
            settled=True,
        )
    feed.append(connection, feed.store_scope(move.store), [settled])


def mirror(
    connection: Connection, store: int, level: StockLevel, incarnation: bytes, now_ms: int
) -> StockRecord | None:
    """Keep a level as the current box told it; None for a box that is not the store's any more."""
    if incarnation != current(connection, store):
        return None
    record = ensure(connection, store, level.sku)
    based = record.based and record.incarnation == incarnation
    change(
        connection,
        store,
        level.sku,
        managed=True,
        incarnation=incarnation,
        based=based,
        on_hand=level.on_hand,
        quarantine=level.quarantine,
        counter=level.counter,
        kiosk=level.kiosk,
        kept_back=level.safety,
        away=level.online,
        on_way=level.in_transit,
        locked=level.locked,
        shortage=level.shortage,
        told_ms=now_ms,
    )
    return row_of(connection, store, level.sku)
