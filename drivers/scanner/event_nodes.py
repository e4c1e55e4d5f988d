"""Event nodes of one input device, from sysfs: no device is opened to find out.

A USB scanner's interfaces share `phys` up to the last slash (usb-0000:00:14.0-2/input0, /input1);
a Bluetooth one's `phys` is the adapter's address without a slash, and its nodes share `uniq`.
"""

from collections.abc import Iterable
from pathlib import Path

from drivers.ports.errors import DeviceGone

_KEYS_0_TO_9 = frozenset(range(2, 12))
_KEY_ENTER = 28


def types_codes(keys: Iterable[int]) -> bool:
    """Whether these key codes (EV_KEY capabilities) are enough to type digits and end them."""
    have = set(keys)
    return have >= _KEYS_0_TO_9 and _KEY_ENTER in have


def key_codes(bitmap: str) -> set[int]:
    """Codes in sysfs `capabilities/key`: hexadecimal words of 64 bits, highest first."""
    words = [int(word, 16) for word in reversed(bitmap.split())]
    return {
        64 * index + bit for index, word in enumerate(words) for bit in range(64) if word >> bit & 1
    }


def siblings(name: str, *, root: Path = Path("/")) -> list[Path]:
    """Nodes of the device named `by-id/NAME` or `/dev/input/eventN`, the named one first.

    Raises:
        DeviceGone: there is no such link or node.
    """
    inputs = root / "dev/input"
    path = root / name.lstrip("/") if name.startswith("/") else inputs / name
    try:
        node = path.readlink().name if path.is_symlink() else path.name
    except OSError as error:
        raise DeviceGone(f"{name} is not there: {error}") from error
    if not (inputs / node).exists():
        raise DeviceGone(f"{name} is not there")
    sysfs = root / "sys/class/input"
    phys, uniq = _identity(sysfs / node)
    found = [node]
    for other in sorted(sysfs.glob("event*")) if phys or uniq else ():
        other_phys, other_uniq = _identity(other)
        same = other_phys == phys if phys else other_uniq == uniq
        if other.name != node and same:
            found.append(other.name)
    return [inputs / each for each in found]


def _identity(node: Path) -> tuple[str, str]:
    phys = _text(node / "device/phys")
    return phys.rpartition("/")[0], _text(node / "device/uniq")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
