"""The product's own commands as child processes: started, watched, ended.

A child belongs to us: it dies with us (PR_SET_PDEATHSIG), is asked to end with TERM and killed when
it does not, and when it exits unasked everybody who waits is told at once (`ChildDied`).
"""

import asyncio
import contextlib
import ctypes
import logging
import os
import secrets
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

logger = logging.getLogger(__name__)

RUN_VARIABLE = "STOREEDGE_RUN"
_PR_SET_PDEATHSIG = 1
_END_WITHIN_S = 8.0
_LOG_TAIL_BYTES = 3_000


class ChildDied(Exception):
    """A child exited and nobody had asked it to; the message ends with its last words."""


def command(name: str) -> tuple[str, ...]:
    """How `storeedge` or `storeedge-hub` of this very installation is called."""
    script = Path(sys.executable).with_name(name)
    if script.exists():
        return (str(script),)
    module = {"storeedge": "edge.cli.app", "storeedge-hub": "sync.hub.cli"}[name]
    return (sys.executable, "-m", module)


@dataclass(slots=True, kw_only=True)
class Child:
    """One running command. `run` is what it must name in /healthz; `log` gets both its streams."""

    name: str
    process: asyncio.subprocess.Process
    run: str
    log: Path
    asked: bool = field(default=False)

    @property
    def alive(self) -> bool:
        """Whether it runs still."""
        return self.process.returncode is None

    async def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end and wait; KILL after 8 s. Returns the exit code, negative for a signal."""
        self.asked = True
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(how)
        try:
            async with asyncio.timeout(_END_WITHIN_S):
                return await self.process.wait()
        except TimeoutError:
            logger.warning("child=%s did not end in time, killing it", self.name)
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            return await self.process.wait()

    def last_words(self) -> str:
        """The end of its log."""
        data = self.log.read_bytes() if self.log.exists() else b""
        return data[-_LOG_TAIL_BYTES:].decode(errors="replace").strip()


class Nursery:
    """All children. `died` resolves to an exception when one exits unasked."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []
        self._watchers: set[asyncio.Task[None]] = set()
        self.died: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def start(
        self, name: str, argv: Sequence[str], *, environment: Mapping[str, str] | None = None
    ) -> Child:
        """Start `argv`; its output goes to `logs/name.log`, behind what stands there."""
        self._logs.mkdir(parents=True, exist_ok=True)
        run = secrets.token_hex(8)
        log = self._logs / f"{name}.log"
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**os.environ, **(environment or {}), RUN_VARIABLE: run},
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )
        child = Child(name=name, process=process, run=run, log=log)
        self._children.append(child)
        watcher = asyncio.create_task(self._watch(child), name=f"watch {name}")
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return child

    async def call(
        self,
        name: str,
        argv: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        timeout_s: float = 20,
    ) -> str:
        """Run a command that ends by itself; its stdout.

        Raises:
            ChildDied: it exited with another code than 0; its stderr is in the message.
            TimeoutError: it was killed after `timeout_s`.
        """
        process = await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
            preexec_fn=_die_with_parent(),
        )
        try:
            async with asyncio.timeout(timeout_s):
                out, err = await process.communicate()
        except BaseException:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        if process.returncode != 0:
            words = err.decode(errors="replace").strip()[-_LOG_TAIL_BYTES:]
            if "Traceback" in words:  # its last line says it; the rest is for a log
                logger.warning("command=%s stderr=%s", name, words)
                words = words.splitlines()[-1]
            raise ChildDied(f"{name} exited with {process.returncode}: {words}")
        return out.decode()

    async def end_all(self) -> None:
        """End everybody at once, and wait."""
        await asyncio.gather(*(child.end() for child in self._children))
        for watcher in tuple(self._watchers):
            watcher.cancel()
        if not self.died.done():
            self.died.cancel()

    async def _watch(self, child: Child) -> None:
        code = await child.process.wait()
        if not child.asked and not self.died.done():
            self.died.set_exception(
                ChildDied(f"{child.name} exited unasked with {code}:\n{child.last_words()}")
            )


def _die_with_parent() -> Callable[[], None]:
    # Loaded before the fork: a child of a threaded process may not take locks.
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def in_child() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(0)

    return in_child
