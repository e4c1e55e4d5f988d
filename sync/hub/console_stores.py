"""Stores and their boxes as the console shows them: a few statements for the whole chain."""

from sqlalchemy import and_, func, select

from sync.hub import recovery
from sync.hub.identity import Hub
from sync.hub.ownership_views import is_reachable
from sync.hub.problems import missing
from sync.hub.stores import Json
from sync.hub.tables import event, node, review_case, store
from sync.wire import enrol

STORES_A_PAGE = 50
_MOST_BOXES = 20
_LEAST_FREE_BYTES = 1_000_000_000

_NEWEST = and_(
    event.c.node == node.c.node,
    event.c.incarnation == node.c.incarnation,
    event.c.seq == node.c.acked_seq,
)
_CURRENT = and_(node.c.node == store.c.node, node.c.incarnation == store.c.incarnation)


def stores_view(hub: Hub, *, page: int = 1, only_trouble: bool = False) -> Json:
    """A page of stores, and every box that waits to be confirmed."""
    now_ms = hub.clock.now_ms()
    with hub.database.reading() as connection:
        rows = connection.execute(
            select(
                store,
                node.c.seen_ms,
                node.c.acked_seq,
                node.c.version,
                node.c.clock,
                node.c.disk_free_bytes,
                event.c.trusted_ms,
            )
            .outerjoin(node, _CURRENT)
            .outerjoin(event, _NEWEST)
            .order_by(store.c.number)
        ).all()
        counted = connection.execute(
            select(review_case.c.store, func.count().label("cases"))
            .where(review_case.c.closed_ms.is_(None))
            .group_by(review_case.c.store)
        )
        cases = {row.store: row.cases for row in counted}
        pending = connection.execute(
            select(node.c.node, store.c.number, store.c.code)
            .join(store, store.c.number == node.c.store)
            .where(node.c.state == "pending")
            .order_by(node.c.asked_ms)
            .limit(_MOST_BOXES)
        ).all()
        is_recovering = recovery.is_recovering(connection)
    shown: list[Json] = []
    for row in rows:
        line = "none" if row.node is None else _line("enrolled", row.seen_ms, now_ms)
        low = row.disk_free_bytes is not None and row.disk_free_bytes < _LEAST_FREE_BYTES
        open_cases = cases.get(row.number, 0)
        if only_trouble and line == "online" and not (low or open_cases or row.clock == "unsure"):
            continue
        shown.append(
            {
                "number": row.number,
                "code": row.code,
                "name_zh": row.name_zh,
                "name_en": row.name_en,
                "line": line,
                "seen_ms": row.seen_ms,
                "newest_ms": row.trusted_ms,
                "version": row.version,
                "clock": row.clock,
                "disk_free_bytes": row.disk_free_bytes,
                "low": low,
                "open_cases": open_cases,
            }
        )
    pages = max(1, -(-len(shown) // STORES_A_PAGE))
    page = min(max(page, 1), pages)
    return {
        "stores": shown[(page - 1) * STORES_A_PAGE : page * STORES_A_PAGE],
        "all_stores": len(rows),
        "pending": [
            {"fingerprint": enrol.printed(row.node), "number": row.number, "code": row.code}
            for row in pending
        ],
        "recovering": is_recovering,
        "only_trouble": only_trouble,
        "page": page,
        "pages": pages,
    }


def store_view(hub: Hub, number: int) -> Json:
    """A store with its boxes, the one that works there first."""
    now_ms = hub.clock.now_ms()
    with hub.database.reading() as connection:
        home = connection.execute(select(store).where(store.c.number == number)).first()
        if home is None:
            raise missing(f"store {number}")
        rows = connection.execute(
            select(node, event.c.trusted_ms.label("newest_ms"))
            .outerjoin(event, _NEWEST)
            .where(node.c.store == number)
            .order_by(node.c.asked_ms.desc())
            .limit(_MOST_BOXES)
        ).all()
        open_cases = connection.execute(
            select(func.count())
            .select_from(review_case)
            .where(review_case.c.store == number, review_case.c.closed_ms.is_(None))
        ).scalar_one()
    boxes: list[Json] = [
        {
            "state": row.state,
            "line": _line(row.state, row.seen_ms, now_ms),
            "fingerprint": enrol.printed(row.node),
            "incarnation": row.incarnation.hex(),
            "seen_ms": row.seen_ms,
            "newest_ms": row.newest_ms,
            "acked_seq": row.acked_seq,
            "backed_up_seq": row.backed_up_seq,
            "version": row.version,
            "clock": row.clock,
            "disk_free_bytes": row.disk_free_bytes,
            "low": row.disk_free_bytes is not None and row.disk_free_bytes < _LEAST_FREE_BYTES,
        }
        for row in rows
    ]
    boxes.sort(key=lambda box: ("enrolled", "pending", "superseded").index(str(box["state"])))
    return {
        "store": {
            "number": home.number,
            "code": home.code,
            "name_zh": home.name_zh,
            "name_en": home.name_en,
            "has_box": home.node is not None,
        },
        "boxes": boxes,
        "open_cases": open_cases,
    }


def _line(state: str, seen_ms: int | None, now_ms: int) -> str:
    if state == "pending":
        return "pending"
    if state == "superseded":
        return "gone"
    return "online" if is_reachable(seen_ms, now_ms) else "offline"
