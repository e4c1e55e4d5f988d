"""Unmodified python-evdev opens, asks, grabs and reads event nodes that umockdev emulates.

LD_PRELOAD goes into a child with a hard time limit, never into pytest's own process. The grab's
effect on others and ENODEV at unplug need hardware.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from drivers.sim.keyboard import Report, Typing, reports

LIMIT_S = 30
USB = "/devices/pci0000:00/0000:00:14.0/usb1/1-2"
PHYS = "usb-0000:00:14.0-2"

# Prints {"scans": […]} or {"error": code}; then what discovery says.
PROGRAM = """
import asyncio, json, sys
from drivers.address import Context, open_scanner
from drivers.discovery import discover
from drivers.host.clock import SystemClock
from drivers.ports.errors import DeviceError

async def main(address, count, options):
    answer = {"found": [[f.port, f.address, f.label] for f in discover()]}
    try:
        scanner = await open_scanner(address, Context(clock=SystemClock()), **options)
        answer["nodes"] = sorted(node.device.path for node in scanner._nodes)
        answer["scans"] = []
        try:
            for _ in range(count):
                async with asyncio.timeout(5 if not answer["scans"] else 1):
                    answer["scans"].append((await scanner.read()).data.decode())
        except TimeoutError:
            pass
        await scanner.close()
    except DeviceError as error:
        answer["error"] = error.code
    print(json.dumps(answer))

asyncio.run(main(sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An event node: its number, its USB interface, and the key codes it can send."""

    number: int
    interface: int
    keys: frozenset[int]
    link: str


KEYBOARD = Node(
    number=9, interface=0, keys=frozenset(range(1, 112)), link="usb-ACME_Gun_0001-event-kbd"
)
CONSUMER = Node(
    number=10,
    interface=1,
    keys=frozenset((113, 114, 115)),
    link="usb-ACME_Gun_0001-event-if01",
)


def bitmap(codes: Iterable[int], size: int) -> bytes:
    bits = sum(1 << code for code in codes)
    return bits.to_bytes(size, "little")


def sysfs_words(codes: Iterable[int]) -> str:
    bits, words = sum(1 << code for code in codes), list[str]()
    while bits:
        words.insert(0, f"{bits & (1 << 64) - 1:x}")
        bits >>= 64
    return " ".join(words) or "0"


def description(node: Node) -> str:
    place = f"{USB}/1-2:1.{node.interface}/input/input{node.number}"
    return f"""P: {place}/event{node.number}
N: input/event{node.number}
S: input/by-id/{node.link}
E: DEVLINKS=/dev/input/by-id/{node.link}
E: DEVNAME=/dev/input/event{node.number}
E: ID_INPUT=1
E: ID_INPUT_KEYBOARD=1
E: MAJOR=13
E: MINOR={64 + node.number}
E: SUBSYSTEM=input
A: dev=13:{64 + node.number}
L: device=../../input{node.number}

P: {place}
E: SUBSYSTEM=input
A: name=ACME Gun
A: phys={PHYS}/input{node.interface}
A: uniq=
A: capabilities/key={sysfs_words(node.keys)}

"""


def ioctls(node: Node) -> str:
    def text(value: str) -> str:
        return value.encode().ljust(256, b"\0").hex().upper()

    phys = f"{PHYS}/input{node.interface}"
    lines = [
        "EVIOCGVERSION 0 01000100",
        "EVIOCGID 0 0300341212EF0001",
        f"EVIOCGNAME(0) 9 {text('ACME Gun')}",
        f"EVIOCGPHYS(0) {len(phys) + 1} {text(phys)}",
        f"EVIOCGUNIQ(0) 1 {text('')}",
        f"EVIOCGBIT(0) 4 {bitmap((0, 1), 4).hex().upper()}",
        f"EVIOCGBIT(1) 96 {bitmap(node.keys, 96).hex().upper()}",
        "EVIOCGEFFECTS 0 00000000",
    ]
    return "\n".join(lines) + "\n"


def evemu(typed: Iterable[Report]) -> str:
    lines: list[str] = []
    for at_ms, report in enumerate(typed):
        stamp = f"{1 + at_ms // 1000}.{at_ms % 1000 * 1000:06d}"
        lines += [f"E: {stamp} 0001 {code:04x} {value:d}" for code, value in report]
        lines.append(f"E: {stamp} 0000 0000 0")
    return "\n".join(lines) + "\n"


def run(
    folder: Path,
    nodes: Iterable[Node],
    typed: Iterable[Report],
    address: str,
    *,
    count: int,
    layout: str = "us",
) -> dict[str, object]:
    """Run the program under umockdev; its one line of JSON, and no child left behind."""
    command = ["umockdev-run"]
    for node in nodes:
        base = folder / f"event{node.number}"
        base.with_suffix(".umockdev").write_text(description(node))
        base.with_suffix(".ioctl").write_text(ioctls(node))
        command += ["-d", f"{base}.umockdev"]
        command += ["-i", f"/dev/input/event{node.number}={base}.ioctl"]
    (folder / "keys.evemu").write_text(evemu(typed))
    command += ["-e", f"/dev/input/event{KEYBOARD.number}={folder}/keys.evemu", "--"]
    command += [sys.executable, "-c", PROGRAM, address, str(count), json.dumps({"layout": layout})]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        out, err = child.communicate(timeout=LIMIT_S)
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
    assert child.returncode == 0, err
    answer: dict[str, object] = json.loads(out)
    return answer


@pytest.mark.parametrize("place", [f"by-id/{KEYBOARD.link}", f"/dev/input/event{KEYBOARD.number}"])
def test_all_nodes_of_the_scanner_are_grabbed_and_what_it_types_is_read(
    tmp_path: Path, place: str
) -> None:
    typed = [
        *reports("]C10106901234567892\x1d10aB-9", "enter", Typing()),
        *reports("second", "tab", Typing()),
    ]
    answer = run(tmp_path, (KEYBOARD, CONSUMER), typed, f"evdev:{place}", count=2)
    assert answer["nodes"] == ["/dev/input/event10", "/dev/input/event9"]
    assert answer["scans"] == ["0106901234567892\x1d10aB-9", "second"]
    assert answer["found"] == [["scanner", f"evdev:by-id/{KEYBOARD.link}", "ACME Gun"]]


def test_the_layout_reaches_a_real_event_node(tmp_path: Path) -> None:
    typed = reports("zY-/@", "enter", Typing(layout="de"))
    answer = run(tmp_path, (KEYBOARD,), typed, f"evdev:by-id/{KEYBOARD.link}", count=1, layout="de")
    assert answer["scans"] == ["zY-/@"]


def test_keys_without_an_end_key_are_no_scan(tmp_path: Path) -> None:
    typed = [*reports("one", "enter", Typing()), *reports("half", "none", Typing())]
    answer = run(tmp_path, (KEYBOARD,), typed, f"evdev:by-id/{KEYBOARD.link}", count=2)
    assert answer["scans"] == ["one"]


def test_a_device_without_digits_is_refused(tmp_path: Path) -> None:
    other = Node(number=9, interface=0, keys=frozenset((113, 114)), link="usb-ACME_Knob-event-if00")
    answer = run(tmp_path, (other,), (), f"evdev:by-id/{other.link}", count=1)
    assert answer["error"] == "E-DEV-03"
    assert answer["found"] == []


def test_a_scanner_that_is_not_plugged_in_is_gone(tmp_path: Path) -> None:
    answer = run(tmp_path, (KEYBOARD,), (), "evdev:by-id/usb-Other-event-kbd", count=1)
    assert answer["error"] == "E-DEV-01"
