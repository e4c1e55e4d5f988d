"""Events and what they changed, as rows: read for a batch, written back in its transaction.

A kind that is no ownership of units is kept by `_store_told`, one `case` a kind; the module behind
it has `apply(connection, sender, seq, body)`.
"""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection, and_, bindparam, insert, select, update

from sync.hub import (
    asks,
    attesting,
    documents,
    notices,
    order_rows,
    ownership,
    picking,
    recovery,
    refunds,
    transfers,
)
from sync.hub.enrolment import EnrolledNode
from sync.hub.facts import Act, AskNow, Judged, UnitNow, Working
from sync.hub.tables import ask, code_lock, event, event_order, redemption, review_case
from sync.hub.tables import unit as unit_table
from sync.wire import codec
from sync.wire.events import Attested, Body, CaseClosed, CaseOpened, CodeLocked, CodeReleased
from sync.wire.messages import Event, Unit
from sync.wire.picking_events import (
    DocumentMoved,
    OrderReady,
    Picked,
    PickStarted,
    ShortPicked,
)

Value = dict[str, object]
_CHUNK = 300
_CHANGE_UNIT = update(unit_table).where(
    unit_table.c.order_id == bindparam("at_order"),
    unit_table.c.line == bindparam("at_line"),
    unit_table.c.unit == bindparam("at_unit"),
)


def load(connection: Connection, incarnation: bytes, fresh: Sequence[Event]) -> Working:
    """What the database knows of the orders that a batch names."""
    orders = sorted({unit[0] for each in fresh for unit in each.units})
    units: dict[Unit, UnitNow] = {}
    live: set[Unit] = set()
    standing: Counter[Unit] = Counter()
    acts: dict[tuple[int, Unit], Act] = {}
    asked: dict[bytes, AskNow] = {}
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
            if row.state in ("live", "conflict"):
                standing[unit] += 1
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
            asked[row.ask_id] = AskNow(
                order_id=row.order_id,
                holder=row.holder,
                epoch=row.epoch,
                destination=row.destination,
                units=frozenset(order_rows.unpack_units(row.units)),
                answered=row.answered_ms is not None,
            )
    attests = any(each.kind == "attested" for each in fresh)
    return Working(
        incarnation=incarnation,
        units=units,
        acts=acts,
        asks=asked,
        live=live,
        standing=standing,
        recovering=recovery.is_recovering(connection),
        predecessors=attesting.predecessors(connection, incarnation) if attests else frozenset(),
    )


def store(
    connection: Connection,
    sender: EnrolledNode,
    working: Working,
    judged: Sequence[tuple[Event, Judged]],
    now_ms: int,
) -> None:
    """Write a judged batch back: its events, and all that they changed."""
    store_raw(connection, sender, working.incarnation, judged, now_ms)
    keep(connection, sender, working, judged, now_ms)


def keep(
    connection: Connection,
    sender: EnrolledNode,
    working: Working,
    judged: Sequence[tuple[Event, Judged]],
    now_ms: int,
) -> None:
    """Write back what judged events changed; the events themselves are kept already."""
    incarnation = working.incarnation
    _store_units(connection, working)
    _store_acts(connection, sender, working)
    _store_answers(connection, working, now_ms)
    _store_rest(connection, sender, incarnation, working)
    for order_id in picking.given_up(connection, [body for _, body in working.bodies]):
        ownership.settle(connection, order_id, now_ms)
    by_kind: dict[str, list[bytes]] = {}
    for each, verdict in judged:
        if verdict.outcome == "accepted":
            by_kind.setdefault(each.kind, []).extend(unit[0] for unit in each.units)
    for kind, order_ids in by_kind.items():
        notices.append(connection, kind, order_ids, now_ms)
    for trouble in working.troubles:
        detail = trouble.detail
        if trouble.reason == "after_refund":
            lost = [unit for unit in working.lost if unit[0] == trouble.order_id]
            detail = refunds.loss_words(connection, lost) if lost else detail
        open_case(
            connection,
            sender,
            incarnation,
            seq=trouble.seq,
            order_id=trouble.order_id,
            reason=trouble.reason,
            detail=detail,
            now_ms=now_ms,
        )


def store_raw(
    connection: Connection,
    sender: EnrolledNode,
    incarnation: bytes,
    judged: Sequence[tuple[Event, Judged]],
    now_ms: int,
) -> None:
    """Keep events and their outcomes, and nothing that they mean."""
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
    for body in working.answers.values():
        asks.answered(connection, body, now_ms)
    refunds.told(connection, handed=working.lost, stopped=working.stopped)
    for taken in working.grants_taken:
        transfers.accepted(connection, taken.order_id, taken.epoch, now_ms)
    for order_id in sorted({body.order_id for body in working.answers.values()}):
        ownership.settle(connection, order_id, now_ms)


def _store_rest(
    connection: Connection, sender: EnrolledNode, incarnation: bytes, working: Working
) -> None:
    for seq, body in working.bodies:
        _store_told(connection, sender, incarnation, seq, body)


def _store_told(
    connection: Connection, sender: EnrolledNode, incarnation: bytes, seq: int, body: Body
) -> None:
    """What is no ownership of a unit: each kind has one place that keeps it."""
    match body:
        case CaseOpened():
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
        case CaseClosed():
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
        case CodeLocked() | CodeReleased():
            _store_lock(connection, sender, body)
        case PickStarted() | Picked() | ShortPicked() | OrderReady():
            picking.apply(
                connection,
                node=sender.node,
                store=sender.store,
                incarnation=incarnation,
                seq=seq,
                body=body,
            )
        case DocumentMoved():
            why = documents.apply(connection, store=sender.store, body=body)
            if why:
                open_case(
                    connection,
                    sender,
                    incarnation,
                    seq=seq,
                    order_id=None,
                    reason=why,
                    detail=f"document_moved {body.document[:40]}",
                    now_ms=body.at_ms,
                )
        case Attested():
            attesting.apply(connection, incarnation=incarnation, body=body)
        case _:
            pass  # ownership of units, or a head that the envelope itself carries


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


def open_case(
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
    """Put a trouble before a person; the same one of the same event once."""
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
