"""The process that runs the virtual devices: what `sim:NAME` means, and a control socket.

Two files appear in its directory once every device is plugged in:

- `sim.json`, replaced by rename: {"devices": {NAME: {"port", "kind", "address"}}, "control":
  "unix:/…", "clock": "/…" | null, "pid", "run"}. It is written anew when an action changes an
  address, and removed at the end.
- `control.sock` (mode 0600): one JSON object a line, one answer a line.
  {"do": NAME, "action": …, "args": {…}} → {"ok": true, …} or {"ok": false, "why", "actions"};
  {"ls": true} → {"ok": true, "run", "devices": {NAME: {"port", "kind", "address", "actions"}}}.

One server a directory, held by a lock. The devices outlive the node and know nothing of it.
"""

import asyncio
import fcntl
import json
import logging
import os
import secrets
import signal
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

from drivers.sim.device import VirtualDevice
from drivers.sim.plan import DEFAULT_PLAN, Planned, make

logger = logging.getLogger(__name__)

TABLE = "sim.json"
CONTROL = "control.sock"
_LONGEST_LINE = 1_048_576
_LONGEST_PATH = 107


class Server:
    """Devices that are running, and the answers to what is asked of them."""

    def __init__(
        self,
        directory: Path,
        devices: Mapping[str, tuple[Planned, VirtualDevice]],
        clock_file: Path | None,
    ) -> None:
        self._directory = directory
        self._devices = devices
        self._clock_file = clock_file
        self._written = ""
        self.run = secrets.token_hex(8)

    def write_table(self) -> None:
        """Write `sim.json` if anything in it changed."""
        table = {
            "devices": self._addresses(),
            "control": f"unix:{self._directory / CONTROL}",
            "clock": str(self._clock_file) if self._clock_file else None,
            "pid": os.getpid(),
            "run": self.run,
        }
        text = json.dumps(table, ensure_ascii=False, indent=1) + "\n"
        if text == self._written:
            return
        fresh = self._directory / f"{TABLE}.new"
        fresh.write_text(text, encoding="utf-8")
        fresh.rename(self._directory / TABLE)
        self._written = text

    async def answer(self, line: bytes) -> Mapping[str, object]:
        """Do what one line asks; every failure is an answer."""
        try:
            asked = json.loads(line)
        except ValueError:
            return {"ok": False, "why": "not a JSON object", "actions": []}
        match asked:
            case {"ls": True}:
                return {"ok": True, "run": self.run, "devices": self._listing()}
            case {"do": str(name), "action": str(action), **rest}:
                args = _texts(rest.get("args", {}))
                if args is not None:
                    return await self._do(name, action, args)
            case _:
                pass
        why = 'give {"do": NAME, "action": ACTION, "args": {KEY: TEXT}} or {"ls": true}'
        return {"ok": False, "why": why, "actions": []}

    async def _do(self, name: str, action: str, args: Mapping[str, str]) -> Mapping[str, object]:
        if name not in self._devices:
            there = ", ".join(self._devices)
            return {"ok": False, "why": f"no device {name!r}: there are {there}", "actions": []}
        _, device = self._devices[name]
        try:
            facts = await device.do(action, args)
        except ValueError as error:
            return {"ok": False, "why": str(error), "actions": list(device.actions)}
        except OSError as error:
            logger.exception("virtual device failed name=%s action=%s", name, action)
            return {"ok": False, "why": f"the machine refused: {error}", "actions": []}
        finally:
            self.write_table()
        return {"ok": True, **facts}

    def _addresses(self) -> dict[str, dict[str, str]]:
        return {
            name: {"port": planned.port, "kind": planned.kind, "address": device.address()}
            for name, (planned, device) in self._devices.items()
        }

    def _listing(self) -> dict[str, dict[str, object]]:
        return {
            name: {**entry, "actions": list(self._devices[name][1].actions)}
            for name, entry in self._addresses().items()
        }

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one client until it hangs up."""
        try:
            while line := await reader.readline():
                answer = await self.answer(line)
                writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):  # ValueError: a line beyond the limit
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(
    directory: Path,
    plan: Sequence[Planned] = DEFAULT_PLAN,
    clock_file: Path | None = None,
) -> AsyncGenerator[Server]:
    """Run the devices of `plan` in `directory` while the block runs.

    clock_file: the offset file that the node reads, told in `sim.json` to whoever advances it. The
        devices here keep real time: a gun and a printer have no deadline of ours.

    Raises:
        BlockingIOError: another server has this directory.
        OSError: the directory cannot be made.
        ValueError: two devices of one name, an unknown kind, or a directory whose path is too long
            for a socket.
    """
    directory, clock_file = _absolute(directory), clock_file and _absolute(clock_file)
    if len({planned.name for planned in plan}) != len(plan):
        raise ValueError("two devices have one name")
    control = directory / CONTROL
    if len(str(control).encode()) > _LONGEST_PATH:
        raise ValueError(f"{control}: a socket's path has at most {_LONGEST_PATH} bytes")
    async with AsyncExitStack() as stack:
        stack.callback(os.close, _lock(directory))
        devices: dict[str, tuple[Planned, VirtualDevice]] = {}
        for planned in plan:
            device = make(planned, directory)
            stack.push_async_callback(device.stop)
            await device.start()
            devices[planned.name] = (planned, device)
        server = Server(directory, devices, clock_file)
        listener = await _listen(server, control)
        stack.callback(control.unlink, missing_ok=True)
        stack.callback(listener.close)
        server.write_table()
        stack.callback((directory / TABLE).unlink, missing_ok=True)
        logger.info("virtual devices served directory=%s run=%s", directory, server.run)
        yield server


async def serve(
    directory: Path,
    plan: Sequence[Planned] = DEFAULT_PLAN,
    clock_file: Path | None = None,
) -> None:
    """Run the devices until SIGTERM, SIGINT or cancelled; for the main thread of a process.

    Raises:
        OSError: as `serving`.
        ValueError: as `serving`.
    """
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    try:
        async with serving(directory, plan, clock_file):
            await ended.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _texts(args: object) -> dict[str, str] | None:
    """A mapping of texts to texts as it came from JSON; None when it is something else."""
    if not isinstance(args, dict):
        return None
    pairs = cast("dict[str, object]", args)
    texts = {key: value for key, value in pairs.items() if isinstance(value, str)}
    return texts if len(texts) == len(pairs) else None


def _absolute(path: Path) -> Path:
    return path.absolute()


def _lock(directory: Path) -> int:
    """Make the directory and take it for us; what a server that was killed left is removed."""
    directory.mkdir(parents=True, exist_ok=True)
    lock = os.open(directory / "sim.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    (directory / TABLE).unlink(missing_ok=True)
    (directory / CONTROL).unlink(missing_ok=True)
    return lock


async def _listen(server: Server, control: Path) -> asyncio.Server:
    before = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(
            server.converse, path=str(control), limit=_LONGEST_LINE
        )
    finally:
        os.umask(before)
