"""Orders: made, shown, extended, issued anew, cancelled. Each change is a feed row for the store.

Every verb is one transaction. What leaves the store (cancel) is only asked for: the units belong
to their holder until it has answered (attacks 1 to 3).
"""

import json
import secrets
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import Field
from sqlalchemy import Connection, insert, select, update

from sync.hub import (
    codes,
    customer_page,
    notices,
    order_rights,
    order_rows,
    pick_rows,
    recalls,
    rotating,
    transfers,
)
from sync.hub.codes import Issue, Issued, Platform
from sync.hub.identity import Hub
from sync.hub.order_rows import OrderRecord
from sync.hub.problems import invalid, missing, refused
from sync.hub.stores import Json, store_row
from sync.hub.tables import order_line, pickup_order, product
from sync.hub.tables import unit as unit_table
from sync.rules import crockford
from sync.rules.order_life import OnShort
from sync.wire.credential import phone_tail_lookup
from sync.wire.sealing import seal
from sync.wire.token import MAX_LINES, ORDER_ID_BYTES

HOUR_MS = 3_600_000
PICKUP_HOURS = 48
MAX_UNITS = 500
"""What one event of the store can name within its bound (`messages.MAX_EVENT_BYTES`)."""
MAX_EPOCH = 2**16 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLine:
    """A line to be ordered; `bundle_of` is the number (from 1) of the main item's line.

    unit_minor: what the customer pays for a piece; 0 leaves it to the shop that took the money.
    """

    sku: str
    quantity: Annotated[int, Field(ge=1, le=9_999)] = 1
    bundle_of: int | None = None
    unit_minor: Annotated[int, Field(ge=0, le=10**12)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """Who collects; leaves the hub sealed, for the home store alone."""

    name: Annotated[str, Field(max_length=80)] = ""
    phone: Annotated[str, Field(max_length=30)] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order to be picked up; `hours` from now, or an instant, else 48 h."""

    store: int
    lines: Annotated[tuple[NewLine, ...], Field(min_length=1, max_length=MAX_LINES)]
    order_no: Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{4,32}$")] | None = None
    customer: Customer | None = None
    hours: Annotated[float, Field(gt=0, le=24 * 365)] | None = None
    not_after_ms: int | None = None
    lane: Literal["normal", "priority"] = "normal"
    ready: bool = True
    place: Annotated[str, Field(max_length=40)] = ""
    bags: Annotated[int, Field(ge=0, le=999)] = 1
    value_minor: Annotated[int, Field(ge=0)] = 0
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "CNY"
    min_grade: Annotated[int, Field(ge=1, le=5)] = 1
    courier: bool = False
    platform: Platform | None = None
    rotating: bool = False
    on_short: OnShort = "refund_line"
    channel: Literal["online"] = "online"


def _answer(connection: Connection, order_id: bytes, issued: Issued | None = None) -> Json:
    shown = order_rows.view(connection, order_rows.by_id(connection, order_id))
    if issued is not None:
        shown["codes"] = {
            "v1": issued.v1,
            "v2": issued.v2,
            "pl": issued.pl,
            "serial": issued.serial,
            "pin": issued.pin,
            "platform": issued.platform,
            "rotating": issued.rotating,
        }
        shown["customer_page"] = issued.customer_page
    return shown


def _check_lines(connection: Connection, lines: tuple[NewLine, ...]) -> int:
    """The least grade that the products ask for."""
    grades: list[int] = [1]
    for line in lines:
        grade = connection.execute(
            select(product.c.min_grade).where(product.c.sku == line.sku)
        ).scalar_one_or_none()
        if grade is None:
            raise missing(f"product {line.sku}")
        if line.bundle_of is not None and not 1 <= line.bundle_of <= len(lines):
            raise invalid("bundle_of names a line of the same order, from 1.")
        grades.append(grade)
    if sum(line.quantity for line in lines) > MAX_UNITS:
        raise invalid(f"An order has at most {MAX_UNITS} units.")
    return max(grades)


def _free_number(connection: Connection, wanted: str | None) -> str:
    order_no = wanted or "SE" + crockford.encode(secrets.randbits(40), 8)
    taken = select(pickup_order.c.order_no).where(pickup_order.c.order_no == order_no)
    if connection.execute(taken).first() is not None:
        raise refused("exists", f"Order {order_no} exists.")
    return order_no


def create(hub: Hub, new: NewOrder, *, reservation: str | None = None) -> Json:
    """Make an order with its codes; the answer is the only place where they stand in clear.

    reservation: pieces that were set aside for it, which become its own.

    Raises:
        Problem: 409 `sold_out`, `online_closed`, `rate_capped` where HQ holds no right to sell,
            `recalled`.
    """
    now_ms = hub.clock.now_ms()
    not_after_ms = new.not_after_ms or now_ms + int((new.hours or PICKUP_HOURS) * HOUR_MS)
    order_id = secrets.token_bytes(ORDER_ID_BYTES)
    with hub.database.writing() as connection:
        home = store_row(connection, new.store)
        min_grade = max(new.min_grade, _check_lines(connection, new.lines))
        recalls.refuse_recalled(connection, [line.sku for line in new.lines], now_ms)
        phone = "".join(filter(str.isdigit, new.customer.phone)) if new.customer else ""
        connection.execute(
            insert(pickup_order).values(
                order_id=order_id,
                order_no=_free_number(connection, new.order_no),
                home_store=new.store,
                epoch=1,
                state="open",
                not_after_ms=not_after_ms,
                last_not_after_ms=not_after_ms,
                created_ms=now_ms,
                lane=new.lane,
                ready=new.ready,
                place=new.place,
                bags=new.bags,
                value_minor=new.value_minor
                or sum(line.unit_minor * line.quantity for line in new.lines),
                currency=new.currency,
                min_grade=min_grade,
                sealed=_sealed(home.k_personal, order_id, new.customer),
                phone_tail=phone_tail_lookup(home.k_personal, phone[-4:])
                if len(phone) >= 4
                else None,
            )
        )
        _add_lines(connection, order_id, new.lines, home.incarnation)
        order_rights.take_right_for_order(
            connection,
            store=new.store,
            order_id=order_id,
            lines=[(n, line.sku, line.quantity) for n, line in enumerate(new.lines, start=1)],
            now_ms=now_ms,
            reservation_id=reservation,
        )
        pick_rows.record(
            connection,
            order_id,
            on_short=new.on_short,
            ready=new.ready,
            prices=[line.unit_minor for line in new.lines],
        )
        issue = Issue(
            order_id=order_id,
            store=new.store,
            k_store=home.k_store,
            epoch=1,
            not_after_ms=not_after_ms,
            now_ms=now_ms,
        )
        issued = _issue_all(connection, issue, home.incarnation, courier=new.courier)
        if new.platform is not None:
            issued = replace(issued, platform=codes.put_platform(connection, issue, new.platform))
        issued = _page(connection, issue, issued, rotates=_rotates(new.rotating, min_grade))
        order_rows.publish(connection, order_id)
        rotating.push(connection, order_id, now_ms=now_ms)
        notices.append(connection, "placed", [order_id], now_ms)
        return _answer(connection, order_id, issued)


def _sealed(k_personal: bytes, order_id: bytes, customer: Customer | None) -> bytes | None:
    if customer is None:
        return None
    plain = json.dumps({"name": customer.name, "phone": customer.phone}, ensure_ascii=False)
    return seal(k_personal, plain.encode(), bound_to=order_id)


def _add_lines(
    connection: Connection, order_id: bytes, lines: tuple[NewLine, ...], holder: bytes
) -> None:
    units: list[Json] = []
    for number, line in enumerate(lines, start=1):
        connection.execute(
            insert(order_line).values(
                order_id=order_id,
                line=number,
                sku=line.sku,
                quantity=line.quantity,
                bundle_of=line.bundle_of,
            )
        )
        units.extend(
            {
                "order_id": order_id,
                "line": number,
                "unit": each,
                "holder": holder,
                "epoch": 1,
                "state": "held",
                "destination": "",
                "parked": 0,
            }
            for each in range(1, line.quantity + 1)
        )
    connection.execute(insert(unit_table), units)


def _issue_all(connection: Connection, issue: Issue, current: bytes, *, courier: bool) -> Issued:
    issued = Issued(v1=codes.put_v1(connection, issue))
    if transfers.may_sign(connection, issue.order_id, current):
        v2, pl = codes.put_v2(connection, issue)
        issued = replace(issued, v2=v2, pl=pl)
    if courier:
        serial, pin = codes.put_courier(connection, issue)
        issued = replace(issued, serial=serial, pin=pin)
    return issued


def _rotates(wanted: bool, min_grade: int) -> bool:
    """Whether an order gets a rotating code: asked for, or weaker ones are not taken for it."""
    return wanted or min_grade >= codes.GRADE["v3"]


def _page(connection: Connection, issue: Issue, issued: Issued, *, rotates: bool) -> Issued:
    """With the customer's page, and with the rotating code that it shows."""
    told = rotating.put_v3(connection, issue).told() if rotates else None
    address = customer_page.open_page(connection, issue.order_id, now_ms=issue.now_ms)
    return replace(issued, rotating=told, customer_page=address)


def show(hub: Hub, order_no: str) -> Json:
    """An order with each unit's life."""
    with hub.database.reading() as connection:
        return order_rows.view(connection, order_rows.by_number(connection, order_no))


def _grant_back(connection: Connection, order_id: bytes, epoch: int, current: bytes) -> None:
    """Units that the store gave up by itself are the hub's; it grants them again at `epoch`.

    What the store still holds goes to the same epoch: a lapse that is on its way is older then.
    What was cancelled or refunded stays so; the order's row says that it is not the store's.
    """
    connection.execute(
        update(unit_table)
        .where(
            unit_table.c.order_id == order_id,
            unit_table.c.parked == 0,
            unit_table.c.state.in_(("lapsed", "held")),
        )
        .values(state="held", holder=current, epoch=epoch)
    )


def _next_epoch(order: OrderRecord) -> int:
    if order.epoch >= MAX_EPOCH:
        raise refused("worn_out", "This order was issued anew too often; make a new one.")
    epoch: int = order.epoch + 1
    return epoch


def _may_grant_back(connection: Connection, order: OrderRecord, current: bytes) -> bool:
    """Whether there is something to grant again.

    Raises:
        Problem: an earlier incarnation still holds other units of the order.
    """
    units = order_rows.units_of(connection, order.order_id)
    if not any(each.state == "lapsed" for each in units):
        return False
    if any(each.state == "held" and each.holder != current for each in units):
        raise refused("two_holders", "The store's earlier box still holds a part of this order.")
    return True


def extend(hub: Hub, order_no: str, hours: float) -> Json:
    """Give the customer longer, from now or from the old end; answers a fresh V2 as well.

    Units that the store had given up (`lapsed`) are granted to it again, at the next epoch.
    """
    if not 0 < hours <= 24 * 365:
        raise invalid("hours is above 0 and at most a year.")
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        order = order_rows.open_order(connection, order_no)
        home = store_row(connection, order.home_store)
        not_after_ms = max(now_ms, order.not_after_ms) + int(hours * HOUR_MS)
        epoch = order.epoch
        if _may_grant_back(connection, order, home.incarnation):
            epoch = _next_epoch(order)
            _grant_back(connection, order.order_id, epoch, home.incarnation)
        _set_times(connection, order, not_after_ms, epoch)
        order_rights.take_again(connection, order.order_id, now_ms)
        codes.prolong(connection, order.order_id, epoch, not_after_ms)
        answer: Json = {"v2": None, "pl": None}
        if transfers.may_sign(connection, order.order_id, home.incarnation):
            issue = Issue(
                order_id=order.order_id,
                store=order.home_store,
                k_store=home.k_store,
                epoch=epoch,
                not_after_ms=not_after_ms,
                now_ms=now_ms,
            )
            v2, pl = codes.put_v2(connection, issue)
            answer = {"v2": v2, "pl": pl}
        order_rows.publish(connection, order.order_id)
        rotating.push(connection, order.order_id, now_ms=now_ms)
        notices.append(connection, "extended", [order.order_id], now_ms)
        return {**_answer(connection, order.order_id), "codes": answer}


def _set_times(connection: Connection, order: OrderRecord, not_after_ms: int, epoch: int) -> None:
    connection.execute(
        update(pickup_order)
        .where(pickup_order.c.order_id == order.order_id)
        .values(
            not_after_ms=not_after_ms,
            last_not_after_ms=max(order.last_not_after_ms, not_after_ms),
            epoch=epoch,
        )
    )


def reissue(hub: Hub, order_no: str, *, hours: float | None = None) -> Json:
    """New codes at the next epoch in the same store; the old ones are answered `reissued`."""
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        order = order_rows.open_order(connection, order_no)
        home = store_row(connection, order.home_store)
        not_after_ms: int = order.not_after_ms
        if hours is not None:
            not_after_ms = max(now_ms, not_after_ms) + int(hours * HOUR_MS)
        elif not_after_ms <= now_ms:
            not_after_ms = now_ms + PICKUP_HOURS * HOUR_MS
        epoch = _next_epoch(order)
        if _may_grant_back(connection, order, home.incarnation):
            _grant_back(connection, order.order_id, epoch, home.incarnation)
        connection.execute(
            update(unit_table)
            .where(
                unit_table.c.order_id == order.order_id,
                unit_table.c.state == "held",
                unit_table.c.holder == home.incarnation,
            )
            .values(epoch=epoch)
        )
        _set_times(connection, order, not_after_ms, epoch)
        order_rights.take_again(connection, order.order_id, now_ms)
        had_courier = any(
            row.kind == "serial" and row.state == "live"
            for row in order_rows.row_of(connection, order.order_id).codes
        )
        rotated = rotating.rotating_of(connection, order.order_id) is not None
        codes.retire(connection, order.order_id)
        issue = Issue(
            order_id=order.order_id,
            store=order.home_store,
            k_store=home.k_store,
            epoch=epoch,
            not_after_ms=not_after_ms,
            now_ms=now_ms,
        )
        issued = _issue_all(connection, issue, home.incarnation, courier=had_courier)
        issued = _page(connection, issue, issued, rotates=_rotates(rotated, order.min_grade))
        order_rows.publish(connection, order.order_id)
        rotating.push(connection, order.order_id, now_ms=now_ms)
        notices.append(connection, "reissued", [order.order_id], now_ms)
        return _answer(connection, order.order_id, issued)
