"""Steps about stock: the last pieces sold on two sides at once, and scarcity that acts."""

import asyncio

from edge.flow.stock_answers import RightsView, StockView
from edge.lab.branch import Branch
from edge.lab.counter import Refused
from edge.lab.floor import STORE, Floor
from edge.lab.headquarters import HubSaidNo
from edge.lab.hq_views import Order, StockAtHq
from edge.lab.tour.step import Detail, claim

LAST, RARE = "LAST10", "RARE"
PIECES, WAVE = 10, 12


async def _article(floor: Floor, sku: str, gtin: str, zh: str, en: str) -> None:
    await floor.hq.add_product(sku, gtin, zh, en, "ambient")


async def _stock(branch: Branch, sku: str) -> tuple[StockView, RightsView]:
    view = await branch.counter(1).stock(sku)
    claim(view is not None and view.rights is not None, "the node keeps no stock of it", sku=sku)
    assert view is not None
    assert view.rights is not None
    return view, view.rights


async def _counted(floor: Floor, branch: Branch, sku: str, pieces: int) -> None:
    """Count an article in a store, and wait until HQ has split the rights."""

    async def known() -> bool:
        return await branch.counter(1).stock(sku) is not None

    await floor.until(known, f"store {branch.number} knows {sku}")
    await branch.counter(1).count_stock(sku, pieces)

    async def split() -> bool:
        view, rights = await _stock(branch, sku)
        held = await floor.hq.stock(branch.number, sku)
        quiet = held is not None and not held.moves and rights.in_transit == 0
        return view.state == "based" and quiet and rights.online > 0

    await floor.until(split, f"HQ has answered the count of {sku}")


async def _at_hq(floor: Floor, sku: str) -> StockAtHq:
    held = await floor.hq.stock(STORE, sku)
    claim(held is not None, "HQ keeps no rights of it", sku=sku)
    assert held is not None
    return held


async def _order(floor: Floor, sku: str) -> Order | str:
    """An online order of one piece, or why the hub makes none."""
    body: dict[str, object] = {
        "store": STORE,
        "lines": [{"sku": sku, "quantity": 1}],
        "hours": 24 * 30,
        "place": "A1",
        "channel": "online",
    }
    try:
        return await floor.hq.create_order(body)
    except HubSaidNo as error:
        return error.code


async def _lock(branch: Branch, sku: str, station: int) -> int | str:
    """A lock of one piece, or why the node gives none."""
    try:
        act = await branch.counter(station).set_aside(sku)
    except Refused as error:
        return error.code
    assert act.lock is not None
    return act.lock.id


async def _hammer(floor: Floor, branch: Branch) -> tuple[list[Order], list[int], set[str]]:
    """Both sides sell as fast as they can; what was promised, and why the rest was not."""
    orders = [_order(floor, LAST) for _ in range(WAVE)]
    locks = [_lock(branch, LAST, 1 + n % 2) for n in range(WAVE)]
    told = await asyncio.gather(*orders, *locks)
    return (
        [one for one in told if isinstance(one, Order)],
        [one for one in told if isinstance(one, int)],
        {one for one in told if isinstance(one, str)},
    )


async def online_and_store_never_oversell(floor: Floor) -> Detail:
    """Online orders and locks at the box fight for ten pieces, cut off and then not."""
    branch = await floor.branch(STORE)
    await _article(floor, LAST, "6901234568004", "最后十件", "The last ten")
    await _counted(floor, branch, LAST, PIECES)
    before, online = (await _stock(branch, LAST))[1], (await _at_hq(floor, LAST)).online
    claim(before.counter + online == PIECES, "the rights are not ten", node=before, online=online)

    await branch.cut()
    try:
        orders, locks, why = await _hammer(floor, branch)
        view, rights = await _stock(branch, LAST)
        claim(
            len(orders) == online and len(locks) == before.counter,
            "cut off, a side sold other than it held",
            online=len(orders),
            locked=len(locks),
        )
        claim(
            view.on_hand == PIECES and rights.locked == len(locks) and rights.counter == 0,
            "the box's books are not what it promised",
            rights=rights,
        )
    finally:
        await branch.mend()
    await branch.heard()
    apart = {"ordered": len(orders), "locked": len(locks), "refused": sorted(why)}

    for number in locks[:2]:  # let go, so that both sides fight again for what is free
        await branch.counter(1).end_lock(number, "release")
    more, again, why = await _hammer(floor, branch)
    orders += more
    locks = locks[2:] + again
    claim(len(orders) + len(locks) <= PIECES, "oversold", ordered=len(orders), locked=len(locks))

    for number in locks[:2]:
        await branch.counter(1).end_lock(number, "take")
    handed = orders[:2]
    for order in handed:
        answer = await branch.counter(2).scan(order.v1)
        claim(answer.state == "handed", "an order is not served", reason=answer.reason.code)
        floor.expect(order, units=1)
    return {
        "cut_off": apart,
        "after": {"ordered": len(more), "locked": len(again), "refused": sorted(why)},
        **await _conserved(floor, branch, orders, locks, gone=2 + len(handed)),
    }


