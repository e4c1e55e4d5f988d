"""A box that begins again, and a box whose place was taken (attacks 5, 6).

A restored, copied or fenced box has its old key and a new incarnation. It asks by itself
(`/v1/nodes/return`) and gets nothing until a named person here attests that it is the one that
goes on; the incarnation before is superseded by a certificate that anybody can check. What the one
before held stays its own: nobody else can release it, and the new one asks a person for each order.
What it wrote and never told is taken in late, signed by its own key (`/v1/events/recovered`).
"""

from sqlalchemy import Connection, Row, delete, insert, select

from sync.hub import ingest
from sync.hub.enrolment import EnrolledNode, enrolled_answer
from sync.hub.identity import Hub
from sync.hub.problems import Problem, refused
from sync.hub.tables import node, review_case
from sync.hub.tables_boxes import box_return, takeover
from sync.hub.takeovers import RETURNED, superseded
from sync.wire import enrol
from sync.wire.messages import BatchAnswer, EnrolAnswer, EventBatch
from sync.wire.takeover import Recovered, Return, is_signed_return, open_recovered

RETURN_PAIRING = "return:"
MAX_RETURNS = 3
"""Asks of one box that wait at a time; an older one gives way."""


def _unknown() -> Problem:
    return Problem(status=401, code="not_enrolled", detail="This box is not enrolled here.")


def come_back(hub: Hub, asked: Return) -> EnrolAnswer:
    """Answer a box that began again, and asks again while it waits.

    Raises:
        Problem: 401 for a box that is not known or did not sign; 409 `superseded` once another box,
            or a later incarnation of its own, took the place it asks for.
    """
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        before = connection.execute(
            select(node).where(node.c.node == asked.node, node.c.incarnation == asked.predecessor)
        ).first()
        if before is None or before.state == "pending":
            raise _unknown()
        if not is_signed_return(asked, before.public):
            raise _unknown()
        record = connection.execute(
            select(node).where(node.c.node == asked.node, node.c.incarnation == asked.incarnation)
        ).first()
        if record is None:
            _refuse_replaced(connection, before)
            _add_return(connection, before, asked, now_ms)
            return EnrolAnswer(state="pending", fingerprint=enrol.printed(asked.node))
        if record.pairing_id != RETURN_PAIRING + asked.predecessor.hex():
            raise refused("incarnation_used", "A box makes a new incarnation to begin again.")
        if record.state == "superseded":
            raise superseded(connection, asked.node, asked.incarnation)
        return enrolled_answer(connection, record)


def _refuse_replaced(connection: Connection, before: Row[tuple[object, ...]]) -> None:
    """Another box in its place: this one stays out, whatever it was restored from."""
    if before.state != "superseded":
        return
    gone = connection.execute(
        select(takeover.c.successor_node).where(
            takeover.c.node == before.node, takeover.c.incarnation == before.incarnation
        )
    ).scalar()
    if gone != before.node:
        raise superseded(connection, before.node, before.incarnation)


def _add_return(
    connection: Connection, before: Row[tuple[object, ...]], asked: Return, now_ms: int
) -> None:
    waiting = connection.execute(
        select(node.c.incarnation)
        .where(
            node.c.node == asked.node,
            node.c.state == "pending",
            node.c.pairing_id.startswith(RETURN_PAIRING),
        )
        .order_by(node.c.asked_ms)
    ).scalars()
    for incarnation in list(waiting)[: 1 - MAX_RETURNS or None]:
        connection.execute(
            delete(node).where(node.c.node == asked.node, node.c.incarnation == incarnation)
        )
    connection.execute(
        insert(node).values(
            node=asked.node,
            incarnation=asked.incarnation,
            store=before.store,
            public=before.public,
            pairing_id=RETURN_PAIRING + asked.predecessor.hex(),
            state="pending",
            certificate=b"",
            signature=b"",
            asked_ms=now_ms,
            enrolled_ms=None,
            seen_ms=now_ms,
            acked_seq=0,
            backed_up_seq=0,
            audit_seq=0,
            audit_hash=b"",
        )
    )
    connection.execute(
        insert(box_return).values(
            node=asked.node,
            incarnation=asked.incarnation,
            predecessor=asked.predecessor,
            why=asked.why,
            audit_seq=asked.audit_seq,
            audit_hash=asked.audit_hash,
            asked_ms=now_ms,
        )
    )
    connection.execute(
        insert(review_case).values(
            source="hub",
            store=before.store,
            node=asked.node,
            incarnation=asked.incarnation,
            seq=0,
            order_id=None,
            reason=RETURNED,
            detail=f"{asked.why}: knows {asked.audit_seq} audit rows, HQ saw {before.audit_seq}",
            opened_ms=now_ms,
        )
    )


def recovered(hub: Hub, sender: EnrolledNode, given: Recovered, nonce: bytes) -> BatchAnswer:
    """Take in what a superseded box wrote and never told: told by its successor, or by itself.

    Raises:
        Problem: 409 `not_superseded` for a box that still speaks for itself; 401 for one that this
            store never had, or that did not sign; `gap` as for any batch.
        RemoteWireError: not signed by the box that wrote them.
    """
    with hub.database.reading() as connection:
        author = connection.execute(
            select(node).where(node.c.node == given.node, node.c.incarnation == given.incarnation)
        ).first()
    if author is None or author.store != sender.store or author.state == "pending":
        raise _unknown()
    if sender.superseded and (sender.node, sender.incarnation) != (author.node, author.incarnation):
        raise _unknown()
    if author.state != "superseded":
        raise refused("not_superseded", "That box still tells HQ itself.")
    events = open_recovered(given, author.public)
    writer = EnrolledNode(
        node=author.node,
        incarnation=author.incarnation,
        store=author.store,
        public=author.public,
        superseded=True,
    )
    batch = EventBatch(incarnation=author.incarnation, nonce=nonce, events=events)
    return ingest.take(hub, writer, batch)
