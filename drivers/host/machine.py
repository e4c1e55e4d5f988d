"""Which box and which card this is, as far as the machine tells.

The ledger is bound to it: a copy of the card in another box, or a copy on another card, shows as a
difference. What cannot be read is the empty text and proves nothing; reading never raises. Sources:
/etc/machine-id (machine-id(5); copied along with a card), the board's serial number (device tree
on a Pi, DMI on a PC, the latter readable by root only), the disk's own serial number or MMC CID
under the block device that holds the data (sysfs; virtual disks often have none).
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineIdentity:
    """Three names, each "" when unknown.

    machine: /etc/machine-id, 32 hexadecimal digits.
    board: serial number of the board.
    card: serial number or CID of the disk or card that holds the data.
    """

    machine: str = ""
    board: str = ""
    card: str = ""

    def differences(self, now: "MachineIdentity") -> tuple[str, ...]:
        """Names of the fields that both know and that differ; empty when nothing speaks against.

        A field unknown on either side is left out: a name that became unreadable is no other box.
        """
        return tuple(
            field.name
            for field in fields(self)
            if getattr(self, field.name)
            and getattr(now, field.name)
            and getattr(self, field.name) != getattr(now, field.name)
        )


def identify(data: Path, *, root: Path = Path("/")) -> MachineIdentity:
    """The identity of this machine and of the disk that holds `data`; never raises.

    `root` is where /etc, /proc and /sys are looked for.
    """
    return MachineIdentity(
        machine=_text(root / "etc/machine-id"),
        board=_first(
            (
                root / "proc/device-tree/serial-number",
                root / "sys/class/dmi/id/product_uuid",
                root / "sys/class/dmi/id/board_serial",
            )
        ),
        card=_card(data, root),
    )


def _card(data: Path, root: Path) -> str:
    try:
        number = data.stat().st_dev
    except OSError:
        return ""
    link = root / "sys/dev/block" / f"{os.major(number)}:{os.minor(number)}"
    try:
        block = link.resolve(strict=True)
    except (OSError, RuntimeError):
        return ""
    if (block / "partition").exists():
        block = block.parent
    names = ("device/cid", "device/serial", "device/wwid", "wwid", "serial")
    return _first(block / name for name in names)


def _first(paths: Iterator[Path] | tuple[Path, ...]) -> str:
    return next((text for path in paths if (text := _text(path))), "")


def _text(path: Path) -> str:
    try:
        return path.read_bytes().strip(b"\0 \r\n\t").decode("utf-8", "replace")
    except OSError:
        return ""