async def _conserved(
    floor: Floor, branch: Branch, orders: list[Order], locks: list[int], *, gone: int
) -> Detail:
    """Read both books until they are quiet: every piece has one owner, and none is promised twice.

    Two of `locks` were taken, the rest are held; the orders that were not handed over are open.
    """
    await branch.all_sent()

    async def quiet() -> bool:
        rights = (await _stock(branch, LAST))[1]
        held = await _at_hq(floor, LAST)
        return not held.moves and rights.in_transit == 0 and held.node.on_hand == PIECES - gone

    await floor.until(quiet, "no right is on its way any more")
    view, rights = await _stock(branch, LAST)
    held = await _at_hq(floor, LAST)
    promised = rights.locked + held.of_orders
    own = rights.counter + rights.kiosk + rights.safety
    claim(
        view.on_hand == PIECES - gone
        and view.on_hand == own + promised + held.online
        and rights.online == held.online + held.of_orders
        and rights.shortage == 0
        and held.debt == 0,
        "a piece has no owner, or two",
        node=rights,
        hub=held,
    )
    claim(
        rights.locked == len(locks) - 2 and held.of_orders == len(orders) - (gone - 2),
        "the promises are not those that were made",
        node=rights,
        hub=held,
    )
    for number in locks[2:]:
        await branch.counter(1).end_lock(number, "release")
    return {
        "sold": gone,
        "on_hand": view.on_hand,
        "promised": promised,
        "free": own + held.online,
        "sum": gone + promised + own + held.online,
    }


async def tier_closed_online(floor: Floor) -> Detail:
    """Down to two pieces the online shop is closed, at one HQ proposes a transfer; goods reopen."""
    first, second = await asyncio.gather(floor.branch(STORE), floor.branch(2))
    await _article(floor, RARE, "6901234568011", "稀缺商品", "A rare thing")
    for branch in (first, second):
        await floor.hq.put_plan(branch.number, RARE, par=20)
    await asyncio.gather(_counted(floor, first, RARE, 12), _counted(floor, second, RARE, 20))
    tiers = [(await _stock(first, RARE))[0].tier]
    sold = await _order(floor, RARE)
    claim(isinstance(sold, Order), "normal stock is not sold online", refused=sold)

    async def closed_at_hq() -> bool:
        held = await _at_hq(floor, RARE)
        return held.closed and held.online == 0 and not held.moves

    # one piece is promised to the order: of the rest two are free
    await first.heard()
    await first.counter(1).record_stock(RARE, 9, "damaged")
    await floor.until(closed_at_hq, "HQ has closed it online")
    tiers.append((await _stock(first, RARE))[0].tier)
    refused = await _order(floor, RARE)
    claim(refused == "online_closed", "it is sold online although closed", got=refused)

    await first.counter(1).record_stock(RARE, 1, "damaged")

    async def proposed() -> bool:
        told = await floor.hq.tiers(STORE)
        return any(one.sku == RARE and one.from_store == 2 for one in told.proposals)

    await floor.until(proposed, "HQ proposes a transfer from store 2")
    tiers.append((await _stock(first, RARE))[0].tier)

    await first.counter(1).record_stock(RARE, 18, "receipt")

    async def open_at_hq() -> bool:
        held = await _at_hq(floor, RARE)
        return not held.closed and held.online > 0

    await floor.until(open_at_hq, "HQ has opened it again")
    tiers.append((await _stock(first, RARE))[0].tier)
    claim(tiers == ["normal", "closed", "emergency", "normal"], "other tiers", tiers=tiers)
    again = await _order(floor, RARE)
    claim(isinstance(again, Order), "it is not sold online again", refused=again)
    told = await floor.hq.tiers(STORE)
    actions = [one.action for each in told.tiers if each.sku == RARE for one in each.actions]
    wanted = {
        *("shorter_window", "alarm", "replenish", "rate_cap"),
        *("online_closed", "transfer_proposed", "online_reopened"),
    }
    claim(
        set(actions) == wanted and len(actions) == len(wanted),
        "an action is missing, or was done twice",
        actions=actions,
    )
    proposal = next(one for one in told.proposals if one.sku == RARE)
    return {
        "tiers": tiers,
        "refused_while_closed": refused,
        "actions": list(reversed(actions)),
        "proposal": {"from_store": proposal.from_store, "quantity": proposal.quantity},
    }
