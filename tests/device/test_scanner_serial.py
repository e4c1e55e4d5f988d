"""pyserial against a pseudo-terminal: every fault of the serial gun's menu."""

import asyncio
import fcntl
import os
import termios
import tty
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from readings import fault_of, scan_of

from drivers.address import Context, open_scanner
from drivers.host.clock import SystemClock
from drivers.ports.errors import AddressError, DeviceBusy, DeviceGone, DeviceRefused
from drivers.ports.scanner import Fault, Scan, Scanner, Spoiled
from drivers.scanner.serial import SerialScanner
from drivers.sim.control import SimError, ask
from drivers.sim.plan import Planned
from drivers.sim.server import Server, serving

PLAN = tuple(Planned(name=f"gun{i}", port="scanner", kind="serial") for i in (1, 2))


@pytest.fixture
async def sim(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path, PLAN) as server:
        yield server


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(clock=SystemClock(), sim_dir=tmp_path, sim_allowed=True)


@pytest.fixture
async def gun1(sim: Server, context: Context) -> AsyncIterator[Scanner]:
    scanner = await open_scanner("sim:gun1", context)
    yield scanner
    await scanner.close()


@pytest.mark.parametrize("suffix", ["cr", "lf", "crlf", "etx"])
@pytest.mark.parametrize("split", [1, 3])
async def test_a_code_arrives_whole_with_every_end_mark_and_cut_into_pieces(
    gun1: Scanner, tmp_path: Path, suffix: str, split: int
) -> None:
    await ask(tmp_path, "gun1", "scan", text="6901234567892", suffix=suffix, split=split)
    await ask(tmp_path, "gun1", "scan", text="SECOND", suffix=suffix)
    assert (await scan_of(gun1)).data == b"6901234567892"
    assert (await scan_of(gun1)).data == b"SECOND"


async def test_chinese_bytes_the_aim_prefix_and_fnc1_survive(gun1: Scanner, tmp_path: Path) -> None:
    await ask(
        tmp_path, "gun1", "scan", text="01069012\x1d10批次A1", charset="gb18030", aim="]C1", stx=1
    )
    scan = await scan_of(gun1)
    assert (scan.data, scan.aim) == ("01069012\x1d10批次A1".encode("gb18030"), "]C1")


async def test_a_substitute_for_fnc1_is_put_back(
    sim: Server, context: Context, tmp_path: Path
) -> None:
    scanner = await open_scanner("sim:gun1", context, gs="^]")
    await ask(tmp_path, "gun1", "scan", text="0106901234567892^]10A1")
    assert (await scan_of(scanner)).data == b"0106901234567892\x1d10A1"
    await scanner.close()


async def test_the_time_of_a_scan_is_when_it_arrived(gun1: Scanner, tmp_path: Path) -> None:
    clock = SystemClock()
    before = clock.boot_ms()
    await ask(tmp_path, "gun1", "scan", text="NOW")
    scan = await scan_of(gun1)
    assert before <= scan.boot_ms <= clock.boot_ms()


async def test_a_pause_inside_a_code_loses_it_and_never_shortens_it(
    gun1: Scanner, tmp_path: Path
) -> None:
    await ask(tmp_path, "gun1", "scan", text="12", suffix="none")
    await ask(tmp_path, "gun1", "scan", text="CUT", slow_ms=300)
    await ask(tmp_path, "gun1", "scan", text="WHOLE")
    assert await fault_of(gun1) is Fault.GAP
    assert (await scan_of(gun1)).data == b"WHOLE"


async def test_a_scanner_without_an_end_mark_is_ended_by_silence(
    sim: Server, context: Context, tmp_path: Path
) -> None:
    address = f"serial:{tmp_path}/dev/gun1?suffix=none"
    scanner = await open_scanner(address, context)
    await ask(tmp_path, "gun1", "scan", text="NOENDMARK", suffix="none", split=3)
    assert (await scan_of(scanner)).data == b"NOENDMARK"
    await scanner.close()


async def test_garbage_arrives_as_one_reading_and_the_next_code_is_whole(
    gun1: Scanner, tmp_path: Path
) -> None:
    await ask(tmp_path, "gun1", "garbage")
    await ask(tmp_path, "gun1", "scan", text="CLEAN")
    noise = await scan_of(gun1)
    assert b"\xff" in noise.data
    assert (await scan_of(gun1)).data == b"CLEAN"


async def test_a_burst_that_nobody_reads_keeps_its_order_and_its_end(
    gun1: Scanner, tmp_path: Path
) -> None:
    await ask(tmp_path, "gun1", "burst", n=200, text="N{i}")
    await ask(tmp_path, "gun1", "scan", text="LAST")
    numbers: list[int] = []
    lost = 0
    while True:
        match await gun1.read():
            case Spoiled(fault=fault, size=size):
                assert fault is Fault.OVERFLOW
                lost += size
            case Scan(data=b"LAST"):
                break
            case Scan(data=data):
                numbers.append(int(data[1:]))
    assert numbers == sorted(numbers)
    assert numbers[-1] == 200
    assert len(numbers) + lost == 200


