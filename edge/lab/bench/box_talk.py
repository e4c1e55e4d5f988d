"""What benches' boxes say to headquarters: questions for news, batches of hand-overs."""

import secrets
from collections.abc import Sequence

from edge.lab.bench.hq import BenchHub, BenchOrder, Box, audit_hash
from sync.hub import feed
from sync.hub.identity import generation_of
from sync.wire import codec
from sync.wire.events import Handed
from sync.wire.messages import Event, EventBatch, FeedQuestion, Unit

PAGE_ROWS = 2_000


def question(made: BenchHub, box: Box) -> bytes:
    """The body of a question for news that has none: its cursors are the heads of now."""
    with made.hub.database.reading() as connection:
        generation = generation_of(connection)
        cursors = tuple(
            feed.head_cursor(connection, scope, generation)
            for scope in (feed.CHAIN, feed.store_scope(box.store))
        )
    asked = FeedQuestion(
        cursors=cursors, nonce=secrets.token_bytes(16), limit=PAGE_ROWS, regions=True
    )
    return codec.to_body(asked)


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
