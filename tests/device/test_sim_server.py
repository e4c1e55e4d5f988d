"""The process of virtual devices, asked over its control socket."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image as Pictures
from readings import scan_of

from drivers.address import Context, open_printer, open_scanner
from drivers.host.clock import SystemClock
from drivers.ports.document import Document, Text
from drivers.ports.printer import Confirmed
from drivers.sim.control import SimError, ask, ls
from drivers.sim.plan import DEFAULT_PLAN, KINDS, Planned
from drivers.sim.server import serving

GUNS = (
    Planned(name="gun1", port="scanner", kind="serial"),
    Planned(name="hid1", port="scanner", kind="hid"),
)
PROGRAM = """
import asyncio, sys
from pathlib import Path
from drivers.sim.plan import Planned
from drivers.sim.server import serve
plan = (Planned(name="gun1", port="scanner", kind="serial"),)
asyncio.run(serve(Path(sys.argv[1]), plan))
"""


async def test_the_default_devices_are_listed_with_real_addresses_and_actions(
    tmp_path: Path,
) -> None:
    clock_file = tmp_path / "clock-offset"
    async with serving(tmp_path, DEFAULT_PLAN, clock_file) as server:
        listed = await ls(tmp_path)
        assert [(each.name, each.port) for each in listed] == [
            ("gun1", "scanner"),
            ("gun2", "scanner"),
            ("hid1", "scanner"),
            ("printer1", "printer"),
            ("printer2", "printer"),
        ]
        assert all(each.actions for each in listed)
        table = json.loads((tmp_path / "sim.json").read_text())
        assert table["run"] == server.run
        assert table["pid"] == os.getpid()
        assert table["clock"] == str(clock_file)
        assert table["devices"]["gun1"]["address"].startswith("serial:/")
        assert table["devices"]["hid1"]["address"].startswith("evdev:unix:/")
        assert table["devices"]["printer1"]["address"].startswith("tcp:127.0.0.1:")
        assert {each.name: each.address for each in listed} == {
            name: entry["address"] for name, entry in table["devices"].items()
        }


async def test_a_printer_of_each_width_draws_as_many_dots(tmp_path: Path) -> None:
    plan = [
        Planned(name=kind, port="printer", kind=kind) for kind in KINDS if KINDS[kind] == "printer"
    ]
    context = Context(clock=SystemClock(), sim_dir=tmp_path, sim_allowed=True)
    widths: dict[str, int] = {}
    async with serving(tmp_path, plan):
        for each, width_mm in zip(plan, (80, 58), strict=True):
            printer = await open_printer(f"sim:{each.name}", context, width_mm=width_mm)
            slip = Document(blocks=(Text(text="取货单"),))
            assert isinstance(await printer.send(slip, job=1), Confirmed)
            await printer.close()
            assert (await ask(tmp_path, each.name, "state"))["unknown"] == []
            with Pictures.open(tmp_path / "paper" / each.name / "0001.png") as paper:
                widths[each.kind] = paper.width
    assert widths == {"escpos": 576, "escpos58": 384}


async def test_an_unknown_action_names_the_ones_there_are(tmp_path: Path) -> None:
    async with serving(tmp_path, GUNS):
        for name in ("gun1", "hid1"):
            with pytest.raises(SimError) as caught:
                await ask(tmp_path, name, "explode")
            assert "scan" in caught.value.actions
            assert str(caught.value) == (
                "no such action 'explode': there are scan, burst, cut, garbage, plug, unplug"
            )


async def test_an_unknown_device_names_the_ones_there_are(tmp_path: Path) -> None:
    async with serving(tmp_path, GUNS):
        with pytest.raises(SimError, match="there are gun1, hid1"):
            await ask(tmp_path, "gun7", "scan", text="x")


@pytest.mark.parametrize(
    ("action", "args"),
    [
        ("scan", {}),
        ("scan", {"text": "x", "sufix": "cr"}),
        ("scan", {"text": "x", "suffix": "bell"}),
        ("scan", {"hex": "zz"}),
        ("scan", {"text": "x", "charset": "klingon"}),
        ("scan", {"text": "x", "slow_ms": "-1"}),
        ("burst", {"n": "many"}),
        ("plug", {"now": "1"}),
    ],
)
@pytest.mark.parametrize("name", ["gun1", "hid1"])
async def test_a_bad_argument_is_refused_with_a_reason(
    tmp_path: Path, name: str, action: str, args: dict[str, str]
) -> None:
    async with serving(tmp_path, GUNS):
        with pytest.raises(SimError) as caught:
            await ask(tmp_path, name, action, **args)
        assert caught.value.why


@pytest.mark.parametrize(
    "line",
    [b"{", b"[]", b'{"do": 1}', b'{"do": "gun1", "action": "plug", "args": {"a": 1}}', b"\xff"],
)
async def test_nonsense_on_the_control_socket_is_answered(tmp_path: Path, line: bytes) -> None:
    async with serving(tmp_path, GUNS):
        reader, writer = await asyncio.open_unix_connection(tmp_path / "control.sock")
        for _ in range(2):
            writer.write(line + b"\n")
            answer = json.loads(await reader.readline())
            assert answer["ok"] is False
            assert answer["why"]
        writer.close()
        await writer.wait_closed()


async def test_the_control_socket_is_for_its_owner_only(tmp_path: Path) -> None:
    async with serving(tmp_path, GUNS):
        assert (tmp_path / "control.sock").stat().st_mode & 0o777 == 0o600


async def test_one_server_a_directory(tmp_path: Path) -> None:
    async with serving(tmp_path, GUNS) as first:
        with pytest.raises(BlockingIOError):
            async with serving(tmp_path, GUNS):
                pass
        assert json.loads((tmp_path / "sim.json").read_text())["run"] == first.run
        assert await ls(tmp_path)


async def test_nothing_is_left_behind_and_the_directory_can_be_served_again(
    tmp_path: Path,
) -> None:
    for _ in range(2):
        async with serving(tmp_path, GUNS):
            assert (tmp_path / "dev/gun1").exists()
        assert not (tmp_path / "sim.json").exists()
        assert not list((tmp_path / "dev").iterdir())
        with pytest.raises(SimError, match="no virtual devices are served"):
            await ls(tmp_path)


async def test_two_devices_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one name"):
        async with serving(tmp_path, (GUNS[0], GUNS[0])):
            pass


async def test_a_path_too_long_for_a_socket_says_so(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at most 107 bytes"):
        async with serving(tmp_path / ("x" * 120), GUNS):
            pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_the_process_and_nothing_is_left_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    child = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)])  # noqa: ASYNC220
    try:
        deadline_s = time.monotonic() + 30
        while not (tmp_path / "sim.json").exists():
            assert child.poll() is None
            assert time.monotonic() < deadline_s
            await asyncio.sleep(0.02)
        child.send_signal(number)
        assert await asyncio.to_thread(child.wait, 10) == 0
    finally:
        child.kill()
        child.wait()
    assert _names(tmp_path) == {"dev", "sim.lock"}


async def test_the_devices_outlive_the_one_who_uses_them_and_a_killed_server_is_replaced(
    tmp_path: Path,
) -> None:
    context = Context(clock=SystemClock(), sim_dir=tmp_path, sim_allowed=True)
    runs: list[str] = []
    for _ in range(2):
        child = subprocess.Popen([sys.executable, "-c", PROGRAM, str(tmp_path)])  # noqa: ASYNC220
        try:
            deadline_s = time.monotonic() + 30
            while not (tmp_path / "sim.json").exists() or _run(tmp_path) in runs:
                assert child.poll() is None
                assert time.monotonic() < deadline_s
                await asyncio.sleep(0.02)
            runs.append(_run(tmp_path))
            for text in ("ONE", "TWO"):
                scanner = await open_scanner("sim:gun1", context)
                await ask(tmp_path, "gun1", "scan", text=text)
                assert (await scan_of(scanner)).data == text.encode()
                await scanner.close()
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait(timeout=10)
    assert len(set(runs)) == 2


def _names(directory: Path) -> set[str]:
    return {path.name for path in directory.iterdir()}


def _run(directory: Path) -> str:
    run = json.loads((directory / "sim.json").read_text())["run"]
    assert isinstance(run, str)
    return run
