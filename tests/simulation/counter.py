"""What happens at the counters: codes are shown, goods go and come back, some of it on a budget."""

from store_box import StoreBox
from world import EGGS, PIN, STOCKED, Broken, Ordered, World

from edge.flow import review
from edge.flow.answers import CaseView, ScanAnswer, UndoAnswer
from edge.flow.caller import Caller
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.operator import Approval, sign_in
from edge.flow.provisional import ProvisionalAsk, give_provisionally
from edge.flow.scan import ScanAsk, scan
from edge.flow.undo import UndoAsk, undo
from sync.hub import recalls
from sync.hub.problems import Problem
from sync.rules.verdicts import Verdict
from sync.wire.rotating import STEP_S, rotating_text

STATIONS = ("till1", "till2")


def a_box(world: World, *, near: int | None = None) -> StoreBox | None:
    """A box that runs; the one of store `near` more often."""
    if near is not None and world.boxes[near].running and world.dice.random() < 0.7:
        return world.boxes[near]
    running = [box for box in world.boxes.values() if box.running]
    return world.dice.choice(running) if running else None


def name_of(world: World, order: Ordered) -> str:
    """As the story calls it."""
    return f"order {world.orders.index(order) + 1}"


async def customer_shows_a_code(world: World) -> None:
    """Any code that was ever told, in any shop."""
    if not world.orders:
        return
    order = world.dice.choice(world.orders)
    box = a_box(world)
    if box is None or not order.texts or not _goods_are_there(world, box, order):
        return
    await show(world, box, order, world.dice.choice([*order.texts, *_phone(world, order)]))


async def customer_collects(world: World) -> None:
    """The usual way: the newest codes, then the tap."""
    if not world.orders:
        return
    order = world.dice.choice(world.orders)
    box = a_box(world, near=order.home)
    if box is None or not _goods_are_there(world, box, order):
        return
    station = world.dice.choice(STATIONS)
    for text in [*_phone(world, order)] or order.texts[-3:]:
        await show(world, box, order, text, station=station)
    units = order.units[:1] if world.dice.random() < 0.3 else None
    caller = Caller(station=station, key=world.key(), route="handovers")
    ask = HandOverAsk(order=order.id.hex(), units=units)
    await _witness(world, box, caller.station)
    answer = await hand_over(box.node.shop, caller, ask)
    hear(world, box, answer, f"tap {name_of(world, order)}")
    await _keep_witness(world, box)


