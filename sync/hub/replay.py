"""Events that an older version answered `later`, read after all (attack 15).

They were kept raw, and parked the units that they name. Once their kind is known they are judged as
if they came now, in their box's order; then what waited for them may be granted or refunded. A
node is not told anew: its outbox keeps what was `later`.
"""

from sqlalchemy import Connection, select, update

from sync.hub import event_rows, facts, ownership
from sync.hub.enrolment import EnrolledNode
from sync.hub.identity import Hub
from sync.hub.tables import event, node
from sync.hub.tables import unit as unit_table
from sync.wire import codec
from sync.wire.events import KINDS
from sync.wire.messages import EVENT_SCHEMA, Event, Unit

BATCH = 200


def take_later(hub: Hub) -> int:
    """Read what can be read now; answers how many events were."""
    count = 0
    while done := hub.database.again(lambda: _some(hub)):
        count += done
    return count


def _some(hub: Hub) -> int:
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        rows = connection.execute(
            select(event, node.c.store, node.c.public, node.c.state)
            .join(node, (node.c.node == event.c.node) & (node.c.incarnation == event.c.incarnation))
            .where(
                event.c.outcome == "later",
                event.c.schema <= EVENT_SCHEMA,
                event.c.kind.in_(sorted(KINDS)),
            )
            .order_by(event.c.received_ms, event.c.node, event.c.incarnation, event.c.seq)
            .limit(BATCH)
        ).all()
        for row in rows:
            sender = EnrolledNode(
                node=row.node,
                incarnation=row.incarnation,
                store=row.store,
                public=row.public,
                superseded=row.state == "superseded",
            )
            raw = Event(
                seq=row.seq,
                hlc=row.hlc,
                trusted_ms=row.trusted_ms,
                kind=row.kind,
                schema=row.schema,
                units=codec.unpack(tuple[Unit, ...], row.units),
                body=row.body,
                audit_seq=row.audit_seq,
                audit_hash=row.audit_hash,
            )
            _take(connection, sender, raw, now_ms)
        return len(rows)


def _take(connection: Connection, sender: EnrolledNode, raw: Event, now_ms: int) -> None:
    for order_id, line, unit in raw.units:
        connection.execute(
            update(unit_table)
            .where(
                unit_table.c.order_id == order_id,
                unit_table.c.line == line,
                unit_table.c.unit == unit,
                unit_table.c.parked > 0,
            )
            .values(parked=unit_table.c.parked - 1)
        )
    working = event_rows.load(connection, sender.incarnation, [raw])
    judged = facts.judge(working, raw)
    connection.execute(
        update(event)
        .where(
            event.c.node == sender.node,
            event.c.incarnation == sender.incarnation,
            event.c.seq == raw.seq,
        )
        .values(outcome=judged.outcome, reason=judged.reason)
    )
    event_rows.keep(connection, sender, working, [(raw, judged)], now_ms)
    for order_id in sorted({each[0] for each in raw.units}):
        ownership.settle(connection, order_id, now_ms)
