"""Transfers and purchases at HQ: drafted here, moved by what the stores counted.

The state follows from what happened (left, arrived, how many), in whichever order HQ heard it. A
transfer that carries a customer's order asks its holder for it in the same transaction: the goods
travel by this paper, the right to hand them over by release and grant.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import Connection, Row, insert, or_, select, update

from sync.hub import order_rows, ownership, transfers
from sync.hub.feed import append, store_scope
from sync.hub.identity import Hub
from sync.hub.problems import invalid, missing, refused
from sync.hub.stores import Json, store_row
from sync.hub.tables import product
from sync.hub.tables_picking import document, document_line
from sync.rules import crockford
from sync.rules.order_life import DocumentState, document_state
from sync.wire.catalog import DocumentRow
from sync.wire.picking_events import DocumentMoved

MAX_LINES = 100
_PREFIXES = {"transfer": "TR", "purchase": "PO"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocumentLine:
    """An article and how many pieces."""

    sku: str
    quantity: Annotated[int, Field(ge=1, le=99_999)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDocument:
    """Goods to be moved between stores, or bought. order_no: the customer's order that goes along.

    lines: may be empty for a transfer that carries an order; its own lines are taken then.
    """

    kind: Literal["transfer", "purchase"]
    to_store: int
    from_store: int | None = None
    supplier: Annotated[str, Field(max_length=80)] = ""
    lines: Annotated[tuple[NewDocumentLine, ...], Field(max_length=MAX_LINES)] = ()
    order_no: str | None = None


def create(hub: Hub, new: NewDocument) -> Json:
    """Draft a document; both stores learn of it.

    Raises:
        Problem: 422 for what does not fit together; 404; 409 when the order cannot move now.
    """
    _check(new)
    now_ms = hub.clock.now_ms()
    name = _PREFIXES[new.kind] + crockford.encode(secrets.randbits(40), 8)
    with hub.database.writing() as connection:
        store_row(connection, new.to_store)
        if new.from_store is not None:
            store_row(connection, new.from_store)
        lines = new.lines
        if new.order_no is not None:
            lines = _with_order(connection, new, now_ms)
        for line in lines:
            known = select(product.c.sku).where(product.c.sku == line.sku)
            if connection.execute(known).first() is None:
                raise missing(f"product {line.sku}")
        connection.execute(
            insert(document).values(
                document=name,
                kind=new.kind,
                from_store=new.from_store,
                to_store=new.to_store,
                supplier=new.supplier,
                order_no=new.order_no,
                state="draft",
                created_ms=now_ms,
            )
        )
        connection.execute(
            insert(document_line),
            [
                {"document": name, "line": number, "sku": line.sku, "quantity": line.quantity}
                for number, line in enumerate(lines, start=1)
            ],
        )
        _publish(connection, name)
        return _view(connection, _row(connection, name))


def _check(new: NewDocument) -> None:
    if new.kind == "purchase" and (new.from_store is not None or not new.supplier):
        raise invalid("A purchase has a supplier and no from_store.")
    if new.kind == "transfer" and (new.from_store is None or new.supplier):
        raise invalid("A transfer has a from_store and no supplier.")
    if new.from_store == new.to_store:
        raise invalid("A transfer goes to another store.")
    if new.order_no is not None and new.kind != "transfer":
        raise invalid("Only a transfer carries a customer's order.")
    if new.order_no is None and not new.lines:
        raise invalid("A document has lines.")


def _with_order(
    connection: Connection, new: NewDocument, now_ms: int
) -> tuple[NewDocumentLine, ...]:
    assert new.order_no is not None
    order = order_rows.by_number(connection, new.order_no)
    if order.home_store != new.from_store:
        raise refused("not_there", f"Order {new.order_no} is not in store {new.from_store}.")
    units = order_rows.units_of(connection, order.order_id)
    still = [each.line for each in units if each.state == "held"]
    skus = {line.line: line.sku for line in order_rows.row_of(connection, order.order_id).lines}
    transfers.request(connection, order, new.to_store, by="document", now_ms=now_ms)
    ownership.settle(connection, order.order_id, now_ms)
    if new.lines:
        return new.lines
    return tuple(
        NewDocumentLine(sku=skus[line], quantity=still.count(line)) for line in sorted(set(still))
    )


def listed(
    hub: Hub, *, store: int | None = None, kind: str | None = None, only_open: bool = False
) -> list[Json]:
    """Documents, the newest first."""
    wanted = select(document).order_by(document.c.created_ms.desc(), document.c.document).limit(500)
    if store is not None:
        wanted = wanted.where(or_(document.c.from_store == store, document.c.to_store == store))
    if kind is not None:
        wanted = wanted.where(document.c.kind == kind)
    if only_open:
        wanted = wanted.where(document.c.state.in_(("draft", "dispatched")))
    with hub.database.reading() as connection:
        return [_view(connection, row) for row in connection.execute(wanted).all()]


def show(hub: Hub, name: str) -> Json:
    """One document."""
    with hub.database.reading() as connection:
        return _view(connection, _row(connection, name))


def apply(connection: Connection, *, store: int, body: DocumentMoved) -> str:
    """Keep what a store counted; answers why it is a conflict, or nothing.

    Only the store where the goods leave, or arrive, can say so; the first count of each stands.
    """
    row = connection.execute(select(document).where(document.c.document == body.document)).first()
    if row is None:
        return "unknown_document"
    at = row.from_store if body.act == "dispatched" else row.to_store
    if at != store:
        return "not_its_document"
    if (row.dispatched_ms if body.act == "dispatched" else row.received_ms) is not None:
        return "counted_before"
    lines = _lines(connection, body.document)
    counts = dict(body.counts)
    if counts.keys() != {line.line for line in lines} or min(counts.values(), default=0) < 0:
        return "not_its_lines"
    for line in lines:
        connection.execute(
            update(document_line)
            .where(document_line.c.document == body.document, document_line.c.line == line.line)
            .values(**{body.act: counts[line.line]})
        )
    dispatched = body.act == "dispatched" or row.dispatched_ms is not None
    received = body.act == "received" or row.received_ms is not None
    arrived = (
        sum(counts.values())
        if body.act == "received"
        else sum(line.received or 0 for line in lines)
    )
    state = document_state(
        dispatched=dispatched,
        received=received,
        ordered=sum(line.quantity for line in lines),
        arrived=arrived,
    )
    connection.execute(
        update(document)
        .where(document.c.document == body.document)
        .values(
            state=state,
            **{f"{body.act}_ms": body.at_ms, f"{body.act}_by": body.operator},
        )
    )
    _publish(connection, body.document)
    return ""


def _publish(connection: Connection, name: str) -> None:
    row = _row(connection, name)
    state: DocumentState = row.state
    told = DocumentRow(
        document=name,
        kind=row.kind,
        to_store=row.to_store,
        lines=tuple((line.line, line.sku, line.quantity) for line in _lines(connection, name)),
        state=state,
        created_ms=row.created_ms,
        from_store=row.from_store,
        supplier=row.supplier,
        order_no=row.order_no,
    )
    for store in sorted({row.to_store, row.from_store} - {None}):
        append(connection, store_scope(store), [told])


def _row(connection: Connection, name: str) -> Row[tuple[object, ...]]:
    row = connection.execute(select(document).where(document.c.document == name)).first()
    if row is None:
        raise missing(f"document {name}")
    return row


def _lines(connection: Connection, name: str) -> Sequence[Row[tuple[object, ...]]]:
    return connection.execute(
        select(document_line).where(document_line.c.document == name).order_by(document_line.c.line)
    ).all()


def _view(connection: Connection, row: Row[tuple[object, ...]]) -> Json:
    name: str = row.document
    return {
        "document": name,
        "kind": row.kind,
        "from_store": row.from_store,
        "to_store": row.to_store,
        "supplier": row.supplier,
        "order_no": row.order_no,
        "state": row.state,
        "created_ms": row.created_ms,
        "dispatched_ms": row.dispatched_ms,
        "dispatched_by": row.dispatched_by,
        "received_ms": row.received_ms,
        "received_by": row.received_by,
        "lines": [
            {
                "line": line.line,
                "sku": line.sku,
                "quantity": line.quantity,
                "dispatched": line.dispatched,
                "received": line.received,
            }
            for line in _lines(connection, name)
        ],
    }
