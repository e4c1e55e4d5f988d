"""What customers and people at HQ do; the dice choose which, `acts.py` how often.

Each act is short and returns. A refusal is a normal day; only `Broken`, raised by what people can
see for themselves, ends the run.
"""

from counter import name_of
from world import EGGS, STORES, Ordered, World

from sync.hub import budgets, orders, ownership, recalls
from sync.hub.budgets import NewBudget
from sync.hub.problems import Problem
from sync.hub.recalls import NewRecall
from sync.hub.refunds import NewRefund
from sync.hub.transfers import NewTransfer
from sync.rules import crockford
from sync.wire.token import CODE_ID_BYTES

MAX_ORDERS = 4
PRICE_MINOR = 500
_CODES = ("v1", "v2", "pl")


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
    if "stock" in world.parts and dice.random() < 0.6:
        lines += (orders.NewLine(sku=EGGS, quantity=dice.choice((1, 2))),)
    new = orders.NewOrder(
        store=home,
        lines=lines,
        bags=dice.choice((1, 1, 2)),
        hours=dice.choice((1, 2, 48)),
        rotating="rotating" in world.parts and dice.random() < 0.6,
    )
    try:
        answer = orders.create(world.headquarters.hub, new)
    except Problem as problem:
        world.saw(f"hq_no_{problem.code}")
        world.tell(f"no order at {home}: {problem.code}")
        return
    order = Ordered(
        no=str(answer["order_no"]),
        id=bytes.fromhex(str(answer["order_id"])),
        home=home,
        skus={number: line.sku for number, line in enumerate(lines, start=1)},
        units=tuple(
            (number, unit)
            for number, line in enumerate(lines, start=1)
            for unit in range(1, line.quantity + 1)
        ),
    )
    world.orders.append(order)
    _learn(order, answer)
    if len(order.names(EGGS)):
        world.saw("stocked_order")
    world.tell(f"order {len(world.orders)} at {home}: {order.units}")


def _learn(order: Ordered, answer: dict[str, object]) -> None:
    codes = answer.get("codes")
    if not isinstance(codes, dict):
        return
    order.latest |= {kind: str(codes[kind]) for kind in _CODES if codes.get(kind)}
    order.texts += [str(codes[kind]) for kind in _CODES if codes.get(kind)]
    told = codes.get("rotating")
    if isinstance(told, dict):
        number = crockford.decode(str(told["code"])[:-1]).to_bytes(CODE_ID_BYTES, "big")
        order.rotating = (number, bytes.fromhex(str(told["secret"])))


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
        world.tell(f"HQ {what} {name_of(world, order)}: no, {problem.code}")
        world.saw(f"hq_no_{problem.code}")
        return
    _learn(order, answer)
    world.saw(what.partition(" ")[0])
    world.tell(f"HQ {what} {name_of(world, order)}")


async def headquarters_grants_a_budget(world: World) -> None:
    """So much may be risked in a store on other stores' orders."""
    store = world.dice.choice(STORES)
    pieces = world.dice.choice((1, 2))
    new = NewBudget(
        store=store,
        pieces=pieces,
        amount_minor=pieces * PRICE_MINOR,
        articles={"MILK1": PRICE_MINOR, "CUP": PRICE_MINOR},
    )
    try:
        budgets.grant(world.headquarters.hub, new, by="Wang")
    except Problem as problem:
        world.tell(f"no budget for {store}: {problem.code}")
        return
    world.granted_minor += pieces * PRICE_MINOR
    world.saw("budget")
    world.tell(f"budget of {pieces} for {store}")


async def headquarters_recalls(world: World) -> None:
    """An article is recalled, or is not any more."""
    hub = world.headquarters.hub
    try:
        if world.recall is None:
            answer = recalls.begin(hub, NewRecall(sku="CUP", reason="glass"), by="Wang")
            world.recall = (str(answer["recall_id"]), "CUP")
            world.saw("recall")
        else:
            number, world.recall = world.recall[0], None
            recalls.end(hub, number, by="Wang")
            world.saw("recall_ended")
    except Problem as problem:
        world.tell(f"recall: no, {problem.code}")
        return
    world.tell("a recall begins" if world.recall else "the recall ends")
