"""A virtual keyboard-wedge scanner: packed `struct input_event` over a Unix stream socket.

The driver connects where it would open an event node; one at a time, since a grab is exclusive, and
a second one is hung up on. Time stamps are the scanner's own: one report a millisecond, so a busy
machine makes no gap that is not meant.
"""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from drivers.sim.device import NoSuchAction
from drivers.sim.keyboard import Report, Typing, reports
from drivers.sim.scan_args import number, only, payload, switch, wait_until

_EVENT = struct.Struct("@llHHi")
_EV_SYN, _EV_KEY = 0, 1
# python-evdev reads 64 events a call; a message never larger is never cut inside an event.
_MESSAGE_BYTES = 64 * _EVENT.size
_LONGEST_PATH = 107
_STALL_S = 5.0
_LOOK_S = 0.01
# F13 to F24: keys that no code is made of.
_GARBAGE: tuple[Report, ...] = tuple(
    report for code in range(183, 195) for report in (((code, 1),), ((code, 0),))
)


class HidGun:
    """One gun; `start` plugs it in."""

    actions = ("scan", "burst", "cut", "garbage", "plug", "unplug")

    def __init__(self, name: str, directory: Path) -> None:
        self._path = directory / "dev" / f"{name}.sock"
        if len(str(self._path).encode()) > _LONGEST_PATH:
            raise ValueError(f"{self._path}: a socket's path has at most {_LONGEST_PATH} bytes")
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._driver: socket.socket | None = None

    async def start(self) -> None:
        """Plug it in."""
        self._plug()

    async def stop(self) -> None:
        """Unplug it."""
        await self._unplug()

    def address(self) -> str:
        """The socket."""
        return f"evdev:unix:{self._path}"

    async def do(self, action: str, args: Mapping[str, str]) -> Mapping[str, object]:
        """Do one of `actions`.

        scan: text | hex, charset, aim, suffix=enter|kpenter|tab|none, layout=us|de|fr,
            alt=unicode|gbk|none, caps=1, keypad=1, repeat=1, alt_burst=1, slow_ms=PER_REPORT.
        burst: n scans of text, `{i}` counted from 1.
        cut: the first half of text, then the plug is pulled.
        garbage: twelve keys that no code is made of, and Enter.
        """
        match action:
            case "scan":
                return await self._scan(args)
            case "burst":
                only(args, "text", "n")
                count = number(args, "n", 5, least=1, most=1000)
                text = args.get("text", "BURST-{i}")
                for i in range(1, count + 1):
                    await self._send(reports(text.replace("{i}", str(i)), "enter", Typing()))
                return {"scans": count}
            case "cut":
                only(args, "text", "hex", "charset")
                text = payload(args).decode()
                sent = await self._send(reports(text[: max(1, len(text) // 2)], "none", Typing()))
                await self._unplug()
                return {"reports": sent}
            case "garbage":
                only(args)
                return {"reports": await self._send([*_GARBAGE, ((28, 1),), ((28, 0),)])}
            case "plug":
                only(args)
                self._plug()
            case "unplug":
                only(args)
                await self._unplug()
            case _:
                raise NoSuchAction(action, self.actions)
        return {"plugged": self._listener is not None}

    async def _scan(self, args: Mapping[str, str]) -> Mapping[str, object]:
        ways = ("caps", "keypad", "repeat", "alt_burst")
        only(args, "text", "hex", "charset", "aim", "suffix", "layout", "alt", "slow_ms", *ways)
        typing = Typing(
            layout=args.get("layout", "us"),
            alt=args.get("alt", "unicode"),
            caps=switch(args, "caps"),
            keypad=switch(args, "keypad"),
            repeat=switch(args, "repeat"),
            alt_burst=switch(args, "alt_burst"),
        )
        text = args.get("aim", "") + payload(args).decode()
        slow_ms = number(args, "slow_ms", 0, least=0, most=60_000)
        typed = reports(text, args.get("suffix", "enter"), typing)
        return {"reports": await self._send(typed, slow_ms=slow_ms)}

    async def _send(self, typed: Sequence[Report], *, slow_ms: int = 0) -> int:
        if self._listener is None:
            raise ValueError("it is unplugged")
        await wait_until(lambda: self._driver is not None, "no driver has this device open")
        driver = self._driver
        assert driver is not None
        at_ms = time.time_ns() // 1_000_000
        message = b""
        for report in typed:
            packed = _pack(report, at_ms)
            if message and (slow_ms or len(message) + len(packed) > _MESSAGE_BYTES):
                await self._write(driver, message)
                message = b""
            message += packed
            at_ms += max(1, slow_ms)
            if slow_ms:
                await asyncio.sleep(slow_ms / 1000)
        await self._write(driver, message)
        return len(typed)

    async def _write(self, driver: socket.socket, message: bytes) -> None:
        stalled_s = 0.0
        while message:
            if self._driver is not driver:
                raise ValueError("the driver went away meanwhile")
            try:
                message = message[driver.send(message) :]
            except BlockingIOError:
                if stalled_s >= _STALL_S:
                    raise ValueError("the driver does not read") from None
                stalled_s += _LOOK_S
                await asyncio.sleep(_LOOK_S)
            except OSError as error:
                raise ValueError("the driver went away meanwhile") from error

    def _plug(self) -> None:
        if self._listener is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        listener.setblocking(False)
        listener.bind(str(self._path))
        listener.listen(4)
        self._listener = listener
        self._accepting = asyncio.create_task(self._accept(listener))

    async def _unplug(self) -> None:
        if self._accepting is not None:
            self._accepting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._accepting
            self._accepting = None
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._path.unlink(missing_ok=True)
        self._hang_up()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            channel, _ = await loop.sock_accept(listener)
            if self._driver is not None:
                self._heard(self._driver)  # it may be gone and we not told yet
            if self._driver is not None:
                channel.close()
                continue
            channel.setblocking(False)
            self._driver = channel
            loop.add_reader(channel.fileno(), self._heard, channel)

    def _heard(self, channel: socket.socket) -> None:
        try:
            gone = not channel.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            gone = True
        if gone and self._driver is channel:
            self._hang_up()

    def _hang_up(self) -> None:
        channel, self._driver = self._driver, None
        if channel is not None:
            asyncio.get_running_loop().remove_reader(channel.fileno())
            channel.close()


def _pack(report: Report, at_ms: int) -> bytes:
    seconds, milliseconds = divmod(at_ms, 1000)
    events = [(_EV_KEY, code, value) for code, value in report] + [(_EV_SYN, 0, 0)]
    return b"".join(
        _EVENT.pack(seconds, milliseconds * 1000, kind, code, value) for kind, code, value in events
    )
