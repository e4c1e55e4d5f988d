"""An article's stock between a box and HQ: counted, split, sold on both sides, counted again.

All product code but the sockets (`whole_chain.Chain`).
"""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest
from stock_day import MINUTE_MS, SKU, STORE, Day
from whole_chain import Chain

from edge.flow import stock as stocks
from edge.flow import stock_keeping
from edge.flow.answers import Refusal
from edge.flow.stock import LockAsk, RecordAsk
from edge.flow.stock_answers import StockAct
from edge.flow.undo import UndoAsk, undo
from sync.hub import app as hub_app
from sync.hub import stock_api
from sync.hub.problems import Problem


@pytest.fixture
async def day(tmp_path: Path) -> AsyncIterator[Day]:
    chain = Chain(tmp_path, seed=1)
    await chain.open()
    await chain.pull()
    yield Day(chain)
    await chain.stop()
    chain.close()


def refusal(answer: StockAct | Refusal) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


def sold_out(act: Callable[[], object]) -> str:
    with pytest.raises(Problem) as caught:
        act()
    return caught.value.code


async def test_a_first_count_promises_nothing_until_headquarters_answered(day: Day) -> None:
    counted = await day.count(10)
    assert (counted.on_hand, counted.state, counted.rights.in_transit) == (10, "counted", 10)
    assert refusal(await day.lock()) == "not_counted"
    await day.meet()
    view = await day.view()
    assert view.state == "based"
    assert view.on_hand == 10
    now = await day.rights()
    assert now.counter + now.online == 10
    assert now.online == day.at_hq()["online"] == 5


async def test_online_sells_what_it_holds_and_not_a_piece_more(day: Day) -> None:
    await day.count(10)
    await day.meet()
    for _ in range(5):
        day.order()
    assert sold_out(day.order) == "sold_out"
    held = day.at_hq()
    assert (held["online"], held["of_orders"]) == (0, 5)
    await day.meet()  # rights follow the channel that drains
    assert day.at_hq()["online"] > 0
    sold = 5
    while True:
        try:
            day.order()
        except Problem:
            break
        sold += 1
    assert sold + (await day.rights()).counter <= 10


async def test_an_orders_hand_over_spends_its_own_right_and_undo_brings_it_back(day: Day) -> None:
    await day.count(10)
    await day.meet()
    order = day.order(2)
    await day.meet()
    before = await day.rights()
    answer = await day.hand_over(order)
    after = await day.rights()
    assert after.counter == before.counter
    assert after.online == before.online - 2
    assert (await day.view()).on_hand == 8
    await day.meet()
    assert day.at_hq()["of_orders"] == 0
    assert answer.handover is not None
    wish = UndoAsk(handover=answer.handover, goods_still_here=True, reason="not theirs")
    await undo(day.chain.node.shop, day.till(), wish)
    assert (await day.view()).on_hand == 10
    await day.meet()
    assert day.at_hq()["of_orders"] == 2


async def test_a_count_below_the_promises_stops_selling_and_calls_rights_home(day: Day) -> None:
    await day.count(10)
    await day.meet()
    short = await day.count(3)
    assert short.delta == -7
    assert short.rights.shortage == 2
    assert refusal(await day.lock()) == "stock_shortage"
    await day.meet()
    now = await day.rights()
    assert now.shortage == 0
    assert now.counter + now.online == 3
    assert now.online == day.at_hq()["online"]
    cases = day.chain.headquarters.hub
    from sync.hub.cases import list_cases

    assert [one["reason"] for one in list_cases(cases)] == ["stock_shortage"]


async def test_one_base_is_counted_once_and_what_moved_since_is_not_in_the_count(day: Day) -> None:
    await day.count(10)
    await day.meet()
    earlier = (await day.view()).seq
    await day.record(2)
    base = (await day.view()).seq
    await day.record(4)
    assert (await day.count(11, base)).on_hand == 15  # eleven of the twelve, and the four since
    again = await day.count(2, base)
    assert (again.delta, again.on_hand) == (-1, 15)
    assert (await day.count(9, earlier)).delta == 0  # what one count put right is right


