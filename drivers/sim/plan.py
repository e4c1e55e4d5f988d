"""Which virtual devices there are, and how each kind is made."""

from dataclasses import dataclass
from pathlib import Path

from drivers.sim.device import VirtualDevice
from drivers.sim.hid_gun import HidGun
from drivers.sim.serial_gun import SerialGun

KINDS = {"serial": "scanner", "hid": "scanner", "escpos": "printer", "escpos58": "printer"}
"""The port that each kind fits. `escpos` takes 80 mm paper, `escpos58` 58 mm."""

_PRINTER_DOTS = {"escpos": 576, "escpos58": 384}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One device to serve: its name in `sim:NAME`, the port that it fits, and its kind."""

    name: str
    port: str
    kind: str


DEFAULT_PLAN: tuple[Planned, ...] = (
    Planned(name="gun1", port="scanner", kind="serial"),
    Planned(name="gun2", port="scanner", kind="serial"),
    Planned(name="hid1", port="scanner", kind="hid"),
    Planned(name="printer1", port="printer", kind="escpos"),
    Planned(name="printer2", port="printer", kind="escpos"),
)


def make(planned: Planned, directory: Path) -> VirtualDevice:
    """Make one device, not yet started; a printer keeps its paper in `directory/paper/NAME`.

    Raises:
        ValueError: an unknown kind.
    """
    match planned.kind:
        case "serial":
            return SerialGun(planned.name, directory)
        case "hid":
            return HidGun(planned.name, directory)
        case "escpos" | "escpos58":
            from drivers.sim.printer import VirtualPrinter

            return VirtualPrinter(
                planned.name,
                paper_dir=directory / "paper" / planned.name,
                width_dots=_PRINTER_DOTS[planned.kind],
            )
        case _:
            raise ValueError(f"kind {planned.kind!r}: there are {', '.join(KINDS)}")
