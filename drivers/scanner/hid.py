"""A scanner that types: evdev event nodes, grabbed so that scans go nowhere else.

A scanner shows several event nodes (keyboard, consumer control, mouse). All of the same device are
opened and grabbed; those that can type are decoded, each with its own state. Without the grab every
scan would also type into the console.

The loop watches the descriptor and calls `InputDevice.read`; evdev's own async_read_loop is not
used (on end-of-file it hangs its task for ever, python-evdev issue 248). An OSError and an empty
read both mean that the device is gone; a dead descriptor left in the loop would spin.

`evdev:unix:/path` carries the same packed `struct input_event` over a Unix stream socket, for
virtual devices: python-evdev's `read` asks nothing of its descriptor but read(2), so the same code
runs. There is no grab there, and nothing to grab from.
"""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from drivers.ports.clock import Clock
from drivers.ports.errors import (
    AddressError,
    DeviceBusy,
    DeviceError,
    DeviceGone,
    DeviceRefused,
)
from drivers.ports.scanner import Reading, Scanner
from drivers.scanner.event_nodes import siblings, types_codes
from drivers.scanner.hid_decoder import EV_KEY, AltCode, Keyboard, KeyboardDecoder, KeySuffix
from drivers.scanner.inbox import Inbox

logger = logging.getLogger(__name__)

_CONNECT_TIMEOUT_S = 5


class _Event(Protocol):
    """What is used of evdev's InputEvent."""

    sec: int
    usec: int
    type: int
    code: int
    value: int


class _Device(Protocol):
    """What is used of evdev's InputDevice once it is open; `read` raises OSError."""

    fd: int

    def read(self) -> Iterator[_Event]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    device: _Device
    decoder: KeyboardDecoder | None


def parse_keyboard(options: Mapping[str, str], *, layout: str, gs: bytes) -> Keyboard:
    """Read `layout=de&suffix=enter&alt=gbk&gap_ms=50`; an option goes before the argument.

    Raises:
        AddressError: an unknown option or value.
    """
    known = {"layout", "suffix", "alt", "gap_ms"}
    if unknown := options.keys() - known:
        raise AddressError(
            f"evdev option {sorted(unknown)[0]!r}: there are {', '.join(sorted(known))}"
        )
    try:
        keyboard = Keyboard(
            layout=options.get("layout", layout).lower(),
            suffix=KeySuffix(options.get("suffix", "auto").lower()),
            alt=AltCode(options.get("alt", "unicode").lower()),
            gap_ms=int(options.get("gap_ms", "50")),
            gs=gs,
        )
    except ValueError as error:
        raise AddressError(f"evdev option: {error}") from error
    if not 5 <= keyboard.gap_ms <= 5000:
        raise AddressError("evdev option gap_ms: 5 to 5000")
    return keyboard


async def open_evdev(name: str, keyboard: Keyboard, *, clock: Clock) -> "HidScanner":
    """Open `by-id/NAME` or `/dev/input/eventN` and the other nodes of that device; grab all.

    Raises:
        DeviceGone: no such node now.
        DeviceBusy: another program grabbed it.
        DeviceRefused: no permission, or none of its nodes can type a code.
    """
    opening = asyncio.ensure_future(asyncio.to_thread(_open_nodes, name, keyboard))
    try:
        nodes = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_late)
        raise
    return HidScanner(nodes, name=name, gap_ms=keyboard.gap_ms, clock=clock)


async def open_unix(path: str, keyboard: Keyboard, *, clock: Clock) -> "HidScanner":
    """Connect to a socket that sends packed input events.

    Raises:
        DeviceGone: nobody listens there now.
    """
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    channel.setblocking(False)
    try:
        async with asyncio.timeout(_CONNECT_TIMEOUT_S):
            await asyncio.get_running_loop().sock_connect(channel, path)
        device = await asyncio.to_thread(_wrap, channel, path)
    except (OSError, TimeoutError) as error:
        channel.close()
        raise DeviceGone(f"{path} is not there: {error}") from error
    except BaseException:
        channel.close()
        raise
    node = _Node(device=device, decoder=KeyboardDecoder(keyboard))
    return HidScanner([node], name=path, gap_ms=keyboard.gap_ms, clock=clock)


