"""The only table of schemes: which factory opens a device of a port at an address.

    address = scheme ":" rest [ "?" key "=" value *( "&" key "=" value ) ]

`sim:NAME` is looked up in `sim.json` at every open and replaced by the real address that stands
there, so a virtual device that came back elsewhere is found again, and the driver that runs is the
real one. It is refused where simulated devices are not allowed. A driver is imported when its first
address is opened: a store without a printer loads nothing of printers.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from drivers.ports.clock import Clock
from drivers.ports.errors import AddressError, DeviceGone
from drivers.ports.printer import Printer
from drivers.ports.scanner import Scanner

WIDTH_DOTS: Mapping[int, int] = {58: 384, 80: 576}
"""Printable dots by paper width in millimetres, at 203 dpi."""

_USB_NUMBERS = re.compile(r"([0-9A-Fa-f]{4}):([0-9A-Fa-f]{4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A parsed address. `rest` has no options; `options` keep their order, each key once."""

    scheme: str
    rest: str
    options: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """The address again, options unescaped."""
        query = "&".join(f"{key}={value}" for key, value in self.options)
        return f"{self.scheme}:{self.rest}{'?' if query else ''}{query}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a factory may need besides the address.

    sim_dir: where the virtual devices' `sim.json` is; None when there are none.
    sim_allowed: whether `sim:` may be opened on this box.
    """

    clock: Clock
    sim_dir: Path | None = None
    sim_allowed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerOptions:
    """How this scanner is programmed: its keyboard layout, and what it sends for 0x1D."""

    layout: str
    gs: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterOptions:
    """What is in this printer: printable width, and how it is spoken to."""

    width_dots: int
    profile: str
    name: str


def parse(address: str) -> Address:
    """Take an address apart.

    Raises:
        AddressError: no scheme, nothing behind it, or an option without `=` or given twice.
    """
    head, _, query = address.strip().partition("?")
    scheme, colon, rest = head.partition(":")
    if not colon or not rest or not scheme.isascii() or not scheme.isalnum():
        raise AddressError(f"address {address!r}: give `scheme:place`, such as serial:/dev/ttyUSB0")
    try:
        options = parse_qsl(
            query.replace("+", "%2B"), keep_blank_values=True, strict_parsing=bool(query)
        )
    except ValueError as error:
        raise AddressError(f"address {address!r}: {error}") from error
    if len({key for key, _ in options}) != len(options):
        raise AddressError(f"address {address!r}: an option is given twice")
    return Address(scheme=scheme.lower(), rest=rest, options=tuple(options))


async def open_scanner(
    address: str, context: Context, *, layout: str = "us", gs: str = ""
) -> Scanner:
    """Open the scanner at `address`; `gs` is what it sends in place of 0x1D.

    Raises:
        AddressError: unknown scheme or option, or `sim:` where it is not allowed.
        DeviceError: what the driver says (gone, busy, refused).
    """
    found = await _resolve("scanner", address, context)
    factory = _SCANNERS.get(found.scheme)
    if factory is None:
        raise _no_scheme("scanner", found)
    return await factory(found, context, ScannerOptions(layout=layout, gs=gs.encode()))


async def open_printer(
    address: str,
    context: Context,
    *,
    width_mm: int = 80,
    profile: str = "raster",
    name: str = "",
) -> Printer:
    """Open the printer at `address`; nothing is connected before its first job.

    profile: `raster` or `native_gbk`. name: for log lines, the address when empty.

    Raises:
        AddressError: unknown scheme, option, profile or paper width, or `sim:` where it is not
            allowed.
        DeviceError: what the driver says.
    """
    found = await _resolve("printer", address, context)
    factory = _PRINTERS.get(found.scheme)
    if factory is None:
        raise _no_scheme("printer", found)
    if width_mm not in WIDTH_DOTS:
        raise AddressError(f"paper width {width_mm} mm: there are 58 and 80")
    options = PrinterOptions(width_dots=WIDTH_DOTS[width_mm], profile=profile, name=name)
    return await factory(found, context, options)


def schemes() -> tuple[tuple[str, str], ...]:
    """Every (port, scheme) that can be opened, `sim` included."""
    tables: tuple[tuple[str, Mapping[str, object]], ...] = (
        ("scanner", _SCANNERS),
        ("printer", _PRINTERS),
    )
    return tuple((port, scheme) for port, table in tables for scheme in (*sorted(table), "sim"))


def check(port: str, address: str, *, sim_allowed: bool) -> None:
    """Say what is wrong with an address without opening anything; for a configuration check.

    Raises:
        AddressError: not an address, not a scheme of this port, or `sim:` where it is not allowed.
    """
    found = parse(address)
    if (port, found.scheme) not in schemes():
        raise _no_scheme(port, found)
    if found.scheme == "sim" and not sim_allowed:
        raise _sim_refused(found)


async def _resolve(port: str, address: str, context: Context) -> Address:
    found = parse(address)
    if found.scheme != "sim":
        return found
    if not context.sim_allowed or context.sim_dir is None:
        raise _sim_refused(found)
    real = await asyncio.to_thread(_look_up, port, found.rest, context.sim_dir / "sim.json")
    return parse(real)


def _look_up(port: str, name: str, table: Path) -> str:
    try:
        text = table.read_text(encoding="utf-8")
    except OSError as error:
        raise DeviceGone(f"sim:{name}: no virtual devices are served ({table})") from error
    try:
        devices = json.loads(text)["devices"]
        names = sorted(devices)
        entry = devices.get(name)
        found_port, address = (entry["port"], entry["address"]) if entry else ("", "")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AddressError(f"sim:{name}: {table} cannot be understood") from error
    if entry is None:
        raise AddressError(f"sim:{name}: there are {', '.join(names)}")
    if found_port != port:
        raise AddressError(f"sim:{name} is a {found_port}, not a {port}")
    if not isinstance(address, str) or parse(address).scheme == "sim":
        raise AddressError(f"sim:{name}: {table} cannot be understood")
    return address


def _sim_refused(found: Address) -> AddressError:
    return AddressError(f"{found}: simulated devices are not allowed on this box")


def _no_scheme(port: str, found: Address) -> AddressError:
    there = ", ".join(scheme for name, scheme in schemes() if name == port)
    return AddressError(f"{found}: no {port} has the scheme {found.scheme!r}; there are {there}")


async def _serial(address: Address, context: Context, options: ScannerOptions) -> Scanner:
    from drivers.scanner import serial

    settings = serial.SerialSettings.parse(dict(address.options))
    return await serial.open_serial(address.rest, settings, gs=options.gs, clock=context.clock)


async def _evdev(address: Address, context: Context, options: ScannerOptions) -> Scanner:
    from drivers.scanner import hid

    keyboard = hid.parse_keyboard(dict(address.options), layout=options.layout, gs=options.gs)
    kind, colon, path = address.rest.partition(":")
    if colon and kind == "unix":
        return await hid.open_unix(path, keyboard, clock=context.clock)
    return await hid.open_evdev(address.rest, keyboard, clock=context.clock)


async def _tcp(address: Address, context: Context, options: PrinterOptions) -> Printer:
    from drivers.printer import network

    host, colon, port = address.rest.rpartition(":")
    if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise AddressError(f"{address}: give tcp:HOST:PORT, usually port 9100")
    given = _only(address, "proof")
    try:
        return network.open_tcp(
            host.strip("[]"),
            int(port),
            width_dots=options.width_dots,
            profile=options.profile,
            clock=context.clock,
            name=options.name,
            proof=given.get("proof"),
        )
    except ValueError as error:
        raise AddressError(f"{address}: {error}") from error


async def _serial_printer(address: Address, context: Context, options: PrinterOptions) -> Printer:
    from drivers.printer import local

    given = _only(address, "baud", "flow", "proof")
    baud = given.get("baud", str(local.BAUD))
    if not baud.isdecimal() or not 50 <= int(baud) <= 4_000_000:
        raise AddressError(f"{address}: baud is a number from 50 to 4000000")
    try:
        return local.open_serial(
            address.rest,
            baud=int(baud),
            flow=given.get("flow", local.FLOW),
            width_dots=options.width_dots,
            profile=options.profile,
            clock=context.clock,
            name=options.name,
            proof=given.get("proof"),
        )
    except ValueError as error:
        raise AddressError(f"{address}: {error}") from error


async def _usb(address: Address, context: Context, options: PrinterOptions) -> Printer:
    from drivers.printer import local

    numbers = _USB_NUMBERS.fullmatch(address.rest)
    if numbers is None:
        raise AddressError(f"{address}: give usb:VENDOR:PRODUCT, four hexadecimal digits each")
    given = _only(address, "proof")
    try:
        return local.open_usb(
            numbers[1],
            numbers[2],
            width_dots=options.width_dots,
            profile=options.profile,
            clock=context.clock,
            name=options.name,
            proof=given.get("proof"),
        )
    except ValueError as error:
        raise AddressError(f"{address}: {error}") from error


def _only(address: Address, *known: str) -> dict[str, str]:
    """The options, none but `known` ones."""
    given = dict(address.options)
    if unknown := sorted(given.keys() - set(known)):
        there = ", ".join(known)
        raise AddressError(f"{address}: option {unknown[0]!r}: {address.scheme} has {there}")
    return given


_SCANNERS: Mapping[str, Callable[[Address, Context, ScannerOptions], Awaitable[Scanner]]] = {
    "serial": _serial,
    "evdev": _evdev,
}
_PRINTERS: Mapping[str, Callable[[Address, Context, PrinterOptions], Awaitable[Printer]]] = {
    "serial": _serial_printer,
    "tcp": _tcp,
    "usb": _usb,
}
