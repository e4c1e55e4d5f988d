"""Everything that ever happened to an order, as one story in the order of time."""

from itertools import groupby
from typing import cast

from sqlalchemy import Connection, or_, select

from sync.hub import order_rows, orders
from sync.hub.identity import Hub
from sync.hub.order_rows import OrderRecord
from sync.hub.ownership_views import transfer_views, unpacked
from sync.hub.stores import Json, list_stores
from sync.hub.tables import ask, order_line, review_case
from sync.hub.tables_ownership import refund, transfer
from sync.hub.tables_provisional import provisional
from sync.hub.tables_recall import recall

_MOST_RUNS = 120
_MOST_TOLD = 200
_NOTHING: Json = {"outcome": "", "reason": ""}


def order_view(hub: Hub, order_no: str) -> Json:
    """An order, its units in runs, its story, and where it could go."""
    shown = orders.show(hub, order_no)
    now_ms = hub.clock.now_ms()
    with hub.database.reading() as connection:
        order = order_rows.by_number(connection, order_no)
        moves = connection.execute(
            select(transfer)
            .where(transfer.c.order_id == order.order_id)
            .order_by(transfer.c.asked_ms)
            .limit(_MOST_TOLD)
        ).all()
        moved = transfer_views(connection, moves, now_ms)
        told = _told(connection, order, moved)
    told += [_event(each) for each in _list(shown["events"])]
    told.sort(key=lambda each: int(str(each["at_ms"])))
    runs = _runs(_list(shown["lines"]))
    places = list_stores(hub)
    return {
        "order": shown,
        "runs": runs[:_MOST_RUNS],
        "more_runs": max(0, len(runs) - _MOST_RUNS),
        "waiting": [each for each in moved if each["state"] == "asked"],
        "story": told[-_MOST_TOLD:],
        "more_story": max(0, len(told) - _MOST_TOLD),
        "home": next(each for each in places if each["number"] == shown["store"]),
        "places": [each for each in places if each["number"] != shown["store"]],
    }


def _runs(lines: list[Json]) -> list[Json]:
    """Units of a line beside one another to which the same happened, in one row."""
    found: list[Json] = []
    for line in lines:
        for _, group in groupby(
            _list(line["units"]),
            key=lambda unit: (
                unit["state"],
                unit["destination"],
                bool(unit["conflicts"]),
                str(unit["handed"]),
            ),
        ):
            units = list(group)
            found.append(
                {
                    **units[0],
                    "line": line["line"],
                    "sku": line["sku"],
                    "first": units[0]["unit"],
                    "last": units[-1]["unit"],
                }
            )
    return found


def _list(value: object) -> list[Json]:
    return cast("list[Json]", value)


def _event(told: Json) -> Json:
    return {
        "at_ms": told["at_ms"],
        "what": f"event_{told['kind']}",
        "kind": told["kind"],
        "text": f"{str(told['node'])[:8]}/{told['seq']}",
        "outcome": told["outcome"],
        "reason": told["reason"],
        "link": "",
    }


def _said(at_ms: object, what: str, text: str = "", link: str = "") -> Json:
    return {"at_ms": at_ms, "what": what, "kind": what, "text": text, "link": link, **_NOTHING}


def _told(connection: Connection, order: OrderRecord, moved: list[Json]) -> list[Json]:
    """What HQ itself knows: made, asked, moved, refunded, given provisionally, recalled."""
    found = [_said(order.created_ms, "told_made")]
    for move in moved:
        way = f"{move['from_code']} → {move['to_code']}"
        found.append(_said(move["asked_ms"], "told_move_asked", f"{way} · {move['asked_by']}"))
        if move["settled_ms"]:
            found.append(_said(move["settled_ms"], f"told_move_{move['state']}", way))
        if move["accepted_ms"]:
            found.append(_said(move["accepted_ms"], "told_move_accepted", str(move["to_code"])))
    stops = connection.execute(
        select(ask).where(ask.c.order_id == order.order_id, ask.c.destination.like("hq:%"))
    )
    for row in stops:
        asked = len(unpacked(row.units))
        what = row.destination.removeprefix("hq:")
        found.append(_said(row.asked_ms, f"told_{what}_asked", f"×{asked}"))
        if row.answered_ms:
            stopped = len(unpacked(row.released))
            found.append(_said(row.answered_ms, "told_stopped", f"{stopped} / {asked}"))
    return found + _money(connection, order) + _stopped(connection, order)


def _money(connection: Connection, order: OrderRecord) -> list[Json]:
    found: list[Json] = []
    for row in connection.execute(select(refund).where(refund.c.order_id == order.order_id)):
        unit = f"{row.line}/{row.unit}"
        if row.refunded_ms:
            by = f" · {row.override_by}: {row.override_reason}" if row.override_by else ""
            found.append(_said(row.refunded_ms, "told_refunded", unit + by))
    given = connection.execute(select(provisional).where(provisional.c.order_id == order.order_id))
    for row in given:
        unit = f"{row.line}/{row.unit} · {row.operator}"
        found.append(_said(row.given_ms, "told_provisional", unit))
        if row.settled_ms:
            found.append(_said(row.settled_ms, f"told_provisional_{row.state}", row.detail))
    return found


def _stopped(connection: Connection, order: OrderRecord) -> list[Json]:
    found: list[Json] = []
    skus = select(order_line.c.sku).where(order_line.c.order_id == order.order_id)
    recalls = connection.execute(
        select(recall).where(or_(recall.c.order_id == order.order_id, recall.c.sku.in_(skus)))
    )
    for row in recalls:
        link = f"/console/recalls/{row.recall_id.hex()}"
        found.append(_said(row.asked_ms, "told_recalled", f"{row.sku or ''} {row.reason}", link))
        if row.ended_ms:
            found.append(_said(row.ended_ms, "told_recall_ended", row.ended_by or "", link))
    cases = connection.execute(select(review_case).where(review_case.c.order_id == order.order_id))
    for row in cases:
        link = "/console/cases?everything=1"
        found.append(_said(row.opened_ms, "told_case", f"#{row.case_id} {row.detail}", link))
        if row.closed_ms:
            decided = f"#{row.case_id} {row.outcome or ''} · {row.operator or ''}"
            found.append(_said(row.closed_ms, "told_case_closed", decided, link))
    return found
