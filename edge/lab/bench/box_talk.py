"""What benches' boxes say to headquarters: questions for news, batches of hand-overs."""

import secrets
from collections.abc import Sequence

from sqlalchemy import select

from edge.lab.bench.hq import BenchHub, BenchOrder, Box, audit_hash
from sync.hub import feed
from sync.hub.identity import generation_of
from sync.hub.tables import feed_head
from sync.wire import codec
from sync.wire.events import Handed
from sync.wire.messages import Cursor, Event, EventBatch, FeedQuestion, Unit

PAGE_ROWS = 2_000


def questions(made: BenchHub, boxes: Sequence[Box]) -> list[bytes]:
    """The body of each box's question for news that has none: its cursors are the heads of now."""
    with made.hub.database.reading() as connection:
        generation = generation_of(connection)
        heads = {
            row.scope: Cursor(
                scope=row.scope, generation=generation, seq=row.seq, row_hash=row.row_hash
            )
            for row in connection.execute(select(feed_head))
        }
    return [
        codec.to_body(
            FeedQuestion(
                cursors=(heads[feed.CHAIN], heads[feed.store_scope(box.store)]),
                nonce=secrets.token_bytes(16),
                limit=PAGE_ROWS,
                regions=True,
            )
        )
        for box in boxes
    ]


def handed_batches(
    box: Box, orders: Sequence[BenchOrder], *, size: int, now_ms: int
) -> list[bytes]:
    """Bodies of batches of `size` events; each event hands over one unit of one order."""
    units: list[tuple[BenchOrder, Unit]] = [
        (order, (order.order_id, 1, each))
        for each in range(1, max(order.units for order in orders) + 1)
        for order in orders
        if each <= order.units
    ]
    events: list[Event] = []
    for seq, (order, unit) in enumerate(units, start=1):
        body = Handed(
            handover=seq,
            order_id=order.order_id,
            order_no=order.order_no,
            units=(unit,),
            epoch=1,
            at_ms=now_ms,
            station="counter-1",
            operator="b1",
            basis="replica",
            credential="v1",
        )
        events.append(
            Event(
                seq=seq,
                hlc=(now_ms << 16) + seq,
                trusted_ms=now_ms,
                kind="handed",
                schema=1,
                units=(unit,),
                body=codec.to_json(body),
                audit_seq=seq,
                audit_hash=audit_hash(seq),
            )
        )
    return [
        codec.to_body(
            EventBatch(
                incarnation=box.incarnation,
                nonce=secrets.token_bytes(16),
                events=tuple(events[start : start + size]),
            )
        )
        for start in range(0, len(events), size)
    ]
