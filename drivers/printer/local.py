"""Printers on a serial port or on USB, as a file that is read and written.

USB goes through the kernel's usblp (`/dev/usb/lpN`), found by vendor and product number: the kernel
reads the endpoints off the device, and an unplugged one is an error of the file. python-escpos'
own USB class guesses endpoints and takes the device from the kernel; its serial class asks for a
handshake (DSR/DTR) that pyserial does not do on Linux. So neither is used.

A serial printer needs a flow control that it is set to, or long slips lose lines.
"""

import contextlib
import errno
import os
import select
import termios
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import serial

from drivers.ports.clock import Clock
from drivers.ports.errors import DeviceBusy, DeviceGone, DeviceRefused
from drivers.ports.printer import Printer
from drivers.printer.conversation import Patience, Proof
from drivers.printer.device import EscposPrinter
from drivers.printer.encode import Profile
from drivers.printer.wire import Wire

BAUD, FLOW = 19_200, "rtscts"
"""What most receipt printers with a serial port leave the factory with."""

_USB_CLASS = Path("/sys/class/usbmisc")
_USB_NODES = Path("/dev/usb")


class _Line(Protocol):
    def fileno(self) -> int: ...
    def close(self) -> None: ...


@dataclass(slots=True)
class _OpenFile:
    fd: int

    def fileno(self) -> int:
        return self.fd

    def close(self) -> None:
        os.close(self.fd)


class FileWire:
    """See `Wire`. `open_line` raises `DeviceGone` or `DeviceBusy`.

    `hangs_up`: an empty read means that the far end is gone (serial), not that it has nothing to
    say (usblp).
    """

    def __init__(self, open_line: Callable[[], _Line], *, hangs_up: bool) -> None:
        self._open_line = open_line
        self._hangs_up = hangs_up
        self._line: _Line | None = None

    def open(self) -> None:
        """Open the file, without waiting."""
        self.close()
        self._line = self._open_line()
        os.set_blocking(self._line.fileno(), False)

    def writable(self, wait_s: float) -> bool:
        """Whether the kernel takes bytes now."""
        return bool(self._poll(select.POLLOUT, wait_s) & select.POLLOUT)

    def write(self, data: bytes) -> None:
        """Write a piece; a kernel that takes it in parts is waited for."""
        left = data
        while left:
            try:
                left = left[os.write(self._fd(), left) :]
            except BlockingIOError:
                if not self.writable(_STUCK_S):
                    raise DeviceGone("the port takes no bytes") from None
            except OSError as error:
                raise DeviceGone("unplugged while writing") from error

    def read(self, wait_s: float) -> bytes:
        """Read what there is."""
        if not self._poll(select.POLLIN, wait_s) & select.POLLIN:
            return b""
        try:
            data = os.read(self._fd(), 4096)
        except BlockingIOError:
            return b""
        except OSError as error:
            raise DeviceGone("unplugged while reading") from error
        if not data and self._hangs_up:
            raise DeviceGone("the far end hung up")
        return data

    def close(self) -> None:
        """Close the file."""
        line, self._line = self._line, None
        if line is not None:
            with contextlib.suppress(OSError):
                line.close()

    def _fd(self) -> int:
        if self._line is None:
            raise DeviceGone("not open")
        return self._line.fileno()

    def _poll(self, what: int, wait_s: float) -> int:
        poll = select.poll()
        poll.register(self._fd(), what)
        ready = poll.poll(wait_s * 1000)
        seen = ready[0][1] if ready else 0
        if seen & (select.POLLHUP | select.POLLERR | select.POLLNVAL) and not seen & select.POLLIN:
            raise DeviceGone("unplugged")
        return seen


_STUCK_S = 5.0
_: type[Wire] = FileWire


def _open_port(path: str, baud: int, flow: str) -> _Line:
    try:
        return serial.Serial(
            path,
            baud,
            timeout=0,
            exclusive=True,
            rtscts=flow == "rtscts",
            xonxoff=flow == "xonxoff",
        )
    except (OSError, ValueError, termios.error) as error:
        number = error.args[0] if error.args and isinstance(error.args[0], int) else None
        if number in (errno.EAGAIN, errno.EBUSY):
            raise DeviceBusy(f"{path} is held by another program") from error
        if number in (errno.EACCES, errno.EPERM):
            raise DeviceRefused(
                f"{path}: no permission; the service needs group dialout"
            ) from error
        raise DeviceGone(f"no printer at {path}: {error}") from error


def usb_node(
    vendor: str, product: str, *, classes: Path = _USB_CLASS, nodes: Path = _USB_NODES
) -> Path:
    """The `lpN` of the first USB printer with these numbers (four hexadecimal digits each).

    Raises:
        DeviceGone: none is plugged in.
    """
    for entry in sorted(classes.glob("lp*")):
        device = (entry / "device").resolve().parent  # of the interface
        with contextlib.suppress(OSError):
            numbers = [(device / name).read_text().strip() for name in ("idVendor", "idProduct")]
            if numbers == [vendor.lower(), product.lower()]:
                return nodes / entry.name
    raise DeviceGone(f"no USB printer {vendor}:{product}")


def _open_usb(vendor: str, product: str) -> _Line:
    node = usb_node(vendor, product)
    try:
        return _OpenFile(os.open(node, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        if error.errno == errno.EBUSY:
            raise DeviceBusy(f"{node} is held by another program") from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise DeviceRefused(f"{node}: no permission; the service needs group lp") from error
        raise DeviceGone(f"no printer at {node}") from error


def open_serial(
    path: str,
    *,
    baud: int = BAUD,
    flow: str = FLOW,
    width_dots: int,
    profile: str,
    clock: Clock,
    name: str = "",
    proof: str | None = None,
    patience: Patience | None = None,
) -> Printer:
    """A serial printer; `flow` is `rtscts`, `xonxoff` or `none`, the rest as `network.open_tcp`.

    Raises:
        ValueError: an unknown flow control, profile or proof.
    """
    if flow not in ("rtscts", "xonxoff", "none"):
        raise ValueError(f"flow {flow!r}: there are rtscts, xonxoff, none")
    wire = FileWire(lambda: _open_port(path, baud, flow), hangs_up=True)
    return _printer(wire, width_dots, profile, clock, name or path, proof, patience)


def open_usb(
    vendor: str,
    product: str,
    *,
    width_dots: int,
    profile: str,
    clock: Clock,
    name: str = "",
    proof: str | None = None,
    patience: Patience | None = None,
) -> Printer:
    """A USB printer by its vendor and product number in hexadecimal, the rest as `open_tcp`.

    Raises:
        ValueError: an unknown profile or proof.
    """
    wire = FileWire(lambda: _open_usb(vendor, product), hangs_up=False)
    named = name or f"{vendor}:{product}"
    return _printer(wire, width_dots, profile, clock, named, proof, patience)


def _printer(
    wire: Wire,
    width_dots: int,
    profile: str,
    clock: Clock,
    name: str,
    proof: str | None,
    patience: Patience | None,
) -> Printer:
    return EscposPrinter(
        wire,
        width_dots=width_dots,
        profile=Profile(profile),
        clock=clock,
        name=name,
        proof=None if proof is None else Proof(proof),
        patience=patience,
    )
