"""`storeedge demo`: a shop on this machine, and the tour through it.

stdout carries one JSON object a line and nothing else: {"step", "ok", "detail"}. Everything for
people goes to stderr. A step that throws is `ok: false` and the rest still run; a child that exits
unasked ends everything at once.
"""

import asyncio
import fcntl
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from edge.lab.children import ChildDied
from edge.lab.floor import CannotStart, Floor, Plan, opened
from edge.lab.guide import guide
from edge.lab.tour import STEPS, needed_for
from edge.lab.tour.step import Detail, NotSo, Step

YES, NO, OUTSIDE = 0, 1, 4
STEP_WITHIN_S = 90.0
_MARKER = ".storeedge-demo"
_OURS = ("node", "hub", "tls", "paper", "dev", "logs", *(f"store-{n}" for n in range(2, 6)))
_OUR_FILES = (
    *("node.toml", "sim.json", "sim.lock", "control.sock", "access.json"),
    *("clock-offset-ms", "clock-offset-ms.lock"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked. once: tour and end. only: this step and what it needs, None for all."""

    once: bool
    only: str | None
    directory: Path | None
    port: int
    hub_port: int
    database: str | None = None
    stores: int = 1


def run(options: Options) -> int:
    """Run the demo; the exit code: 0 all ok, 1 a step was not, 4 it could not start, 128 + signal.

    Raises:
        NoSuchStep: `only` is none.
    """
    steps = STEPS if options.only is None else needed_for(options.only)
    if not options.once and options.only is None:
        steps = needed_for("bootstrapped")
    return asyncio.run(_until_signalled(options, steps))


async def _until_signalled(options: Options, steps: tuple[Step, ...]) -> int:
    loop = asyncio.get_running_loop()
    serving = asyncio.ensure_future(_demo(options, steps))
    got: list[signal.Signals] = []

    def end(which: signal.Signals) -> None:
        got.append(which)
        serving.cancel()

    for which in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(which, end, which)
    try:
        return await serving
    except asyncio.CancelledError:
        if not got:
            raise
        return 128 + got[0]


async def _demo(options: Options, steps: tuple[Step, ...]) -> int:
    directory = options.directory or Path(tempfile.mkdtemp(prefix="storeedge-"))
    plan = Plan(
        directory=directory.absolute(),
        port=options.port,
        hub_port=options.hub_port,
        database=options.database,
        stores=options.stores,
    )
    keep = options.directory is not None
    try:
        _take(plan.directory)
        async with opened(plan) as floor:
            ok = await _tour(floor, steps, stay=not options.once)
    except CannotStart as error:
        _say(f"cannot start: {error}")
        if not keep:
            shutil.rmtree(plan.directory, ignore_errors=True)
        return OUTSIDE
    except ChildDied as error:
        _say(str(error))
        ok = False
    except asyncio.CancelledError:  # Ctrl-C ends the files as well
        if not keep:
            shutil.rmtree(plan.directory, ignore_errors=True)
        _say(f"stopped, folder {'kept at' if keep else 'removed:'} {plan.directory}")
        raise
    if not ok:
        _say(f"logs: {plan.directory / 'logs'}")
    elif not keep:
        shutil.rmtree(plan.directory, ignore_errors=True)
    return YES if ok else NO


async def _tour(floor: Floor, steps: tuple[Step, ...], *, stay: bool) -> bool:
    began_s = time.monotonic()
    await floor.prepare()
    await asyncio.gather(floor.start_sim(), _open_headquarters(floor))
    _say(f"headquarters and virtual devices are up after {time.monotonic() - began_s:.1f} s")
    floor.write_access()
    good = True
    for step in steps:
        good &= await _step(floor, step)
        if step.name == "bootstrapped" and good:
            await floor.open_stores()
    _say(f"{len(steps)} steps in {time.monotonic() - began_s:.1f} s")
    if stay and not good:
        _say("a shop that did not open is not kept open")
    elif stay:
        _say(await guide(floor))
        await floor.nursery.died
    return good


async def _open_headquarters(floor: Floor) -> None:
    await floor.start_hub()
    await floor.furnish()


async def _step(floor: Floor, step: Step) -> bool:
    began_s = time.monotonic()
    died = floor.nursery.died
    running = asyncio.ensure_future(_guarded(floor, step))

    def stop(_: asyncio.Future[None]) -> None:
        running.cancel()

    died.add_done_callback(stop)
    try:
        ok, detail = await running
    except asyncio.CancelledError:
        if died.done() and (error := died.exception()) is not None:
            lines = str(error).splitlines()
            _tell(step.name, ok=False, detail={"error": f"{lines[0]} {lines[-1]}"})
            raise error from None
        raise
    finally:
        died.remove_done_callback(stop)
        running.cancel()
    _tell(step.name, ok=ok, detail={**detail, "took_s": round(time.monotonic() - began_s, 2)})
    return ok


async def _guarded(floor: Floor, step: Step) -> tuple[bool, Detail]:
    try:
        async with asyncio.timeout(STEP_WITHIN_S):
            return True, await step.run(floor)
    except NotSo as error:
        return False, {"error": str(error), **error.detail}
    except ChildDied as error:
        if floor.nursery.died.done():
            raise
        return False, {"error": str(error)}
    except Exception as error:  # noqa: BLE001  # a step that throws is told, and the rest still run
        return False, {"error": f"{type(error).__name__}: {error}"}


def _take(directory: Path) -> int:
    """Make the folder ours: it is new, empty, or what an earlier demo left; answers its lock.

    Raises:
        CannotStart: somebody's files are in it, or a demo that still runs.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(directory.iterdir()) and not (directory / _MARKER).exists():
        raise CannotStart(f"{directory} is not empty, and no demo made it")
    marker = _locked(directory)
    for name in _OURS:
        shutil.rmtree(directory / name, ignore_errors=True)
    for name in _OUR_FILES:
        (directory / name).unlink(missing_ok=True)
    return marker


def _locked(directory: Path) -> int:
    """The marker, held as long as this demo lives: a running demo's folder is not another's."""
    marker = os.open(directory / _MARKER, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(marker)
        raise CannotStart(f"{directory} is in use by a demo that runs") from error
    return marker


def _tell(step: str, *, ok: bool, detail: Detail) -> None:
    line = json.dumps({"step": step, "ok": ok, "detail": detail}, ensure_ascii=False, default=str)
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
