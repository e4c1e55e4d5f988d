"""Printers behind a file: a pseudo-terminal carries the same bytes to the virtual printer."""

import asyncio
import contextlib
import os
import sys
import termios
import tty
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from drivers.address import Context, open_printer
from drivers.host.clock import open_clock
from drivers.ports.document import Document, Row, Text
from drivers.ports.errors import AddressError, DeviceGone
from drivers.ports.printer import Confirmed, PrinterStatus, Trouble, Unknown
from drivers.printer.conversation import Patience
from drivers.printer.local import open_serial, usb_node
from drivers.sim.printer import VirtualPrinter

QUICK = Patience(answer_s=1.2, status_s=0.6, probe_s=0.4)
SLIP = Document(blocks=(Text(text="取货单", size=2), *(Row(left="牛奶", right="×2"),) * 20))


@pytest.fixture
async def device(tmp_path: Path) -> AsyncIterator[VirtualPrinter]:
    printer = VirtualPrinter("p", paper_dir=tmp_path / "paper")
    await printer.start()
    yield printer
    await printer.stop()


@pytest.fixture
async def port(device: VirtualPrinter) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """A serial port's path, and how to pull its plug."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    path = os.ttyname(slave)
    _, host, number = device.address().split(":")
    reader, writer = await asyncio.open_connection(host, int(number))
    loop = asyncio.get_running_loop()
    plugged = True

    def outward() -> None:
        with contextlib.suppress(OSError):
            writer.write(os.read(master, 4096))

    async def inward() -> None:
        while data := await reader.read(64):
            os.write(master, data)

    def pull() -> None:
        nonlocal plugged
        if plugged:
            loop.remove_reader(master)
            os.close(slave)
            os.close(master)
        plugged = False

    loop.add_reader(master, outward)
    carrying = asyncio.create_task(inward())
    yield path, pull
    pull()
    carrying.cancel()
    writer.close()


async def test_a_serial_printer_confirms_over_the_same_conversation(
    device: VirtualPrinter, port: tuple[str, Callable[[], None]]
) -> None:
    path, _ = port
    clock = open_clock("system:")
    printer = open_serial(
        path, flow="none", width_dots=576, profile="native_gbk", clock=clock, patience=QUICK
    )
    assert await printer.status() == PrinterStatus(trouble=None)
    assert isinstance(await printer.send(SLIP, job=1), Confirmed)
    assert (await device.do("state", {}))["slips"] == 1
    await device.do("paper_out", {})
    assert (await printer.status()).trouble is Trouble.PAPER_OUT
    await printer.close()


async def test_a_cable_pulled_within_a_slip_is_unknown_and_then_off_line(
    device: VirtualPrinter, port: tuple[str, Callable[[], None]]
) -> None:
    path, pull = port
    clock = open_clock("system:")
    printer = open_serial(
        path, flow="none", width_dots=576, profile="raster", clock=clock, patience=QUICK
    )
    await device.do("paper_out", {"rows": "48"})
    sending = asyncio.create_task(printer.send(SLIP, job=1))
    while (await device.do("state", {}))["paper"] != "out":  # noqa: ASYNC110  # as users see it
        await asyncio.sleep(0.005)
    pull()
    assert isinstance(await sending, Unknown)
    assert await printer.status() == PrinterStatus(trouble=Trouble.OFFLINE)
    await printer.close()


async def test_a_serial_address_opens_a_printer_with_its_options(
    device: VirtualPrinter, port: tuple[str, Callable[[], None]]
) -> None:
    path, _ = port
    printer = await open_printer(
        f"serial:{path}?baud=115200&flow=none&proof=gs_r",
        Context(clock=open_clock("system:")),
        profile="native_gbk",
        name="front",
    )
    assert await printer.send(SLIP, job=1) == Confirmed(proof="GS r 1")
    line = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    assert termios.tcgetattr(line)[5] == termios.B115200
    os.close(line)
    await printer.close()
    assert (await device.do("state", {}))["unknown"] == []


async def test_the_command_prints_its_test_page_on_a_serial_printer(
    device: VirtualPrinter, port: tuple[str, Callable[[], None]]
) -> None:
    path, _ = port
    words = ("device", "test", "printer", f"serial:{path}?baud=115200&flow=none")
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "edge.cli.app", *words), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await command.communicate()
    assert said.startswith(b"Confirmed(proof='process id")
    assert command.returncode == 0
    assert (await device.do("state", {}))["slips"] == 1


@pytest.mark.parametrize(
    ("address", "match"),
    [
        ("serial:/dev/ttyS9?baud=fast", "baud"),
        ("serial:/dev/ttyS9?baud=1", "baud"),
        ("serial:/dev/ttyS9?flow=hope", "flow"),
        ("serial:/dev/ttyS9?proof=oath", "oath"),
        ("serial:/dev/ttyS9?parity=N", "serial has baud, flow, proof"),
        ("usb:04b8", "usb:VENDOR:PRODUCT"),
        ("usb:04b8:e15", "usb:VENDOR:PRODUCT"),
        ("usb:04b8:0e15?baud=9600", "usb has proof"),
        ("usb:04b8:0e15?proof=oath", "oath"),
    ],
)
async def test_a_bad_printer_address_says_what_is_wrong(address: str, match: str) -> None:
    with pytest.raises(AddressError, match=match):
        await open_printer(address, Context(clock=open_clock("system:")))


@pytest.mark.parametrize("address", ["serial:/dev/nothing-here", "usb:ffff:FFFF", "serial:/etc"])
async def test_a_printer_that_is_not_plugged_in_is_off_line(address: str) -> None:
    printer = await open_printer(address, Context(clock=open_clock("system:")))
    assert await printer.status() == PrinterStatus(trouble=Trouble.OFFLINE)
    await printer.close()


def test_a_usb_printer_is_found_by_its_numbers(tmp_path: Path) -> None:
    for name, (vendor, product) in {"lp0": ("0416", "5011"), "lp1": ("04b8", "0e15")}.items():
        interface = tmp_path / "devices" / name / "1-1:1.0"
        interface.mkdir(parents=True)
        (interface.parent / "idVendor").write_text(f"{vendor}\n")
        (interface.parent / "idProduct").write_text(f"{product}\n")
        entry = tmp_path / "class" / name
        entry.mkdir(parents=True)
        (entry / "device").symlink_to(interface)
    nodes = Path("/dev/usb")
    assert usb_node("04B8", "0E15", classes=tmp_path / "class", nodes=nodes) == nodes / "lp1"
    with pytest.raises(DeviceGone):
        usb_node("04b8", "ffff", classes=tmp_path / "class", nodes=nodes)


def test_an_unknown_flow_control_is_refused() -> None:
    with pytest.raises(ValueError, match="flow"):
        open_serial(
            "/dev/null",
            flow="hope",
            width_dots=576,
            profile="raster",
            clock=open_clock("system:"),
        )
