"""What must hold after every step, and once all is healed.

Promise 1: for each unit, goods away plus money back is at most one. Promise 4: what a counter
acknowledged is in its books, and in the end in HQ's. Liveness: nothing asked or unsent remains, and
every unit is with the customer, paid back, or can be.
"""

import sqlite3
from contextlib import closing

from books import read_books
from sqlalchemy import select
from world import Broken, UnitName, World

from sync.hub import orders
from sync.hub.tables import ask, feed_head, pickup_order
from sync.hub.tables import unit as unit_table

CLAIM_MS = 11 * 60_000
_ROUNDS = 10


def check(world: World) -> None:
    """After every step.

    Raises:
        Broken: a promise does not hold.
    """
    back = _paid_back(world)
    for unit, stores in world.truth.away.items():
        if len(stores) > 1:
            raise Broken(f"{unit} left the shops {stores}: twice")
        if stores and unit in back:
            raise Broken(f"{unit} left shop {stores[0]} and is {back[unit]} at HQ")
    for (store, life, handover), units in world.truth.given.items():
        box = world.boxes[store]
        if not units or not box.running or world.incarnation(box) != life:
            continue
        live = set(world.units_of_handover(box, handover))
        if not set(units) <= live:
            raise Broken(f"{store} forgot hand-over {handover} of {units}")
    for box in world.boxes.values():
        if box.running and box.node.fatal:
            raise Broken(f"{box.number} ended: {box.node.fatal}")


def _paid_back(world: World) -> dict[UnitName, str]:
    """Units whose money is back, or can be taken back at a click."""
    with world.headquarters.hub.database.reading() as connection:
        numbers = dict(
            connection.execute(select(pickup_order.c.order_id, pickup_order.c.order_no)).all()
        )
        rows = connection.execute(
            select(unit_table).where(unit_table.c.state.in_(("refunded", "released", "lapsed")))
        ).all()
    return {
        (numbers[row.order_id], row.line, row.unit): row.state
        for row in rows
        if not row.destination.startswith("store:")
    }


async def heal(world: World) -> None:
    """Every line is good and every box runs until nothing moves any more.

    Raises:
        Broken: something stayed unsent, unanswered or stuck.
    """
    for box in world.boxes.values():
        box.mend()
        if not box.running:
            await box.open()
    await _settle(world)
    world.advance(CLAIM_MS)
    await _settle(world)
    _nothing_waits(world)
    longest_ms = max((_last_not_after_ms(world), world.now_ms))
    world.advance(longest_ms - world.now_ms + 1)
    await _settle(world)
    _nothing_waits(world)
    _books_are_right(world)


async def _settle(world: World) -> None:
    """Rounds of talk until one of them moves nothing."""
    for _ in range(_ROUNDS):
        before = _marks(world)
        for box in world.boxes.values():
            await box.push()
            await box.pull()
            await box.house()
        check(world)
        if _marks(world) == before:
            return


def _marks(world: World) -> tuple[object, ...]:
    """How far every feed, outbox and audit chain came."""
    with world.headquarters.hub.database.reading() as connection:
        heads = connection.execute(select(feed_head.c.scope, feed_head.c.seq)).all()
    found: list[object] = [*sorted((row.scope, row.seq) for row in heads)]
    for box in world.boxes.values():
        with closing(sqlite3.connect(box.ledger)) as connection:
            found.append(
                connection.execute(
                    "SELECT audit_seq, outbox_seq, outbox_acked FROM counters"
                ).fetchone()
            )
    return tuple(found)


def _last_not_after_ms(world: World) -> int:
    with world.headquarters.hub.database.reading() as connection:
        rows = connection.execute(select(pickup_order.c.last_not_after_ms)).scalars().all()
    return max(rows, default=0)


def _nothing_waits(world: World) -> None:
    for box in world.boxes.values():
        if box.unsent():
            raise Broken(f"{box.number} still has {box.unsent()} unsent events")
    with world.headquarters.hub.database.reading() as connection:
        open_asks = connection.execute(select(ask).where(ask.c.answered_ms.is_(None))).all()
        waiting = connection.execute(
            select(pickup_order.c.order_no).where(pickup_order.c.state == "cancel_pending")
        ).all()
    if open_asks or waiting:
        raise Broken(f"asked and not answered: {open_asks} {waiting}")


def _books_are_right(world: World) -> None:
    for box in world.boxes.values():
        faults = read_books(box.ledger).faults
        if faults:
            raise Broken(f"the books of {box.number}: {faults}")
    for order in world.orders:
        view = orders.show(world.headquarters.hub, order.no)
        for name, state in _states(order.no, view).items():
            away = bool(world.truth.away.get(name))
            if away != (state == "handed"):
                raise Broken(f"{name} is {state} at HQ, {'away' if away else 'here'} in truth")
            if not away and state not in ("lapsed", "released", "refunded"):
                raise Broken(f"{name} is stuck: {state}")


def _states(order_no: str, view: dict[str, object]) -> dict[UnitName, str]:
    found: dict[UnitName, str] = {}
    lines = view["lines"]
    assert isinstance(lines, list)
    for line in lines:
        for unit in line["units"]:
            found[order_no, line["line"], unit["unit"]] = unit["state"]
    return found


def live_units(world: World, number: int) -> set[UnitName]:
    """What a box holds as handed over."""
    numbers = {order.id: order.no for order in world.orders}
    with closing(sqlite3.connect(world.boxes[number].ledger)) as connection:
        rows = connection.execute(
            "SELECT order_id, line, unit FROM redemption WHERE live = 1"
        ).fetchall()
    return {(numbers[order_id], line, unit) for order_id, line, unit in rows}
