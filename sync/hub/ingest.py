"""Taking a batch of events in: all of it in one transaction, each row answered.

The key is (node, incarnation, seq). A row that is known is answered what it was answered before
(accepted becomes `known`), so a lost answer loses nothing; a known seq with another audit hash is
a fork of the box and is refused. A gap refuses the batch and names the seq that is expected.
"""

from collections.abc import Sequence
from itertools import pairwise

from sqlalchemy import Connection, and_, bindparam, insert, select, update

from sync.hub import facts, order_rows
from sync.hub.enrolment import EnrolledNode
from sync.hub.facts import Act, AskNow, Judged, UnitNow, Working
from sync.hub.feed import append, store_scope
from sync.hub.identity import Hub
from sync.hub.problems import Problem, invalid, refused
from sync.hub.tables import (
    ask,
    code_lock,
    event,
    event_order,
    node,
    pickup_order,
    redemption,
    review_case,
)
from sync.hub.tables import unit as unit_table
from sync.wire import codec
from sync.wire.events import CaseClosed, CaseOpened, CodeLocked, CodeReleased
from sync.wire.messages import (
    MAX_BATCH_EVENTS,
    BatchAnswer,
    Event,
    EventBatch,
    RowAnswer,
    Unit,
)

Value = dict[str, object]
_CHUNK = 300
_CHANGE_UNIT = update(unit_table).where(
    unit_table.c.order_id == bindparam("at_order"),
    unit_table.c.line == bindparam("at_line"),
    unit_table.c.unit == bindparam("at_unit"),
)


