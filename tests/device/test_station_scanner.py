"""From the light to the station's screen: a virtual gun, the real driver, the daemon's wiring."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from made_shop import MadeShop, open_shop, prepare, v1

from config.schema import ScannerConfig
from drivers.address import Context
from drivers.host.clock import SystemClock
from drivers.sim.control import ask
from drivers.sim.plan import Planned
from drivers.sim.server import serving
from drivers.supervisor import Progress
from edge.flow.answers import Refusal, ScanAnswer
from edge.flow.perform import Spool
from edge.main.devices import Bench, run_scanner
from edge.store.errors import StoreError

STATION = "till1"
SCAN_AGAIN = Refusal(
    status=422, code="scan_again", zh="没扫清楚,请再扫一次", en="Not read cleanly; scan again"
)


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[MadeShop]:
    clock = SystemClock()
    prepare(tmp_path / "data", orders=2, clock=clock)
    async with open_shop(tmp_path / "data", clock=clock) as opened:
        yield opened


@pytest.fixture(params=["serial", "hid"])
async def sim(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Path]:
    async with serving(tmp_path, (Planned(name="gun1", port="scanner", kind=request.param),)):
        yield tmp_path


@asynccontextmanager
async def at_work(made: MadeShop, folder: Path) -> AsyncIterator["asyncio.Task[None]"]:
    context = Context(clock=made.shop.clock, sim_dir=folder, sim_allowed=True)
    spool = Spool(made.shop, {}, on_trouble=lambda _name, _trouble: None)
    bench = Bench(shop=made.shop, context=context, spool=spool)
    config = ScannerConfig(name="gun", address="sim:gun1", station=STATION, layout="us", gs="")
    running = asyncio.create_task(run_scanner(bench, config, Progress()))
    yield running
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def shown(made: MadeShop, fact: Callable[[list[object]], bool]) -> list[object]:
    """What the station was told, once it is as expected."""
    while True:
        values = [
            value
            for station, event, value in made.screens.published
            if station == STATION and event in ("refused", "answer")
        ]
        if fact(values):
            return values
        await asyncio.sleep(0.01)


async def test_a_reading_that_was_spoiled_is_told_in_its_place_and_the_next_one_is_decided(
    made: MadeShop, sim: Path
) -> None:
    async with at_work(made, sim):
        await ask(sim, "gun1", "scan", text="SPOILED", slow_ms=300)
        await ask(sim, "gun1", "scan", text=v1(1))
        seen = await shown(made, lambda values: len(values) >= 2)
    assert seen[0] == SCAN_AGAIN
    assert isinstance(seen[1], ScanAnswer)
    assert seen[1].kind == "pickup"


async def test_a_scan_that_cannot_be_answered_is_refused_on_its_screen_and_ends_the_node(
    made: MadeShop, sim: Path
) -> None:
    async with at_work(made, sim) as running:
        await made.shop.writer.close()
        await ask(sim, "gun1", "scan", text=v1(1))
        with pytest.raises(StoreError):
            await running
    (refused,) = await shown(made, lambda values: bool(values))
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.code) == (503, "unserved")
