"""Printers on the network, port 9100: python-escpos' `Network` as the line.

The library writes; its status methods are not used, since its read of 16 bytes without
framing takes a stray byte for an answer and an end of line for "paper adequate" (python-escpos
3.1). Many cheap printers serve one client at a time: a connection lasts as
long as a job.

Importing the library costs half a second to a second and about 20 MB, and leaves an empty folder in
the temporary directory: it is imported at the first connection, in the worker thread, and the
folder is removed.
"""

import contextlib
import select
import shutil
import socket
import threading
from typing import TYPE_CHECKING

from drivers.ports.clock import Clock
from drivers.ports.errors import DeviceGone
from drivers.ports.printer import Printer
from drivers.printer.conversation import Patience, Proof
from drivers.printer.device import EscposPrinter
from drivers.printer.encode import Profile
from drivers.printer.wire import Wire

if TYPE_CHECKING:
    from escpos.printer import Network

_CONNECT_S = 3.0
_SEND_BUFFER_BYTES = 4096  # the kernel doubles it; a large one would hide that the printer stopped
_first_import = threading.Lock()


class NetworkWire:
    """See `Wire`."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._network: Network | None = None

    def open(self) -> None:
        """Connect within three seconds."""
        self.close()
        network = _load()(self._host, self._port, timeout=_CONNECT_S)
        try:
            # Its own open() forgets the socket of a failed connect, and knows only IPv4 (3.1).
            line = socket.create_connection((self._host, self._port), timeout=_CONNECT_S)
        except OSError as error:
            raise DeviceGone(f"no printer at {self._host}:{self._port}") from error
        network.device = line
        self._network = network
        try:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 5)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 3)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
        except OSError as error:
            raise DeviceGone("connection lost while opening") from error

    def writable(self, wait_s: float) -> bool:
        """Whether the kernel takes a piece now."""
        poll = select.poll()
        poll.register(self._line(), select.POLLOUT)
        return bool(poll.poll(wait_s * 1000))

    def write(self, data: bytes) -> None:
        """Hand a piece to the kernel."""
        assert self._network is not None
        try:
            self._network._raw(data)  # pyright: ignore[reportPrivateUsage]  # the only raw write
        except OSError as error:
            raise DeviceGone("connection lost while writing") from error

    def read(self, wait_s: float) -> bytes:
        """Read what there is."""
        line = self._line()
        poll = select.poll()
        poll.register(line, select.POLLIN)
        try:
            if not poll.poll(wait_s * 1000):
                return b""
            data = line.recv(4096)
        except OSError as error:
            raise DeviceGone("connection lost while reading") from error
        if not data:
            raise DeviceGone("the printer closed the connection")
        return data

    def close(self) -> None:
        """Read what is left, since unread bytes turn a close into a reset, and close."""
        if self._network is None:
            return
        with contextlib.suppress(DeviceGone):
            while self.read(0):
                pass
        line, self._network.device = self._network.device, None
        self._network = None
        if line is not None:
            # Not the library's close(): it logs through the root logger, at every job (3.1), and
            # the first time also configures it.
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def _line(self) -> socket.socket:
        if self._network is None or not isinstance(self._network.device, socket.socket):
            raise DeviceGone("not connected")
        return self._network.device


_: type[Wire] = NetworkWire


def _load() -> "type[Network]":
    with _first_import:
        from escpos import capabilities
        from escpos.printer import Network

        shutil.rmtree(capabilities.pickle_dir, ignore_errors=True)
    return Network


def open_tcp(
    host: str,
    port: int,
    *,
    width_dots: int,
    profile: str,
    clock: Clock,
    name: str = "",
    proof: str | None = None,
    patience: Patience | None = None,
) -> Printer:
    """A network printer; connects for each job, so that this never fails for an absent one.

    Args:
        host: a name or an address.
        port: 9100 unless the printer was set otherwise.
        width_dots: 576 for 80 mm paper, 384 for 58 mm.
        profile: `raster` or `native_gbk`.
        clock: tells when a printer that gave no proof is to be tried again.
        name: for log lines; the address if empty.
        proof: `process_id`, `gs_r` or `dle_only` when it is known; otherwise it is found out.
        patience: for tests and for slow printers.

    Raises:
        ValueError: an unknown profile or proof.
    """
    return EscposPrinter(
        NetworkWire(host, port),
        width_dots=width_dots,
        profile=Profile(profile),
        clock=clock,
        name=name or f"{host}:{port}",
        proof=None if proof is None else Proof(proof),
        patience=patience,
    )
