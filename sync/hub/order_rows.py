"""An order as the feed carries it, and as HQ's API shows it."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, Row, func, select

from sync.hub import feed, pick_rows
from sync.hub.ownership_views import asks_view, refund_views
from sync.hub.problems import missing, refused
from sync.hub.recovery import refuse_while_recovering
from sync.hub.stores import Json
from sync.hub.tables import ask, code, event, event_order, order_line, pickup_order, redemption
from sync.hub.tables import store as store_table
from sync.hub.tables import unit as unit_table
from sync.wire import codec
from sync.wire.catalog import AskRow, CodeRow, LineRow, OrderRow

OrderRecord = Row[tuple[object, ...]]


def by_number(connection: Connection, order_no: str) -> OrderRecord:
    """The order with this number (404: there is none)."""
    row = connection.execute(
        select(pickup_order).where(pickup_order.c.order_no == order_no)
    ).first()
    if row is None:
        raise missing(f"order {order_no}")
    return row


def by_id(connection: Connection, order_id: bytes) -> OrderRecord:
    """The order with this id, which exists."""
    return connection.execute(select(pickup_order).where(pickup_order.c.order_id == order_id)).one()


def open_order(connection: Connection, order_no: str) -> OrderRecord:
    """An order that may be changed.

    Raises:
        Problem: it is no longer open, a newer box told something of it that we cannot read, or its
            holder has not answered what was asked (`asked`).
    """
    order = by_number(connection, order_no)
    refuse_while_recovering(connection, order.created_ms)
    if order.state != "open":
        raise refused(order.state, f"Order {order_no} is {order.state.replace('_', ' ')}.")
    if any(each.parked for each in units_of(connection, order.order_id)):
        raise refused("parked", "A newer box told something of this order; update the hub first.")
    waiting = select(ask.c.ask_id).where(
        ask.c.order_id == order.order_id, ask.c.answered_ms.is_(None)
    )
    if connection.execute(waiting).first() is not None:
        raise refused("asked", f"A store was asked to give {order_no} up and has not answered.")
    return order


def units_of(connection: Connection, order_id: bytes) -> Sequence[OrderRecord]:
    """Its units in order of line and unit."""
    return connection.execute(
        select(unit_table)
        .where(unit_table.c.order_id == order_id)
        .order_by(unit_table.c.line, unit_table.c.unit)
    ).all()


def row_of(connection: Connection, order_id: bytes, store: int | None = None) -> OrderRow:
    """What a node must know of an order now; `store`: which one, its home if not given.

    A store that had it before gets its own codes and nobody's name.
    """
    order = by_id(connection, order_id)
    lines = connection.execute(
        select(order_line).where(order_line.c.order_id == order_id).order_by(order_line.c.line)
    )
    codes = connection.execute(
        select(code)
        .where(
            code.c.order_id == order_id,
            func.coalesce(code.c.store, order.home_store) == (store or order.home_store),
        )
        .order_by(code.c.epoch, code.c.lookup)
    )
    at_home = store in (None, order.home_store)
    units = units_of(connection, order_id)
    prices = pick_rows.prices_of(connection, order_id)
    holder = _holder(connection, order.home_store, units)
    return OrderRow(
        order_id=order_id,
        order_no=order.order_no,
        home_store=order.home_store,
        holder=holder,
        epoch=order.epoch,
        state="cancelled" if order.state == "cancelled" else "open",
        not_after_ms=order.not_after_ms,
        last_not_after_ms=order.last_not_after_ms,
        lines=tuple(
            LineRow(
                line=r.line,
                sku=r.sku,
                quantity=r.quantity,
                bundle_of=r.bundle_of,
                unit_minor=prices.get(r.line, 0),
            )
            for r in lines
        ),
        codes=tuple(
            CodeRow(
                lookup=r.lookup,
                kind=r.kind,
                grade=r.grade,
                epoch=r.epoch,
                not_after_ms=r.not_after_ms,
                pin=r.pin,
                state=r.state,
                tries=r.tries,
            )
            for r in codes
        ),
        lane=order.lane,
        ready=order.ready,
        place=order.place,
        bags=order.bags,
        value_minor=order.value_minor,
        currency=order.currency,
        min_grade=order.min_grade,
        sealed=order.sealed if at_home else None,
        phone_tail=order.phone_tail if at_home else None,
        placed_ms=order.created_ms,
        on_short=pick_rows.choice_of(connection, order_id),
        away=tuple(
            (each.line, each.unit)
            for each in units
            if each.state in ("released", "refunded") or each.holder != holder
        ),
    )


def _holder(connection: Connection, home: int, units: Sequence[OrderRecord]) -> bytes:
    """The incarnation that the row names: the home's box if it has any of the units."""
    current: bytes = connection.execute(
        select(store_table.c.incarnation).where(store_table.c.number == home)
    ).scalar_one()
    if any(each.holder == current for each in units):
        return current
    newest: bytes = max(units, key=lambda each: each.epoch).holder
    return newest