def _phone(world: World, order: Ordered) -> tuple[str, ...]:
    """What a phone with a rotating code shows, or a photo of it from a while ago."""
    if order.rotating is None:
        return ()
    ago_s = world.dice.choice((0, 0, 0, 4 * STEP_S))
    return (rotating_text(*order.rotating, world.now_ms // 1000 - ago_s),)


def _goods_are_there(world: World, box: StoreBox, order: Ordered) -> bool:
    """Nobody scans a code whose goods the shelf does not have."""
    if box.number not in STOCKED or "stock" not in world.parts:
        return True
    wanted = [unit for unit in order.names(EGGS) if not world.truth.away.get(unit)]
    apart = sum(n for (store, _, _), n in world.truth.locks.items() if store == box.number)
    return len(wanted) <= world.truth.shelf[box.number] - apart


async def show(
    world: World, box: StoreBox, order: Ordered, text: str, *, station: str | None = None
) -> None:
    """Hold a code under the scanner; sometimes the finger pulls twice."""
    station = station or world.dice.choice(STATIONS)
    caller = Caller(station=station, key=world.key(), route="scans")
    again = world.dice.random() < 0.15
    for _ in range(2 if again else 1):
        await _witness(world, box, station)
        answer = await scan(box.node.shop, caller, ScanAsk(text=text))
        hear(world, box, answer, f"scan {text[:2]} {name_of(world, order)}")
    await _keep_witness(world, box)


async def _witness(world: World, box: StoreBox, station: str) -> None:
    """A counter's page says with each request what it saw of its box last."""
    text = world.witness.get(box.number)
    if text is not None and box is world.boxes[box.number]:
        judged = await box.node.stand.hear(text, source=station)
        if judged in ("behind", "fork"):
            world.saw("caught_by_a_screen")


async def _keep_witness(world: World, box: StoreBox) -> None:
    if world.parts & {"copy", "boxes"} and box is world.boxes[box.number]:
        world.witness[box.number] = await box.node.stand.renew()


def hear(world: World, box: StoreBox, answer: object, what: str, *, risked: bool = False) -> bool:
    """What a cashier sees, and does: on green the goods go; answers whether they did."""
    if not isinstance(answer, ScanAnswer):
        return False
    if (answer.verdict is Verdict.OK) != (answer.state is not None):
        raise Broken(f"{what}: {answer.verdict} with state {answer.state}")
    world.saw(f"verdict_{answer.verdict}")
    world.tell(f"{box.number} {what}: {answer.verdict}/{answer.reason.code} {answer.state or ''}")
    if answer.state != "handed":
        return False
    assert answer.handover is not None
    key = (box.number, world.incarnation(box), answer.handover)
    units = world.units_of_handover(box, answer.handover)
    if not world.truth.leave(key, units):
        return True
    if box.node.shop.identity.fenced:
        raise Broken(f"{what}: a fenced box gave {units}")
    if risked:
        world.truth.risked.add(key)
    if box is not world.boxes[box.number]:
        world.truth.unpromised.add(key)
    _nothing_recalled(world, box, units)
    for unit in units:
        if world.order_of(unit).skus[unit[1]] == EGGS and box.number in world.truth.shelf:
            world.truth.shelf[box.number] -= 1
    return True


def _nothing_recalled(world: World, box: StoreBox, units: tuple[object, ...]) -> None:
    """A store of which HQ shows `stopped` gives nothing of it."""
    if world.recall is None:
        return
    number, sku = world.recall
    given = [unit for order in world.orders for unit in order.names(sku) if unit in units]
    if not given:
        return
    try:
        shown = recalls.show(world.headquarters.hub, number)
    except Problem:
        return
    told = shown["stores"]
    assert isinstance(told, list)
    stopped = [each["store"] for each in told if each["state"] == "stopped"]
    if box.number in stopped:
        raise Broken(f"{box.number} stopped {sku} and gave {given}")


async def cashier_takes_back(world: World) -> None:
    """A hand-over is undone with the goods still here."""
    box = a_box(world)
    if box is None:
        return
    life = world.incarnation(box)
    keys = [
        key for key, units in world.truth.given.items() if units and key[:2] == (box.number, life)
    ]
    if not keys:
        return
    key = world.dice.choice(keys)
    caller = Caller(station=world.dice.choice(STATIONS), key=world.key(), route="undo")
    ask = UndoAsk(handover=key[2], goods_still_here=True, reason="changed their mind")
    answer = await undo(box.node.shop, caller, ask)
    if not isinstance(answer, UndoAnswer):
        return
    for unit in world.truth.come_back(key):
        if world.order_of(unit).skus[unit[1]] == EGGS and box.number in world.truth.shelf:
            world.truth.shelf[box.number] += 1
    world.saw("undone")
    world.tell(f"{box.number} undo of {key[2]}")
    await _keep_witness(world, box)


async def cashier_risks(world: World) -> None:
    """Another store's order, its home cut off, is handed over on HQ's budget."""
    found = [order for order in world.orders if {"v2", "pl"} <= order.latest.keys()]
    if not found:
        return
    order = world.dice.choice(found)
    box = a_box(world)
    if box is None or box.number == order.home or not _goods_are_there(world, box, order):
        return
    box.weather.cut = True
    caller = Caller(station=STATIONS[0], key=world.key(), route="provisional")
    await sign_in(box.node.shop, caller, f"p{box.number}", PIN)
    for kind in ("v2", "pl"):
        await show(world, box, order, order.latest[kind], station=caller.station)
    ask = ProvisionalAsk(order=order.id.hex(), pin=PIN)
    answer = await give_provisionally(box.node.shop, caller, ask)
    if hear(world, box, answer, f"risk {name_of(world, order)}", risked=True):
        world.saw("risked")
    await _keep_witness(world, box)


async def supervisor_looks_at_the_shelf(world: World) -> None:
    """An order of the box before: its goods lie there, or they do not."""
    box = a_box(world)
    if box is None:
        return
    shop = box.node.shop
    found = [
        case
        for case in await review.cases(shop)
        if case.state == "open" and case.reason.code == "fenced" and case.order_no is not None
    ]
    if not found:
        return
    case = world.dice.choice(found)
    order = next(order for order in world.orders if order.no == case.order_no)
    caller = Caller(station=STATIONS[0], key=world.key(), route="cases")
    by = Approval(staff_id=f"p{box.number}", pin=PIN)
    if world.is_here(order.names()) and not world.truth.refunded & set(order.names()):
        told = await review.release(shop, caller, case.case, by, "on the shelf")
        if isinstance(told, CaseView):
            world.saw("attested_by_hand")
    else:
        told = await review.close(shop, caller, case.case, by, "not there")
    world.tell(f"{box.number} case of {name_of(world, order)}: {getattr(told, 'code', 'done')}")
