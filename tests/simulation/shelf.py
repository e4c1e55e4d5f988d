"""The counted article: a shelf in some stores, what lies apart, what the online shop does."""

from typing import Literal

from store_box import StoreBox
from world import EGGS, STOCKED, World

from edge.flow import stock
from edge.flow.caller import Caller
from edge.flow.stock import CountAsk, LockAsk, RecordAsk
from edge.flow.stock_answers import StockAct
from sync.hub import stock_api
from sync.hub.problems import Problem

BEGIN_PIECES = 6


def _box(world: World) -> StoreBox | None:
    box = world.boxes[world.dice.choice(STOCKED)]
    return box if box.running else None


def _caller(world: World) -> Caller:
    return Caller(station="till1", key=world.key(), route="stock")


async def first_counts(world: World) -> None:
    """Both shelves are counted, and HQ knows."""
    for number in STOCKED:
        world.truth.shelf[number] = BEGIN_PIECES
        await count(world, world.boxes[number])
    for _ in range(2):
        for number in STOCKED:
            await world.boxes[number].push()
            await world.boxes[number].pull()


async def count(world: World, box: StoreBox) -> None:
    """Somebody counts truly."""
    shop = box.node.shop
    ask = CountAsk(counted=world.truth.shelf[box.number])
    answer = await stock.count(shop, _caller(world), EGGS, ask)
    if isinstance(answer, StockAct):
        world.saw("counted")
        world.tell(f"{box.number} counts {ask.counted}")


async def shelf_changes(world: World) -> None:
    """Goods arrive, somebody counts, pieces are set aside, sold or put back."""
    box = _box(world)
    if box is None:
        return
    what = world.dice.choice(("count", "receipt", "lock", "lock", "end", "online", "tick"))
    shop, truth = box.node.shop, world.truth
    match what:
        case "count":
            await count(world, box)
        case "receipt":
            pieces = world.dice.choice((1, 2, 3))
            answer = await stock.record(shop, _caller(world), EGGS, RecordAsk(quantity=pieces))
            if isinstance(answer, StockAct):
                truth.shelf[box.number] += pieces
                world.saw("received")
        case "lock":
            asked = LockAsk(sku=EGGS, quantity=world.dice.choice((1, 2)))
            told = await stock.set_aside(shop, _caller(world), asked)
            if isinstance(told, StockAct) and told.lock is not None:
                truth.locks[box.number, world.incarnation(box), told.lock.id] = asked.quantity
                world.saw("set_aside")
        case "end":
            await _end_lock(world, box)
        case "online":
            wish = stock_api.NewReservation(store=box.number, sku=EGGS)
            try:
                stock_api.reserve(world.headquarters.hub, wish)
                world.saw("reserved")
            except Problem as problem:
                world.saw(f"hq_no_{problem.code}")
        case _:
            stock_api.tick(world.headquarters.hub)
    world.tell(f"{box.number} stock: {what}, shelf {truth.shelf[box.number]}")


async def _end_lock(world: World, box: StoreBox) -> None:
    life = world.incarnation(box)
    held = [key for key in world.truth.locks if key[:2] == (box.number, life)]
    if not held:
        return
    key = world.dice.choice(held)
    pieces = world.truth.locks.pop(key)
    way: Literal["taken", "released"] = world.dice.choice(("taken", "released"))
    answer = await stock.end_lock(box.node.shop, _caller(world), key[2], way)
    if way == "taken" and isinstance(answer, StockAct):
        world.truth.shelf[box.number] -= pieces
        world.saw("lock_sold")
