"""Scenes of stock's safety rules (attacks 18 to 20); `rules.py` runs them by name."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import made_shop
import pytest
from stock_day import MINUTE_MS, SKU, STORE, Day
from store_box import close_files
from whole_chain import Chain

from edge.flow import stock as stocks
from edge.flow import stock_keeping
from edge.flow.answers import Refusal
from edge.flow.stock_answers import StockAct
from edge.main.opening import open_store as open_data
from edge.store.incarnation import begin_again
from edge.store.tx import Moment
from sync.hub import stock_api
from sync.hub.problems import Problem

Scene = Callable[[Path], Coroutine[object, object, None]]
SCENES: dict[str, Scene] = {}


def scene(act: Scene) -> Scene:
    SCENES[act.__name__] = act
    return act


@asynccontextmanager
async def opened(folder: Path, pieces: int = 10) -> AsyncIterator[Day]:
    """A store that has counted, and whose rights HQ has split."""
    chain = Chain(folder, seed=1)
    await chain.open()
    await chain.pull()
    day = Day(chain)
    if pieces:
        await day.count(pieces)
        await day.meet()
    yield day
    await chain.stop()
    chain.close()


@scene
async def an_orders_hand_over_spends_its_own_right(folder: Path) -> None:
    async with opened(folder) as day:
        order = day.order(2)
        await day.meet()
        before = await day.rights()
        await day.hand_over(order)
        after = await day.rights()
        assert (after.counter, after.online) == (before.counter, before.online - 2)


@scene
async def hub_forgets_an_orders_right_when_it_is_handed_over(folder: Path) -> None:
    async with opened(folder) as day:
        order = day.order(2)
        await day.meet()
        await day.hand_over(order)
        await day.meet()
        held = day.at_hq()
        now = await day.rights()
        assert held["of_orders"] == 0
        assert held["online"] == now.online


@scene
async def a_new_incarnation_holds_no_rights_until_it_counted(folder: Path) -> None:
    async with opened(folder) as day:
        chain = day.chain
        await chain.stop()
        files = open_data(chain.data, boot_ms=chain.clock.boot_ms())
        unsure = Moment(trusted_ms=0, boot_ms=chain.clock.boot_ms(), clock="unsure")
        made_shop.inline(files.ledger, lambda tx: begin_again(tx, "restored"), unsure)
        close_files(files)
        chain.enrol(replace=True)
        await chain.open()
        await chain.pull()
        locked = await day.lock()
        assert isinstance(locked, Refusal), "rights came back from the dead"
        assert locked.code == "not_counted"
        held = day.at_hq()["online"]
        await day.count(7)
        await day.meet()
        now = await day.rights()
        assert now.counter + now.online + now.in_transit - now.shortage == 7
        assert now.online + now.in_transit == day.at_hq()["online"] <= max(held, 7)


@scene
async def a_right_is_in_one_place(folder: Path) -> None:
    async with opened(folder) as day:
        home = stock_api.NewMove(store=STORE, sku=SKU, to="store", quantity=2)
        before = day.at_hq()["online"]
        stock_api.move_rights(day.hub, home)
        assert day.at_hq()["online"] == before - 2, "what is on its way is still sold here"
        await day.meet()
        now = await day.rights()
        assert now.counter + now.online == 10
        assert now.online == day.at_hq()["online"]


@scene
async def what_is_on_its_way_is_nobodys(folder: Path) -> None:
    async with opened(folder) as day:
        before = await day.rights()
        ask = stock_api.NewMove(store=STORE, sku=SKU, to="online", quantity=3)
        stock_api.move_rights(day.hub, ask)
        await day.chain.pull()
        gone = await day.rights()
        assert (gone.counter, gone.in_transit) == (before.counter - 3, 3)
        assert day.at_hq()["online"] == before.online, "credited before it was told"
        day.chain.advance(60 * MINUTE_MS)
        await stock_keeping.keep(day.chain.node.shop)
        assert (await day.rights()).in_transit == 3
        await day.chain.push()
        await stock_keeping.keep(day.chain.node.shop)
        assert (await day.rights()).in_transit == 0
        # HQ may send some of it back at once, to the channel that drains: that is debited already
        sent_back = sum(
            move["quantity"] for move in day.at_hq()["moves"] if move["kind"] == "grant"
        )
        assert day.at_hq()["online"] + sent_back == before.online + 3


@scene
async def online_sells_no_right_that_it_does_not_hold(folder: Path) -> None:
    async with opened(folder) as day:
        for _ in range(day.at_hq()["online"]):
            day.order()
        with pytest.raises(Problem, match="HQ holds 0"):
            day.order()


@scene
async def a_count_below_the_promises_is_taken_and_shown(folder: Path) -> None:
    async with opened(folder) as day:
        counted = await day.count(3)
        assert (counted.on_hand, counted.rights.shortage) == (3, 2)
        refused = await day.lock()
        assert isinstance(refused, Refusal)
        assert refused.code == "stock_shortage"
        await day.meet()
        assert (await day.rights()).shortage == 0, "no right was called home"
        assert day.at_hq()["online"] <= 3


@scene
async def one_base_has_one_delta(folder: Path) -> None:
    async with opened(folder) as day:
        base = (await day.view()).seq
        await day.record(1)
        assert (await day.count(8, base)).delta == -2
        assert (await day.count(8, base)).on_hand == 9


@scene
async def what_one_count_put_right_is_not_put_right_twice(folder: Path) -> None:
    async with opened(folder) as day:
        earlier = (await day.view()).seq
        await day.record(2)
        assert (await day.count(11)).delta == -1
        assert (await day.count(9, earlier)).delta == 0


@scene
async def returned_goods_are_no_right(folder: Path) -> None:
    async with opened(folder) as day:
        before = await day.rights()
        await day.record(2, "returned")
        assert await day.rights() == before
        assert (await day.view()).quarantine == 2


@scene
async def a_lock_that_somebody_pays_for_does_not_end(folder: Path) -> None:
    async with opened(folder) as day:
        assert isinstance(await day.lock(2), StockAct)
        shop = day.chain.node.shop

        await shop.writer.do(
            lambda tx: tx.connection.execute("UPDATE stock_lock SET payments = 1").rowcount,
            shop.moment(),
        )
        day.chain.advance(60 * MINUTE_MS)
        await stock_keeping.keep(shop)
        assert (await day.rights()).locked == 2


@scene
async def a_lock_ends_late_after_a_reboot_and_never_early(folder: Path) -> None:
    async with opened(folder) as day:
        assert isinstance(await day.lock(2), StockAct)
        day.chain.advance(14 * MINUTE_MS)
        await day.chain.stop()
        day.chain.power_off(600 * MINUTE_MS, wall_ms=4_070_908_800_000)
        await day.chain.open()
        shop = day.chain.node.shop
        await stock_keeping.keep(shop)
        day.chain.advance(15 * MINUTE_MS - 1)
        await stock_keeping.keep(shop)
        assert (await day.rights()).locked == 2, "early"
        day.chain.advance(1)
        await stock_keeping.keep(shop)
        assert (await day.rights()).locked == 0, "never"


@scene
async def a_reservation_ends_and_comes_back_once(folder: Path) -> None:
    async with opened(folder) as day:
        before = day.at_hq()["online"]
        new = stock_api.NewReservation(store=STORE, sku=SKU, quantity=2)
        number = str(stock_api.reserve(day.hub, new)["reservation"])
        day.chain.advance(15 * MINUTE_MS)
        stock_api.tick(day.hub)
        stock_api.release(day.hub, number)
        stock_api.release(day.hub, number)
        assert day.at_hq()["online"] == before


@scene
async def a_closed_article_is_not_sold_online(folder: Path) -> None:
    async with opened(folder, pieces=0) as day:
        stock_api.put_plan(day.hub, stock_api.NewPlan(store=STORE, sku=SKU, par=100))
        await day.count(50)
        await day.meet()
        await day.record(45, "damaged")
        await day.meet()
        assert day.at_hq()["online"] == 0
        assert (await day.view()).tier == "closed"
        await day.record(1)
        await day.meet()
        with pytest.raises(Problem, match="Too scarce"):
            day.order()
        tiers = stock_api.show_tiers(day.hub, STORE)["tiers"]
        assert isinstance(tiers, list)
        actions = [one["action"] for one in tiers[0]["actions"]]
        assert actions.count("online_closed") == 1, actions


@scene
async def a_lock_is_taken_once(folder: Path) -> None:
    async with opened(folder) as day:
        made = await day.lock(2)
        assert isinstance(made, StockAct)
        assert made.lock is not None
        shop = day.chain.node.shop
        for _ in range(2):
            await stocks.end_lock(shop, day.till(), made.lock.id, "taken")
        assert (await day.view()).on_hand == 8
