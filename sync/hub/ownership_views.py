"""What HQ's API shows of questions to stores: asked against stopped, and what came of it."""

from collections.abc import Sequence

from sqlalchemy import Connection, Row, select

from sync.hub.stores import Json
from sync.hub.tables import ask, node, pickup_order, store
from sync.hub.tables_ownership import refund
from sync.wire import codec

Record = Row[tuple[object, ...]]
REACHABLE_MS = 90_000
"""A box that was heard within this is called reachable; a box asks every 30 s."""


def unpacked(packed: bytes | None) -> list[tuple[int, int]]:
    """(line, unit) pairs as a column keeps them."""
    return codec.unpack(list[tuple[int, int]], packed) if packed else []


def asked_and_stopped(rows: Sequence[Record]) -> Json:
    """Questions put at one moment, one a holder: what was asked, what stopped, what was kept."""
    asked = [pair for row in rows for pair in unpacked(row.units)]
    stopped = [pair for row in rows for pair in unpacked(row.released)]
    kept = [pair for row in rows for pair in unpacked(row.kept)]
    state = "asked"
    if all(row.answered_ms is not None for row in rows):
        state = "stopped" if len(stopped) == len(asked) else "partly" if stopped else "kept"
    return {
        "state": state,
        "ask_ids": [row.ask_id.hex() for row in rows],
        "asked_ms": min((row.asked_ms for row in rows), default=None),
        "answered_ms": max((row.answered_ms or 0 for row in rows), default=0) or None,
        "asked_units": asked,
        "stopped_units": stopped,
        "kept_units": kept,
    }


def asks_view(connection: Connection, order_id: bytes, destination: str) -> Json | None:
    """The newest question with this destination, over all its holders; None if there was none."""
    rows = connection.execute(
        select(ask)
        .where(ask.c.order_id == order_id, ask.c.destination == destination)
        .order_by(ask.c.asked_ms.desc())
    ).all()
    if not rows:
        return None
    return asked_and_stopped([row for row in rows if row.asked_ms == rows[0].asked_ms])


def refund_views(connection: Connection, order_id: bytes) -> list[Json]:
    """Every refund of an order. loss: a named person refunded what may still be handed over."""
    rows = connection.execute(
        select(refund).where(refund.c.order_id == order_id).order_by(refund.c.line, refund.c.unit)
    )
    return [
        {
            "refund_id": row.refund_id.hex(),
            "line": row.line,
            "unit": row.unit,
            "state": row.state,
            "asked_ms": row.asked_ms,
            "refunded_ms": row.refunded_ms,
            "override_by": row.override_by,
            "override_reason": row.override_reason,
            "loss": row.loss,
        }
        for row in rows
    ]


def transfer_views(connection: Connection, rows: Sequence[Record], now_ms: int) -> list[Json]:
    """Moves as HQ sees them: `asked` may still be handed over at home; `granted` may not."""
    wanted = {row.order_id for row in rows}
    stores = {
        row.number: row
        for row in connection.execute(
            select(store, node.c.seen_ms).outerjoin(node, node.c.incarnation == store.c.incarnation)
        )
    }
    asks: dict[tuple[bytes, str, int], list[Record]] = {}
    for each in connection.execute(select(ask).where(ask.c.order_id.in_(wanted))):
        asks.setdefault((each.order_id, each.destination, each.asked_ms), []).append(each)
    numbers = {
        each.order_id: each.order_no
        for each in connection.execute(
            select(pickup_order.c.order_id, pickup_order.c.order_no).where(
                pickup_order.c.order_id.in_(wanted)
            )
        )
    }
    found: list[Json] = []
    for row in rows:
        home = stores[row.from_store]
        heard_ms = home.seen_ms
        asked = asks.get((row.order_id, f"store:{row.to_store}", row.asked_ms), [])
        found.append(
            {
                "transfer_id": row.transfer_id.hex(),
                "order_no": numbers[row.order_id],
                "from_store": row.from_store,
                "from_code": home.code,
                "to_store": row.to_store,
                "to_code": stores[row.to_store].code,
                "state": row.state,
                "asked_by": row.asked_by,
                "asked_ms": row.asked_ms,
                "holders": asked_and_stopped(asked) if asked else None,
                "home_heard_ms": heard_ms,
                "home_reachable": is_reachable(heard_ms, now_ms),
                "units": unpacked(row.units),
                "granted_units": unpacked(row.granted),
                "granted_epoch": row.granted_epoch,
                "settled_ms": row.settled_ms,
                "accepted_ms": row.accepted_ms,
            }
        )
    return found


def last_heard_ms(connection: Connection, incarnation: bytes) -> int | None:
    """When a box was heard last."""
    return connection.execute(
        select(node.c.seen_ms).where(node.c.incarnation == incarnation)
    ).scalar_one_or_none()


def is_reachable(heard_ms: int | None, now_ms: int) -> bool:
    """Whether a box was heard a moment ago."""
    return heard_ms is not None and now_ms - heard_ms <= REACHABLE_MS
