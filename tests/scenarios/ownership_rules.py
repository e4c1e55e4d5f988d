"""Scenes of orders between stores and HQ: attacks 1 to 4, one rule each (see `rules.py`)."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

from many_stores import ManyStores, Pickup

from sync.hub import orders
from sync.hub.problems import Problem
from sync.hub.refunds import Override

Scene = Callable[[Path], Coroutine[object, object, None]]
SCENES: dict[str, Scene] = {}
HOUR_MS = 3_600_000


def scene(act: Scene) -> Scene:
    SCENES[act.__name__] = act
    return act


@asynccontextmanager
async def chain_of_two(folder: Path) -> AsyncIterator[tuple[ManyStores, Pickup]]:
    """Two stores, and an order of two units that the first has heard of."""
    chain = ManyStores(folder.parent / "chain", 1)
    await chain.open()
    order = chain.order(1)
    await chain.settle()
    try:
        yield chain, order
    finally:
        await chain.close()


def problem_of(act: Callable[[], object]) -> str:
    try:
        act()
    except Problem as problem:
        return problem.code
    return "done"


@scene
async def a_move_waits_for_its_release(folder: Path) -> None:
    async with chain_of_two(folder) as (chain, order):
        home, other = chain.box(1), chain.box(2)
        home.weather.cut = True
        order.move(2)
        await chain.settle(other)
        assert (await order.show(other)).verdict != "ok"
        await chain.heal()
        assert (await order.show(other)).verdict == "ok"
        assert (await order.show(home)).reason.code == "moved"


@scene
async def what_home_handed_over_meanwhile_is_granted_to_nobody(folder: Path) -> None:
    async with chain_of_two(folder) as (chain, order):
        home, other = chain.box(1), chain.box(2)
        home.weather.cut = True
        order.move(2)
        await order.give(home)
        await chain.heal()
        assert order.states() == ["handed", "handed"]
        assert (await order.show(other)).verdict != "ok"


@scene
async def what_left_before_the_move_is_not_given_again(folder: Path) -> None:
    async with chain_of_two(folder) as (chain, order):
        home, other = chain.box(1), chain.box(2)
        await order.give(home, (1, 1))
        order.move(2)
        await chain.settle()
        await order.give(other)
        await chain.settle()
        handed = [unit["handed_total"] for unit in order.units()]
        assert handed == [1, 1], handed


@scene
async def an_epoch_does_not_rise_over_an_open_question(folder: Path) -> None:
    async with chain_of_two(folder) as (chain, order):
        chain.box(1).weather.cut = True
        order.move(2)
        hub = chain.headquarters.hub
        assert problem_of(lambda: orders.reissue(hub, order.no)) == "asked"


@scene
async def a_cancel_that_is_not_answered_refunds_nothing(folder: Path) -> None:
    async with chain_of_two(folder) as (chain, order):
        chain.box(1).weather.cut = True
        order.cancel()
        assert problem_of(order.refund) == "asked"


@scene
async def a_refunded_unit_stays_so_when_it_is_handed_over(folder: Path) -> None:
    async with chain_of_two(folder) as (chain, order):
        home = chain.box(1)
        home.weather.cut = True
        order.refund(override=Override(by="Li", reason="silent"))
        await order.give(home)
        await chain.heal()
        assert order.states() == ["refunded", "refunded"]
        assert order.told("handed") == ["conflict"]


@scene
async def no_token_is_signed_for_an_order_that_is_not_whole(folder: Path) -> None:
    async with chain_of_two(folder) as (chain, order):
        order.refund((1, 1))
        await chain.settle()
        anew = orders.reissue(chain.headquarters.hub, order.no)["codes"]
        assert isinstance(anew, dict)
        assert anew["v2"] is None


@scene
async def a_lease_that_is_over_stops_the_store(folder: Path) -> None:
    async with chain_of_two(folder) as (chain, order):
        home = chain.box(1)
        home.node.shop.lease_ms = HOUR_MS
        home.weather.cut = True
        chain.advance(2 * HOUR_MS)
        assert (await order.show(home)).reason.code == "lease_over"


@scene
async def wrong_tries_travel_with_their_order(folder: Path) -> None:
    async with chain_of_two(folder) as (chain, order):
        home, other = chain.box(1), chain.box(2)
        last = order.codes["v2"][-1]
        order.codes["v2"] = order.codes["v2"][:-1] + ("0" if last != "0" else "1")
        for _ in range(2):
            await order.show(home, "v2")
        order.move(2)
        await chain.settle()
        assert (await order.show(other, "v2")).verdict == "locked"
