"""A plug is pulled and put back, and nobody restarts anything."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from readings import scan_of

from drivers.address import Context, open_scanner
from drivers.host.clock import OffsetClock, SystemClock
from drivers.ports.errors import DeviceError, DeviceGone, DeviceRefused
from drivers.ports.scanner import Scanner
from drivers.sim.clock import advance
from drivers.sim.control import ask
from drivers.sim.plan import Planned
from drivers.sim.server import Server, serving
from drivers.supervisor import DeviceState, Down, Progress, Up, supervise

PLAN = (
    Planned(name="gun1", port="scanner", kind="serial"),
    Planned(name="gun2", port="scanner", kind="serial"),
    Planned(name="hid1", port="scanner", kind="hid"),
)


@pytest.fixture
async def sim(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path, PLAN) as server:
        yield server


class Counter:
    """What a station does with its scanners, and what was heard of them."""

    def __init__(self, directory: Path) -> None:
        self.context = Context(clock=SystemClock(), sim_dir=directory, sim_allowed=True)
        self.codes: asyncio.Queue[bytes] = asyncio.Queue()
        self.states: asyncio.Queue[DeviceState] = asyncio.Queue()

    async def use(self, scanner: Scanner) -> None:
        while True:
            self.codes.put_nowait((await scan_of(scanner)).data)

    async def run(self, name: str, progress: Progress | None = None) -> None:
        await supervise(
            name,
            lambda: open_scanner(f"sim:{name}", self.context),
            self.use,
            clock=self.context.clock,
            on_state=self.states.put_nowait,
            jitter=lambda: 0.5,
            progress=progress,
        )


@pytest.mark.parametrize("name", ["gun1", "hid1"])
async def test_a_replugged_scanner_comes_back_without_a_restart(
    sim: Server, tmp_path: Path, name: str
) -> None:
    counter = Counter(tmp_path)
    progress = Progress()
    running = asyncio.create_task(counter.run(name, progress))
    async with asyncio.timeout(40):
        for turn in ("1", "2", "3"):
            assert await counter.states.get() == Up(name=name)
            await ask(tmp_path, name, "scan", text=turn)
            assert await counter.codes.get() == turn.encode()
            await ask(tmp_path, name, "unplug")
            down = await counter.states.get()
            assert isinstance(down, Down)
            assert isinstance(down.error, DeviceGone)
            await asyncio.sleep(0.6)  # several attempts while it is away are one change of state
            assert counter.states.empty()
            await ask(tmp_path, name, "plug")
            assert progress.age_ms() < 5000
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_three_scanners_work_side_by_side_while_one_is_pulled(
    sim: Server, tmp_path: Path
) -> None:
    counter = Counter(tmp_path)
    tasks = [asyncio.create_task(counter.run(name)) for name in ("gun1", "gun2", "hid1")]
    async with asyncio.timeout(30):
        for _ in tasks:
            assert isinstance(await counter.states.get(), Up)
        await ask(tmp_path, "gun2", "unplug")
        assert isinstance(await counter.states.get(), Down)
        await ask(tmp_path, "gun1", "scan", text="serial")
        assert await counter.codes.get() == b"serial"
        await ask(tmp_path, "hid1", "scan", text="keys")
        assert await counter.codes.get() == b"keys"
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Broken:
    """A device whose driver has a bug, or that refuses; counts how often it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1


async def test_a_bug_in_a_driver_marks_its_device_down_and_is_tried_again() -> None:
    clock = SystemClock()
    device, states, uses = Broken(), list[DeviceState](), 0

    async def open_device() -> Broken:
        return device

    async def use(_: Broken) -> None:
        nonlocal uses
        uses += 1
        if uses == 1:
            raise IndexError("bug")
        if uses == 2:
            raise DeviceRefused("no")

    async with asyncio.timeout(20):
        await supervise(
            "x", open_device, use, clock=clock, on_state=states.append, jitter=lambda: 0.0
        )
    assert [type(state) for state in states] == [Up, Down, Up, Down, Up]
    assert device.closed == 3
    downs = [state.error.code for state in states if isinstance(state, Down)]
    assert downs == [DeviceError.code, DeviceRefused.code]


async def test_what_is_let_through_ends_it_and_the_device_is_closed() -> None:
    device = Broken()

    async def open_device() -> Broken:
        return device

    async def use(_: Broken) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        await supervise(
            "x",
            open_device,
            use,
            clock=SystemClock(),
            on_state=lambda _: None,
            jitter=lambda: 0.0,
            let_through=(MemoryError,),
        )
    assert device.closed == 1


async def test_waits_are_bounded_and_follow_the_clock_port(tmp_path: Path) -> None:
    """With the clock an hour further at each attempt no wait is ever served in full."""
    offset = tmp_path / "offset"
    clock = OffsetClock(offset)
    attempts = 0

    async def open_device() -> Broken:
        nonlocal attempts
        attempts += 1
        if attempts > 12:
            raise MemoryError
        await asyncio.to_thread(advance, offset, 3_600_000)
        raise DeviceRefused("no")

    async def use(_: Broken) -> None:
        raise AssertionError("never opened")

    async with asyncio.timeout(10):
        with pytest.raises(MemoryError):
            await supervise(
                "x",
                open_device,
                use,
                clock=clock,
                on_state=lambda _: None,
                jitter=lambda: 1.0,
                let_through=(MemoryError,),
            )


async def test_a_driver_that_no_longer_turns_makes_no_progress() -> None:
    class Stuck(Broken):
        def pulse_age_ms(self) -> int:
            return 60_000

    progress = Progress()
    entered = asyncio.Event()

    async def open_device() -> Stuck:
        return Stuck()

    async def use(_: Stuck) -> None:
        entered.set()
        await asyncio.get_running_loop().create_future()

    running = asyncio.create_task(
        supervise(
            "x",
            open_device,
            use,
            clock=SystemClock(),
            on_state=lambda _: None,
            jitter=lambda: 0.0,
            progress=progress,
        )
    )
    await entered.wait()
    await asyncio.sleep(2.2)
    assert progress.age_ms() >= 2000
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
