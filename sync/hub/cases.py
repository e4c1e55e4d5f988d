"""What a person at HQ reads: cases and events."""

from sqlalchemy import Connection, select

from sync.hub import order_rows
from sync.hub.identity import Hub
from sync.hub.stores import Json
from sync.hub.tables import pickup_order, review_case


def list_cases(hub: Hub, *, only_open: bool = False) -> list[Json]:
    """Cases of nodes and our own, newest first; at most 1,000."""
    wanted = (
        select(review_case, pickup_order.c.order_no)
        .outerjoin(pickup_order, pickup_order.c.order_id == review_case.c.order_id)
        .order_by(review_case.c.case_id.desc())
        .limit(1_000)
    )
    if only_open:
        wanted = wanted.where(review_case.c.closed_ms.is_(None))
    with hub.database.reading() as connection:
        rows = connection.execute(wanted).all()
    return [
        {
            "id": row.case_id,
            "source": row.source,
            "store": row.store,
            "node": row.node,
            "incarnation": row.incarnation.hex(),
            "node_case": row.node_case,
            "seq": row.seq,
            "order_no": row.order_no,
            "order_id": row.order_id.hex() if row.order_id else None,
            "reason": row.reason,
            "detail": row.detail,
            "state": "open" if row.closed_ms is None else "closed",
            "opened_ms": row.opened_ms,
            "closed_ms": row.closed_ms,
            "outcome": row.outcome,
            "operator": row.operator,
            "note": row.note,
        }
        for row in rows
    ]


def list_events(hub: Hub, order_no: str) -> list[Json]:
    """Every event that touches an order."""
    with hub.database.reading() as connection:
        return _events(connection, order_no)


def _events(connection: Connection, order_no: str) -> list[Json]:
    order = order_rows.by_number(connection, order_no)
    return order_rows.events_of(connection, order.order_id)
