"""Taking a batch of events in: all of it in one transaction, each row answered.

The key is (node, incarnation, seq). A row that is known is answered what it was answered before
(accepted becomes `known`), so a lost answer loses nothing; a known seq with another audit hash is
a fork of the box and is refused. A gap refuses the batch and names the seq that is expected.

What no rule foresaw, and no database column can hold, is kept raw as a case: a box sends in order,
and one row that always fails would keep back all that follows it.
"""

import logging
from collections.abc import Sequence
from itertools import pairwise

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import DataError, NoResultFound

from sync.hub import (
    event_rows,
    facts,
    ownership,
    provisional,
    rebuild,
    recalls,
    recovery,
    stock_facts,
)
from sync.hub.enrolment import EnrolledNode
from sync.hub.facts import Judged
from sync.hub.identity import Hub
from sync.hub.problems import Problem, invalid, refused
from sync.hub.tables import event, node
from sync.wire.messages import MAX_BATCH_EVENTS, BatchAnswer, Event, EventBatch, RowAnswer

logger = logging.getLogger(__name__)
UNREADABLE = Judged(outcome="refused", reason="unreadable")
_POISON = (
    DataError,  # PostgreSQL: a NUL in a text, a number too large for its column
    NoResultFound,
    ArithmeticError,  # SQLite: a number too large for any column
    AssertionError,
    LookupError,
    TypeError,
    ValueError,
)


def take(hub: Hub, sender: EnrolledNode, batch: EventBatch) -> BatchAnswer:
    """Apply a batch and answer each row; one that cannot be applied is `refused: unreadable`.

    Raises:
        Problem: 409 `gap` with `expected_seq`; 422 when it is no batch at all.
    """
    _check_shape(batch)
    try:
        return _take(hub, sender, batch)
    except _POISON:
        if not batch.events:
            raise
    return _take_each(hub, sender, batch)


def _take_each(hub: Hub, sender: EnrolledNode, batch: EventBatch) -> BatchAnswer:
    """Each event in a transaction of its own: those before a poisoned one are known from then on.

    That is more than one transaction, and may begin again at any of them: what is known stays so.
    """
    told: BatchAnswer | None = None
    rows: list[RowAnswer] = []
    for each in batch.events:
        alone = EventBatch(
            incarnation=batch.incarnation,
            nonce=batch.nonce,
            events=(each,),
            last_seq=batch.last_seq,
            kept_from=batch.kept_from,
        )
        try:
            told = _take(hub, sender, alone)
        except _POISON:
            logger.exception("event unreadable store=%d seq=%d", sender.store, each.seq)
            told = _take(hub, sender, alone, unreadable=True)
        rows += told.rows
    assert told is not None
    return BatchAnswer(
        rows=tuple(rows), acked_seq=told.acked_seq, backed_up_seq=told.backed_up_seq, time=told.time
    )


def _take(
    hub: Hub, sender: EnrolledNode, batch: EventBatch, *, unreadable: bool = False
) -> BatchAnswer:
    with hub.database.writing() as connection:
        record = connection.execute(
            select(node).where(node.c.node == sender.node, node.c.incarnation == batch.incarnation)
        ).first()
        if record is None:
            raise refused("superseded", "Events of an incarnation that was never enrolled.")
        acked: int = record.acked_seq
        if recovery.may_skip(connection, batch, acked):
            acked = _skip(connection, sender, batch, acked, hub.clock.now_ms())
        if batch.events and batch.events[0].seq > acked + 1:
            raise Problem(
                status=409,
                code="gap",
                detail=f"The next event must have seq {acked + 1}.",
                extra={"expected_seq": acked + 1},
            )
        now_ms = hub.clock.now_ms()
        fresh = [each for each in batch.events if each.seq > acked]
        known = [each for each in batch.events if each.seq <= acked]
        answers = _answer_known(connection, sender, batch.incarnation, known, now_ms)
        if unreadable:
            answers += _keep_raw(connection, sender, batch.incarnation, fresh, now_ms)
        else:
            answers += _take_fresh(connection, sender, batch.incarnation, fresh, now_ms)
        values: dict[str, object] = {"seen_ms": now_ms}
        if fresh:
            acked = fresh[-1].seq
            values |= {
                "acked_seq": acked,
                "audit_seq": fresh[-1].audit_seq,
                "audit_hash": fresh[-1].audit_hash,
            }
        connection.execute(
            update(node)
            .where(node.c.node == sender.node, node.c.incarnation == batch.incarnation)
            .values(**values)
        )
        backed_up: int = record.backed_up_seq
        if batch.last_seq == acked:
            rebuild.heard_all(connection, hub.clock, sender, batch.incarnation)
    return BatchAnswer(
        rows=tuple(answers),
        acked_seq=acked,
        backed_up_seq=backed_up,
        time=hub.time(batch.nonce),
    )