def take(hub: Hub, sender: EnrolledNode, batch: EventBatch) -> BatchAnswer:
    """Apply a batch and answer each row.

    Raises:
        Problem: 409 `gap` with `expected_seq`; 422 when it is no batch at all.
    """
    _check_shape(batch)
    with hub.database.writing() as connection:
        record = connection.execute(
            select(node).where(node.c.node == sender.node, node.c.incarnation == batch.incarnation)
        ).first()
        if record is None:
            raise refused("superseded", "Events of an incarnation that was never enrolled.")
        acked: int = record.acked_seq
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
        answers += _take_fresh(connection, sender, batch.incarnation, fresh, now_ms)
        values: Value = {"seen_ms": now_ms}
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
    return BatchAnswer(
        rows=tuple(answers),
        acked_seq=acked,
        backed_up_seq=backed_up,
        time=hub.time(batch.nonce),
    )


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
            _open_case(
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
    working = _load(connection, incarnation, fresh)
    judged = [(each, facts.judge(working, each)) for each in fresh]
    _store_events(connection, sender, incarnation, judged, now_ms)
    _store_units(connection, working)
    _store_acts(connection, sender, working)
    _store_answers(connection, working, now_ms)
    _store_rest(connection, sender, incarnation, working)
    for trouble in working.troubles:
        _open_case(
            connection,
            sender,
            incarnation,
            seq=trouble.seq,
            order_id=trouble.order_id,
            reason=trouble.reason,
            detail=trouble.detail,
            now_ms=now_ms,
        )
    return [RowAnswer(seq=each.seq, outcome=j.outcome, reason=j.reason) for each, j in judged]


def _load(connection: Connection, incarnation: bytes, fresh: Sequence[Event]) -> Working:
    orders = sorted({unit[0] for each in fresh for unit in each.units})
    units: dict[Unit, UnitNow] = {}
    live: set[Unit] = set()
    acts: dict[tuple[int, Unit], Act] = {}
    asks: dict[bytes, AskNow] = {}
    for start in range(0, len(orders), _CHUNK):
        part = orders[start : start + _CHUNK]
        for row in connection.execute(select(unit_table).where(unit_table.c.order_id.in_(part))):
            units[row.order_id, row.line, row.unit] = UnitNow(
                holder=row.holder,
                epoch=row.epoch,
                state=row.state,
                destination=row.destination,
                parked=row.parked,
            )
        for row in connection.execute(
            select(redemption).where(redemption.c.order_id.in_(part)).order_by(redemption.c.seq)
        ):
            unit: Unit = (row.order_id, row.line, row.unit)
            if row.state == "live":
                live.add(unit)
            if row.incarnation == incarnation:
                acts[row.seq, unit] = Act(
                    unit=unit,
                    seq=row.seq,
                    handover=row.handover,
                    at_ms=row.at_ms,
                    station=row.station,
                    operator=row.operator,
                    credential=row.credential,
                    state=row.state,
                )
        for row in connection.execute(select(ask).where(ask.c.order_id.in_(part))):
            asks[row.ask_id] = AskNow(
                order_id=row.order_id,
                holder=row.holder,
                epoch=row.epoch,
                destination=row.destination,
                units=frozenset(order_rows.unpack_units(row.units)),
                answered=row.answered_ms is not None,
            )
    return Working(incarnation=incarnation, units=units, acts=acts, asks=asks, live=live)


def _store_events(
    connection: Connection,
    sender: EnrolledNode,
    incarnation: bytes,
    judged: Sequence[tuple[Event, Judged]],
    now_ms: int,
) -> None:
    connection.execute(
        insert(event),
        [
            {
                "node": sender.node,
                "incarnation": incarnation,
                "seq": each.seq,
                "hlc": each.hlc,
                "trusted_ms": each.trusted_ms,
                "kind": each.kind,
                "schema": each.schema,
                "units": codec.pack(each.units),
                "body": each.body,
                "audit_seq": each.audit_seq,
                "audit_hash": each.audit_hash,
                "outcome": verdict.outcome,
                "reason": verdict.reason,
                "received_ms": now_ms,
            }
            for each, verdict in judged
        ],
    )
    links = [
        {"order_id": order, "node": sender.node, "incarnation": incarnation, "seq": each.seq}
        for each, _ in judged
        for order in sorted({unit[0] for unit in each.units})
    ]
    if links:
        connection.execute(insert(event_order), links)


def _store_units(connection: Connection, working: Working) -> None:
    values: list[Value] = []
    for key in sorted(working.touched_units):
        now = working.units[key]
        values.append(
            {
                "at_order": key[0],
                "at_line": key[1],
                "at_unit": key[2],
                "holder": now.holder,
                "epoch": now.epoch,
                "state": now.state,
                "destination": now.destination,
                "parked": now.parked,
            }
        )
    if values:
        connection.execute(_CHANGE_UNIT, values)


def _store_acts(connection: Connection, sender: EnrolledNode, working: Working) -> None:
    for (seq, key), act in working.undone_acts.items():  # first: it frees the live index
        connection.execute(
            update(redemption)
            .where(
                redemption.c.order_id == key[0],
                redemption.c.line == key[1],
                redemption.c.unit == key[2],
                redemption.c.incarnation == working.incarnation,
                redemption.c.seq == seq,
            )
            .values(state=act.state)
        )
    values: list[Value] = [
        {
            "order_id": key[0],
            "line": key[1],
            "unit": key[2],
            "incarnation": working.incarnation,
            "seq": seq,
            "node": sender.node,
            "handover": act.handover,
            "at_ms": act.at_ms,
            "station": act.station,
            "operator": act.operator,
            "credential": act.credential,
            "state": act.state,
        }
        for (seq, key), act in working.new_acts.items()
    ]
    if values:
        connection.execute(insert(redemption), values)


def _store_answers(connection: Connection, working: Working, now_ms: int) -> None:
    for ask_id, body in working.answers.items():
        connection.execute(
            update(ask)
            .where(ask.c.ask_id == ask_id)
            .values(
                released=codec.pack([(line, unit) for _, line, unit in body.released]),
                kept=codec.pack([(line, unit) for _, line, unit in body.kept]),
                answered_ms=now_ms,
            )
        )
        record = connection.execute(select(ask).where(ask.c.ask_id == ask_id)).one()
        append(connection, store_scope(record.store), [order_rows.ask_row(record)])
    for order_id in sorted({body.order_id for body in working.answers.values()}):
        _settle(connection, order_id)


def _settle(connection: Connection, order_id: bytes) -> None:
    """Once every holder answered: cancelled if nothing can be collected any more, else open."""
    waiting = connection.execute(
        select(ask.c.ask_id).where(ask.c.order_id == order_id, ask.c.answered_ms.is_(None))
    ).first()
    order = order_rows.by_id(connection, order_id)
    if waiting is not None or order.state != "cancel_pending":
        return
    units = order_rows.units_of(connection, order_id)
    stopped = any(each.state == "released" for each in units)
    collectable = any(each.state == "held" for each in units)
    connection.execute(
        update(pickup_order)
        .where(pickup_order.c.order_id == order_id)
        .values(state="cancelled" if stopped and not collectable else "open")
    )
    order_rows.publish(connection, order_id)


def _store_rest(
    connection: Connection, sender: EnrolledNode, incarnation: bytes, working: Working
) -> None:
    for seq, body in working.bodies:
        if isinstance(body, CaseOpened):
            connection.execute(
                insert(review_case).values(
                    source="node",
                    store=sender.store,
                    node=sender.node,
                    incarnation=incarnation,
                    node_case=body.case,
                    seq=seq,
                    order_id=body.order_id,
                    reason=body.reason,
                    detail=body.station or "",
                    opened_ms=body.at_ms,
                )
            )
        elif isinstance(body, CaseClosed):
            connection.execute(
                update(review_case)
                .where(
                    review_case.c.node == sender.node,
                    review_case.c.incarnation == incarnation,
                    review_case.c.node_case == body.case,
                )
                .values(
                    closed_ms=body.at_ms,
                    outcome=body.outcome,
                    operator=body.operator,
                    note=body.note,
                )
            )
        elif isinstance(body, CodeLocked | CodeReleased):
            _store_lock(connection, sender, body)


def _store_lock(
    connection: Connection, sender: EnrolledNode, body: CodeLocked | CodeReleased
) -> None:
    where = and_(
        code_lock.c.store == sender.store,
        code_lock.c.lookup == body.lookup,
        code_lock.c.credential == body.credential,
    )
    if isinstance(body, CodeReleased):
        connection.execute(update(code_lock).where(where).values(released_ms=body.at_ms))
    elif connection.execute(select(code_lock).where(where)).first() is None:
        connection.execute(
            insert(code_lock).values(
                store=sender.store,
                lookup=body.lookup,
                credential=body.credential,
                locked_ms=body.at_ms,
                released_ms=None,
            )
        )
    else:
        connection.execute(
            update(code_lock).where(where).values(locked_ms=body.at_ms, released_ms=None)
        )


def _open_case(
    connection: Connection,
    sender: EnrolledNode,
    incarnation: bytes,
    *,
    seq: int,
    order_id: bytes | None,
    reason: str,
    detail: str,
    now_ms: int,
) -> None:
    same = select(review_case.c.case_id).where(
        review_case.c.source == "hub",
        review_case.c.node == sender.node,
        review_case.c.incarnation == incarnation,
        review_case.c.seq == seq,
        review_case.c.reason == reason,
    )
    if connection.execute(same).first() is not None:
        return
    connection.execute(
        insert(review_case).values(
            source="hub",
            store=sender.store,
            node=sender.node,
            incarnation=incarnation,
            seq=seq,
            order_id=order_id,
            reason=reason,
            detail=detail,
            opened_ms=now_ms,
        )
    )