async def test_unplugging_raises_gone_and_plugging_opens_by_the_same_address(
    sim: Server, context: Context, tmp_path: Path
) -> None:
    scanner = await open_scanner("sim:gun1", context)
    reading = asyncio.create_task(scanner.read())
    await ask(tmp_path, "gun1", "unplug")
    with pytest.raises(DeviceGone):
        await reading
    await scanner.close()
    with pytest.raises(DeviceGone):
        await open_scanner("sim:gun1", context)
    await ask(tmp_path, "gun1", "plug")
    scanner = await open_scanner("sim:gun1", context)
    await ask(tmp_path, "gun1", "scan", text="BACK")
    assert (await scan_of(scanner)).data == b"BACK"
    await scanner.close()


async def test_half_a_code_before_the_plug_is_pulled_is_no_scan(
    gun1: Scanner, context: Context, tmp_path: Path
) -> None:
    await ask(tmp_path, "gun1", "scan", text="COMPLETE")
    await ask(tmp_path, "gun1", "cut", text="1234567890")
    assert (await scan_of(gun1)).data == b"COMPLETE"
    with pytest.raises(DeviceGone):
        await gun1.read()


async def test_two_scanners_at_once_keep_their_codes_apart(
    sim: Server, context: Context, tmp_path: Path
) -> None:
    one, two = await asyncio.gather(
        open_scanner("sim:gun1", context), open_scanner("sim:gun2", context)
    )
    await asyncio.gather(
        ask(tmp_path, "gun1", "burst", n=20, text="A{i}"),
        ask(tmp_path, "gun2", "burst", n=20, text="B{i}"),
    )
    for i in range(1, 21):
        assert (await scan_of(one)).data == f"A{i}".encode()
        assert (await scan_of(two)).data == f"B{i}".encode()
    await one.close()
    await two.close()


async def test_closing_while_somebody_reads_ends_the_read(sim: Server, context: Context) -> None:
    scanner = await open_scanner("sim:gun1", context)
    reading = asyncio.create_task(scanner.read())
    await asyncio.sleep(0)
    await scanner.close()
    with pytest.raises(DeviceGone):
        await reading
    await scanner.close()


async def test_a_closed_port_can_be_opened_at_once_again(sim: Server, context: Context) -> None:
    for _ in range(5):
        await (await open_scanner("sim:gun1", context)).close()


async def test_a_port_that_is_held_is_busy(gun1: Scanner, context: Context) -> None:
    with pytest.raises(DeviceBusy):
        await open_scanner("sim:gun1", context)


async def test_a_gun_is_not_fired_into_a_closed_port(sim: Server, tmp_path: Path) -> None:
    with pytest.raises(SimError, match="no driver has this port open"):
        await ask(tmp_path, "gun1", "scan", text="LOST")


async def test_a_gun_waits_until_the_driver_has_thrown_old_bytes_away(
    sim: Server, context: Context, tmp_path: Path
) -> None:
    await (await open_scanner("sim:gun1", context)).close()
    firing = asyncio.create_task(ask(tmp_path, "gun1", "scan", text="KEPT"))
    await asyncio.sleep(0.1)
    line = os.open(tmp_path / "dev/gun1", os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    fcntl.flock(line, fcntl.LOCK_EX | fcntl.LOCK_NB)
    done, _ = await asyncio.wait((firing,), timeout=0.3)
    assert not done
    termios.tcflush(line, termios.TCIFLUSH)
    await firing
    assert os.read(line, 100) == b"KEPT\r"
    os.close(line)


async def test_a_file_that_is_no_terminal_is_refused(context: Context, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((DeviceRefused, DeviceGone)):
        await open_scanner(f"serial:{tmp_path}/file", context)


@pytest.mark.parametrize("options", ["baud=fast", "baud=1", "parity=X", "sufix=cr", "suffix=tab"])
async def test_a_bad_option_is_an_address_error(context: Context, options: str) -> None:
    with pytest.raises(AddressError):
        await open_scanner(f"serial:/dev/null?{options}", context)


async def test_the_line_settings_reach_the_terminal(context: Context) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    scanner = await open_scanner(
        f"serial:{os.ttyname(slave)}?baud=19200&bytesize=7&parity=E&stopbits=2", context
    )
    _, _, cflag, _, ispeed, ospeed, _ = termios.tcgetattr(slave)
    await scanner.close()
    os.close(master)
    os.close(slave)
    assert (ispeed, ospeed) == (termios.B19200, termios.B19200)
    assert cflag & termios.CSTOPB  # Linux keeps a pty at 8 bits without parity, whatever is asked


async def test_the_reading_thread_shows_its_pulse_while_idle(gun1: Scanner) -> None:
    assert isinstance(gun1, SerialScanner)
    clock = SystemClock()
    for _ in range(3):
        await clock.until(clock.boot_ms() + 120)
        assert gun1.pulse_age_ms() < 5000
