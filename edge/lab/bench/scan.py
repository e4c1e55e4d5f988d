"""`scan`: how long a cashier waits at 20 scans a second, sent to the node over HTTP.

Scans are sent by the clock over eight connections, not when the last one was answered, so that a
stall is felt by all that come in it; each hands over a V1 and is timed from when it was due to be
sent to the last byte of its answer. Half-way between two scans one fdatasync of a small file on the
same disk is timed: the disk as it is in the same seconds.
"""

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from edge.lab.bench.budgets import SCAN_EXTRA_MS, SCAN_FSYNCS
from edge.lab.bench.figures import fdatasync_ms, machine, median, percentile
from edge.lab.bench.load import BadAnswer, KeptOpen, ask_once
from edge.lab.bench.plan import Plan
from edge.lab.bench.processes import Server, node
from edge.lab.bench.rows import Row, judged
from edge.lab.bench.stock import Stock, stock

PER_SECOND = 20
_SECONDS = 30
_WARM = 40
_LINES = 8
_HANDED = b'"state":"handed"'


def scan(plan: Plan) -> tuple[Row, ...]:
    """p99 of scan to verdict against p99 of fdatasync."""
    wanted = PER_SECOND * _SECONDS
    stocked = stock(plan.folder / "data", plan.progress, v1=_WARM + wanted)
    scans_ms, disk_ms = asyncio.run(_measure(plan, stocked))
    disk_p99_ms = percentile(disk_ms, 99)
    row = judged(
        "scan",
        percentile(scans_ms, 99),
        floor=disk_p99_ms,
        limit=SCAN_FSYNCS * disk_p99_ms + SCAN_EXTRA_MS,
        fsync_delay_ms=plan.fsync_delay_ms,
        faults=plan.faults,
        context={
            **machine(plan.folder),
            "floor_is": "p99 of one fdatasync between scans",
            "budget_is": f"{SCAN_FSYNCS:g} x floor + {SCAN_EXTRA_MS:g} ms",
            "scans": len(scans_ms),
            "per_second": PER_SECOND,
            "p50_ms": round(median(scans_ms), 2),
            "floor_p50_ms": round(median(disk_ms), 3),
            "fsync_delay_ms": plan.fsync_delay_ms,
        },
    )
    return (row,)


async def _measure(plan: Plan, stocked: Stock) -> tuple[list[float], list[float]]:
    async with node(plan.folder, stocked.data) as server:
        return await asyncio.to_thread(_ask_all, plan, server, stocked.v1)


def _ask_all(plan: Plan, server: Server, texts: list[str]) -> tuple[list[float], list[float]]:
    for text in texts[:_WARM]:
        _check(ask_once(server.address, server.scan(text)))
    rest = texts[_WARM:]
    began_s = time.perf_counter() + 0.1
    disk_ms: list[float] = []
    probing = threading.Thread(
        target=_probe, args=(plan.folder / "probe", began_s, len(rest), disk_ms)
    )
    probing.start()
    lines: list[KeptOpen] = [KeptOpen(server.address) for _ in range(_LINES)]
    free: SimpleQueue[KeptOpen] = SimpleQueue()
    for line in lines:
        free.put(line)

    def one(number: int) -> float:
        due_s = began_s + number / PER_SECOND
        request = server.scan(rest[number])
        time.sleep(max(0.0, due_s - time.perf_counter()))
        line = free.get()
        answer = line.ask(request)
        took_ms = (time.perf_counter() - due_s) * 1e3
        free.put(line)
        _check(answer)
        plan.progress("scanning at 20 a second", number + 1, len(rest))
        return took_ms

    with ThreadPoolExecutor(max_workers=_LINES) as pool:
        scans_ms = list(pool.map(one, range(len(rest))))
    probing.join()
    for line in lines:
        line.close()
    return scans_ms, disk_ms


def _probe(path: Path, began_s: float, times: int, disk_ms: list[float]) -> None:
    """One fdatasync half-way between any two scans."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        for number in range(times):
            due_s = began_s + (number + 0.5) / PER_SECOND
            time.sleep(max(0.0, due_s - time.perf_counter()))
            disk_ms.append(fdatasync_ms(file))
    finally:
        os.close(file)


def _check(answer: bytes) -> None:
    if _HANDED not in answer:
        raise BadAnswer(answer[:400].decode(errors="replace"))
