"""Addresses, and what `sim:` may become."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from drivers.address import Address, Context, check, open_printer, open_scanner, parse, schemes
from drivers.host.clock import SystemClock
from drivers.ports.errors import AddressError, DeviceGone


def context(directory: Path | None, *, allowed: bool = True) -> Context:
    return Context(clock=SystemClock(), sim_dir=directory, sim_allowed=allowed)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (
            "serial:/dev/serial/by-id/usb-A:B?baud=9600&suffix=cr",
            Address(
                scheme="serial",
                rest="/dev/serial/by-id/usb-A:B",
                options=(("baud", "9600"), ("suffix", "cr")),
            ),
        ),
        ("EVDEV:by-id/usb-X-event-kbd", Address(scheme="evdev", rest="by-id/usb-X-event-kbd")),
        ("evdev:unix:/run/a+b.sock", Address(scheme="evdev", rest="unix:/run/a+b.sock")),
        ("tcp:192.0.2.7:9100", Address(scheme="tcp", rest="192.0.2.7:9100")),
        ("sim:gun1", Address(scheme="sim", rest="gun1")),
        (
            "serial:/dev/x?suffix=a%26b+c",
            Address(scheme="serial", rest="/dev/x", options=(("suffix", "a&b+c"),)),
        ),
    ],
)
def test_an_address_is_taken_apart(text: str, address: Address) -> None:
    assert parse(text) == address


@pytest.mark.parametrize(
    "text", ["", "gun1", ":x", "serial:", "two words:/x", "serial:/x?baud", "serial:/x?a=1&a=2"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(AddressError):
        parse(text)


async def test_an_unknown_scheme_lists_the_ones_there_are() -> None:
    with pytest.raises(AddressError, match="there are evdev, serial, sim"):
        await open_scanner("ble:hci0", context(None))
    with pytest.raises(AddressError, match="there are"):
        await open_printer("evdev:by-id/x", context(None))


@pytest.mark.parametrize("allowed", [True, False])
async def test_simulated_devices_need_permission_and_a_directory(
    tmp_path: Path, allowed: bool
) -> None:
    refused = context(None) if allowed else context(tmp_path, allowed=False)
    with pytest.raises(AddressError, match="not allowed"):
        await open_scanner("sim:gun1", refused)


async def test_virtual_devices_that_are_not_served_are_gone_not_wrong(tmp_path: Path) -> None:
    with pytest.raises(DeviceGone):
        await open_scanner("sim:gun1", context(tmp_path))


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("gun9", "there are gun1, loop, printer1"),
        ("printer1", "is a printer, not a scanner"),
        ("loop", "cannot be understood"),
    ],
)
async def test_a_name_must_be_a_served_device_of_the_right_port(
    tmp_path: Path, name: str, match: str
) -> None:
    devices = {
        "gun1": {"port": "scanner", "kind": "serial", "address": "serial:/dev/x"},
        "printer1": {"port": "printer", "kind": "escpos", "address": "tcp:127.0.0.1:1"},
        "loop": {"port": "scanner", "kind": "serial", "address": "sim:loop"},
    }
    (tmp_path / "sim.json").write_text(json.dumps({"devices": devices}))
    with pytest.raises(AddressError, match=match):
        await open_scanner(f"sim:{name}", context(tmp_path))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"devices": []}', '{"devices": {"gun1": 5}}'])
async def test_a_broken_table_is_an_address_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "sim.json").write_text(text)
    with pytest.raises(AddressError):
        await open_scanner("sim:gun1", context(tmp_path))


@pytest.mark.parametrize("address", ["tcp:9100", "tcp:host:99999", "tcp:h:9100?x=1"])
async def test_a_network_printer_needs_host_and_port(address: str) -> None:
    with pytest.raises(AddressError):
        await open_printer(address, context(None))


async def test_paper_is_58_or_80_millimetres() -> None:
    with pytest.raises(AddressError, match="58 and 80"):
        await open_printer("tcp:127.0.0.1:9100", context(None), width_mm=76)


def test_a_check_opens_nothing_and_says_what_is_wrong() -> None:
    check("scanner", "serial:/dev/serial/by-id/none", sim_allowed=False)
    check("scanner", "sim:gun1", sim_allowed=True)
    with pytest.raises(AddressError, match="not allowed"):
        check("scanner", "sim:gun1", sim_allowed=False)
    with pytest.raises(AddressError, match="no printer has the scheme"):
        check("printer", "evdev:by-id/x", sim_allowed=False)


def test_the_table_names_each_port_and_scheme_once() -> None:
    table = schemes()
    assert len(set(table)) == len(table)
    assert {port for port, _ in table} == {"scanner", "printer"}


def test_no_device_library_is_loaded_before_its_first_address() -> None:
    program = (
        "import sys, drivers.address, drivers.supervisor, drivers.discovery\n"
        "print(*{'serial', 'evdev', 'escpos', 'PIL', 'usb', 'pyudev'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == ""
