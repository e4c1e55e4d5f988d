"""What must hold after every step, and once all is healed.

Promise 1: for each unit, goods away plus money back is at most one, but for what HQ's budgets paid
for and what a copy gave before any witness met it. Promise 2: what is promised is on the shelf.
Promise 4: what a counter acknowledged is in its books, and in the end in HQ's. Liveness: nothing
asked or unsent remains but what a declared-dead box still held.
"""

import sqlite3
from contextlib import closing

import shelf
from books import read_books
from fate import person_at_hq_attests_box
from people import PRICE_MINOR
from sqlalchemy import select
from world import EGGS, STOCKED, Broken, UnitName, World

from sync.hub import orders, recalls, stock_api
from sync.hub.problems import Problem
from sync.hub.tables import pickup_order

CLAIM_MS = 11 * 60_000
LOCK_MS = 16 * 60_000
_ROUNDS = 12


def check(world: World) -> None:
    """After every step.

    Raises:
        Broken: a promise does not hold.
    """
    world.truth.refunded |= _paid_back(world, "refunded")
    back = _paid_back(world, "refunded", "released", "lapsed") | world.truth.refunded
    lost_minor = 0
    for unit, keys in world.truth.away.items():
        promised = [key for key in keys if key not in world.truth.unpromised]
        too_many = len(promised) + (unit in back) - 1
        if too_many <= 0:
            continue
        if too_many > sum(key in world.truth.risked for key in promised):
            raise Broken(f"{unit} left the shops {keys}, money {'back' if unit in back else 'in'}")
        lost_minor += too_many * PRICE_MINOR
    if lost_minor:
        world.saw("lost_on_budget")
    if lost_minor > world.granted_minor:
        raise Broken(f"lost {lost_minor}, granted {world.granted_minor}")
    for (store, life, handover), units in world.truth.given.items():
        box = world.boxes[store]
        if not units or not box.running or world.incarnation(box) != life:
            continue
        if (store, life, handover) in world.truth.unpromised:
            continue
        if not set(units) <= set(world.units_of_handover(box, handover)):
            raise Broken(f"{store} forgot hand-over {handover} of {units}")
    for box in world.boxes.values():
        if box.running and box.node.fatal:
            raise Broken(f"{box.number} ended: {box.node.fatal}")
    if "stock" in world.parts:
        for number in STOCKED:
            _is_on_the_shelf(world, number)


def _hub(world: World) -> sqlite3.Connection:
    """Its database, read beside it."""
    return sqlite3.connect(world.folder / "hub.db")


def _paid_back(world: World, *states: str) -> set[UnitName]:
    """Units whose money is back, or can be taken back at a click."""
    with closing(_hub(world)) as connection:
        rows = connection.execute(
            "SELECT u.state, o.order_no, u.line, u.unit FROM unit u"
            " JOIN pickup_order o USING (order_id) WHERE u.destination NOT LIKE 'store:%'"
        ).fetchall()
    return {(no, line, unit) for state, no, line, unit in rows if state in states}


def _is_on_the_shelf(world: World, number: int) -> None:
    """Every piece has one owner, and what HQ promised of this shelf the box gave away."""
    box = world.boxes[number]
    if not box.running or number in world.uncertain:
        return
    with closing(sqlite3.connect(box.ledger)) as connection:
        row = connection.execute(
            "SELECT state, on_hand, counter + kiosk + safety + locked, online, in_transit, shortage"
            " FROM stock_level WHERE sku = ?",
            (EGGS,),
        ).fetchone()
    if row is None or row[0] != "based":
        return
    _, on_hand, mine, online, in_transit, shortage = row
    if on_hand != world.truth.shelf[number]:
        raise Broken(f"{number}: {world.truth.shelf[number]} on the shelf, {on_hand} in the books")
    if mine + online + in_transit - shortage != on_hand:
        raise Broken(f"{number}: rights {row} are not {on_hand}")
    promised = _promised(world, number)
    if promised > online + in_transit + _untold(world, number):
        raise Broken(f"{number}: HQ promised {promised}, was given {online} + {in_transit}")


def _promised(world: World, number: int) -> int:
    with closing(_hub(world)) as connection:
        row = connection.execute(
            "SELECT coalesce((SELECT online - debt FROM stock WHERE store = ?1 AND sku = ?2), 0)"
            " + coalesce((SELECT sum(quantity) FROM order_right WHERE store = ?1 AND sku = ?2), 0)"
            " + coalesce((SELECT sum(quantity) FROM reservation"
            " WHERE store = ?1 AND sku = ?2 AND state = 'held'), 0)",
            (number, EGGS),
        ).fetchone()
    promised: int = row[0]
    return promised


def _untold(world: World, number: int) -> int:
    """Pieces that left here, of some of which HQ may not have heard."""
    return sum(
        world.order_of(unit).skus[unit[1]] == EGGS
        for (store, _, _), units in world.truth.given.items()
        if store == number
        for unit in units
    )