def publish(connection: Connection, order_id: bytes) -> None:
    """Tell its home store, and every store that had it before, how the order stands."""
    row = row_of(connection, order_id)
    feed.append(connection, feed.store_scope(row.home_store), [row])
    known = connection.execute(
        select(code.c.store)
        .where(code.c.order_id == order_id, code.c.store.is_not(None))
        .distinct()
    ).scalars()
    for store in sorted(set(known) - {row.home_store}):
        feed.append(connection, feed.store_scope(store), [row_of(connection, order_id, store)])


def ask_row(record: Row[tuple[object, ...]]) -> AskRow:
    """An ask as the feed carries it."""
    return AskRow(
        ask_id=record.ask_id,
        kind=record.kind,
        order_id=record.order_id,
        epoch=record.epoch,
        holder=record.holder,
        destination=record.destination,
        units=tuple(unpack_units(record.units)),
        settled=record.answered_ms is not None,
    )


def unpack_units(packed: bytes | None) -> list[tuple[int, int]]:
    """(line, unit) pairs as a column keeps them."""
    return codec.unpack(list[tuple[int, int]], packed) if packed else []


def _event_view(row: Row[tuple[object, ...]]) -> Json:
    try:
        body: object = json.loads(row.body)
    except ValueError:
        body = None
    return {
        "node": row.node,
        "incarnation": row.incarnation.hex(),
        "seq": row.seq,
        "kind": row.kind,
        "at_ms": row.trusted_ms,
        "received_ms": row.received_ms,
        "outcome": row.outcome,
        "reason": row.reason,
        "body": body,
    }


def events_of(connection: Connection, order_id: bytes) -> list[Json]:
    """What nodes told of an order, in the order of arrival."""
    rows = connection.execute(
        select(event)
        .join(
            event_order,
            (event_order.c.node == event.c.node)
            & (event_order.c.incarnation == event.c.incarnation)
            & (event_order.c.seq == event.c.seq),
        )
        .where(event_order.c.order_id == order_id)
        .order_by(event.c.received_ms, event.c.node, event.c.incarnation, event.c.seq)
    )
    return [_event_view(row) for row in rows]


def _unit_view(record: OrderRecord, acts: Sequence[Row[tuple[object, ...]]]) -> Json:
    live = next((act for act in acts if act.state == "live"), None)
    return {
        "unit": record.unit,
        "state": record.state,
        "holder": record.holder.hex(),
        "epoch": record.epoch,
        "destination": record.destination,
        "handed_total": len(acts),
        "undone_total": sum(act.state in ("undone", "conflict_undone") for act in acts),
        "conflicts": sum(act.state.startswith("conflict") for act in acts),
        "parked": record.parked,
        "handed": None
        if live is None
        else {
            "at_ms": live.at_ms,
            "node": live.node,
            "station": live.station,
            "operator": live.operator,
            "credential": live.credential,
        },
    }


def view(connection: Connection, order: OrderRecord) -> Json:
    """Everything HQ knows of an order; no code and no name is in it."""
    order_id: bytes = order.order_id
    units = units_of(connection, order_id)
    acts = connection.execute(
        select(redemption)
        .where(redemption.c.order_id == order_id)
        .order_by(redemption.c.at_ms, redemption.c.seq)
    ).all()
    lines = connection.execute(
        select(order_line).where(order_line.c.order_id == order_id).order_by(order_line.c.line)
    )
    codes = connection.execute(
        select(code).where(code.c.order_id == order_id).order_by(code.c.epoch, code.c.kind)
    )
    disputed = {(act.line, act.unit) for act in acts if act.state == "conflict"}
    line_views: list[Json] = []
    for line in lines:
        unit_views = [
            _unit_view(each, [a for a in acts if (a.line, a.unit) == (each.line, each.unit)])
            for each in units
            if each.line == line.line
        ]
        line_views.append(
            {
                "line": line.line,
                "sku": line.sku,
                "quantity": line.quantity,
                "bundle_of": line.bundle_of,
                "units": unit_views,
            }
        )
    return {
        "order_id": order_id.hex(),
        "order_no": order.order_no,
        "store": order.home_store,
        "state": order.state,
        "epoch": order.epoch,
        "created_ms": order.created_ms,
        "not_after_ms": order.not_after_ms,
        "last_not_after_ms": order.last_not_after_ms,
        "lane": order.lane,
        "ready": order.ready,
        "place": order.place,
        "bags": order.bags,
        "value_minor": order.value_minor,
        "currency": order.currency,
        "min_grade": order.min_grade,
        "lines": line_views,
        "issued": [
            {
                "kind": each.kind,
                "grade": each.grade,
                "epoch": each.epoch,
                "not_after_ms": each.not_after_ms,
                "state": each.state,
            }
            for each in codes
        ],
        "cancel": asks_view(connection, order_id, "hq:cancel"),
        "refunds": refund_views(connection, order_id),
        "refundable": [
            [each.line, each.unit]
            for each in units
            if (each.state == "lapsed" or each.destination.startswith("hq:"))
            and each.state in ("lapsed", "released")
            and each.parked == 0
            and (each.line, each.unit) not in disputed
        ],
        "life": pick_rows.view(connection, order, units),
        "events": events_of(connection, order_id),
    }
