"""Lists of the console: cases, stock, moves, recalls. No list asks the database once a row."""

from typing import cast

from sqlalchemy import and_, case, func, select

from sync.hub import cases, recall_views, recalls, stock_tiers
from sync.hub.feed import CHAIN
from sync.hub.identity import Hub
from sync.hub.ownership_views import transfer_views
from sync.hub.stores import NOBODY, Json
from sync.hub.tables import pickup_order, store
from sync.hub.tables_ownership import transfer
from sync.hub.tables_recall import recall, recall_stop
from sync.hub.tables_stock import stock

CASES_A_PAGE = 20
_MOST_ROWS = 120
_MOST_RECALLS = 40
_MOST_HANDED = 60


def cases_view(hub: Hub, *, everything: bool, page: int = 1) -> Json:
    """A page of cases, the open ones unless everything is wanted."""
    found = cases.list_cases(hub, only_open=not everything)
    pages = max(1, -(-len(found) // CASES_A_PAGE))
    page = min(max(page, 1), pages)
    return {
        "cases": found[(page - 1) * CASES_A_PAGE : page * CASES_A_PAGE],
        "everything": everything,
        "page": page,
        "pages": pages,
    }


def stock_view(hub: Hub) -> Json:
    """Articles that are not normal, the worst first, and the moves proposed for them."""
    worst = case(
        (stock.c.tier == "emergency", 0),
        (stock.c.tier == "closed", 1),
        (stock.c.tier == "scarce", 2),
        else_=3,
    )
    with hub.database.reading() as connection:
        rows = connection.execute(
            select(stock)
            .where(stock.c.par.is_not(None), stock.c.tier != "normal")
            .order_by(worst, stock.c.store, stock.c.sku)
            .limit(_MOST_ROWS)
        ).all()
        tiers = [
            {
                "store": row.store,
                "sku": row.sku,
                "tier": row.tier,
                "par": row.par,
                "available": row.available,
                "since_ms": row.tier_ms,
                "closed": row.closed,
            }
            for row in rows
        ]
        return {"tiers": tiers, "proposals": stock_tiers.proposals(connection)[:_MOST_ROWS]}


def transfers_view(hub: Hub) -> Json:
    """The newest moves."""
    with hub.database.reading() as connection:
        rows = connection.execute(
            select(transfer).order_by(transfer.c.asked_ms.desc()).limit(_MOST_ROWS)
        ).all()
        return {"transfers": transfer_views(connection, rows, hub.clock.now_ms())}


def recalls_view(hub: Hub) -> Json:
    """The newest recalls, and how many stores proved that they stopped."""
    now_ms = hub.clock.now_ms()
    proved = (
        select(recall_stop.c.recall_id, func.count().label("stopped"))
        .join(
            store,
            and_(
                store.c.incarnation == recall_stop.c.incarnation,
                store.c.number == recall_stop.c.store,
            ),
        )
        .group_by(recall_stop.c.recall_id)
        .subquery()
    )
    with hub.database.reading() as connection:
        rows = connection.execute(
            select(recall, pickup_order.c.order_no, proved.c.stopped)
            .outerjoin(pickup_order, pickup_order.c.order_id == recall.c.order_id)
            .outerjoin(proved, proved.c.recall_id == recall.c.recall_id)
            .order_by(recall.c.asked_ms.desc())
            .limit(_MOST_RECALLS)
        ).all()
        boxes = connection.execute(
            select(func.count()).select_from(store).where(store.c.incarnation != NOBODY)
        ).scalar_one()
    return {
        "recalls": [
            {
                "recall_id": row.recall_id.hex(),
                "kind": row.kind,
                "sku": row.sku,
                "order_no": row.order_no,
                "reason": row.reason,
                "state": recall_views.state_of(row, now_ms),
                "asked_by": row.asked_by,
                "asked_ms": row.asked_ms,
                "stopped": row.stopped or 0,
                "asked": boxes if row.scope == CHAIN else 1,
            }
            for row in rows
        ]
    }


def recall_view(hub: Hub, recall_id: str) -> Json:
    """A recall with the proof of each store, those that did not stop first."""
    shown = recalls.show(hub, recall_id)
    stores = sorted(
        cast("list[Json]", shown["stores"]), key=lambda each: each["state"] == "stopped"
    )
    handed = cast("list[Json]", shown["handed"])
    return {
        "recall": {**shown, "stores": stores, "handed": handed[:_MOST_HANDED]},
        "more_handed": max(0, len(handed) - _MOST_HANDED),
    }
