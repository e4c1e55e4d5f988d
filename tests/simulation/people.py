"""What customers, cashiers, people at HQ, lines, power and clocks do; the dice choose which.

Each act is short and returns. A refusal is a normal day; only `Broken`, raised by what people can
see for themselves, ends the run.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from store_box import StoreBox
from world import STORES, Broken, Ordered, World

from edge.flow.answers import ScanAnswer, UndoAnswer
from edge.flow.caller import Caller
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.scan import ScanAsk, scan
from edge.flow.undo import UndoAsk, undo
from sync.hub import orders, ownership
from sync.hub.problems import Problem
from sync.hub.refunds import NewRefund
from sync.hub.transfers import NewTransfer
from sync.rules.verdicts import Verdict

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
STATIONS = ("till1", "till2")
MAX_ORDERS = 4
WRONG_CLOCKS_MS = (0, 4_070_908_800_000)  # 1970 and 2099
_CODES = ("v1", "v2", "pl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something that may happen, and how often beside the others."""

    weight: int
    do: Callable[[World], Awaitable[None]]


# -- headquarters --------------------------------------------------------------------------------


async def customer_orders(world: World) -> None:
    """A new order in one of the stores."""
    if len(world.orders) >= MAX_ORDERS:
        return
    dice = world.dice
    home = dice.choice(STORES)
    lines: tuple[orders.NewLine, ...] = (
        orders.NewLine(sku="MILK1", quantity=dice.choice((1, 1, 2))),
    )
    if dice.random() < 0.4:
        lines += (orders.NewLine(sku="CUP"),)
    answer = orders.create(
        world.headquarters.hub,
        orders.NewOrder(
            store=home, lines=lines, bags=dice.choice((1, 1, 2)), hours=dice.choice((1, 2, 48))
        ),
    )
    order = Ordered(
        no=str(answer["order_no"]),
        id=bytes.fromhex(str(answer["order_id"])),
        home=home,
        units=tuple(
            (number, unit)
            for number, line in enumerate(lines, start=1)
            for unit in range(1, line.quantity + 1)
        ),
    )
    world.orders.append(order)
    _learn(order, answer)
    world.tell(f"order {len(world.orders)} at {home}: {order.units}")


def _learn(order: Ordered, answer: dict[str, object]) -> None:
    codes = answer.get("codes")
    if isinstance(codes, dict):
        order.texts += [str(codes[kind]) for kind in _CODES if codes.get(kind)]


async def headquarters_acts(world: World) -> None:
    """Somebody at HQ wants something of an order."""
    if not world.orders:
        return
    order = world.dice.choice(world.orders)
    what = world.dice.choice(("cancel", "refund", "move", "move", "reissue", "extend"))
    hub = world.headquarters.hub
    try:
        match what:
            case "cancel":
                answer = ownership.cancel(hub, order.no)
            case "refund":
                answer = ownership.refund(hub, order.no, NewRefund())
            case "move":
                wanted = NewTransfer(order_no=order.no, to_store=world.dice.choice(STORES))
                answer = ownership.move(hub, wanted, by="HQ")
                what = f"move to {wanted.to_store}"
            case "reissue":
                answer = orders.reissue(hub, order.no)
            case _:
                answer = orders.extend(hub, order.no, world.dice.choice((2, 50)))
    except Problem as problem:
        world.tell(f"HQ {what} {_name(world, order)}: no, {problem.code}")
        world.seen[f"hq_no_{problem.code}"] += 1
        return
    _learn(order, answer)
    world.seen[what.partition(" ")[0]] += 1
    world.tell(f"HQ {what} {_name(world, order)}")


# -- the counter -----------------------------------------------------------------------------------


async def customer_shows_a_code(world: World) -> None:
    """Any code that was ever told, in any shop."""
    if not world.orders:
        return
    order = world.dice.choice(world.orders)
    box = _a_box(world)
    if box is None or not order.texts:
        return
    await _show(world, box, order, world.dice.choice(order.texts))


async def customer_collects(world: World) -> None:
    """The usual way: the newest codes, then the tap."""
    if not world.orders:
        return
    order = world.dice.choice(world.orders)
    box = _a_box(world, near=order.home)
    if box is None:
        return
    station = world.dice.choice(STATIONS)
    for text in order.texts[-3:]:
        await _show(world, box, order, text, station=station)
    units = order.units[:1] if world.dice.random() < 0.3 else None
    caller = Caller(station=station, key=world.key(), route="handovers")
    ask = HandOverAsk(order=order.id.hex(), units=units)
    hear(world, box, await hand_over(box.node.shop, caller, ask), f"tap {_name(world, order)}")


