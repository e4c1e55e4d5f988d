"""Recalls: stop handing out an article, an order, or what a code fetches, and see who stopped.

A recall is a feed row with an id of its own, read by every store it concerns and in every snapshot
until it ends. A box that answers it hands nothing of it over from that moment of its own clock on.
It reaches reachable stores; of the others the answer says since when nothing was heard of them.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection, Row, and_, insert, or_, select, update

from sync.hub import feed, order_rows, recall_views, rekey, transfers
from sync.hub.enrolment import EnrolledNode
from sync.hub.feed import CHAIN, store_scope
from sync.hub.identity import Hub
from sync.hub.problems import invalid, missing, refused
from sync.hub.stores import Json, store_row
from sync.hub.tables import code, pickup_order, product
from sync.hub.tables_recall import recall, recall_stop
from sync.wire import token
from sync.wire.catalog import RecallRow
from sync.wire.credential import code_lookup
from sync.wire.errors import WireError
from sync.wire.events import Body
from sync.wire.recalls import RecallAnswered

RECALL_ID_BYTES = 16
Record = Row[tuple[object, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecall:
    """What is to be stopped: one of `sku`, `order_no`, `code` (a V1 or V2 as the customer has it).

    until_ms: it ends by itself then; None: when somebody ends it.
    """

    reason: Annotated[str, Field(min_length=1, max_length=200)]
    sku: Annotated[str, Field(min_length=1, max_length=8)] | None = None
    order_no: Annotated[str, Field(max_length=32)] | None = None
    code: Annotated[str, Field(max_length=200)] | None = None
    until_ms: int | None = None


def begin(hub: Hub, new: NewRecall, *, by: str) -> Json:
    """Ask every store that it concerns to stop at once; answers how far that is.

    Raises:
        Problem: 404 for what does not exist, 422 unless exactly one thing is named.
    """
    now_ms = hub.clock.now_ms()
    if sum(each is not None for each in (new.sku, new.order_no, new.code)) != 1:
        raise invalid("Name one of sku, order_no, code.")
    if new.until_ms is not None and new.until_ms <= now_ms:
        raise invalid("until_ms is over already.")
    with hub.database.writing() as connection:
        recall_id = secrets.token_bytes(RECALL_ID_BYTES)
        values: Json = {
            "recall_id": recall_id,
            "reason": new.reason,
            "asked_by": by,
            "asked_ms": now_ms,
            "until_ms": new.until_ms,
            "scope": CHAIN,
            **_what(connection, new),
        }
        connection.execute(insert(recall).values(**values))
        record = _by_id(connection, recall_id)
        feed.append(connection, record.scope, [_row(record)])
        return recall_views.view(connection, record, now_ms)


def _what(connection: Connection, new: NewRecall) -> Json:
    if new.sku is not None:
        known = select(product.c.sku).where(product.c.sku == new.sku)
        if connection.execute(known).first() is None:
            raise missing(f"product {new.sku}")
        return {"kind": "sku", "sku": new.sku}
    if new.order_no is not None:
        order = order_rows.by_number(connection, new.order_no)
        return {"kind": "order", "order_id": order.order_id}
    code_id = _code_id(new.code or "")
    found = transfers.order_of_code(connection, code_id)
    if found is None:
        raise missing("such code")
    _set_code(connection, code_id, "live", "revoked")
    order_rows.publish(connection, found.order_id)
    return {
        "kind": "code",
        "order_id": found.order_id,
        "lookup": code_lookup(store_row(connection, found.home_store).k_store, code_id),
        "scope": store_scope(found.home_store),
    }


def _code_id(text: str) -> bytes:
    plain = text.strip()
    try:
        if plain.upper().startswith("P2:"):
            return token.parse_v2(plain).token.code_id
        return token.v1_code_id("".join(each for each in plain.upper() if each.isalnum()))
    except (ValueError, WireError) as error:
        raise invalid("This is no V1 and no V2 code.") from error


def _set_code(connection: Connection, code_id: bytes, before: str, now: str) -> None:
    connection.execute(
        update(code)
        .where(
            code.c.chain_lookup == rekey.chain_lookup(connection, code_id), code.c.state == before
        )
        .values(state=now)
    )


def end(hub: Hub, recall_id: str, *, by: str) -> Json:
    """Let it be handed out again; ending it twice changes nothing."""
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        record = find(connection, recall_id)
        if record.ended_ms is None:
            connection.execute(
                update(recall)
                .where(recall.c.recall_id == record.recall_id)
                .values(ended_ms=now_ms, ended_by=by)
            )
            record = _by_id(connection, record.recall_id)
            feed.append(connection, record.scope, [_row(record)])
            if record.kind == "code":
                _give_code_back(connection, record)
        return recall_views.view(connection, record, now_ms)


def _give_code_back(connection: Connection, record: Record) -> None:
    """The code works again, unless it was issued anew or is recalled once more."""
    others = select(recall.c.recall_id).where(
        recall.c.lookup == record.lookup, recall.c.ended_ms.is_(None)
    )
    if connection.execute(others).first() is not None:
        return
    chain = (
        select(code.c.chain_lookup)
        .where(code.c.order_id == record.order_id, code.c.lookup == record.lookup)
        .scalar_subquery()
    )
    epoch = (
        select(pickup_order.c.epoch)
        .where(pickup_order.c.order_id == record.order_id)
        .scalar_subquery()
    )
    connection.execute(
        update(code)
        .where(
            code.c.order_id == record.order_id,
            code.c.chain_lookup == chain,
            code.c.epoch == epoch,
            code.c.state == "revoked",
        )
        .values(state="live")
    )
    order_rows.publish(connection, record.order_id)


def apply(
    connection: Connection,
    sender: EnrolledNode,
    incarnation: bytes,
    bodies: Sequence[tuple[int, Body]],
    now_ms: int,
) -> None:
    """Keep what a box answered to recalls, out of all that it told in a batch."""
    for seq, body in bodies:
        if isinstance(body, RecallAnswered):
            _answered(connection, sender, incarnation, seq, body, now_ms)


def _answered(
    connection: Connection,
    sender: EnrolledNode,
    incarnation: bytes,
    seq: int,
    body: RecallAnswered,
    now_ms: int,
) -> None:
    """A box proved that it stopped; its first answer stands."""
    known = select(recall_stop.c.seq).where(
        recall_stop.c.recall_id == body.recall_id, recall_stop.c.incarnation == incarnation
    )
    if connection.execute(known).first() is not None:
        return
    connection.execute(
        insert(recall_stop).values(
            recall_id=body.recall_id,
            incarnation=incarnation,
            store=sender.store,
            node=sender.node,
            seq=seq,
            stopped_ms=body.at_ms,
            heard_ms=now_ms,
            stopped_units=body.stopped_units,
            stopped_orders=body.stopped_orders,
            handed_units=body.handed_units,
            on_hand=body.on_hand,
        )
    )


def refuse_recalled(connection: Connection, skus: Sequence[str], now_ms: int) -> None:
    """Raises: Problem 409 `recalled` when one of these articles is, for what would sell it."""
    row = connection.execute(
        select(recall.c.sku).where(
            recall.c.kind == "sku",
            recall.c.sku.in_(sorted(set(skus))),
            recall.c.ended_ms.is_(None),
            or_(recall.c.until_ms.is_(None), recall.c.until_ms >= now_ms),
        )
    ).first()
    if row is not None:
        raise refused("recalled", f"{row.sku} is recalled; it is not sold until that ends.")


def find(connection: Connection, recall_id: str) -> Record:
    """The recall with this id in hexadecimal (404: there is none)."""
    try:
        raw = bytes.fromhex(recall_id)
    except ValueError as error:
        raise missing("such recall") from error
    row = connection.execute(select(recall).where(recall.c.recall_id == raw)).first()
    if row is None:
        raise missing("such recall")
    return row


def show(hub: Hub, recall_id: str) -> Json:
    """How far it is: which stores stopped when, and who has it already."""
    with hub.database.reading() as connection:
        return recall_views.view(connection, find(connection, recall_id), hub.clock.now_ms())


def listed(hub: Hub, *, only_open: bool = False) -> list[Json]:
    """Recalls, newest first; at most 200."""
    now_ms = hub.clock.now_ms()
    wanted = select(recall).order_by(recall.c.asked_ms.desc()).limit(200)
    if only_open:
        wanted = wanted.where(
            and_(
                recall.c.ended_ms.is_(None),
                or_(recall.c.until_ms.is_(None), recall.c.until_ms >= now_ms),
            )
        )
    with hub.database.reading() as connection:
        rows = connection.execute(wanted).all()
        return [recall_views.summary(connection, row, now_ms) for row in rows]


def _by_id(connection: Connection, recall_id: bytes) -> Record:
    return connection.execute(select(recall).where(recall.c.recall_id == recall_id)).one()


def _row(record: Record) -> RecallRow:
    return RecallRow(
        recall_id=record.recall_id,
        kind=record.kind,
        reason=record.reason,
        asked_ms=record.asked_ms,
        sku=record.sku,
        order_id=None if record.kind == "code" else record.order_id,
        lookup=record.lookup,
        until_ms=record.until_ms,
        ended=record.ended_ms is not None,
    )
