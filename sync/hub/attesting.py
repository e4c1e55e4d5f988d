"""Goods of a box before, found on the shelf: the order goes on with the store's present box."""

from sqlalchemy import Connection, select, update

from sync.hub import asks, order_rows
from sync.hub.tables import ask
from sync.hub.tables_boxes import takeover
from sync.wire import codec
from sync.wire.events import Attested


def predecessors(connection: Connection, incarnation: bytes) -> frozenset[bytes]:
    """Every incarnation whose place this one took, directly or by others between."""
    found: set[bytes] = set()
    fresh = {incarnation}
    while fresh:
        rows = connection.execute(
            select(takeover.c.incarnation).where(takeover.c.successor_incarnation.in_(fresh))
        ).scalars()
        fresh = set(rows) - found
        found |= fresh
    return frozenset(found)


def apply(connection: Connection, *, incarnation: bytes, body: Attested) -> None:
    """What was asked of the box before is asked of this one; its store is told who holds it."""
    order = order_rows.by_id(connection, body.order_id)
    units = order_rows.units_of(connection, body.order_id)
    mine = [each for each in units if each.holder == incarnation and each.state == "held"]
    for question in asks.unanswered(connection, body.order_id):
        if question.holder != body.holder:
            continue
        wanted = set(order_rows.unpack_units(question.units))
        again = [each for each in mine if (each.line, each.unit) in wanted]
        connection.execute(
            update(ask)
            .where(ask.c.ask_id == question.ask_id)
            .values(
                released=codec.pack([]),
                kept=codec.pack(sorted(wanted)),
                answered_ms=body.at_ms,
            )
        )
        if again:
            asks.ask_holders(connection, order, again, question.destination, body.at_ms)
    order_rows.publish(connection, body.order_id)