async def test_a_count_without_a_difference_is_a_base_of_its_own(day: Day) -> None:
    await day.count(10)
    await day.meet()
    assert (await day.count(10)).delta == 0
    assert (await day.count(8)).delta == -2  # two were stolen between, and nothing moved


async def test_returned_goods_are_no_right_until_somebody_looked(day: Day) -> None:
    await day.count(4)
    await day.meet()
    before = await day.rights()
    await day.record(2, "returned")
    view = await day.view()
    assert (view.on_hand, view.quarantine, view.rights) == (4, 2, before)
    await day.record(1, "restock")
    view = await day.view()
    assert (view.on_hand, view.quarantine) == (5, 1)
    wish = RecordAsk(quantity=2, kind="scrapped")
    answer = await stocks.record(day.chain.node.shop, day.till(), SKU, wish)
    assert refusal(answer) == "not_in_quarantine"


async def test_a_lock_ends_after_its_term_and_not_before(day: Day) -> None:
    await day.count(10)
    await day.meet()
    free = (await day.rights()).counter
    made = await day.lock(2)
    assert isinstance(made, StockAct)
    assert made.rights.counter == free - 2
    shop = day.chain.node.shop
    day.chain.advance(15 * MINUTE_MS - 1)
    await stock_keeping.keep(shop)
    assert (await day.rights()).locked == 2
    day.chain.advance(1)
    await stock_keeping.keep(shop)
    now = await day.rights()
    assert (now.locked, now.counter) == (0, free)
    assert made.lock is not None
    assert refusal(await stocks.end_lock(shop, day.till(), made.lock.id, "taken")) == "lock_over"


async def test_a_lock_runs_anew_after_a_reboot_with_an_unsure_clock(day: Day) -> None:
    await day.count(10)
    await day.meet()
    await day.lock(2)
    day.chain.advance(14 * MINUTE_MS)
    await day.chain.stop()
    day.chain.power_off(60 * MINUTE_MS, wall_ms=4_070_908_800_000)
    await day.chain.open()
    shop = day.chain.node.shop
    await stock_keeping.keep(shop)
    day.chain.advance(15 * MINUTE_MS - 1)
    await stock_keeping.keep(shop)
    assert (await day.rights()).locked == 2
    day.chain.advance(1)
    await stock_keeping.keep(shop)
    assert (await day.rights()).locked == 0


async def test_what_was_set_aside_is_sold_once(day: Day) -> None:
    await day.count(10)
    await day.meet()
    made = await day.lock(2)
    assert isinstance(made, StockAct)
    assert made.lock is not None
    shop = day.chain.node.shop
    for _ in range(2):
        sold = await stocks.end_lock(shop, day.till(), made.lock.id, "taken")
        assert isinstance(sold, StockAct)
        assert (sold.on_hand, sold.rights.locked) == (8, 0)
    assert refusal(await stocks.end_lock(shop, day.till(), made.lock.id, "released")) == "lock_over"
    await day.meet()
    assert day.at_hq()["node"]["on_hand"] == 8


async def test_the_same_key_sets_aside_once(day: Day) -> None:
    await day.count(10)
    await day.meet()
    caller = day.till()
    ask = LockAsk(sku=SKU, quantity=2)
    first = await stocks.set_aside(day.chain.node.shop, caller, ask)
    again = await stocks.set_aside(day.chain.node.shop, caller, ask)
    assert isinstance(first, StockAct)
    assert isinstance(again, StockAct)
    assert again.lock == first.lock
    assert again.repeat_of_ms is not None
    assert (await day.rights()).locked == 2


async def test_a_reservation_holds_ends_and_becomes_an_order(day: Day) -> None:
    await day.count(10)
    await day.meet()
    new = stock_api.NewReservation(store=STORE, sku=SKU, quantity=3)
    first = stock_api.reserve(day.hub, new)
    second = stock_api.reserve(day.hub, stock_api.NewReservation(store=STORE, sku=SKU, quantity=2))
    assert sold_out(day.order) == "sold_out"
    order = day.order(3, reservation=str(first["reservation"]))
    assert order["state"] == "open"
    assert (
        sold_out(lambda: day.order(1, reservation=str(first["reservation"]))) == "reservation_over"
    )
    held = day.at_hq()
    assert (held["online"], held["reserved"], held["of_orders"]) == (0, 2, 3)
    day.chain.advance(15 * MINUTE_MS - 1)
    stock_api.tick(day.hub)
    assert day.at_hq()["reserved"] == 2
    day.chain.advance(1)
    stock_api.tick(day.hub)
    held = day.at_hq()
    assert (held["online"], held["reserved"]) == (2, 0)
    assert stock_api.show_reservation(day.hub, str(second["reservation"]))["state"] == "expired"


