"""What the console does: HQ's own verbs, each under the name of who is logged in."""

from sqlalchemy import select

from sync.hub import cases, enrolment, orders, ownership, recalls
from sync.hub.console_people import Session
from sync.hub.identity import Hub
from sync.hub.problems import Problem, invalid, missing
from sync.hub.recalls import NewRecall
from sync.hub.refunds import NewRefund
from sync.hub.stores import Json, list_stores
from sync.hub.tables import node, pickup_order
from sync.hub.transfers import NewTransfer, order_of_code
from sync.rules import crockford
from sync.wire import token
from sync.wire.errors import WireError
from sync.wire.rotating import parse_rotating


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
        if plain.upper().startswith("P3:"):
            return parse_rotating(plain).code_id
        return token.v1_code_id(crockford.normalise(plain))
    except (ValueError, WireError):
        return None


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


def take_case(hub: Hub, fields: dict[str, str], who: Session) -> Json:
    """Look after a case from now on."""
    return cases.own(hub, _number(fields, "case"), by=who.login)


def leave_case(hub: Hub, fields: dict[str, str], who: Session) -> Json:
    """Look after it no more."""
    return cases.disown(hub, _number(fields, "case"), by=who.login)


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


def store_of_box(hub: Hub, fingerprint: str) -> int:
    """Where a box belongs (404: nobody knows it)."""
    with hub.database.reading() as connection:
        number: int | None = connection.execute(
            select(node.c.store)
            .where(node.c.node == crockford.normalise(fingerprint))
            .order_by(node.c.asked_ms.desc())
            .limit(1)
        ).scalar_one_or_none()
    if number is None:
        raise missing(f"box {fingerprint}")
    return number


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
