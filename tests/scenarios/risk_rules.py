"""Scenes of recalls and of the provisional path, one rule each (see `rules.py`)."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

from many_stores import TILL, ManyStores, Pickup
from store_box import StoreBox
from toy_node import STORE

from edge.flow.answers import ScanAnswer
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.operator import sign_in
from edge.flow.provisional import ProvisionalAsk, give_provisionally
from edge.flow.recalls import answer_recalls
from edge.flow.scan import ScanAsk, scan
from sync.hub import budgets, cases, recalls, stores
from sync.hub.budgets import NewBudget
from sync.hub.recalls import NewRecall

Scene = Callable[[Path], Coroutine[object, object, None]]
SCENES: dict[str, Scene] = {}
PIN, PRICE = "830274", 500


def scene(act: Scene) -> Scene:
    SCENES[act.__name__] = act
    return act


@asynccontextmanager
async def chain_of_two(folder: Path) -> AsyncIterator[ManyStores]:
    """Two stores; the second has a cashier and a budget of two pieces, two of one order."""
    chain = ManyStores(folder.parent / "chain", 1)
    person = stores.NewPerson(store=STORE + 1, staff_id="c1", name="Li", role="cashier", pin=PIN)
    stores.put_person(chain.headquarters.hub, person)
    await chain.open()
    grant(chain)
    await chain.settle()
    try:
        yield chain
    finally:
        await chain.close()


def grant(chain: ManyStores) -> None:
    new = NewBudget(store=STORE + 1, pieces=2, amount_minor=2 * PRICE, articles={"MILK1": PRICE})
    budgets.grant(chain.headquarters.hub, new, by="Wang")


async def risk(order: Pickup, box: StoreBox, *, pin: str = PIN) -> bool:
    """Offer, choose; whether it was handed over."""
    shop = box.node.shop
    await sign_in(shop, TILL, "c1", PIN)
    await order.show(box, "v2")
    await scan(shop, TILL, ScanAsk(text=order.codes["pl"]))
    given = await give_provisionally(shop, TILL, ProvisionalAsk(order=order.id, pin=pin))
    return isinstance(given, ScanAnswer) and given.state == "handed"


def totals(chain: ManyStores) -> dict[str, int]:
    told = budgets.listed(chain.headquarters.hub)["totals"]
    assert isinstance(told, dict)
    return {word: each["pieces"] for word, each in told.items()}


@scene
async def no_more_is_risked_than_was_granted(folder: Path) -> None:
    async with chain_of_two(folder) as chain:
        orders = [chain.order(1, quantity=1) for _ in range(4)]
        await chain.settle()
        given = [await risk(order, chain.box(2)) for order in orders]
        assert given == [True, True, False, False], given


@scene
async def a_new_incarnation_has_nothing_to_risk(folder: Path) -> None:
    async with chain_of_two(folder) as chain:
        order = chain.order(1)
        await chain.settle()
        box = chain.box(2)
        await box.stop()
        fresh = StoreBox(
            chain.headquarters,
            number=box.number,
            data=folder.parent / "fresh",
            dice=chain.dice,
            passes=chain.advance,
        )
        fresh.enrol(replace=True)
        chain.boxes[box.number] = fresh
        await fresh.open()
        await chain.settle()
        assert not await risk(order, fresh)


@scene
async def a_budget_that_hq_did_not_sign_is_none(folder: Path) -> None:
    async with chain_of_two(folder) as chain:
        order = chain.order(1)
        await chain.settle()
        box = chain.box(2)
        await box.stop()
        import sqlite3

        for file in box.data.glob("catalog-*.db"):
            with sqlite3.connect(file) as catalog:
                catalog.execute("UPDATE budget SET signature = zeroblob(64)")
            catalog.close()
        box.weather.cut = True
        await box.open()
        assert not await risk(order, box)


@scene
async def with_a_wrong_pin_nothing_is_risked(folder: Path) -> None:
    async with chain_of_two(folder) as chain:
        order = chain.order(1)
        await chain.settle()
        assert not await risk(order, chain.box(2), pin="000000")


@scene
async def with_an_unsure_clock_nothing_is_risked(folder: Path) -> None:
    async with chain_of_two(folder) as chain:
        order = chain.order(1)
        await chain.settle()
        box = chain.box(2)
        await box.stop()
        box.clock.reboot(wall_ms=0)
        box.weather.cut = True
        await box.open()
        assert not await risk(order, box)


@scene
async def what_both_handed_over_is_one_loss_in_the_books(folder: Path) -> None:
    async with chain_of_two(folder) as chain:
        home, other = chain.box(1), chain.box(2)
        order = chain.order(1)
        await chain.settle()
        home.weather.cut = True
        await order.give(home)
        assert await risk(order, other)
        await chain.settle(other)
        assert order.states() == ["held", "held"], "nobody knows before the home answered"
        assert totals(chain)["pending"] == 2, totals(chain)
        await chain.heal()
        assert totals(chain)["lost"] == 2, totals(chain)
        reasons = [each["reason"] for each in cases.list_cases(chain.headquarters.hub)]
        assert "provisional_lost" in reasons, reasons


@scene
async def what_was_risked_is_never_refunded_too(folder: Path) -> None:
    async with chain_of_two(folder) as chain:
        home, other = chain.box(1), chain.box(2)
        order = chain.order(1)
        await chain.settle()
        home.weather.cut = other.weather.cut = True
        assert await risk(order, other)
        order.refund()
        other.mend()
        await chain.settle(other)
        await chain.heal()
        assert order.states() == ["handed", "handed"], order.states()
        assert totals(chain)["settled"] == 2


@scene
async def what_is_recalled_stays_here(folder: Path) -> None:
    async with chain_of_two(folder) as chain:
        box = chain.box(1)
        order, claimed = chain.order(1), chain.order(1)
        await chain.settle()
        await claimed.show(box)
        recalls.begin(chain.headquarters.hub, NewRecall(sku="MILK1", reason="glass"), by="Wang")
        await box.pull()
        answer = await hand_over(box.node.shop, TILL, HandOverAsk(order=claimed.id))
        assert isinstance(answer, ScanAnswer)
        assert answer.state != "handed"
        assert (await order.show(box)).reason.code == "recalled"


@scene
async def a_recall_is_in_force_before_it_is_answered(folder: Path) -> None:
    async with chain_of_two(folder) as chain:
        box = chain.box(1)
        order = chain.order(1)
        await chain.settle()
        recalls.begin(chain.headquarters.hub, NewRecall(sku="MILK1", reason="glass"), by="Wang")
        await box.pull()
        box.node.shop.recalls = None  # as if the row had come and nobody had looked yet

        def forget(tx: object) -> None:
            tx.connection.execute("DELETE FROM recall_answer")  # type: ignore[attr-defined]  # a Tx

        await box.node.shop.writer.do(forget, box.node.shop.moment())
        await answer_recalls(box.node.shop)
        assert (await order.show(box)).reason.code == "recalled"


@scene
async def a_recall_is_in_every_snapshot_until_it_ends(folder: Path) -> None:
    async with chain_of_two(folder) as chain:
        recalls.begin(chain.headquarters.hub, NewRecall(sku="MILK1", reason="glass"), by="Wang")
        ended = recalls.begin(
            chain.headquarters.hub, NewRecall(sku="CUP", reason="glass"), by="Wang"
        )
        recalls.end(chain.headquarters.hub, str(ended["recall_id"]), by="Wang")
        old = chain.box(1)
        await old.stop()
        fresh = StoreBox(
            chain.headquarters,
            number=old.number,
            data=folder.parent / "fresh",
            dice=chain.dice,
            passes=chain.advance,
        )
        fresh.enrol(replace=True)
        chain.boxes[old.number] = fresh
        await fresh.open()
        await chain.settle()
        known = fresh.node.shop.recalls
        assert known is not None
        assert set(known.skus) == {"MILK1"}