async def test_a_cancelled_orders_right_comes_back_when_the_store_released_it(day: Day) -> None:
    await day.count(10)
    await day.meet()
    order = day.order(5)
    await day.meet()
    from sync.hub import ownership

    ownership.cancel(day.hub, str(order["order_no"]))
    assert day.at_hq()["of_orders"] == 5  # asked is not stopped
    await day.chain.pull()
    await day.chain.push()
    held = day.at_hq()
    assert held["of_orders"] == 0
    assert held["online"] >= 5


async def test_a_closed_tier_shuts_the_online_shop_and_a_delivery_opens_it(day: Day) -> None:
    stock_api.put_plan(day.hub, stock_api.NewPlan(store=STORE, sku=SKU, par=100))
    await day.count(50)
    await day.meet()
    assert (await day.view()).tier == "normal"
    await day.record(46, "damaged")
    assert (await day.view()).tier == "closed"
    await day.meet()
    held = day.at_hq()
    assert (held["closed"], held["online"], held["tier"]) == (True, 0, "closed")
    assert sold_out(day.order) == "online_closed"
    assert (await day.rights()).counter == 4
    await day.record(2)  # within the margin: still closed
    await day.meet()
    assert day.at_hq()["closed"]
    await day.record(40)
    await day.meet()
    held = day.at_hq()
    assert (held["closed"], held["tier"]) == (False, "normal")
    assert held["online"] > 0
    day.order()
    tiers = stock_api.show_tiers(day.hub, STORE)["tiers"]
    assert isinstance(tiers, list)
    actions = [one["action"] for one in reversed(tiers[0]["actions"])]
    assert actions == [
        "shorter_window", "alarm", "replenish", "rate_cap", "online_closed", "online_reopened",
    ]  # fmt: skip


async def test_scarce_goods_are_promised_slowly_and_locked_shorter(day: Day) -> None:
    stock_api.put_plan(day.hub, stock_api.NewPlan(store=STORE, sku=SKU, par=60))
    await day.count(18)
    await day.meet()
    made = await day.lock()
    assert isinstance(made, StockAct)
    assert made.lock is not None
    assert made.lock.until_ms - made.lock.made_ms == 15 * MINUTE_MS
    await day.record(12, "damaged")
    assert (await day.view()).tier == "scarce"
    await day.meet()
    day.chain.advance(MINUTE_MS)
    made = await day.lock()
    assert isinstance(made, StockAct)
    assert made.lock is not None
    assert made.lock.until_ms - made.lock.made_ms == 5 * MINUTE_MS
    capped = await day.lock(2)
    assert refusal(capped) == "rate_capped"


async def test_the_hubs_routes_of_stock_are_there(day: Day, tmp_path: Path) -> None:
    app = hub_app.build(day.hub, tmp_path / "snapshots")
    transport = httpx.ASGITransport(app)
    token = day.chain.headquarters.token
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        assert (await client.get("/v1/stock")).status_code == 401
        client.headers["authorization"] = f"Bearer {token}"
        plan = {"store": STORE, "sku": SKU, "par": 10}
        assert (await client.post("/v1/stock/plans", json=plan)).status_code == 201
        shown = (await client.get("/v1/stock", params={"store": STORE})).json()["stock"]
        assert [one["par"] for one in shown] == [10]
        tiers = await client.get("/v1/tiers", params={"worse": "false"})
        assert tiers.json()["tiers"][0]["tier"] == "normal"
        wish = {"store": STORE, "sku": SKU, "quantity": 1}
        assert (await client.post("/v1/reservations", json=wish)).status_code == 404
