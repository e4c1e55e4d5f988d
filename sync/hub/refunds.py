"""Money that goes back, a unit at a time, and never for a unit that can still leave the shop.

A unit is refunded by compare-and-set from what its holder gave up; the id is derived from the unit,
so the same refund is the same row however often it is asked for. A named person may refund what the
holder has not given up: the loss is in the books before anybody knows whether it comes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection, and_, insert, or_, select, update

from sync.hub import asks, order_rows, pick_rows
from sync.hub.order_rows import OrderRecord
from sync.hub.problems import invalid, refused
from sync.hub.recovery import refuse_while_recovering
from sync.hub.stores import NOBODY, Json
from sync.hub.tables import redemption
from sync.hub.tables import unit as unit_table
from sync.hub.tables_ownership import refund
from sync.wire.messages import Unit

DESTINATION = "hq:refund"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Who takes it upon them to refund what the store may still hand over, and why."""

    by: Annotated[str, Field(min_length=1, max_length=80)]
    reason: Annotated[str, Field(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRefund:
    """What to refund: (line, unit) pairs, or all that was not handed over."""

    units: tuple[tuple[int, int], ...] | None = None
    override: Override | None = None


def refund_id(order_id: bytes, line: int, unit: int) -> bytes:
    """The id of the one refund that a unit can have, 16 bytes."""
    named = order_id + line.to_bytes(4, "big") + unit.to_bytes(4, "big")
    return hashlib.sha256(b"storeedge/refund/1\0" + named).digest()[:16]


def request(connection: Connection, order: OrderRecord, wanted: NewRefund, now_ms: int) -> None:
    """Refund what may be refunded now, and ask for the rest; all of it or, with a problem, none."""
    refuse_while_recovering(connection, order.created_ms)
    chosen = _chosen(connection, order, wanted)
    for each in chosen:
        _refuse(connection, order, each)
    held: list[OrderRecord] = []
    for each in chosen:
        match each.state:
            case "refunded":
                pass
            case "held" if wanted.override is not None:
                _override(connection, each, wanted.override, now_ms)
            case "held":
                held.append(each)
            case _:
                _pay(connection, each, now_ms)
    if held:
        _ask(connection, order, held, now_ms)


def _ask(
    connection: Connection, order: OrderRecord, held: Sequence[OrderRecord], now_ms: int
) -> None:
    pending = asks.unanswered(connection, order.order_id)
    asked = {pair for row in pending for pair in order_rows.unpack_units(row.units)}
    if pending and (
        any(row.destination != DESTINATION for row in pending)
        or not {(each.line, each.unit) for each in held} <= asked
    ):
        raise refused("asked", "The store was asked to give it up and has not answered yet.")
    for each in held:
        _note(connection, each, "asked", now_ms)
    if pending:
        return
    units = [each for each in held if each.holder != NOBODY]
    asks.ask_holders(connection, order, units, DESTINATION, now_ms)
    asks.take_unheld(connection, order.order_id, DESTINATION, only=held)


def _chosen(connection: Connection, order: OrderRecord, wanted: NewRefund) -> list[OrderRecord]:
    units = order_rows.units_of(connection, order.order_id)
    if wanted.units is None:
        chosen = [each for each in units if each.state != "handed"]
        if not chosen:
            raise refused("handed", "All of it was handed over; this is a return, not a refund.")
        return chosen
    by_key = {(each.line, each.unit): each for each in units}
    if not wanted.units or any(key not in by_key for key in wanted.units):
        raise invalid("units names (line, unit) pairs of the order.")
    return [by_key[key] for key in sorted(set(wanted.units))]


def _refuse(connection: Connection, order: OrderRecord, each: OrderRecord) -> None:
    where = f"line {each.line}, unit {each.unit}"
    if each.state == "refunded":
        return
    if each.parked:
        raise refused("parked", f"{where}: a newer box told something of it; update the hub first.")
    if each.state == "handed":
        raise refused("handed", f"{where} was handed over; this is a return, not a refund.")
    if each.destination.startswith("store:"):
        raise refused("moving", f"{where} is on its way to another store.")
    disputed = select(redemption.c.seq).where(
        redemption.c.order_id == order.order_id,
        redemption.c.line == each.line,
        redemption.c.unit == each.unit,
        redemption.c.state == "conflict",
    )
    if connection.execute(disputed).first() is not None:
        raise refused("disputed", f"{where} was given up and handed over all the same.")


def _note(
    connection: Connection,
    each: OrderRecord,
    state: str,
    now_ms: int,
    *,
    override: Override | None = None,
) -> None:
    """Write a unit's refund down; there is one, whatever became of an earlier question."""
    values: Json = {"state": state, "refunded_ms": now_ms if state == "refunded" else None}
    if override is not None:
        values |= {
            "override_by": override.by,
            "override_reason": override.reason,
            "loss": each.holder != NOBODY,
        }
    the_id = refund_id(each.order_id, each.line, each.unit)
    known = connection.execute(select(refund.c.state).where(refund.c.refund_id == the_id)).first()
    if known is not None:
        connection.execute(update(refund).where(refund.c.refund_id == the_id).values(**values))
        return
    connection.execute(
        insert(refund).values(
            refund_id=the_id,
            order_id=each.order_id,
            line=each.line,
            unit=each.unit,
            asked_ms=now_ms,
            **{"loss": False, **values},
        )
    )


def _compare_and_set(connection: Connection, each: OrderRecord, *states: str) -> bool:
    """The one place where a unit becomes refunded."""
    given_up = [unit_table.c.state == state for state in states if state != "released"]
    if "released" in states:
        given_up.append(
            and_(unit_table.c.state == "released", unit_table.c.destination.like("hq:%"))
        )
    done = connection.execute(
        update(unit_table)
        .where(
            unit_table.c.order_id == each.order_id,
            unit_table.c.line == each.line,
            unit_table.c.unit == each.unit,
            unit_table.c.parked == 0,
            or_(*given_up),
        )
        .values(state="refunded")
    )
    return bool(done.rowcount)


def _pay(connection: Connection, each: OrderRecord, now_ms: int) -> bool:
    if not _compare_and_set(connection, each, "lapsed", "released"):
        return False
    _note(connection, each, "refunded", now_ms)
    return True


def _override(connection: Connection, each: OrderRecord, override: Override, now_ms: int) -> None:
    if _compare_and_set(connection, each, "held"):
        _note(connection, each, "refunded", now_ms, override=override)


def settle(connection: Connection, order_id: bytes, now_ms: int) -> bool:
    """Refund what was waiting for its release, and what a shop gave up to be refunded.

    Answers whether anything changed. What was kept was handed over: its refund is not due.
    """
    changed = False
    waiting = {
        (row.line, row.unit)
        for row in connection.execute(
            select(refund).where(refund.c.order_id == order_id, refund.c.state == "asked")
        )
    }
    for each in order_rows.units_of(connection, order_id):
        wanted = (each.line, each.unit) in waiting
        due = each.state == "released" and each.destination == DESTINATION
        if due or (wanted and each.state in ("lapsed", "released")):
            changed = _pay(connection, each, now_ms) or changed
        elif wanted and each.parked == 0:
            _note(connection, each, "kept", now_ms)
            changed = True
    return changed


def told(connection: Connection, *, handed: Sequence[Unit], stopped: Sequence[Unit]) -> None:
    """What a store did with units that were refunded: the loss came, or it did not."""
    for units, loss in ((stopped, False), (handed, True)):
        for order_id, line, unit in units:
            connection.execute(
                update(refund)
                .where(refund.c.refund_id == refund_id(order_id, line, unit))
                .values(loss=loss)
            )


def loss_words(connection: Connection, units: Sequence[Unit]) -> str:
    """What was lost, for a case: units of one order, and their money where HQ knows it."""
    order_id = units[0][0]
    order = order_rows.by_id(connection, order_id)
    prices = pick_rows.prices_of(connection, order_id)
    names = ", ".join(f"{line}.{unit}" for _, line, unit in units)
    known = [prices.get(line, 0) for _, line, _ in units]
    if all(known):
        amount = f"{sum(known)} {order.currency} minor"
    else:
        amount = f"at most {order.value_minor} {order.currency} minor"
    return f"handed after refund, units {names}: loss {amount}"
