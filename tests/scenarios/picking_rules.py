"""Scenes of picking's safety rules; `rules.py` runs them by name."""

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from whole_chain import Chain

from edge.flow import pick
from edge.flow.answers import Refusal, ScanAnswer
from edge.flow.caller import Caller
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.pick import FoundAsk, ReadyAsk, ShortAsk
from edge.flow.pick_view import PickView
from edge.flow.scan import ScanAsk, scan
from edge.flow.shop import Shop
from edge.store.tx import Tx
from sync.hub import obligations, orders
from sync.hub.orders import NewLine, NewOrder
from sync.rules.order_life import OnShort

Scene = Callable[[Path], Coroutine[object, object, None]]
SCENES: dict[str, Scene] = {}


def scene(act: Scene) -> Scene:
    SCENES[act.__name__] = act
    return act


class Shelf:
    """A chain of one store where somebody picks."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.hub = chain.headquarters.hub
        self.keys = 0

    @property
    def shop(self) -> Shop:
        return self.chain.node.shop

    def till(self, station: str = "till1") -> Caller:
        self.keys += 1
        return Caller(station=station, key=f"p{self.keys}", route="picking")

    async def meet(self) -> None:
        for _ in range(3):
            await self.chain.push()
            await self.chain.pull()
        await self.chain.push()

    async def order(self, on_short: OnShort = "refund_line") -> dict[str, Any]:
        new = NewOrder(
            store=101,
            lines=(NewLine(sku="MILK1", quantity=3, unit_minor=1_290),),
            ready=False,
            on_short=on_short,
        )
        made: dict[str, Any] = json.loads(json.dumps(orders.create(self.hub, new)))
        await self.meet()
        return made

    async def short(
        self, order: dict[str, Any], found: int = 2, choice: OnShort = "refund_line"
    ) -> PickView | Refusal:
        ask = ShortAsk(line=1, found=found, choice=choice)
        return await pick.short(self.shop, self.till(), order["order_id"], ask)

    async def scan(self, order: dict[str, Any]) -> ScanAnswer:
        code = order["codes"]["v1"]
        answer = await scan(self.shop, self.till(), ScanAsk(text=code))
        assert isinstance(answer, ScanAnswer), answer
        return answer

    def states(self, order: dict[str, Any]) -> list[str]:
        shown = json.loads(json.dumps(orders.show(self.hub, order["order_no"])))
        return [unit["state"] for unit in shown["lines"][0]["units"]]

    def owed(self, order: dict[str, Any]) -> int:
        return len(obligations.listed(self.hub, order["order_no"]))


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Shelf]:
    chain = Chain(folder, seed=1)
    await chain.open()
    await chain.pull()
    shelf = Shelf(chain)

    def sign_in(tx: Tx) -> None:
        tx.run("shift_pin_set", "c1", tx.moment.trusted_ms)
        tx.run("operator_set", "till1", "c1", tx.moment.trusted_ms, tx.moment.trusted_ms)

    await shelf.shop.writer.do(sign_in, shelf.shop.moment())
    yield shelf
    await chain.stop()
    chain.close()


@scene
async def what_was_short_is_not_given_and_refunded_once(folder: Path) -> None:
    async with opened(folder) as shelf:
        order = await shelf.order()
        assert isinstance(await shelf.short(order), PickView)
        assert isinstance(await shelf.short(order), PickView)
        await shelf.scan(order)
        wanted = HandOverAsk(order=order["order_id"], units=((1, 1), (1, 2), (1, 3)))
        answer = await hand_over(shelf.shop, shelf.till(), wanted)
        assert isinstance(answer, Refusal), "a unit was given that is refunded"
        rest = await hand_over(shelf.shop, shelf.till(), HandOverAsk(order=order["order_id"]))
        assert isinstance(rest, ScanAnswer)
        await shelf.meet()
        assert shelf.states(order) == ["handed", "handed", "refunded"]
        assert shelf.owed(order) == 1


@scene
async def nothing_is_given_up_while_a_counter_serves_the_order(folder: Path) -> None:
    async with opened(folder) as shelf:
        order = await shelf.order()
        assert (await shelf.scan(order)).state == "claimed"
        assert isinstance(await shelf.short(order), Refusal), "the counter may be giving it away"


@scene
async def what_is_short_is_settled_by_the_customer(folder: Path) -> None:
    async with opened(folder) as shelf:
        order = await shelf.order(on_short="wait")
        assert isinstance(await shelf.short(order), Refusal), "the picker chose for the customer"
        await shelf.meet()
        assert shelf.states(order) == ["held"] * 3


@scene
async def an_order_is_ready_only_when_each_unit_is_accounted_for(folder: Path) -> None:
    async with opened(folder) as shelf:
        order = await shelf.order()
        ask = FoundAsk(line=1, found=2)
        assert isinstance(
            await pick.found(shelf.shop, shelf.till(), order["order_id"], ask), PickView
        )
        lies = ReadyAsk(place="A1", bags=1)
        answer = await pick.put_ready(shelf.shop, shelf.till(), order["order_id"], lies)
        assert isinstance(answer, Refusal), "ready with a unit missing"


@scene
async def a_short_pick_from_before_a_newer_grant_refunds_nothing(folder: Path) -> None:
    async with opened(folder) as shelf:
        order = await shelf.order()
        assert isinstance(await shelf.short(order), PickView)
        orders.reissue(shelf.hub, order["order_no"])  # HQ has not heard of it yet
        await shelf.meet()
        assert "refunded" not in shelf.states(order), "refunded, and open again at the store"
        assert shelf.owed(order) == 0


@scene
async def picking_lies_in_the_bin_also_while_hq_is_away(folder: Path) -> None:
    async with opened(folder) as shelf:
        order = await shelf.order()
        ask = FoundAsk(line=1, found=3)
        await pick.found(shelf.shop, shelf.till(), order["order_id"], ask)
        lies = ReadyAsk(place="B7", bags=2)
        await pick.put_ready(shelf.shop, shelf.till(), order["order_id"], lies)
        answer = await shelf.scan(order)
        assert answer.order is not None
        assert (answer.order.ready, answer.order.place, answer.order.bags) == (True, "B7", 2)
