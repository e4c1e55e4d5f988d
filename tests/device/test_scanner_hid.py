"""evdev's own read against packed input events on a socket: every fault of the HID gun's menu."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from readings import fault_of, scan_of

from drivers.address import Context, open_scanner
from drivers.host.clock import SystemClock
from drivers.ports.errors import AddressError, DeviceGone
from drivers.ports.scanner import Fault, Scanner
from drivers.sim.control import SimError, ask
from drivers.sim.plan import Planned
from drivers.sim.server import Server, serving

PLAN = (Planned(name="hid1", port="scanner", kind="hid"),)
ASCII = "".join(map(chr, range(0x20, 0x7F)))


@pytest.fixture
async def sim(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path, PLAN) as server:
        yield server


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(clock=SystemClock(), sim_dir=tmp_path, sim_allowed=True)


@pytest.fixture
async def hid1(sim: Server, context: Context) -> AsyncIterator[Scanner]:
    scanner = await open_scanner("sim:hid1", context)
    yield scanner
    await scanner.close()


@pytest.mark.parametrize("suffix", ["enter", "kpenter", "tab"])
async def test_every_printable_character_is_typed_and_read(
    hid1: Scanner, tmp_path: Path, suffix: str
) -> None:
    await ask(tmp_path, "hid1", "scan", text=ASCII, suffix=suffix)
    assert (await scan_of(hid1)).data == ASCII.encode()


@pytest.mark.parametrize("layout", ["us", "de", "fr"])
async def test_each_layout_reads_what_that_layout_types(
    sim: Server, context: Context, tmp_path: Path, layout: str
) -> None:
    scanner = await open_scanner("sim:hid1", context, layout=layout)
    await ask(tmp_path, "hid1", "scan", text=ASCII, layout=layout)
    assert (await scan_of(scanner)).data == ASCII.encode()
    await scanner.close()


async def test_the_wrong_layout_reads_something_else(
    sim: Server, context: Context, tmp_path: Path
) -> None:
    scanner = await open_scanner("sim:hid1", context, layout="us")
    await ask(tmp_path, "hid1", "scan", text="ZY-1", layout="de")
    assert (await scan_of(scanner)).data == b"YZ/1"
    await scanner.close()


@pytest.mark.parametrize("way", ["caps", "keypad", "repeat"])
async def test_caps_lock_keypad_and_auto_repeat_change_nothing(
    hid1: Scanner, tmp_path: Path, way: str
) -> None:
    await ask(tmp_path, "hid1", "scan", text="aB9-cD0_é", **{way: 1})
    await ask(tmp_path, "hid1", "scan", text="aB9-cD0_")
    assert (await scan_of(hid1)).data == "aB9-cD0_é".encode()
    assert (await scan_of(hid1)).data == b"aB9-cD0_"


async def test_fnc1_by_control_bracket_and_the_aim_prefix_are_kept(
    hid1: Scanner, tmp_path: Path
) -> None:
    await ask(tmp_path, "hid1", "scan", text="0106901234567892\x1d10A1", aim="]d2")
    scan = await scan_of(hid1)
    assert (scan.data, scan.aim) == (b"0106901234567892\x1d10A1", "]d2")


async def test_chinese_by_alt_codes_in_unicode_and_in_gbk(
    sim: Server, context: Context, tmp_path: Path
) -> None:
    for alt in ("unicode", "gbk"):
        scanner = await open_scanner(f"evdev:unix:{tmp_path}/dev/hid1.sock?alt={alt}", context)
        await ask(tmp_path, "hid1", "scan", text="批次A1", alt=alt)
        assert (await scan_of(scanner)).data == "批次A1".encode()
        await scanner.close()


async def test_a_code_point_squeezed_into_one_report_is_dropped_not_guessed(
    hid1: Scanner, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await ask(tmp_path, "hid1", "scan", text="批A", alt_burst=1)
    await ask(tmp_path, "hid1", "scan", text="NEXT")
    assert await fault_of(hid1) is Fault.ALT_BURST
    assert (await scan_of(hid1)).data == b"NEXT"
    assert "fault=alt_burst" in caplog.text


async def test_keys_without_a_character_drop_the_reading(
    hid1: Scanner, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await ask(tmp_path, "hid1", "garbage")
    await ask(tmp_path, "hid1", "scan", text="NEXT")
    assert await fault_of(hid1) is Fault.KEY_UNKNOWN
    assert (await scan_of(hid1)).data == b"NEXT"
    assert "fault=key_unknown" in caplog.text


async def test_a_pause_between_keys_loses_the_code_and_never_shortens_it(
    hid1: Scanner, tmp_path: Path
) -> None:
    await ask(tmp_path, "hid1", "scan", text="123", slow_ms=60)
    await ask(tmp_path, "hid1", "scan", text="WHOLE")
    assert await fault_of(hid1) is Fault.GAP
    assert (await scan_of(hid1)).data == b"WHOLE"


async def test_without_an_end_key_the_pause_ends_the_reading(
    sim: Server, context: Context, tmp_path: Path
) -> None:
    scanner = await open_scanner(f"evdev:unix:{tmp_path}/dev/hid1.sock?suffix=none", context)
    await ask(tmp_path, "hid1", "scan", text="NOEND", suffix="none")
    assert (await scan_of(scanner)).data == b"NOEND"
    await scanner.close()


async def test_a_burst_keeps_its_order(hid1: Scanner, tmp_path: Path) -> None:
    await ask(tmp_path, "hid1", "burst", n=50, text="N{i}")
    for i in range(1, 51):
        assert (await scan_of(hid1)).data == f"N{i}".encode()


async def test_unplugging_raises_gone_and_plugging_opens_by_the_same_address(
    sim: Server, context: Context, tmp_path: Path
) -> None:
    scanner = await open_scanner("sim:hid1", context)
    reading = asyncio.create_task(scanner.read())
    await ask(tmp_path, "hid1", "cut", text="123456")
    with pytest.raises(DeviceGone):
        await reading
    await scanner.close()
    with pytest.raises(DeviceGone):
        await open_scanner("sim:hid1", context)
    await ask(tmp_path, "hid1", "plug")
    scanner = await open_scanner("sim:hid1", context)
    await ask(tmp_path, "hid1", "scan", text="BACK")
    assert (await scan_of(scanner)).data == b"BACK"
    await scanner.close()


async def test_the_second_one_who_opens_it_is_turned_away(hid1: Scanner, context: Context) -> None:
    second = await open_scanner("sim:hid1", context)
    with pytest.raises(DeviceGone):
        await second.read()
    await second.close()


async def test_closing_while_somebody_reads_ends_the_read(sim: Server, context: Context) -> None:
    scanner = await open_scanner("sim:hid1", context)
    reading = asyncio.create_task(scanner.read())
    await asyncio.sleep(0)
    await scanner.close()
    with pytest.raises(DeviceGone):
        await reading
    await scanner.close()


async def test_a_code_that_a_layout_cannot_type_is_refused_with_the_reason(
    hid1: Scanner, tmp_path: Path
) -> None:
    with pytest.raises(SimError, match="has no key for"):
        await ask(tmp_path, "hid1", "scan", text="批", alt="none")


@pytest.mark.parametrize("options", ["layout=it", "suffix=cr", "alt=big5", "gap_ms=0", "baud=1"])
async def test_a_bad_option_is_an_address_error(context: Context, options: str) -> None:
    with pytest.raises(AddressError):
        await open_scanner(f"evdev:unix:/run/x.sock?{options}", context)
