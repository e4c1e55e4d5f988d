"""What is plugged in, from a /dev and a /sys that the test lays out."""

from pathlib import Path

import pytest

from drivers.address import Context, check, open_printer
from drivers.discovery import Found, discover
from drivers.host.clock import SystemClock
from drivers.ports.errors import DeviceGone
from drivers.scanner.event_nodes import key_codes, siblings

KEYBOARD_BITS = "80000000000000 e0b0ffdf01cfffff fffffffffffffffe"


def put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


def link(root: Path, name: str, target: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


def event(root: Path, number: int, *, phys: str, uniq: str = "", keys: str = "") -> None:
    base = f"sys/class/input/event{number}/device"
    put(root, {f"{base}/phys": phys, f"{base}/uniq": uniq, f"{base}/name": f"Gun {number}"})
    put(root, {f"{base}/capabilities/key": keys, f"dev/input/event{number}": ""})


def test_nothing_plugged_in_is_an_empty_list(tmp_path: Path) -> None:
    assert discover(root=tmp_path) == []


def test_the_machine_that_runs_this_can_be_asked() -> None:
    assert all(found.address.startswith(("serial:", "evdev:", "usb:")) for found in discover())


def test_a_serial_adapter_is_offered_by_the_link_that_keeps_its_name(tmp_path: Path) -> None:
    usb = "sys/devices/usb1/1-2"
    put(tmp_path, {f"{usb}/product": "USB-Serial", f"{usb}/manufacturer": "ACME"})
    put(tmp_path, {f"{usb}/1-2:1.0/ttyUSB0/port_number": "0"})
    link(tmp_path, "sys/class/tty/ttyUSB0/device", "../../../devices/usb1/1-2/1-2:1.0/ttyUSB0")
    link(tmp_path, "dev/serial/by-id/usb-ACME_1-if00-port0", "../../ttyUSB0")
    put(tmp_path, {"sys/class/tty/tty0/dev": "4:0"})
    assert discover(root=tmp_path) == [
        Found(
            port="serial",
            address="serial:/dev/serial/by-id/usb-ACME_1-if00-port0?baud=9600",
            label="ACME USB-Serial",
        )
    ]


def test_a_serial_port_without_a_link_is_offered_by_its_node(tmp_path: Path) -> None:
    put(tmp_path, {"sys/class/tty/ttyACM0/device/uevent": ""})
    assert [found.address for found in discover(root=tmp_path)] == ["serial:/dev/ttyACM0?baud=9600"]


def test_keyboards_are_offered_and_other_event_nodes_are_not(tmp_path: Path) -> None:
    event(tmp_path, 3, phys="usb-1/input0", keys=KEYBOARD_BITS)
    event(tmp_path, 4, phys="usb-1/input1", keys="e000000000000 0")
    event(tmp_path, 5, phys="usb-2/input0", keys=KEYBOARD_BITS)
    link(tmp_path, "dev/input/by-id/usb-ACME_Gun-event-kbd", "../event3")
    assert discover(root=tmp_path) == [
        Found(port="scanner", address="evdev:by-id/usb-ACME_Gun-event-kbd", label="Gun 3"),
        Found(port="scanner", address="evdev:/dev/input/event5", label="Gun 5"),
    ]


def test_a_usb_printer_is_offered_by_vendor_and_product(tmp_path: Path) -> None:
    base = "sys/bus/usb/devices"
    put(tmp_path, {f"{base}/1-3/idVendor": "04b8", f"{base}/1-3/idProduct": "0e15"})
    put(tmp_path, {f"{base}/1-3/manufacturer": "EPSON", f"{base}/1-3/product": "TM-T20"})
    put(tmp_path, {f"{base}/1-3:1.0/bInterfaceClass": "07"})
    put(tmp_path, {f"{base}/1-4:1.0/bInterfaceClass": "03"})
    assert discover(root=tmp_path) == [
        Found(port="printer", address="usb:04b8:0e15", label="EPSON TM-T20")
    ]


def test_bits_of_a_capability_are_counted_from_the_last_word() -> None:
    assert key_codes("1 8000000000000001") == {0, 63, 64}
    assert key_codes("") == set()


@pytest.mark.parametrize("name", ["by-id/usb-ACME_Gun-event-kbd", "/dev/input/event3"])
def test_nodes_of_one_usb_device_share_their_phys(tmp_path: Path, name: str) -> None:
    event(tmp_path, 3, phys="usb-0000:00:14.0-2/input0", uniq="1")
    event(tmp_path, 4, phys="usb-0000:00:14.0-2/input1", uniq="1")
    event(tmp_path, 5, phys="usb-0000:00:14.0-21/input0", uniq="1")
    link(tmp_path, "dev/input/by-id/usb-ACME_Gun-event-kbd", "../event3")
    assert [node.name for node in siblings(name, root=tmp_path)] == ["event3", "event4"]


def test_nodes_of_one_bluetooth_device_share_their_uniq(tmp_path: Path) -> None:
    event(tmp_path, 3, phys="b8:27:eb:00:00:01", uniq="aa:bb")
    event(tmp_path, 4, phys="b8:27:eb:00:00:01", uniq="cc:dd")
    event(tmp_path, 6, phys="b8:27:eb:00:00:01", uniq="aa:bb")
    nodes = siblings("/dev/input/event3", root=tmp_path)
    assert [node.name for node in nodes] == ["event3", "event6"]


def test_a_node_that_says_nothing_of_itself_stands_alone(tmp_path: Path) -> None:
    event(tmp_path, 3, phys="")
    event(tmp_path, 4, phys="")
    assert len(siblings("/dev/input/event3", root=tmp_path)) == 1


def test_an_absent_node_is_gone(tmp_path: Path) -> None:
    link(tmp_path, "dev/input/by-id/stale", "../event9")
    for name in ("by-id/none", "by-id/stale", "/dev/input/event9"):
        with pytest.raises(DeviceGone):
            siblings(name, root=tmp_path)


async def test_what_is_offered_can_be_opened_as_what_it_may_be(tmp_path: Path) -> None:
    put(tmp_path, {"sys/class/tty/ttyACM0/device/uevent": ""})
    event(tmp_path, 5, phys="usb-2/input0", keys=KEYBOARD_BITS)
    base = "sys/bus/usb/devices"
    put(tmp_path, {f"{base}/1-3/idVendor": "04b8", f"{base}/1-3/idProduct": "0e15"})
    put(tmp_path, {f"{base}/1-3:1.0/bInterfaceClass": "07"})
    offered = discover(root=tmp_path)
    assert {found.port for found in offered} == {"serial", "scanner", "printer"}
    for found in offered:
        ports = ("scanner", "printer") if found.port == "serial" else (found.port,)
        for port in ports:
            check(port, found.address, sim_allowed=False)
        if "printer" in ports:  # a printer takes its options without being there
            printer = await open_printer(found.address, Context(clock=SystemClock()))
            await printer.close()
