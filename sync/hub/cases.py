"""What a person at HQ reads: cases and events."""

from sqlalchemy import ColumnElement, Connection, select, update

from sync.hub import order_rows
from sync.hub.identity import Hub
from sync.hub.problems import invalid, missing, refused
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
            "owner": row.owner,
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


def own(hub: Hub, case_id: int, *, by: str) -> Json:
    """A named person at HQ looks after an open case that nobody else does.

    Raises:
        Problem: 404; 409 `closed`, `owned`.
    """
    mine = review_case.c.owner.is_(None) | (review_case.c.owner == by)
    return _set_owner(hub, case_id, mine, by, "owned")


def disown(hub: Hub, case_id: int, *, by: str) -> Json:
    """Its owner gives an open case back.

    Raises:
        Problem: 404; 409 `closed`, `not_owner`.
    """
    return _set_owner(hub, case_id, review_case.c.owner == by, None, "not_owner")


def _set_owner(
    hub: Hub, case_id: int, may: ColumnElement[bool], owner: str | None, else_: str
) -> Json:
    with hub.database.writing() as connection:
        done = connection.execute(
            update(review_case)
            .where(review_case.c.case_id == case_id, review_case.c.closed_ms.is_(None), may)
            .values(owner=owner)
        )
        if done.rowcount == 0:
            row = connection.execute(
                select(review_case).where(review_case.c.case_id == case_id)
            ).first()
            if row is None:
                raise missing(f"case {case_id}")
            if row.closed_ms is not None:
                raise refused("closed", "Somebody has decided this case already.")
            raise refused(else_, f"This case is looked after by {row.owner or 'nobody'}.")
    return {"id": case_id, "owner": owner}


def close(hub: Hub, case_id: int, *, outcome: str, note: str, by: str) -> Json:
    """A named person at HQ decided a case of HQ's own; a store's case is decided in the store.

    Raises:
        Problem: 404; 409 `closed`, `in_store`; 422 without an outcome.
    """
    if not outcome.strip():
        raise invalid("Say what was decided.")
    with hub.database.writing() as connection:
        row = connection.execute(
            select(review_case).where(review_case.c.case_id == case_id)
        ).first()
        if row is None:
            raise missing(f"case {case_id}")
        if row.source == "node":
            raise refused("in_store", "This case is decided at the counter that opened it.")
        done = connection.execute(
            update(review_case)
            .where(review_case.c.case_id == case_id, review_case.c.closed_ms.is_(None))
            .values(
                closed_ms=hub.clock.now_ms(),
                outcome=outcome.strip()[:80],
                operator=by,
                note=note.strip()[:1_000],
            )
        )
        if done.rowcount == 0:
            raise refused("closed", "Somebody has decided this case already.")
    return {"id": case_id, "outcome": outcome.strip()[:80], "operator": by}
