"""What HQ keeps beside an order for its picking, as rows: choice, prices, life."""

from collections.abc import Sequence

from sqlalchemy import Connection, Row, insert, select, update

from sync.hub.stores import Json
from sync.hub.tables import redemption
from sync.hub.tables_picking import order_pick, order_price, short_unit
from sync.rules.order_life import OnShort, life


def record(
    connection: Connection,
    order_id: bytes,
    *,
    on_short: OnShort,
    ready: bool,
    prices: Sequence[int],
) -> None:
    """Keep what the customer chose and pays, beside a new order; prices in line order."""
    state = "ready" if ready else "placed"
    connection.execute(insert(order_pick).values(order_id=order_id, on_short=on_short, state=state))
    priced = [
        {"order_id": order_id, "line": line, "unit_minor": minor}
        for line, minor in enumerate(prices, start=1)
        if minor
    ]
    if priced:
        connection.execute(insert(order_price), priced)


def choice_of(connection: Connection, order_id: bytes) -> OnShort:
    """What the customer wants when an article is not there."""
    chosen: OnShort | None = connection.execute(
        select(order_pick.c.on_short).where(order_pick.c.order_id == order_id)
    ).scalar_one_or_none()
    return chosen or "refund_line"


def prices_of(connection: Connection, order_id: bytes) -> dict[int, int]:
    """Minor units a piece by line, where HQ knows them."""
    rows = connection.execute(select(order_price).where(order_price.c.order_id == order_id))
    return {row.line: row.unit_minor for row in rows}


def ensure(connection: Connection, order_id: bytes, *, ready: bool) -> None:
    """An order of an earlier release has no row of its own yet."""
    known = select(order_pick.c.order_id).where(order_pick.c.order_id == order_id)
    if connection.execute(known).first() is None:
        record(connection, order_id, on_short="refund_line", ready=ready, prices=())


def change(connection: Connection, order_id: bytes, **values: object) -> None:
    """Change how far an order is, or what its customer chose."""
    connection.execute(update(order_pick).where(order_pick.c.order_id == order_id).values(**values))


def forget(connection: Connection, order_id: bytes) -> None:
    """The order went to another store: there it is placed, and nothing of it lies in a bin."""
    ensure(connection, order_id, ready=False)
    change(
        connection,
        order_id,
        state="placed",
        started_ms=None,
        started_by=None,
        ready_ms=None,
        ready_by=None,
        waiting_ms=None,
    )


def view(
    connection: Connection,
    order: Row[tuple[object, ...]],
    units: Sequence[Row[tuple[object, ...]]],
) -> Json:
    """An order's life with its times, for HQ's API."""
    order_id: bytes = order.order_id
    row = connection.execute(select(order_pick).where(order_pick.c.order_id == order_id)).first()
    handed_ms = connection.execute(
        select(redemption.c.at_ms)
        .where(redemption.c.order_id == order_id, redemption.c.state == "live")
        .order_by(redemption.c.at_ms.desc())
    ).scalars()
    shorts = connection.execute(
        select(short_unit)
        .where(short_unit.c.order_id == order_id)
        .order_by(short_unit.c.line, short_unit.c.unit)
    )
    return {
        "now": life(
            ready=bool(order.ready),
            started=row is not None and row.started_ms is not None,
            open_units=sum(each.state == "held" for each in units),
            handed_units=sum(each.state == "handed" for each in units),
        ),
        "on_short": "refund_line" if row is None else row.on_short,
        "placed_ms": order.created_ms,
        "picking_ms": None if row is None else row.started_ms,
        "picked_by": None if row is None else row.ready_by or row.started_by,
        "waiting_ms": None if row is None else row.waiting_ms,
        "ready_ms": None if row is None else row.ready_ms,
        "handed_ms": next(iter(handed_ms), None),
        "short": [
            {
                "line": each.line,
                "unit": each.unit,
                "choice": each.choice,
                "store": each.store,
                "at_ms": each.at_ms,
                "sub_sku": each.sub_sku,
                "charged_minor": each.charged_minor,
                "back_minor": each.back_minor,
            }
            for each in shorts
        ],
    }
