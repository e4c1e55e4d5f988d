"""Scenes of the daily reconciliation; `rules.py` runs them by name."""

from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest
from evening import DAY_MS, opened_evening

from edge.flow.reconcile import REASON, view
from edge.flow.review import cases
from sync.wire import codec
from sync.wire.errors import RemoteWireError
from sync.wire.reconcile import ReconcileAnswer

Scene = Callable[[Path], Coroutine[object, object, None]]
SCENES: dict[str, Scene] = {}


def scene(act: Scene) -> Scene:
    SCENES[act.__name__] = act
    return act


@scene
async def a_hand_over_that_headquarters_lost_is_found_in_the_evening(folder: Path) -> None:
    async with opened_evening(folder) as evening:
        no, handover = await evening.hand_over()
        await evening.hand_over()
        await evening.falls()
        evening.lose(handover, events=False)
        result = await evening.reconciler.look()
        assert result is not None
        assert [each.kind for each in result.differences] == ["hub_lacks", "sku"]
        named = [case["order_no"] for case in evening.cases_at_hq()]
        assert no in named
        here = await cases(evening.chain.node.shop)
        assert no in [each.order_no for each in here if each.reason.code == REASON]


@scene
async def what_headquarters_lost_with_its_event_is_taken_in_again(folder: Path) -> None:
    async with opened_evening(folder) as evening:
        _, handover = await evening.hand_over()
        await evening.falls()
        evening.lose(handover, events=True)
        result = await evening.reconciler.look()
        assert result is not None
        assert (result.total, result.handovers) == (0, 1)


@scene
async def what_is_told_meanwhile_is_no_difference(folder: Path) -> None:
    async with opened_evening(folder) as evening:
        _, first = await evening.hand_over()
        await evening.falls()

        async def business_goes_on() -> None:
            await evening.hand_over(quantity=3)
            await evening.take_back(first)
            await evening.sync()

        evening.before_ask = business_goes_on
        result = await evening.reconciler.look()
        assert result is not None
        assert (result.total, result.handovers) == (0, 1)


@scene
async def an_evening_is_reconciled_once(folder: Path) -> None:
    async with opened_evening(folder) as evening:
        await evening.falls()
        assert await evening.reconciler.look() is not None
        assert await evening.reconciler.look() is None
        evening.chain.advance(DAY_MS // 2)
        assert await evening.reconciler.look() is None


@scene
async def a_report_speaks_only_of_what_headquarters_holds(folder: Path) -> None:
    async with opened_evening(folder) as evening:
        await evening.falls()
        await evening.hand_over()
        evening.before_ask = None
        asked = evening.asked
        looking = evening.reconciler.look()
        # The clock of this test stands still while it waits: it gives up after half a minute.
        import asyncio

        task = asyncio.ensure_future(looking)
        while not task.done():
            evening.chain.advance(1_000)
            await asyncio.sleep(0.01)
        assert task.result() is None
        assert evening.asked == asked
        await evening.sync()
        assert await evening.reconciler.look() is not None


@scene
async def a_result_that_is_not_headquarters_own_is_not_kept(folder: Path) -> None:
    async with opened_evening(folder) as evening:
        await evening.hand_over()
        await evening.falls()

        async def liar(target: str, body: bytes) -> bytes:
            answer = codec.from_json(ReconcileAnswer, await evening.ask(target, body))
            changed = answer.result.replace(b'"pieces":1', b'"pieces":2')
            return codec.to_json(ReconcileAnswer(result=changed, signature=answer.signature))

        with pytest.raises(RemoteWireError):
            await evening.asking(liar).look()
        assert (await view(evening.chain.node.shop)).reports == ()