async def _show(
    world: World, box: StoreBox, order: Ordered, text: str, *, station: str | None = None
) -> None:
    station = station or world.dice.choice(STATIONS)
    caller = Caller(station=station, key=world.key(), route="scans")
    again = world.dice.random() < 0.15
    for _ in range(2 if again else 1):
        answer = await scan(box.node.shop, caller, ScanAsk(text=text))
        hear(world, box, answer, f"scan {text[:2]} {_name(world, order)}")


def hear(world: World, box: StoreBox, answer: object, what: str) -> None:
    """What a cashier sees, and does: on green the goods go."""
    if not isinstance(answer, ScanAnswer):
        return
    if (answer.verdict is Verdict.OK) != (answer.state is not None):
        raise Broken(f"{what}: {answer.verdict} with state {answer.state}")
    world.seen[f"verdict_{answer.verdict}"] += 1
    world.tell(f"{box.number} {what}: {answer.verdict}/{answer.reason.code} {answer.state or ''}")
    if answer.state == "handed":
        assert answer.handover is not None
        key = (box.number, world.incarnation(box), answer.handover)
        world.truth.leave(key, world.units_of_handover(box, answer.handover))


async def cashier_takes_back(world: World) -> None:
    """A hand-over is undone with the goods still here."""
    box = _a_box(world)
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
    if isinstance(answer, UndoAnswer):
        world.truth.come_back(key)
        world.seen["undone"] += 1
        world.tell(f"{box.number} undo of {key[2]}")


# -- line, power, time ---------------------------------------------------------------------------


async def line_changes(world: World) -> None:
    """A partition, its end, or a line that loses, repeats and reorders."""
    box = world.boxes[world.dice.choice(STORES)]
    line = world.dice.choice(("cut", "good", "good", "bad"))
    weather = box.weather
    weather.cut = line == "cut"
    chance = world.dice.choice((0.2, 0.5)) if line == "bad" else 0.0
    weather.lose_question = weather.lose_answer = weather.repeat = weather.late = chance
    world.tell(f"{box.number} line {line}")


async def box_talks(world: World) -> None:
    """A box pushes or pulls."""
    box = _a_box(world)
    if box is None:
        return
    way = world.dice.choice(("push", "pull", "both", "both"))
    if way != "pull":
        await box.push()
    if way != "push":
        await box.pull()
        await box.house()
    world.tell(f"{box.number} {way}")


async def time_passes(world: World) -> None:
    """For everybody; some boxes then do their housework."""
    by_ms = world.dice.choice((1_000, 5 * MINUTE_MS, 11 * MINUTE_MS, HOUR_MS, 3 * HOUR_MS))
    world.advance(by_ms)
    for box in world.boxes.values():
        if box.running and world.dice.random() < 0.5:
            await box.house()
    world.tell(f"{by_ms // 1000} s pass")


async def process_or_power_ends(world: World) -> None:
    """A box is killed, or loses its power and wakes up with any date."""
    box = _a_box(world)
    if box is None:
        return
    await box.stop()
    off_ms = world.dice.choice((0, 0, 1_000, 2 * HOUR_MS))
    wall_ms = world.dice.choice((*WRONG_CLOCKS_MS, world.now_ms, world.now_ms - HOUR_MS))
    if off_ms:
        world.advance(off_ms)
        box.clock.reboot(wall_ms=wall_ms)
    else:
        box.clock.jump_wall(wall_ms)
    await box.open()
    world.seen["restarted"] += 1
    world.tell(f"{box.number} down {off_ms // 1000} s, wall clock {wall_ms}")


def _a_box(world: World, *, near: int | None = None) -> StoreBox | None:
    """A box that runs; the one of store `near` more often."""
    if near is not None and world.boxes[near].running and world.dice.random() < 0.7:
        return world.boxes[near]
    running = [box for box in world.boxes.values() if box.running]
    return world.dice.choice(running) if running else None


def _name(world: World, order: Ordered) -> str:
    return f"order {world.orders.index(order) + 1}"


ACTS: tuple[Act, ...] = (
    Act(weight=3, do=customer_orders),
    Act(weight=4, do=headquarters_acts),
    Act(weight=4, do=customer_shows_a_code),
    Act(weight=4, do=customer_collects),
    Act(weight=2, do=cashier_takes_back),
    Act(weight=3, do=line_changes),
    Act(weight=7, do=box_talks),
    Act(weight=3, do=time_passes),
    Act(weight=1, do=process_or_power_ends),
)
