"""Questions to the holder of units, each a feed row with its own id, answered once.

The row goes to the store of the incarnation that holds the units: only that one may answer.
"""

import secrets
from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from sync.hub import order_rows, rekey
from sync.hub.feed import append, store_scope
from sync.hub.order_rows import OrderRecord
from sync.hub.stores import NOBODY, Json
from sync.hub.tables import ask, node
from sync.hub.tables import unit as unit_table
from sync.wire import codec
from sync.wire.events import Answered

ASK_ID_BYTES = 16


def unanswered(connection: Connection, order_id: bytes) -> Sequence[OrderRecord]:
    """The questions of an order that are open."""
    return connection.execute(
        select(ask).where(ask.c.order_id == order_id, ask.c.answered_ms.is_(None))
    ).all()


def take_unheld(
    connection: Connection,
    order_id: bytes,
    destination: str,
    *,
    only: Sequence[OrderRecord] | None = None,
) -> None:
    """Units that no box ever held need nobody's answer; all of the order's, or `only` these."""
    wanted = None if only is None else {(each.line, each.unit) for each in only}
    for each in order_rows.units_of(connection, order_id):
        if each.state != "held" or each.holder != NOBODY:
            continue
        if wanted is None or (each.line, each.unit) in wanted:
            connection.execute(
                update(unit_table)
                .where(
                    unit_table.c.order_id == order_id,
                    unit_table.c.line == each.line,
                    unit_table.c.unit == each.unit,
                    unit_table.c.state == "held",
                    unit_table.c.holder == NOBODY,
                )
                .values(state="released", destination=destination)
            )


def ask_holders(
    connection: Connection,
    order: OrderRecord,
    units: Sequence[OrderRecord],
    destination: str,
    now_ms: int,
) -> None:
    """Put one question to each holder of these units, into the feed of the holder's own store."""
    for holder in sorted({each.holder for each in units}):
        store = connection.execute(
            select(node.c.store).where(node.c.incarnation == holder)
        ).scalar_one_or_none()
        values: Json = {
            "ask_id": secrets.token_bytes(ASK_ID_BYTES),
            "kind": "release",
            "order_id": order.order_id,
            "store": order.home_store if store is None else store,
            "epoch": order.epoch,
            "holder": holder,
            "destination": destination,
            "units": codec.pack([(e.line, e.unit) for e in units if e.holder == holder]),
            "asked_ms": now_ms,
        }
        connection.execute(insert(ask).values(**values))
        record = connection.execute(select(ask).where(ask.c.ask_id == values["ask_id"])).one()
        append(connection, store_scope(record.store), [order_rows.ask_row(record)])


def answered(connection: Connection, body: Answered, now_ms: int) -> None:
    """Keep a holder's answer, and tell its store that it was heard."""
    connection.execute(
        update(ask)
        .where(ask.c.ask_id == body.ask_id)
        .values(
            released=codec.pack([(line, unit) for _, line, unit in body.released]),
            kept=codec.pack([(line, unit) for _, line, unit in body.kept]),
            answered_ms=now_ms,
        )
    )
    record = connection.execute(select(ask).where(ask.c.ask_id == body.ask_id)).one()
    append(connection, store_scope(record.store), [order_rows.ask_row(record)])
    for counted in body.tries:
        rekey.note_tries(connection, body.order_id, counted.lookup, counted.tries)
