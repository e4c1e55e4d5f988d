"""Who may have a unit next: what HQ asks of its holder, and what follows the answer.

Nothing leaves a holder by HQ's word. A cancel is a question; what it released is the hub's, what it
kept was handed over (attacks 1 to 3).
"""

import secrets

from sqlalchemy import Connection, insert, select, update

from sync.hub import order_rows
from sync.hub.feed import append, store_scope
from sync.hub.identity import Hub
from sync.hub.problems import refused
from sync.hub.stores import NOBODY, Json
from sync.hub.tables import ask, pickup_order
from sync.hub.tables import unit as unit_table
from sync.wire import codec

ASK_ID_BYTES = 16


def cancel(hub: Hub, order_no: str) -> Json:
    """Ask the holder to give up what was not handed over; refundable only once it did.

    Units that nobody ever held (no box was enrolled) or that lapsed are the hub's already.
    """
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        order = order_rows.open_order(connection, order_no)
        units = order_rows.units_of(connection, order.order_id)
        held = [each for each in units if each.state == "held"]
        if not held and all(each.state == "handed" for each in units):
            raise refused("handed", "All of it was handed over; this is a return, not a cancel.")
        asked = [each for each in held if each.holder != NOBODY]
        connection.execute(
            update(unit_table)
            .where(
                unit_table.c.order_id == order.order_id,
                unit_table.c.state == "held",
                unit_table.c.holder == NOBODY,
            )
            .values(state="released", destination="hq:cancel")
        )
        connection.execute(
            update(pickup_order)
            .where(pickup_order.c.order_id == order.order_id)
            .values(state="cancel_pending" if asked else "cancelled")
        )
        for holder in sorted({each.holder for each in asked}):
            values: Json = {
                "ask_id": secrets.token_bytes(ASK_ID_BYTES),
                "kind": "release",
                "order_id": order.order_id,
                "store": order.home_store,
                "epoch": order.epoch,
                "holder": holder,
                "destination": "hq:cancel",
                "units": codec.pack([(e.line, e.unit) for e in asked if e.holder == holder]),
                "asked_ms": now_ms,
            }
            connection.execute(insert(ask).values(**values))
            record = connection.execute(select(ask).where(ask.c.ask_id == values["ask_id"])).one()
            append(connection, store_scope(order.home_store), [order_rows.ask_row(record)])
        if not asked:
            order_rows.publish(connection, order.order_id)
        return order_rows.view(connection, order_rows.by_id(connection, order.order_id))


def settle(connection: Connection, order_id: bytes) -> None:
    """Once every holder answered: cancelled if nothing can be collected any more, else open."""
    waiting = connection.execute(
        select(ask.c.ask_id).where(ask.c.order_id == order_id, ask.c.answered_ms.is_(None))
    ).first()
    order = order_rows.by_id(connection, order_id)
    if waiting is not None or order.state != "cancel_pending":
        return
    units = order_rows.units_of(connection, order_id)
    stopped = any(each.state == "released" for each in units)
    collectable = any(each.state == "held" for each in units)
    connection.execute(
        update(pickup_order)
        .where(pickup_order.c.order_id == order_id)
        .values(state="cancelled" if stopped and not collectable else "open")
    )
    order_rows.publish(connection, order_id)
