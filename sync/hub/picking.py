"""How an order is picked, as HQ hears it: begun, what was short, ready in its bin.

Facts come as events of the store that holds the order; one of a store that does not is kept as an
event and changes nothing here. What a store released because it was not on the shelf is refunded in
the same transaction, once: `ownership.settle` pays by compare-and-set.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Row, insert, select, update

from sync.hub import order_rows, pick_rows
from sync.hub.identity import Hub
from sync.hub.stores import Json
from sync.hub.tables import event_order, pickup_order
from sync.hub.tables_picking import short_unit
from sync.rules.order_life import REFUND, OnShort, substitute_price
from sync.wire.picking_events import OrderReady, Picked, PickStarted, ShortPicked

PickEvent = PickStarted | Picked | ShortPicked | OrderReady


def back_of(connection: Connection, order_id: bytes) -> dict[tuple[int, int], int]:
    """What is owed of a unit's price already, since another article went instead."""
    rows = connection.execute(
        select(short_unit).where(
            short_unit.c.order_id == order_id, short_unit.c.choice == "substitute"
        )
    )
    return {(row.line, row.unit): row.back_minor for row in rows}


def change_choice(hub: Hub, order_no: str, on_short: OnShort) -> Json:
    """The customer changed their mind; the store hears of it."""
    with hub.database.writing() as connection:
        order = order_rows.open_order(connection, order_no)
        pick_rows.ensure(connection, order.order_id, ready=bool(order.ready))
        pick_rows.change(connection, order.order_id, on_short=on_short)
        order_rows.publish(connection, order.order_id)
        return order_rows.view(connection, order_rows.by_id(connection, order.order_id))


def apply(
    connection: Connection,
    *,
    node: str,
    store: int,
    incarnation: bytes,
    seq: int,
    body: PickEvent,
) -> None:
    """Keep a fact of picking."""
    order = connection.execute(
        select(pickup_order).where(pickup_order.c.order_id == body.order_id)
    ).first()
    if order is None:
        return
    if not isinstance(body, ShortPicked):  # its envelope names no unit, so nothing has linked it
        connection.execute(
            insert(event_order).values(
                order_id=body.order_id, node=node, incarnation=incarnation, seq=seq
            )
        )
    units = order_rows.units_of(connection, body.order_id)
    if not any(each.holder == incarnation for each in units):
        return
    pick_rows.ensure(connection, body.order_id, ready=bool(order.ready))
    match body:
        case PickStarted():
            pick_rows.change(
                connection,
                body.order_id,
                state="picking",
                started_ms=body.at_ms,
                started_by=body.operator,
            )
        case Picked():
            pass  # a level on the way; the event itself tells it
        case OrderReady():
            pick_rows.change(
                connection,
                body.order_id,
                state="ready",
                ready_ms=body.at_ms,
                ready_by=body.operator,
                waiting_ms=None,
            )
            connection.execute(
                update(pickup_order)
                .where(pickup_order.c.order_id == body.order_id)
                .values(ready=True, place=body.place[:40], bags=min(max(body.bags, 0), 999))
            )
            order_rows.publish(connection, body.order_id)
        case ShortPicked():
            _short(connection, store, body, units)


def given_up(connection: Connection, bodies: Iterable[object]) -> list[bytes]:
    """The orders of which a shop gave units up, so that their money goes back now."""
    named = {
        body.order_id
        for body in bodies
        if isinstance(body, ShortPicked) and body.choice == "refund_line"
    }
    known = select(pickup_order.c.order_id)
    return [
        order_id
        for order_id in sorted(named)
        if connection.execute(known.where(pickup_order.c.order_id == order_id)).first() is not None
    ]


def _short(
    connection: Connection, store: int, body: ShortPicked, units: Sequence[Row[tuple[object, ...]]]
) -> None:
    states = {(each.line, each.unit): each for each in units}
    prices = pick_rows.prices_of(connection, body.order_id)
    if body.choice == "wait":
        pick_rows.change(connection, body.order_id, waiting_ms=body.at_ms)
    for order_id, line, number in body.units:
        now = states.get((line, number))
        if now is None or order_id != body.order_id:
            continue
        given_up = now.state in ("released", "refunded") and now.destination == REFUND
        if body.choice == "refund_line" and not given_up:
            continue
        back, charged = 0, None
        if body.choice == "substitute" and body.sub_minor is not None and body.sub_minor >= 0:
            price = substitute_price(prices.get(line, 0), body.sub_minor)
            back, charged = price.back_minor, price.charged_minor
        _keep_short(connection, store, body, line, number, charged=charged, back=back)


def _keep_short(
    connection: Connection,
    store: int,
    body: ShortPicked,
    line: int,
    number: int,
    *,
    charged: int | None,
    back: int,
) -> None:
    where = (
        (short_unit.c.order_id == body.order_id)
        & (short_unit.c.line == line)
        & (short_unit.c.unit == number)
    )
    values: Json = {
        "choice": body.choice,
        "store": store,
        "operator": body.operator,
        "at_ms": body.at_ms,
        "sub_sku": body.sub_sku,
        "charged_minor": charged,
        "back_minor": back,
    }
    known = connection.execute(select(short_unit).where(where)).first()
    if known is None:
        key: Json = {"order_id": body.order_id, "line": line, "unit": number}
        connection.execute(insert(short_unit).values(**key, **values))
    elif known.choice != "substitute":  # what is owed for a substitute stays owed
        connection.execute(update(short_unit).where(where).values(**values))
