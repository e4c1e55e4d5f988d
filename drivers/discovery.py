"""What is plugged in: addresses to put into a configuration.

Read from /dev and sysfs only: nothing is opened, no device library is loaded, and it works without
udev. A scanner is offered by its by-id link where there is one, since that keeps its name; without
a serial number the link changes with the USB socket, and with no link at all the bare node is what
is left.
"""

from dataclasses import dataclass
from pathlib import Path

from drivers.scanner.event_nodes import key_codes, types_codes

_USB_PRINTER_CLASS = "07"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A device that is there now. `port` is "scanner", "printer" or "serial" (could be either)."""

    port: str
    address: str
    label: str


def discover(*, root: Path = Path("/")) -> list[Found]:
    """Everything that looks usable, empty when nothing is; never raises. Blocks for milliseconds.

    `root` is where /dev and /sys are looked for.
    """
    return [*_serial(root), *_keyboards(root), *_printers(root)]


def _serial(root: Path) -> list[Found]:
    linked: dict[str, Path] = {}
    for link in _children(root / "dev/serial/by-id"):
        linked.setdefault(_target_name(link), link)
    found: list[Found] = []
    for tty in _children(root / "sys/class/tty"):
        # A port on a bus has a device; ttyS0 to ttyS31 exist without one, as "serial8250".
        if not (tty / "device").exists() or _target_name(tty / "device/subsystem") in (
            "serial-base",
            "platform",
            "pnp",
        ):
            continue
        by_id = linked.get(tty.name)
        path = f"/dev/serial/by-id/{by_id.name}" if by_id is not None else f"/dev/{tty.name}"
        label = _usb_label(tty / "device") or tty.name
        found.append(Found(port="serial", address=f"serial:{path}?baud=9600", label=label))
    return found


def _keyboards(root: Path) -> list[Found]:
    linked: dict[str, Path] = {}
    for link in _children(root / "dev/input/by-id"):
        linked.setdefault(_target_name(link), link)
    found: list[Found] = []
    for node in _children(root / "sys/class/input"):
        if not node.name.startswith("event"):
            continue
        if not types_codes(key_codes(_text(node / "device/capabilities/key"))):
            continue
        by_id = linked.get(node.name)
        place = f"by-id/{by_id.name}" if by_id is not None else f"/dev/input/{node.name}"
        label = _text(node / "device/name") or node.name
        found.append(Found(port="scanner", address=f"evdev:{place}", label=label))
    return found


def _printers(root: Path) -> list[Found]:
    found: list[Found] = []
    for interface in _children(root / "sys/bus/usb/devices"):
        if _text(interface / "bInterfaceClass") != _USB_PRINTER_CLASS:
            continue
        device = interface.parent / interface.name.partition(":")[0]
        vendor, product = _text(device / "idVendor"), _text(device / "idProduct")
        if vendor and product:
            label = f"{_text(device / 'manufacturer')} {_text(device / 'product')}".strip()
            address = f"usb:{vendor}:{product}"
            found.append(Found(port="printer", address=address, label=label or address))
    return found


def _usb_label(device: Path) -> str:
    """Manufacturer and product of the USB device that a tty's device belongs to."""
    try:
        place = device.resolve()
    except (OSError, RuntimeError):
        return ""
    for parent in (place, *place.parents[:4]):
        if product := _text(parent / "product"):
            return f"{_text(parent / 'manufacturer')} {product}".strip()
    return ""


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _target_name(link: Path) -> str:
    try:
        return link.readlink().name
    except OSError:
        return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
