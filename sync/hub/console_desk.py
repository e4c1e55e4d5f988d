"""What the console shows and does: HQ's own verbs, gathered for a page."""

from sqlalchemy import func, select

from sync.hub import (
    cases,
    enrolment,
    orders,
    ownership,
    recalls,
    recovery,
    stock_tiers,
    transfers,
)
from sync.hub.console_people import Session
from sync.hub.identity import Hub
from sync.hub.problems import Problem, invalid
from sync.hub.recalls import NewRecall
from sync.hub.refunds import NewRefund
from sync.hub.stores import Json, list_stores
from sync.hub.tables import pickup_order, review_case
from sync.hub.tables_stock import stock
from sync.hub.transfers import NewTransfer, order_of_code
from sync.wire import token
from sync.wire.errors import WireError

REACHABLE_MS = 90_000
_MOST_ROWS = 300


def stores_view(hub: Hub) -> Json:
    """Each store with its boxes and what waits there."""
    found = enrolment.fleet(hub)
    boxes: dict[object, list[Json]] = {}
    nodes = found["nodes"]
    assert isinstance(nodes, list)
    now_ms = hub.clock.now_ms()
    for box in nodes:
        seen = box["last_seen_ms"]
        box["line"] = (
            "pending"
            if box["state"] == "pending"
            else "gone"
            if box["state"] == "superseded"
            else "online"
            if seen is not None and now_ms - seen <= REACHABLE_MS
            else "offline"
        )
        boxes.setdefault(box["store"], []).append(box)
    with hub.database.reading() as connection:
        counted = connection.execute(
            select(review_case.c.store, func.count().label("open_cases"))
            .where(review_case.c.closed_ms.is_(None))
            .group_by(review_case.c.store)
        )
        waiting = {row.store: row.open_cases for row in counted}
        is_recovering = recovery.is_recovering(connection)
    shown = [
        {
            **each,
            "boxes": boxes.get(each["number"], []),
            "open_cases": waiting.get(each["number"], 0),
        }
        for each in list_stores(hub)
    ]
    return {"stores": shown, "recovering": is_recovering}


def find_order(hub: Hub, text: str) -> str | None:
    """The number of the order that this number or code belongs to."""
    plain = text.strip()
    with hub.database.reading() as connection:
        number = connection.execute(
            select(pickup_order.c.order_no).where(pickup_order.c.order_no == plain)
        ).scalar_one_or_none()
        if number is not None:
            return str(number)
        code_id = _code_id(plain)
        order = None if code_id is None else order_of_code(connection, code_id)
        return None if order is None else str(order.order_no)


def _code_id(plain: str) -> bytes | None:
    try:
        if plain.upper().startswith("P2:"):
            return token.parse_v2(plain).token.code_id
        return token.v1_code_id("".join(each for each in plain.upper() if each.isalnum()))
    except (ValueError, WireError):
        return None


def order_view(hub: Hub, order_no: str) -> Json:
    """An order, its moves, and where it could go."""
    shown = orders.show(hub, order_no)
    return {
        "order": shown,
        "moves": transfers.list_transfers(hub, order_no=order_no),
        "places": [each for each in list_stores(hub) if each["number"] != shown["store"]],
    }


def cases_view(hub: Hub, *, everything: bool) -> Json:
    """Cases, the open ones unless everything is wanted."""
    found = cases.list_cases(hub, only_open=not everything)
    return {"cases": found[:_MOST_ROWS], "more": max(0, len(found) - _MOST_ROWS)}


def stock_view(hub: Hub) -> Json:
    """Articles that are not normal, and the moves that were proposed for them."""
    with hub.database.reading() as connection:
        rows = connection.execute(
            select(stock)
            .where(stock.c.par.is_not(None), stock.c.tier != "normal")
            .order_by(stock.c.store, stock.c.sku)
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
        return {"tiers": tiers, "proposals": stock_tiers.proposals(connection)}


def transfers_view(hub: Hub) -> Json:
    """Moves, newest first."""
    return {"transfers": transfers.list_transfers(hub)[:_MOST_ROWS]}


def recalls_view(hub: Hub) -> Json:
    """Recalls with their proof by store."""
    listed = recalls.listed(hub)[:50]
    return {"recalls": [recalls.show(hub, str(each["recall_id"])) for each in listed]}


def pairing_sheet(hub: Hub, number: int) -> Json:
    """A pairing code, with the store it is for."""
    made = enrolment.new_pairing(hub, number)
    home = next(each for each in list_stores(hub) if each["number"] == number)
    return {**made, "home": home}


def cancel(hub: Hub, fields: dict[str, str], _who: Session) -> Json:
    """Ask the holder to stop."""
    return ownership.cancel(hub, fields["order_no"])


def refund(hub: Hub, fields: dict[str, str], _who: Session) -> Json:
    """Refund what was given up, ask for the rest."""
    return ownership.refund(hub, fields["order_no"], NewRefund())


def extend(hub: Hub, fields: dict[str, str], _who: Session) -> Json:
    """Give the customer longer."""
    try:
        hours = float(fields.get("hours", ""))
    except ValueError as error:
        raise invalid("Say how many hours.") from error
    return orders.extend(hub, fields["order_no"], hours)


def move(hub: Hub, fields: dict[str, str], who: Session) -> Json:
    """Ask the holder to give the order up to another store."""
    wanted = NewTransfer(order_no=fields["order_no"], to_store=_number(fields, "to_store"))
    return ownership.move(hub, wanted, by=who.login)


def close_case(hub: Hub, fields: dict[str, str], who: Session) -> Json:
    """Decide a case."""
    return cases.close(
        hub,
        _number(fields, "case"),
        outcome=fields.get("outcome", ""),
        note=fields.get("note", ""),
        by=who.login,
    )


def recall(hub: Hub, fields: dict[str, str], who: Session) -> Json:
    """Stop something in every store."""
    reason = fields.get("reason", "").strip()
    if not reason:
        raise invalid("Say why; people in the stores read it.")
    new = NewRecall(
        reason=reason[:200],
        sku=fields.get("sku", "").strip() or None,
        order_no=fields.get("order_no", "").strip() or None,
        code=fields.get("code", "").strip() or None,
    )
    return recalls.begin(hub, new, by=who.login)


def end_recall(hub: Hub, fields: dict[str, str], who: Session) -> Json:
    """It may be handed out again."""
    return recalls.end(hub, fields["recall"], by=who.login)


def confirm_box(hub: Hub, fields: dict[str, str], who: Session) -> Json:
    """The fingerprint is the one on the box's screen; the old box, if any, is unplugged."""
    replace = fields.get("replace") == "yes"
    if replace and fields.get("unplugged") != "yes":
        raise Problem(
            status=409, code="attest", detail="Attest that the old box is unplugged, by your name."
        )
    return enrolment.confirm(hub, fields["fingerprint"], replace=replace, by=who.name)


def _number(fields: dict[str, str], name: str) -> int:
    try:
        return int(fields.get(name, ""))
    except ValueError as error:
        raise invalid(f"{name} is a number.") from error
