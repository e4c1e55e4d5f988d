"""Which box and which card this is."""

import os
from pathlib import Path

import pytest

from drivers.host.machine import MachineIdentity, identify


def put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def block_link(root: Path, data: Path) -> Path:
    number = data.stat().st_dev
    return root / "sys/dev/block" / f"{os.major(number)}:{os.minor(number)}"


def test_the_card_is_the_disk_under_the_partition_that_holds_the_data(tmp_path: Path) -> None:
    put(tmp_path / "etc/machine-id", b"0123456789abcdef0123456789abcdef\n")
    put(tmp_path / "proc/device-tree/serial-number", b"10000000deadbeef\0")
    disk = tmp_path / "sys/devices/mmc/mmcblk0"
    put(disk / "device/cid", b"035344534c333247\n")
    put(disk / "mmcblk0p2/partition", b"2\n")
    link = block_link(tmp_path, tmp_path)
    link.parent.mkdir(parents=True)
    link.symlink_to(disk / "mmcblk0p2")
    assert identify(tmp_path, root=tmp_path) == MachineIdentity(
        machine="0123456789abcdef0123456789abcdef",
        board="10000000deadbeef",
        card="035344534c333247",
    )


def test_what_cannot_be_read_is_unknown_and_nothing_raises(tmp_path: Path) -> None:
    assert identify(tmp_path / "absent", root=tmp_path / "nowhere") == MachineIdentity()
    link = block_link(tmp_path, tmp_path)
    link.parent.mkdir(parents=True)
    link.symlink_to(link)
    assert identify(tmp_path, root=tmp_path) == MachineIdentity()


def test_this_machine_answers_the_same_twice(tmp_path: Path) -> None:
    assert identify(tmp_path) == identify(tmp_path)


@pytest.mark.parametrize(
    ("now", "differences"),
    [
        (MachineIdentity(machine="m", board="b", card="c"), ()),
        (MachineIdentity(machine="m", board="b", card="other"), ("card",)),
        (MachineIdentity(machine="x", board="y", card="z"), ("machine", "board", "card")),
        (MachineIdentity(machine="m"), ()),
        (MachineIdentity(), ()),
    ],
)
def test_only_what_both_know_can_differ(now: MachineIdentity, differences: tuple[str, ...]) -> None:
    assert MachineIdentity(machine="m", board="b", card="c").differences(now) == differences
