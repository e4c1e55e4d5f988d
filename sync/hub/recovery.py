"""A hub that was restored, or failed over, behind its nodes (attack 11).

    open ──a node is ahead──▶ recovering ──every node has told all, or a person says so──▶ open

A node is ahead when its cursor stands beyond the end of a generation, or in one that we never were
in, or when its next event is beyond those that we hold. Then a new generation begins: every cursor
of before is answered `gone`, nodes take a snapshot and send again what we do not have. Until every
node has, what we believe of a unit may be old: nothing is granted, refunded or issued anew, except
to the destination that a release names once that store has told everything. A request that must
wait is refused with `recovering`; what a node does by itself is never held up.
"""

import logging
import secrets
from typing import TYPE_CHECKING, Literal

from sqlalchemy import Connection, insert, select, update

from sync.hub.clock import Clock
from sync.hub.identity import GENERATION_BYTES, Hub, generation_of
from sync.hub.problems import Problem, refused
from sync.hub.stores import Json
from sync.hub.tables import feed, feed_head, node
from sync.hub.tables import hub as hub_table
from sync.hub.tables_hubdb import past_generation, recovery, recovery_node
from sync.wire.feed import GENESIS
from sync.wire.messages import Cursor, EventBatch

if TYPE_CHECKING:  # it imports those who ask us whether they may
    from sync.hub.enrolment import EnrolledNode

logger = logging.getLogger(__name__)
Standing = Literal["gone", "ahead"]
Heard = Literal["nothing", "told", "over"]


def is_recovering(connection: Connection) -> bool:
    """Whether some node has not yet told everything to a restored hub."""
    found = connection.execute(select(recovery.c.generation).where(recovery.c.ended_ms.is_(None)))
    return found.first() is not None


def refuse_while_recovering(connection: Connection, since_ms: int) -> None:
    """Raise 409 `recovering`: for what may only rest on what is surely known.

    since_ms: when the order was made; one made since the recovery began is known.
    """
    began = select(recovery.c.began_ms).where(
        recovery.c.ended_ms.is_(None), recovery.c.began_ms >= since_ms
    )
    if connection.execute(began).first() is not None:
        raise refused(
            "recovering",
            "The hub was restored and does not know everything yet: boxes are sending again what"
            " they did. See `storeedge-hub admin recovery status`.",
        )


def may_grant(connection: Connection, destination: str, store: int) -> bool:
    """Whether a released unit may go to a store now.

    In recovery: only to the one that the release named, and once that one has told everything.
    """
    if not is_recovering(connection):
        return True
    if destination != f"store:{store}":
        return False
    silent = connection.execute(
        select(recovery_node.c.node)
        .join(recovery, recovery.c.generation == recovery_node.c.generation)
        .where(
            recovery.c.ended_ms.is_(None),
            recovery_node.c.store == store,
            recovery_node.c.caught_up_ms.is_(None),
        )
    )
    return silent.first() is None


def standing(connection: Connection, asker: "EnrolledNode", cursor: Cursor) -> Standing:
    """What a cursor means that does not stand on our feed (`feed.read` answered None)."""
    if cursor.generation == generation_of(connection):
        return "ahead"
    end = connection.execute(
        select(past_generation.c.end_seq).where(
            past_generation.c.generation == cursor.generation,
            past_generation.c.scope == cursor.scope,
        )
    ).scalar_one_or_none()
    if end is not None and cursor.seq <= end and _stood(connection, cursor):
        return "gone"
    if is_recovering(connection) or _told_before(connection, asker):
        return "gone"
    return "ahead"


def _stood(connection: Connection, cursor: Cursor) -> bool:
    if cursor.seq == 0:
        return cursor.row_hash == GENESIS
    row_hash = connection.execute(
        select(feed.c.row_hash).where(feed.c.scope == cursor.scope, feed.c.seq == cursor.seq)
    ).scalar_one_or_none()
    return row_hash == cursor.row_hash


def _told_before(connection: Connection, asker: "EnrolledNode") -> bool:
    """Whether this node told everything in the recovery that began the generation of now."""
    found = connection.execute(
        select(recovery_node.c.node).where(
            recovery_node.c.generation == generation_of(connection),
            recovery_node.c.node == asker.node,
            recovery_node.c.incarnation == asker.incarnation,
            recovery_node.c.caught_up_ms.is_not(None),
        )
    )
    return found.first() is not None


