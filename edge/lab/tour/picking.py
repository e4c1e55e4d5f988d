"""Steps about picking: what is not on the shelf is settled by the customer's choice, once."""

from edge.flow.pick_view import PickView
from edge.lab.counter import Refused
from edge.lab.floor import Floor
from edge.lab.hq_views import Order, OrderAtHq
from edge.lab.people import CASHIER
from edge.lab.tour.step import Detail, claim

SKU, GTIN = "TEA", "6901234567946"
PRICE_MINOR = 1_290


async def short_pick_settled(floor: Floor) -> Detail:
    """Three ordered, two on the shelf: two handed over, one refunded at HQ, once; papers read."""
    await floor.hq.add_product(SKU, GTIN, "龙井茶 100g", "Longjing tea 100 g", "ambient")
    line = {"sku": SKU, "quantity": 3, "unit_minor": PRICE_MINOR}
    body = floor.order_body((), ready=False, place="")
    order = await floor.hq.create_order({**body, "lines": [line]})
    await floor.heard()
    counter = floor.counter(1)
    await counter.sign_in(CASHIER.staff_id, CASHIER.pin)
    todo = next(
        (one for one in (await counter.picks()).waiting if one.order_no == order.order_no), None
    )
    claim(todo is not None, "the order is not in the picking list")
    assert todo is not None
    early = await floor.counter(2).scan(order.v1)
    claim(
        early.reason.code == "not_picked" and early.queue == todo.queue,
        "a scan does not say that it is not picked yet, and its place in the queue",
        reason=early.reason.code,
        queue=early.queue,
    )
    await floor.counter(2).put_back(todo.order)
    await counter.print_pick(todo.order)
    slip = await floor.desk.wait_for(f"PICK:{order.order_no}")
    await counter.pick_act(todo.order, "start")
    refused = await _other_choice(floor, todo.order)
    short = await _short(floor, todo.order)
    again = await _short(floor, todo.order)
    claim(
        (short.lines[0].open, short.lines[0].refunded) == (2, 1) and again.lines == short.lines,
        "not exactly one unit was given up",
        open=short.lines[0].open,
        refunded=again.lines[0].refunded,
    )
    ready = await counter.pick_act(todo.order, "ready", place="B7", bags=2)
    await counter.print_pick(todo.order)
    label = await floor.desk.wait_for(f"BAG:{order.order_no}/2/2")
    handed = await _hand_over_by_bags(floor, order)
    floor.expect(order, units=2)
    at_hq = await _settled(floor, order)
    owed = await floor.hq.obligations(order.order_no)
    claim(
        [(each.kind, each.line, each.amount_minor) for each in owed] == [("refund", 1, 1_290)],
        "HQ does not owe exactly one unit",
        owed=[each.kind for each in owed],
    )
    return {
        "order": order.order_no,
        "queue": early.queue,
        "other_choice": refused,
        "units": [unit.state for unit in at_hq.lines[0].units],
        "handed": handed,
        "refunds": len(owed),
        "owed_minor": owed[0].amount_minor,
        "life": None if at_hq.life is None else at_hq.life.now,
        "place": ready.place,
        "pick_slip": str(slip.picture),
        "bag_label": str(label.picture),
    }


async def _other_choice(floor: Floor, order: str) -> str:
    """What the node says to a choice that is not the customer's."""
    try:
        await floor.counter(1).pick_act(order, "short", line=1, found=2, choice="wait")
    except Refused as error:
        claim(error.code == "not_chosen", "another choice was refused for another reason")
        return error.code
    claim(False, "the picker decided for the customer")
    return ""


async def _short(floor: Floor, order: str) -> PickView:
    return await floor.counter(1).pick_act(order, "short", line=1, found=2, choice="refund_line")


async def _hand_over_by_bags(floor: Floor, order: Order) -> int:
    """The customer's code, then the label of each bag; answers how many units went."""
    counter = floor.counter(1)
    claimed = await counter.scan(order.v1)
    claim(claimed.state == "claimed", "not claimed", reason=claimed.reason.code)
    first = await counter.scan(f"BAG:{order.order_no}/1/2")
    claim(first.reason.code == "bag_counted", "one of two bags was not counted")
    last = await counter.scan(f"BAG:{order.order_no}/2/2")
    claim(last.state == "handed" and last.order is not None, "the bags did not confirm")
    assert last.order is not None
    return sum(unit == "handed" for line in last.order.lines for unit in line.units)


async def _settled(floor: Floor, order: Order) -> OrderAtHq:
    seen: list[OrderAtHq] = []

    async def known() -> bool:
        seen.append(await floor.hq.order(order.order_no))
        states = sorted(unit.state for unit in seen[-1].lines[0].units)
        return states == ["handed", "handed", "refunded"]

    await floor.until(known, "HQ has handed two and refunded one", within_s=10)
    conflicts = sum(unit.conflicts for unit in seen[-1].lines[0].units)
    claim(conflicts == 0, "there is a conflict", conflicts=conflicts)
    return seen[-1]
