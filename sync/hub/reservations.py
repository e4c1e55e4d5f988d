"""Reservations of the online shop: rights set aside at HQ with a deadline, until paid or let go."""

import secrets

from sqlalchemy import Connection, insert, select, update

from sync.hub import stock, stock_rows
from sync.hub.problems import missing, refused
from sync.hub.stock_rows import StockRecord
from sync.hub.stores import Json
from sync.hub.tables_stock import reservation
from sync.rules.tiers import Tier, of_word

TERM_MS = 15 * 60_000
TIGHT_TERM_MS = 5 * 60_000


def reserve(connection: Connection, *, store: int, sku: str, quantity: int, now_ms: int) -> Json:
    """Set free rights aside for 15 minutes, 5 while the article is tight.

    Raises:
        Problem: 409 as `stock.spend`; 404 for an article that the store keeps no rights of.
    """
    expire(connection, now_ms)
    record = stock_rows.row_of(connection, store, sku)
    if record is None or not record.managed:
        raise missing(f"stock of {sku} in store {store}")
    stock.spend(connection, store, sku, quantity, now_ms=now_ms)
    tight = record.par is not None and of_word(record.tier) >= Tier.TIGHT
    number = secrets.token_hex(10)
    connection.execute(
        insert(reservation).values(
            reservation_id=number,
            store=store,
            sku=sku,
            quantity=quantity,
            state="held",
            made_ms=now_ms,
            deadline_ms=now_ms + (TIGHT_TERM_MS if tight else TERM_MS),
            ended_ms=None,
            order_id=None,
        )
    )
    stock.balance(connection, store, sku, now_ms)
    return view(by_id(connection, number))


def by_id(connection: Connection, number: str) -> StockRecord:
    """The reservation with this id (404: there is none)."""
    row = connection.execute(
        select(reservation).where(reservation.c.reservation_id == number)
    ).first()
    if row is None:
        raise missing("such reservation")
    return row


def view(row: StockRecord) -> Json:
    """As HQ's API shows it."""
    return {
        "reservation": row.reservation_id,
        "store": row.store,
        "sku": row.sku,
        "quantity": row.quantity,
        "state": row.state,
        "made_ms": row.made_ms,
        "deadline_ms": row.deadline_ms,
        "ended_ms": row.ended_ms,
    }


def _end(
    connection: Connection, number: str, state: str, now_ms: int, order_id: bytes | None = None
) -> bool:
    done = connection.execute(
        update(reservation)
        .where(reservation.c.reservation_id == number, reservation.c.state == "held")
        .values(state=state, ended_ms=now_ms, order_id=order_id)
    )
    return done.rowcount == 1


def confirm(
    connection: Connection, number: str, *, store: int, order_id: bytes, now_ms: int
) -> StockRecord:
    """It was paid: its rights become an order's; the caller gives them to it.

    Raises:
        Problem: 409 `reservation_over` when it was released, confirmed, or its deadline passed.
    """
    row = by_id(connection, number)
    over = row.state != "held" or row.deadline_ms <= now_ms or row.store != store
    if over or not _end(connection, number, "confirmed", now_ms, order_id):
        raise refused("reservation_over", f"The reservation is {row.state}; reserve anew.")
    return row


def release(connection: Connection, number: str, now_ms: int) -> Json:
    """Let it go; one that ended before stays as it ended."""
    row = by_id(connection, number)
    if _end(connection, number, "released", now_ms):
        stock_rows.credit(connection, row.store, row.sku, int(row.quantity))
        stock.balance(connection, row.store, row.sku, now_ms)
    return view(by_id(connection, number))


def is_due(connection: Connection, now_ms: int) -> bool:
    """Whether a reservation's deadline has passed."""
    due = select(reservation.c.reservation_id).where(
        reservation.c.state == "held", reservation.c.deadline_ms <= now_ms
    )
    return connection.execute(due.limit(1)).first() is not None


def expire(connection: Connection, now_ms: int) -> int:
    """End every reservation whose deadline has passed; answers how many."""
    due = connection.execute(
        select(reservation)
        .where(reservation.c.state == "held", reservation.c.deadline_ms <= now_ms)
        .order_by(reservation.c.reservation_id)
        .limit(500)
    ).all()
    ended = 0
    for row in due:
        if _end(connection, row.reservation_id, "expired", now_ms):
            ended += 1
            stock_rows.credit(connection, row.store, row.sku, int(row.quantity))
            stock.balance(connection, row.store, row.sku, now_ms)
    return ended
