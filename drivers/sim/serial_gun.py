"""A virtual serial scanner: the master side of a pseudo-terminal.

The driver opens a symbolic link that keeps its name over a replug, as /dev/serial/by-id does; the
terminal behind it is another one each time. Three facts of Linux terminals matter:

- A new one is cooked and echoes; it is made raw before anybody sees it.
- We keep the slave open too, otherwise the master reads EIO whenever the driver closes. An unplug
  closes both, which the driver sees as a hang-up.
- A driver's open throws waiting bytes away. So nothing is written before the driver holds its lock
  on the port (read from /proc/locks: trying the lock ourselves could make the driver's own attempt
  fail) and has flushed its input, which the master learns in packet mode (ioctl_tty(2), TIOCPKT).
"""

import asyncio
import contextlib
import os
import struct
import termios
import tty
from collections.abc import Mapping
from dataclasses import dataclass
from fcntl import ioctl
from pathlib import Path

from drivers.sim.device import NoSuchAction
from drivers.sim.scan_args import GARBAGE, number, only, payload, wait_until

_FLUSHED_READ = 0x01
_PIECE_GAP_S = 0.02
_STALL_S = 5.0
_SUFFIXES: Mapping[str, bytes] = {
    "cr": b"\r",
    "lf": b"\n",
    "crlf": b"\r\n",
    "etx": b"\x03",
    "none": b"",
}


@dataclass(slots=True)
class _Terminal:
    master: int
    slave: int
    lock_name: str
    flushed: bool = False


class SerialGun:
    """One gun; `start` plugs it in."""

    actions = ("scan", "burst", "cut", "garbage", "plug", "unplug")

    def __init__(self, name: str, directory: Path) -> None:
        self._link = directory / "dev" / name
        self._terminal: _Terminal | None = None

    async def start(self) -> None:
        """Plug it in."""
        self._plug()

    async def stop(self) -> None:
        """Unplug it."""
        self._unplug()

    def address(self) -> str:
        """The link, whatever terminal is behind it; 9600 baud as most guns leave the factory."""
        return f"serial:{self._link}?baud=9600"

    async def do(self, action: str, args: Mapping[str, str]) -> Mapping[str, object]:
        """Do one of `actions`.

        scan: text | hex, charset, aim, suffix=cr|lf|crlf|etx|none, stx=1, split=PIECES,
            slow_ms=PER_BYTE; waits for the driver to have the port open.
        burst: n scans of text, `{i}` counted from 1, without a pause.
        cut: the first half of text, then the plug is pulled.
        garbage: twelve bytes that are no text, and an end mark unless suffix=none.
        """
        match action:
            case "scan":
                only(args, "text", "hex", "charset", "aim", "suffix", "stx", "split", "slow_ms")
                return await self._scan(args)
            case "burst":
                only(args, "text", "n", "suffix")
                count = number(args, "n", 5, least=1, most=1000)
                text = args.get("text", "BURST-{i}")
                frames = (text.replace("{i}", str(i)).encode() for i in range(1, count + 1))
                end = _suffix(args)
                sent = await self._send([b"".join(frame + end for frame in frames)], pause_s=0)
                return {"scans": count, "sent": sent}
            case "cut":
                only(args, "text", "hex", "charset")
                data = payload(args)
                sent = await self._send([data[: max(1, len(data) // 2)]], pause_s=0)
                await asyncio.sleep(_PIECE_GAP_S)
                self._unplug()
                return {"sent": sent}
            case "garbage":
                only(args, "suffix")
                return {"sent": await self._send([GARBAGE + _suffix(args)], pause_s=0)}
            case "plug":
                only(args)
                self._plug()
            case "unplug":
                only(args)
                self._unplug()
            case _:
                raise NoSuchAction(action, self.actions)
        return {"plugged": self._terminal is not None}

    async def _scan(self, args: Mapping[str, str]) -> Mapping[str, object]:
        stx = b"\x02" if args.get("stx") == "1" else b""
        data = stx + args.get("aim", "").encode() + payload(args) + _suffix(args)
        slow_ms = number(args, "slow_ms", 0, least=0, most=60_000)
        pieces = len(data) if slow_ms else number(args, "split", 1, least=1, most=len(data) or 1)
        size = -(-len(data) // max(1, pieces))
        parts = [data[at : at + size] for at in range(0, len(data), size or 1)]
        sent = await self._send(parts, pause_s=slow_ms / 1000 if slow_ms else _PIECE_GAP_S)
        return {"sent": sent}

    async def _send(self, pieces: list[bytes], *, pause_s: float) -> int:
        terminal = self._terminal
        if terminal is None:
            raise ValueError("it is unplugged")
        await wait_until(lambda: self._open_by_driver(terminal), "no driver has this port open")
        for index, piece in enumerate(pieces):
            if index:
                await asyncio.sleep(pause_s)
            await self._write(terminal, piece)
        return sum(len(piece) for piece in pieces)

    async def _write(self, terminal: _Terminal, data: bytes) -> None:
        left = data
        stalled_s = 0.0
        while left:
            if self._terminal is not terminal:
                raise ValueError("it was unplugged meanwhile")
            try:
                left = left[os.write(terminal.master, left) :]
                stalled_s = 0.0
            except BlockingIOError:
                if stalled_s >= _STALL_S:
                    raise ValueError("the driver does not read") from None
                stalled_s += _PIECE_GAP_S
                await asyncio.sleep(_PIECE_GAP_S)

    def _open_by_driver(self, terminal: _Terminal) -> bool:
        if self._terminal is not terminal:
            raise ValueError("it was unplugged meanwhile")
        if not _locked(terminal.lock_name):
            terminal.flushed = False
        return terminal.flushed

    def _plug(self) -> None:
        if self._terminal is not None:
            return
        master, slave = os.openpty()
        tty.setraw(slave)
        ioctl(master, termios.TIOCPKT, struct.pack("i", 1))
        os.set_blocking(master, False)
        stat = os.fstat(slave)
        name = f"{os.major(stat.st_dev):02x}:{os.minor(stat.st_dev):02x}:{stat.st_ino}"
        terminal = self._terminal = _Terminal(master=master, slave=slave, lock_name=name)
        asyncio.get_running_loop().add_reader(master, self._heard, terminal)
        self._link.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._link.with_name(f".{self._link.name}.new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(slave))
        fresh.rename(self._link)

    def _unplug(self) -> None:
        terminal, self._terminal = self._terminal, None
        if terminal is None:
            return
        self._link.unlink(missing_ok=True)
        asyncio.get_running_loop().remove_reader(terminal.master)
        os.close(terminal.master)
        os.close(terminal.slave)

    def _heard(self, terminal: _Terminal) -> None:
        # A scanner hears nothing but control: what the driver writes is dropped.
        with contextlib.suppress(OSError):
            packet = os.read(terminal.master, 4096)
            if packet and packet[0] & _FLUSHED_READ:
                terminal.flushed = True


def _suffix(args: Mapping[str, str]) -> bytes:
    name = args.get("suffix", "cr")
    if name not in _SUFFIXES:
        raise ValueError(f"suffix={name!r}: there are {', '.join(_SUFFIXES)}")
    return _SUFFIXES[name]


def _locked(name: str) -> bool:
    for line in Path("/proc/locks").read_text(encoding="ascii").splitlines():
        fields = line.split()
        if len(fields) > 5 and fields[1] == "FLOCK" and fields[5] == name:
            return True
    return False