def _wrap(channel: socket.socket, path: str) -> _Device:
    import evdev

    class SocketDevice(evdev.InputDevice[str]):
        """An InputDevice over a descriptor that answers no ioctl."""

        def __init__(self) -> None:
            # super().__init__ would open the path and ask it for its name and capabilities.
            self.path = path
            self.fd = channel.detach()

    return SocketDevice()


def _close_late(opening: "asyncio.Future[list[_Node]]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        _close_nodes(opening.result())


def _close_nodes(nodes: Sequence[_Node]) -> None:
    for node in nodes:
        with contextlib.suppress(OSError):
            node.device.close()  # the kernel ends the grab with the descriptor


def _open_nodes(name: str, keyboard: Keyboard) -> list[_Node]:
    import evdev

    nodes: list[_Node] = []
    try:
        for path in siblings(name):
            device: evdev.InputDevice[str] = evdev.InputDevice(str(path))
            typing = types_codes(device.capabilities().get(EV_KEY, []))
            nodes.append(
                _Node(device=device, decoder=KeyboardDecoder(keyboard) if typing else None)
            )
            device.grab()
    except OSError as error:
        _close_nodes(nodes)
        raise _translate(name, error) from error
    if not any(node.decoder for node in nodes):
        _close_nodes(nodes)
        raise DeviceRefused(f"{name} has no keys 0-9 and Enter: it is no keyboard-wedge scanner")
    return nodes


def _translate(name: str, error: OSError) -> DeviceError:
    if error.errno == errno.EBUSY:
        return DeviceBusy(f"{name} is grabbed by another program")
    if error.errno in (errno.EACCES, errno.EPERM):
        return DeviceRefused(f"{name}: no permission; the service needs the group input")
    return DeviceGone(f"{name} is not there: {error}")


class HidScanner:
    """Opened event nodes of one scanner; lives in the event loop."""

    def __init__(self, nodes: Sequence[_Node], *, name: str, gap_ms: int, clock: Clock) -> None:
        self._nodes = nodes
        self._name = name
        self._gap_s = gap_ms / 1000
        self._clock = clock
        self._inbox = Inbox(name)
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._timers: dict[int, asyncio.TimerHandle] = {}
        for node in nodes:
            self._loop.add_reader(node.device.fd, self._readable, node)

    async def read(self) -> Reading:
        """Wait for the next reading."""
        return await self._inbox.get()

    async def close(self) -> None:
        """Give the nodes and the grab back."""
        self._end(DeviceGone(f"{self._name} was closed"))

    def _readable(self, node: _Node) -> None:
        try:
            events = list(node.device.read())
        except BlockingIOError:
            return
        except OSError as error:
            gone = DeviceGone(f"{self._name} is gone: {error}")
            gone.__cause__ = error
            self._end(gone)
            return
        if not events:
            self._end(DeviceGone(f"{self._name} is gone: end of file"))
            return
        if node.decoder is None:
            return
        boot_ms = self._clock.boot_ms()
        for event in events:
            at_us = event.sec * 1_000_000 + event.usec
            for outcome in node.decoder.feed(
                event.type, event.code, event.value, at_us=at_us, boot_ms=boot_ms
            ):
                self._inbox.put(outcome)
        self._watch_for_silence(node)

    def _watch_for_silence(self, node: _Node) -> None:
        if timer := self._timers.pop(node.device.fd, None):
            timer.cancel()
        if node.decoder is not None and node.decoder.unfinished:
            self._timers[node.device.fd] = self._loop.call_later(
                self._gap_s, self._silence, node.decoder
            )

    def _silence(self, decoder: KeyboardDecoder) -> None:
        for outcome in decoder.silence(boot_ms=self._clock.boot_ms()):
            self._inbox.put(outcome)

    def _end(self, error: DeviceError) -> None:
        if self._closed:
            return
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        for node in self._nodes:
            self._loop.remove_reader(node.device.fd)
        _close_nodes(self._nodes)
        self._inbox.end(error)


_: type[Scanner] = HidScanner
