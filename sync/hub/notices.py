"""What the chain's own systems may know, in order: a notice for each change of an order.

A notice names the order, what happened and how its units stood then; no code, no name. It is put
down in the transaction that made the change and numbered afterwards, by one transaction at a time:
so nobody who reads on from the last number skips one that committed late, and changes of different
orders do not wait for one another. Nothing is dropped by age.
"""

import json
import secrets
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select, update

from sync.hub.identity import Hub, generation_of
from sync.hub.stores import Json
from sync.hub.tables import pickup_order
from sync.hub.tables import unit as unit_table
from sync.hub.tables_outside import notice, notice_head

MAX_PAGE = 500
_NUMBERED_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One change of an order; `body` is JSON."""

    seq: int
    kind: str
    order_no: str
    at_ms: int
    body: str


def append(connection: Connection, kind: str, order_ids: Sequence[bytes], now_ms: int) -> None:
    """Say that something happened to these orders, as they stand in this transaction."""
    orders = connection.execute(
        select(pickup_order).where(pickup_order.c.order_id.in_(sorted(set(order_ids))))
    ).all()
    if not orders:
        return
    states: dict[bytes, Counter[str]] = {order.order_id: Counter() for order in orders}
    for row in connection.execute(
        select(unit_table.c.order_id, unit_table.c.state).where(
            unit_table.c.order_id.in_(list(states))
        )
    ):
        states[row.order_id][row.state] += 1
    connection.execute(
        insert(notice),
        [
            {
                "notice_id": _next_id(),
                "kind": kind,
                "order_no": order.order_no,
                "at_ms": now_ms,
                "body": json.dumps(
                    {
                        "store": order.home_store,
                        "state": order.state,
                        "ready": order.ready,
                        "epoch": order.epoch,
                        "units": dict(sorted(states[order.order_id].items())),
                    }
                ),
            }
            for order in orders
        ],
    )


def _next_id() -> bytes:
    """Sixteen bytes that sort as they were made: two changes may share a millisecond."""
    return time.time_ns().to_bytes(8, "big") + secrets.token_bytes(8)


def number(hub: Hub) -> None:
    """Give numbers to what was written since; nothing happens when there is nothing."""

    def once() -> bool:
        with hub.database.writing() as connection:
            return _number(connection)

    while _unnumbered(hub) and hub.database.again(once):
        pass


def _unnumbered(hub: Hub) -> bool:
    with hub.database.reading() as connection:
        found = connection.execute(
            select(notice.c.notice_id).where(notice.c.seq.is_(None)).limit(1)
        )
        return found.first() is not None


def _number(connection: Connection) -> bool:
    """Number a page; whether more may be waiting."""
    waiting = connection.execute(
        select(notice.c.notice_id)
        .where(notice.c.seq.is_(None))
        .order_by(notice.c.at_ms, notice.c.notice_id)
        .limit(_NUMBERED_AT_ONCE)
    ).all()
    if not waiting:
        return False
    taken = connection.execute(
        update(notice_head)
        .values(seq=notice_head.c.seq + len(waiting))
        .returning(notice_head.c.seq)
    ).scalar_one_or_none()
    if taken is None:
        taken = len(waiting)
        connection.execute(insert(notice_head).values(only=1, seq=taken))
    first = taken - len(waiting) + 1
    connection.execute(
        update(notice).where(notice.c.notice_id == bindparam("which")).values(seq=bindparam("as_")),
        [{"which": row.notice_id, "as_": first + index} for index, row in enumerate(waiting)],
    )
    return len(waiting) == _NUMBERED_AT_ONCE


def read(hub: Hub, *, after: int, limit: int, store: int | None = None) -> Json:
    """Notices behind a number, oldest first, and the number to go on from.

    Numbers belong to a generation: when another one is named, HQ was restored; begin at 0 again.
    """
    number(hub)
    with hub.database.reading() as connection:
        rows = page(connection, after=after, limit=limit)
        generation = generation_of(connection)
    shown = [view(row) for row in rows]
    if store is not None:
        shown = [each for each in shown if each["store"] == store]
    return {
        "generation": generation.hex(),
        "notices": shown,
        "next": rows[-1].seq if rows else after,
        "more": len(rows) == limit,
    }


def page(connection: Connection, *, after: int, limit: int) -> list[Notice]:
    """At most `limit` notices behind a number."""
    return [
        Notice(seq=row.seq, kind=row.kind, order_no=row.order_no, at_ms=row.at_ms, body=row.body)
        for row in connection.execute(
            select(notice).where(notice.c.seq > after).order_by(notice.c.seq).limit(limit)
        )
    ]


def view(row: Notice) -> Json:
    """A notice as others read it."""
    more: Json = json.loads(row.body)
    return {
        "seq": row.seq,
        "kind": row.kind,
        "order_no": row.order_no,
        "at_ms": row.at_ms,
        **more,
    }


def last(connection: Connection) -> int:
    """The newest number."""
    found = connection.execute(select(notice_head.c.seq))
    return found.scalar_one_or_none() or 0
