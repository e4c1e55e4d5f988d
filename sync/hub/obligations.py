"""Money that HQ owes back: whole units that were refunded, and differences to a cheaper substitute.

One list, derived from what is in the books, each with an id that never changes: whoever took the
money pays each id once. Both together never exceed what the unit cost.
"""

import hashlib

from sqlalchemy import Connection, select

from sync.hub import order_rows, picking
from sync.hub.identity import Hub
from sync.hub.pick_rows import prices_of
from sync.hub.stores import Json
from sync.hub.tables import pickup_order
from sync.hub.tables_ownership import refund
from sync.hub.tables_picking import short_unit


def difference_id(order_id: bytes, line: int, unit: int) -> bytes:
    """The id of the one difference that a replaced unit can have, 16 bytes."""
    named = order_id + line.to_bytes(4, "big") + unit.to_bytes(4, "big")
    return hashlib.sha256(b"storeedge/difference/1\0" + named).digest()[:16]


def of_order(connection: Connection, order_id: bytes) -> list[Json]:
    """What is owed for an order. amount_minor: None where HQ was not told the price."""
    order = order_rows.by_id(connection, order_id)
    prices = prices_of(connection, order_id)
    back = picking.back_of(connection, order_id)
    owed: list[Json] = []
    for row in connection.execute(
        select(refund)
        .where(refund.c.order_id == order_id, refund.c.state == "refunded")
        .order_by(refund.c.line, refund.c.unit)
    ):
        price = prices.get(row.line)
        already = back.get((row.line, row.unit), 0)
        owed.append(
            {
                "id": row.refund_id.hex(),
                "kind": "refund",
                "order_no": order.order_no,
                "line": row.line,
                "unit": row.unit,
                "amount_minor": None if price is None else price - already,
                "currency": order.currency,
                "at_ms": row.refunded_ms,
            }
        )
    for row in connection.execute(
        select(short_unit)
        .where(short_unit.c.order_id == order_id, short_unit.c.back_minor > 0)
        .order_by(short_unit.c.line, short_unit.c.unit)
    ):
        owed.append(
            {
                "id": difference_id(order_id, row.line, row.unit).hex(),
                "kind": "difference",
                "order_no": order.order_no,
                "line": row.line,
                "unit": row.unit,
                "amount_minor": row.back_minor,
                "currency": order.currency,
                "at_ms": row.at_ms,
            }
        )
    return owed


def listed(hub: Hub, order_no: str | None = None) -> list[Json]:
    """What is owed, of one order or of all, by order."""
    with hub.database.reading() as connection:
        if order_no is not None:
            return of_order(connection, order_rows.by_number(connection, order_no).order_id)
        owing = set(connection.execute(select(refund.c.order_id).distinct()).scalars())
        owing |= set(
            connection.execute(
                select(short_unit.c.order_id).where(short_unit.c.back_minor > 0).distinct()
            ).scalars()
        )
        numbers = connection.execute(
            select(pickup_order.c.order_id, pickup_order.c.order_no).order_by(
                pickup_order.c.order_no
            )
        )
        return [
            each
            for row in numbers
            if row.order_id in owing
            for each in of_order(connection, row.order_id)
        ]