def _skip(
    connection: Connection, sender: EnrolledNode, batch: EventBatch, acked: int, now_ms: int
) -> int:
    """The hub was restored from before a backup, and the node let go of what that backup held."""
    first = batch.events[0].seq
    event_rows.open_case(
        connection,
        sender,
        batch.incarnation,
        seq=first,
        order_id=None,
        reason="events_lost",
        detail=f"{acked + 1}-{first - 1}",
        now_ms=now_ms,
    )
    return first - 1


def _check_shape(batch: EventBatch) -> None:
    if len(batch.nonce) != 16 or len(batch.events) > MAX_BATCH_EVENTS:
        raise invalid("The nonce has 16 bytes, a batch at most 1,000 events.")
    for before, after in pairwise(batch.events):
        if after.seq != before.seq + 1:
            raise invalid("Events of a batch follow one another without gaps.")
    for each in batch.events:
        numbers = (each.seq, each.hlc, each.trusted_ms, each.audit_seq, each.schema)
        if each.seq < 1 or min(numbers) < 0 or max(numbers) >= 2**63:
            raise invalid("An event's seq is from 1, its numbers fit 63 bits.")
        if each.schema >= 2**31 or not each.kind.isprintable():
            raise invalid("An event's schema fits 31 bits, its kind is printable.")


def _answer_known(
    connection: Connection,
    sender: EnrolledNode,
    incarnation: bytes,
    known: Sequence[Event],
    now_ms: int,
) -> list[RowAnswer]:
    if not known:
        return []
    rows = connection.execute(
        select(event).where(
            event.c.node == sender.node,
            event.c.incarnation == incarnation,
            event.c.seq.between(known[0].seq, known[-1].seq),
        )
    )
    before = {row.seq: row for row in rows}
    answers: list[RowAnswer] = []
    for each in known:
        row = before[each.seq]
        if row.audit_hash != each.audit_hash or row.body != each.body:
            event_rows.open_case(
                connection,
                sender,
                incarnation,
                seq=each.seq,
                order_id=each.units[0][0] if each.units else None,
                reason="fork",
                detail=each.kind,
                now_ms=now_ms,
            )
            answers.append(RowAnswer(seq=each.seq, outcome="refused", reason="fork"))
        elif row.outcome == "accepted":
            answers.append(RowAnswer(seq=each.seq, outcome="known"))
        else:
            answers.append(RowAnswer(seq=each.seq, outcome=row.outcome, reason=row.reason))
    return answers


def _take_fresh(
    connection: Connection,
    sender: EnrolledNode,
    incarnation: bytes,
    fresh: Sequence[Event],
    now_ms: int,
) -> list[RowAnswer]:
    if not fresh:
        return []
    working = event_rows.load(connection, incarnation, fresh)
    judged = [(each, facts.judge(working, each)) for each in fresh]
    event_rows.store(connection, sender, working, judged, now_ms)
    if working.recovering:
        rebuild.store(connection, working, sender.store, now_ms)
    stock_facts.apply(connection, sender, incarnation, judged, now_ms)
    recalls.apply(connection, sender, incarnation, working.bodies, now_ms)
    for order_id in provisional.apply(connection, sender, incarnation, working, now_ms):
        ownership.settle(connection, order_id, now_ms)
    return [RowAnswer(seq=each.seq, outcome=j.outcome, reason=j.reason) for each, j in judged]


def _keep_raw(
    connection: Connection,
    sender: EnrolledNode,
    incarnation: bytes,
    fresh: Sequence[Event],
    now_ms: int,
) -> list[RowAnswer]:
    """Keep events that nothing can be made of, each with a case."""
    event_rows.store_raw(connection, sender, incarnation, [(e, UNREADABLE) for e in fresh], now_ms)
    for each in fresh:
        event_rows.open_case(
            connection,
            sender,
            incarnation,
            seq=each.seq,
            order_id=each.units[0][0] if each.units else None,
            reason=UNREADABLE.reason,
            detail=each.kind,
            now_ms=now_ms,
        )
    return [
        RowAnswer(seq=each.seq, outcome=UNREADABLE.outcome, reason=UNREADABLE.reason)
        for each in fresh
    ]


def take_again(
    connection: Connection,
    sender: EnrolledNode,
    incarnation: bytes,
    events: Sequence[Event],
    now_ms: int,
) -> tuple[RowAnswer, ...]:
    """Answer events of before once more; one that we should hold and do not is taken in now."""
    held: set[int] = set()
    for start in range(0, len(events), 300):
        part = [each.seq for each in events[start : start + 300]]
        rows = connection.execute(
            select(event.c.seq).where(
                event.c.node == sender.node,
                event.c.incarnation == incarnation,
                event.c.seq.in_(part),
            )
        )
        held |= {row.seq for row in rows}
    known = [each for each in events if each.seq in held]
    lost = [each for each in events if each.seq not in held]
    answers = _answer_known(connection, sender, incarnation, known, now_ms)
    answers += _take_fresh(connection, sender, incarnation, lost, now_ms)
    return tuple(sorted(answers, key=lambda each: each.seq))