def begin(connection: Connection, clock: Clock, reason: str) -> None:
    """A new generation; every box that is enrolled is waited for."""
    now_ms = clock.now_ms()
    old = generation_of(connection)
    new = secrets.token_bytes(GENERATION_BYTES)
    heads = connection.execute(select(feed_head.c.scope, feed_head.c.seq)).all()
    connection.execute(
        insert(past_generation),
        [
            {"generation": old, "scope": head.scope, "end_seq": head.seq, "ended_ms": now_ms}
            for head in heads
        ],
    )
    connection.execute(
        update(hub_table).where(hub_table.c.generation == old).values(generation=new)
    )
    _end(connection, now_ms, by="another recovery")
    connection.execute(
        insert(recovery).values(
            generation=new, reason=reason, began_ms=now_ms, ended_ms=None, ended_by=None
        )
    )
    boxes = connection.execute(select(node).where(node.c.state == "enrolled")).all()
    if boxes:
        connection.execute(
            insert(recovery_node),
            [
                {
                    "generation": new,
                    "node": box.node,
                    "incarnation": box.incarnation,
                    "store": box.store,
                    "from_seq": box.acked_seq,
                    "caught_up_ms": None,
                }
                for box in boxes
            ],
        )
    logger.warning("recovery began reason=%s boxes=%d", reason, len(boxes))


def _end(connection: Connection, now_ms: int, *, by: str) -> None:
    connection.execute(
        update(recovery).where(recovery.c.ended_ms.is_(None)).values(ended_ms=now_ms, ended_by=by)
    )


def found_ahead(hub: Hub, asker: "EnrolledNode", cursor: Cursor) -> None:
    """A cursor stands beyond us: begin, unless another process did meanwhile."""
    with hub.database.writing() as connection:
        if standing(connection, asker, cursor) == "ahead":
            begin(connection, hub.clock, f"cursor of store {asker.store} in {cursor.scope}")


def found_gap(hub: Hub, asker: "EnrolledNode") -> None:
    """Events that a node thinks we hold are not here: begin, unless it is known."""
    with hub.database.writing() as connection:
        if not is_recovering(connection):
            begin(connection, hub.clock, f"events of store {asker.store}")


def may_skip(connection: Connection, batch: EventBatch, acked: int) -> bool:
    """Whether a batch may begin behind a gap: in recovery, when the node has nothing before it."""
    return (
        bool(batch.events)
        and batch.events[0].seq > acked + 1
        and batch.events[0].seq == batch.kept_from
        and is_recovering(connection)
    )


def heard_all(connection: Connection, clock: Clock, name: str, incarnation: bytes) -> Heard:
    """A node has nothing that we do not hold; `over` when it was the last one waited for."""
    now_ms = clock.now_ms()
    current = select(recovery.c.generation).where(recovery.c.ended_ms.is_(None))
    generation = connection.execute(current).scalar_one_or_none()
    if generation is None:
        return "nothing"
    told = connection.execute(
        update(recovery_node)
        .where(
            recovery_node.c.generation == generation,
            recovery_node.c.node == name,
            recovery_node.c.incarnation == incarnation,
            recovery_node.c.caught_up_ms.is_(None),
        )
        .values(caught_up_ms=now_ms)
    )
    if _silent(connection, generation):
        return "told" if told.rowcount else "nothing"
    _end(connection, now_ms, by="every box told everything")
    logger.warning("recovery ended by=boxes")
    return "over"


def _silent(connection: Connection, generation: bytes) -> list[Json]:
    """Boxes that have not told everything; one that was replaced meanwhile is not waited for."""
    rows = connection.execute(
        select(recovery_node, node.c.acked_seq, node.c.seen_ms)
        .join(
            node,
            (node.c.node == recovery_node.c.node)
            & (node.c.incarnation == recovery_node.c.incarnation),
        )
        .where(
            recovery_node.c.generation == generation,
            recovery_node.c.caught_up_ms.is_(None),
            node.c.state == "enrolled",
        )
        .order_by(recovery_node.c.store)
    )
    return [
        {
            "store": row.store,
            "node": row.node,
            "incarnation": row.incarnation.hex(),
            "from_seq": row.from_seq,
            "acked_seq": row.acked_seq,
            "last_seen_ms": row.seen_ms,
        }
        for row in rows
    ]


def status(hub: Hub) -> Json:
    """Whether the hub recovers, since when, and for whom it waits."""
    with hub.database.reading() as connection:
        return _status(connection)


def _status(connection: Connection) -> Json:
    row = connection.execute(
        select(recovery).order_by(recovery.c.began_ms.desc(), recovery.c.ended_ms.is_(None).desc())
    ).first()
    past = connection.execute(select(past_generation.c.generation).distinct()).all()
    if row is None:
        return {"state": "never", "past_generations": len(past), "waiting_for": []}
    return {
        "state": "recovering" if row.ended_ms is None else "ended",
        "reason": row.reason,
        "began_ms": row.began_ms,
        "ended_ms": row.ended_ms,
        "ended_by": row.ended_by,
        "past_generations": len(past),
        "waiting_for": _silent(connection, row.generation) if row.ended_ms is None else [],
    }


def finish(connection: Connection, clock: Clock, by: str) -> None:
    """A named person ends it, whoever is missing.

    Raises:
        Problem: 422 without a name; 409 `not_recovering`.
    """
    name = " ".join(by.split())
    if not name:
        raise Problem(status=422, code="invalid", detail="Say who decides this: --by NAME.")
    if not is_recovering(connection):
        raise refused("not_recovering", "The hub is not in recovery.")
    _end(connection, clock.now_ms(), by=name)
    logger.warning("recovery ended by=person")
