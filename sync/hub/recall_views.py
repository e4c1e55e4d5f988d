"""What HQ's API shows of a recall: asked against stopped by store, and who has it already."""

from collections.abc import Sequence
from typing import cast

from sqlalchemy import Connection, Row, and_, func, select

from sync.hub.feed import CHAIN
from sync.hub.ownership_views import is_reachable
from sync.hub.stores import NOBODY, Json
from sync.hub.tables import node, order_line, pickup_order, redemption, store
from sync.hub.tables_recall import recall_stop

Record = Row[tuple[object, ...]]
MOST_NAMED = 1_000


def state_of(record: Record, now_ms: int) -> str:
    """`open` while stores must not hand it out, else `ended` or `over` (its own time)."""
    if record.ended_ms is not None:
        return "ended"
    return "over" if record.until_ms is not None and record.until_ms < now_ms else "open"


def summary(connection: Connection, record: Record, now_ms: int) -> Json:
    """A recall in a line: what, why, and how many stores stopped of how many."""
    stores = _stores(connection, record, now_ms)
    order_no = connection.execute(
        select(pickup_order.c.order_no).where(pickup_order.c.order_id == record.order_id)
    ).scalar_one_or_none()
    return {
        "recall_id": record.recall_id.hex(),
        "kind": record.kind,
        "sku": record.sku,
        "order_no": order_no,
        "reason": record.reason,
        "state": state_of(record, now_ms),
        "asked_by": record.asked_by,
        "asked_ms": record.asked_ms,
        "until_ms": record.until_ms,
        "ended_ms": record.ended_ms,
        "ended_by": record.ended_by,
        "stores_stopped": sum(each["state"] == "stopped" for each in stores),
        "stores_asked": len(stores),
    }


def view(connection: Connection, record: Record, now_ms: int) -> Json:
    """All of it, with the proof of each store and the orders that were handed over."""
    handed = _handed(connection, record)
    return {
        **summary(connection, record, now_ms),
        "stores": _stores(connection, record, now_ms),
        "handed_units": sum(len(each) for each in handed.values()),
        "handed": [_order(rows) for rows in list(handed.values())[:MOST_NAMED]],
    }


def _stores(connection: Connection, record: Record, now_ms: int) -> list[Json]:
    """Every store with a box that must stop; a box that replaced another answers anew."""
    found: list[Json] = []
    stops = {
        row.incarnation: row
        for row in connection.execute(
            select(recall_stop).where(recall_stop.c.recall_id == record.recall_id)
        )
    }
    boxes = (
        select(store, node.c.seen_ms)
        .outerjoin(node, node.c.incarnation == store.c.incarnation)
        .where(store.c.incarnation != NOBODY)
        .order_by(store.c.number)
    )
    for box in connection.execute(boxes):
        if record.scope not in (CHAIN, f"store:{box.number}"):
            continue
        heard_ms = box.seen_ms
        stop = stops.get(box.incarnation)
        told: Json = {
            "store": box.number,
            "code": box.code,
            "node": box.node,
            "asked_ms": record.asked_ms,
            "heard_ms": heard_ms,
            "unreachable_since_ms": None,
        }
        if stop is not None:
            told |= {
                "state": "stopped",
                "stopped_ms": stop.stopped_ms,
                "proved_ms": stop.heard_ms,
                "after_ms": stop.heard_ms - record.asked_ms,
                "seq": stop.seq,
                "stopped_units": stop.stopped_units,
                "stopped_orders": stop.stopped_orders,
                "handed_units": stop.handed_units,
                "on_hand": stop.on_hand,
            }
        elif is_reachable(heard_ms, now_ms):
            told["state"] = "asked"
        else:
            told |= {"state": "unreachable", "unreachable_since_ms": heard_ms}
        found.append(told)
    return found


def _handed(connection: Connection, record: Record) -> dict[str, list[Record]]:
    """Hand-overs of what is recalled, by order number, newest first."""
    wanted = (
        select(
            pickup_order.c.order_no,
            redemption.c.line,
            redemption.c.unit,
            redemption.c.at_ms,
            redemption.c.station,
            redemption.c.handover,
            redemption.c.node,
            order_line.c.sku,
            func.coalesce(node.c.store, 0).label("store"),
        )
        .join(pickup_order, pickup_order.c.order_id == redemption.c.order_id)
        .join(
            order_line,
            and_(
                order_line.c.order_id == redemption.c.order_id,
                order_line.c.line == redemption.c.line,
            ),
        )
        .outerjoin(
            node,
            and_(
                node.c.node == redemption.c.node,
                node.c.incarnation == redemption.c.incarnation,
            ),
        )
        .where(redemption.c.state.in_(("live", "conflict")))
        .order_by(redemption.c.at_ms.desc(), redemption.c.order_id, redemption.c.line)
    )
    if record.kind == "sku":
        wanted = wanted.where(order_line.c.sku == record.sku)
    else:
        wanted = wanted.where(redemption.c.order_id == record.order_id)
    by_order: dict[str, list[Record]] = {}
    for row in cast("Sequence[Record]", connection.execute(wanted).all()):
        by_order.setdefault(row.order_no, []).append(row)
    return by_order


def _order(rows: Sequence[Record]) -> Json:
    newest = rows[0]
    return {
        "order_no": newest.order_no,
        "store": newest.store,
        "station": newest.station,
        "handover": newest.handover,
        "at_ms": newest.at_ms,
        "units": [[row.line, row.unit] for row in rows],
    }