async def heal(world: World) -> None:
    """Every line is good and every box runs until nothing moves any more.

    Raises:
        Broken: something stayed unsent, unanswered or stuck.
    """
    if world.recall is not None:
        try:
            recalls.end(world.headquarters.hub, world.recall[0], by="Wang")
        except Problem:
            world.tell("the recall is unknown")
        world.recall = None
    for box in world.boxes.values():
        box.mend()
        if not box.running:
            await box.open()
    await _attest_all(world)
    await _settle(world)
    world.advance(max(CLAIM_MS, LOCK_MS))
    await _settle(world)
    _nothing_waits(world)
    longest_ms = max((_last_not_after_ms(world), world.now_ms))
    world.advance(longest_ms - world.now_ms + 1)
    await _settle(world)
    _nothing_waits(world)
    _books_are_right(world)
    if "stock" in world.parts:
        for number in STOCKED:
            await _every_right_has_one_owner(world, number)


async def _attest_all(world: World) -> None:
    for box in world.boxes.values():
        for _ in range(2):
            await box.push()
            await person_at_hq_attests_box(world, box)
        await box.push()
        if box.node.shop.identity.fenced:
            raise Broken(f"{box.number} stays fenced: {box.node.shop.identity.fenced_why}")


async def _settle(world: World) -> None:
    """Rounds of talk until one of them moves nothing."""
    for _ in range(_ROUNDS):
        before = _marks(world)
        if "stock" in world.parts:
            stock_api.tick(world.headquarters.hub)
        for box in world.boxes.values():
            await box.push()
            await box.pull()
            await box.house()
        check(world)
        if _marks(world) == before:
            return


def _marks(world: World) -> tuple[object, ...]:
    """How far every feed, outbox and audit chain came."""
    with closing(_hub(world)) as connection:
        found: list[object] = [
            *connection.execute("SELECT scope, seq FROM feed_head ORDER BY scope")
        ]
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
    with closing(_hub(world)) as connection:
        asks = connection.execute(
            "SELECT lower(hex(holder)), kind, order_id FROM ask WHERE answered_ms IS NULL"
        ).fetchall()
        waiting = connection.execute(
            "SELECT order_no, order_id FROM pickup_order WHERE state = 'cancel_pending'"
        ).fetchall()
    open_asks = [each for each in asks if each[0] not in world.dead]
    dead = _held_by_the_dead(world)
    still = [no for no, _ in waiting if not any(unit[0] == no for unit in dead)]
    if open_asks or still:
        raise Broken(f"asked and not answered: {open_asks} {still}")


def _held_by_the_dead(world: World) -> set[UnitName]:
    """Units that a box holds which people declared dead: nobody else can answer for them."""
    with closing(_hub(world)) as connection:
        rows = connection.execute(
            "SELECT lower(hex(u.holder)), o.order_no, u.line, u.unit"
            " FROM unit u JOIN pickup_order o USING (order_id)"
        ).fetchall()
    return {(no, line, unit) for holder, no, line, unit in rows if holder in world.dead}


def _books_are_right(world: World) -> None:
    for box in world.boxes.values():
        faults = read_books(box.ledger).faults
        if faults:
            raise Broken(f"the books of {box.number}: {faults}")
    dead = _held_by_the_dead(world)
    for order in world.orders:
        try:
            view = orders.show(world.headquarters.hub, order.no)
        except Problem:
            world.saw("order_lost_with_the_hub")
            continue
        for name, state in _states(order.no, view).items():
            if name in dead:
                world.saw("left_with_the_dead")
                continue
            keys = world.truth.away.get(name, [])
            if any(
                key[1] in world.dead or key in world.truth.unpromised | world.truth.risked
                for key in keys
            ):
                continue
            if bool(keys) != (state == "handed"):
                raise Broken(f"{name} is {state} at HQ, {'away' if keys else 'here'} in truth")
            if not keys and state not in ("lapsed", "released", "refunded"):
                raise Broken(f"{name} is stuck: {state}")


def _states(order_no: str, view: dict[str, object]) -> dict[UnitName, str]:
    found: dict[UnitName, str] = {}
    lines = view["lines"]
    assert isinstance(lines, list)
    for line in lines:
        for unit in line["units"]:
            found[order_no, line["line"], unit["unit"]] = unit["state"]
    return found


async def _every_right_has_one_owner(world: World, number: int) -> None:
    """Once the shelf was counted: what HQ holds is what the box gave, and nothing is on its way."""
    box = world.boxes[number]
    if number in world.uncertain:
        return
    await shelf.count(world, box)
    await _settle(world)
    with closing(sqlite3.connect(box.ledger)) as connection:
        row = connection.execute(
            "SELECT state, on_hand, online, in_transit FROM stock_level WHERE sku = ?", (EGGS,)
        ).fetchone()
    if row[0] != "based" or row[1] != world.truth.shelf[number] or row[3]:
        raise Broken(f"{number} counted {world.truth.shelf[number]}: {row}")
    promised = _promised(world, number)
    if row[2] != max(0, promised):
        raise Broken(f"{number} gave HQ {row[2]}, HQ holds {promised}")
