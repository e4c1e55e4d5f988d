"""`memory`: what the node takes after one scan of each kind, with devices, and whether it grows.

RSS in MB of 10^6 bytes, of `storeedge run` in its own process. `memory` is without devices,
`memory-devices` with a serial scanner and a receipt printer (virtual ones behind the real drivers)
that has drawn and printed slips. `memory-flat` compares the node after each of several thousand
scans with its size after a first thousand, and tells the largest difference in per cent.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from edge.lab.bench.figures import machine, rss_mb
from edge.lab.bench.load import ask_once, drive
from edge.lab.bench.plan import Plan
from edge.lab.bench.processes import Server, node
from edge.lab.bench.rows import Row, judged
from edge.lab.bench.stock import BADGE, GTIN, PIN, Stock, stock
from edge.lab.children import Nursery, command
from sync.wire.token import OrderLines, TokenLine, lines_text

_SETTLE = 4_000
_LOADED = 1_000
_LOADS = 6
_CLIENTS = 8
_PRINTED = 3
_WITHIN_S = 20.0
_LOOK_S = 0.1
_DEVICES = """
[sim]
dir = "{folder}"

[slip]
pickup = "always"

[[scanner]]
name = "gun"
address = "sim:gun"
station = "counter-1"

[[printer]]
name = "front"
address = "sim:front"
stations = ["counter-1"]
"""


def memory(plan: Plan) -> tuple[Row, ...]:
    """Three figures of resident memory."""
    stocked = stock(
        plan.folder / "data", plan.progress, v1=_SETTLE + _LOADS * _LOADED + 100, v2=1, serials=1
    )
    alone_mb, settled_mb, loaded_mb = asyncio.run(_alone(plan, stocked))
    devices_mb = asyncio.run(_with_devices(plan, stocked))
    flat = max(abs(each - settled_mb) for each in loaded_mb) / settled_mb * 100
    context = {**machine(plan.folder), "fsync_delay_ms": plan.fsync_delay_ms}
    return (
        judged(
            "memory",
            alone_mb,
            fsync_delay_ms=plan.fsync_delay_ms,
            faults=plan.faults,
            context={**context, "scans": "one of each kind"},
        ),
        judged(
            "memory-devices",
            devices_mb,
            fsync_delay_ms=plan.fsync_delay_ms,
            faults=plan.faults,
            context={**context, "devices": "serial scanner, receipt printer", "slips": _PRINTED},
        ),
        judged(
            "memory-flat",
            flat,
            fsync_delay_ms=plan.fsync_delay_ms,
            faults=plan.faults,
            context={
                **context,
                "after_scans": _SETTLE,
                "mb": round(settled_mb, 1),
                "then_mb": [round(each, 1) for each in loaded_mb],
                "scans_between": _LOADED,
            },
        ),
    )


async def _alone(plan: Plan, stocked: Stock) -> tuple[float, float, list[float]]:
    codes = iter(stocked.v1)
    async with node(plan.folder, stocked.data) as server:
        for text, pin in _one_of_each(stocked, next(codes)):
            ask_once(server.address, server.scan(text, pin=pin))
        alone_mb = rss_mb(server.pid)
        await _load(server, [next(codes) for _ in range(_SETTLE)])
        settled_mb = rss_mb(server.pid)
        loaded_mb: list[float] = []
        for number in range(_LOADS):
            await _load(server, [next(codes) for _ in range(_LOADED)])
            loaded_mb.append(rss_mb(server.pid))
            plan.progress("watching it grow", number + 1, _LOADS)
    return alone_mb, settled_mb, loaded_mb


def _one_of_each(stocked: Stock, v1: str) -> tuple[tuple[str, str | None], ...]:
    lines = OrderLines(
        code_id=bytes(10),
        order_id=bytes(10),
        lines=(TokenLine(line=1, sku="MILK", quantity=1),),
    )
    return (
        (v1, None),
        (stocked.v2[0], None),
        (stocked.serials[0], PIN),
        ("MT#12-AB34", None),
        (lines_text(lines), None),
        (GTIN, None),
        (f"(01){GTIN}(10)LOT7", None),
        (f"https://id.gs1.org/01/{GTIN}", None),
        (f"SB:{BADGE}", None),
        ("MB:00012345", None),
        ("nothing that we know", None),
    )


async def _load(server: Server, texts: list[str]) -> None:
    requests = [server.scan(text) for text in texts]
    await asyncio.to_thread(
        drive, server.address, requests, clients=_CLIENTS, must_hold=b'"state":"handed"'
    )


async def _with_devices(plan: Plan, stocked: Stock) -> float:
    folder = plan.folder / "sim"
    folder.mkdir()
    texts = stocked.v1[-_PRINTED:]
    async with (
        _virtual_devices(folder),
        node(plan.folder, stocked.data, more=_DEVICES.format(folder=folder)) as server,
    ):
        for text, pin in _one_of_each(stocked, stocked.v1[0]):
            ask_once(server.address, server.scan(text, pin=pin))
        for text in texts:
            ask_once(server.address, server.scan(text))
        await _until_printed(folder / "paper", len(texts))
        return rss_mb(server.pid)


@asynccontextmanager
async def _virtual_devices(folder: Path) -> AsyncGenerator[None]:
    nursery = Nursery(folder / "logs")
    try:
        child = await nursery.start(
            "sim",
            (
                *command("storeedge"),
                *("sim", "serve", "--dir", str(folder)),
                *("--device", "gun=serial", "--device", "front=escpos"),
            ),
        )
        deadline_s = time.monotonic() + _WITHIN_S
        while not _serves(folder / "sim.json", child.process.pid):
            if time.monotonic() > deadline_s:
                raise TimeoutError("the virtual devices do not answer")
            await asyncio.sleep(_LOOK_S)
        yield
    finally:
        await nursery.end_all()


def _serves(table: Path, pid: int) -> bool:
    try:
        return bool(json.loads(table.read_text(encoding="utf-8"))["pid"] == pid)
    except (OSError, ValueError, KeyError):
        return False


async def _until_printed(paper: Path, slips: int) -> None:
    deadline_s = time.monotonic() + _WITHIN_S
    while _sheets(paper) < slips:
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"the virtual printer has not printed {slips} slips")
        await asyncio.sleep(_LOOK_S)


def _sheets(paper: Path) -> int:
    return len(list(paper.rglob("*.png")))
