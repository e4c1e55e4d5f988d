"""`sync`: catching up after a day without a line, the counter working meanwhile.

A box that was cut off has handed over 10,000 orders; headquarters has 20,000 new rows for it (three
of four articles, the rest orders). `sync`: from the mended line to everything being on both sides,
read from the hub's database and the box's files. `sync-scan`: p99 of scans sent 20 a second while
it catches up, beside p99 of scans sent so before, with the line cut.
"""

import asyncio
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from queue import SimpleQueue

from edge.lab.bench.figures import cpu_s, machine, median, percentile
from edge.lab.bench.hq import BenchOrder, put_orders, put_products
from edge.lab.bench.load import BadAnswer, KeptOpen, drive, request
from edge.lab.bench.plan import Plan
from edge.lab.bench.rows import Row, judged
from edge.lab.bench.store_line import STORE, StoreLine, store_line
from sync.wire.catalog import ProductRow

_PER_SECOND = 20
_IDLE_S = 15
_LINES = 8
_CLIENTS = 32
_CHUNK = 2_000
_SLACK_S = 60
_WITHIN_S = 240.0
_PUSH = "60s"
_HANDED = b'"state":"handed"'
_OUTBOX = "SELECT outbox_seq FROM counters"
_PAGE, _UP = 500, 1_000


def sync(
    plan: Plan, *, up: int = 10_000, down: int = 20_000, idle_s: int = _IDLE_S
) -> tuple[Row, ...]:
    """Seconds to be alike again, and what a cashier feels of it."""
    return asyncio.run(_measure(plan, up, down, idle_s))


async def _measure(plan: Plan, up: int, down: int, idle_s: int) -> tuple[Row, ...]:
    async with store_line(plan.folder) as line:
        hub = line.made.hub
        paced = _PER_SECOND * (idle_s + _SLACK_S)
        orders: list[BenchOrder] = []
        for start in range(0, up + paced, _CHUNK):
            count = min(_CHUNK, up + paced - start)
            orders += await asyncio.to_thread(put_orders, hub, STORE, count=count)
            plan.progress("making orders", start + count, up + paced)
        await line.until(lambda: line.has_read(line.heads()), within_s=_WITHIN_S)
        await line.until(lambda: line.acked() >= line.ledger(_OUTBOX), within_s=_WITHIN_S)
        await line.branch.cut()
        sent = [_scan(line, order) for order in orders[:up]]
        host = line.address
        await asyncio.to_thread(drive, host, sent, clients=_CLIENTS, must_hold=_HANDED)
        await asyncio.to_thread(_news, line, down)
        plan.progress("cut off", 1, 1)

        scans = _Scans(line, orders[up:])
        idle_ms = await asyncio.to_thread(scans.run, lambda n: n >= idle_s * _PER_SECOND)
        heads, last = line.heads(), line.ledger(_OUTBOX)
        behind = last - line.acked()
        over = threading.Event()
        busy = asyncio.create_task(asyncio.to_thread(scans.run, lambda _: over.is_set()))
        pids = (line.branch.pid, line.hub_pid)
        used_s = [cpu_s(pid) for pid in pids]
        began_s = time.perf_counter()
        await line.branch.line.mend()
        line.ground.advance(_PUSH)  # it does not wait out its back-off, a minute at most
        carried = line.branch.line.carried_bytes
        try:
            first_s = await line.until(
                lambda: line.branch.line.carried_bytes > carried, within_s=_WITHIN_S
            )
            down_s, up_s = await asyncio.gather(
                line.until(lambda: line.has_read(heads), within_s=_WITHIN_S),
                line.until(lambda: line.acked() >= last, within_s=_WITHIN_S),
            )
            used_s = [cpu_s(pid) - before_s for pid, before_s in zip(pids, used_s, strict=True)]
        finally:
            over.set()
            busy_ms = await busy
        carried = line.branch.line.carried_bytes - carried
    floor_s = _bare(plan.folder / "bare.db", up, down)
    context = {**machine(plan.folder), "events_up": behind, "rows_down": down}
    delay_ms, faults = plan.fsync_delay_ms, plan.faults
    return (
        judged(
            "sync",
            max(up_s, down_s) - began_s,
            floor=floor_s,
            fsync_delay_ms=delay_ms,
            faults=faults,
            context={
                **context,
                "floor_is": "the same rows into two bare tables, FULL, by batch and page",
                "up_s": round(up_s - began_s, 2),
                "down_s": round(down_s - began_s, 2),
                "first_byte_s": round(first_s - began_s, 2),
                "node_cpu_s": round(used_s[0], 2),
                "hub_cpu_s": round(used_s[1], 2),
                "carried_mb": round(carried / 1e6, 2),
            },
        ),
        judged(
            "sync-scan",
            percentile(busy_ms, 99),
            floor=percentile(idle_ms, 99),
            fsync_delay_ms=delay_ms,
            faults=faults,
            context={
                **context,
                "floor_is": "p99 of the same scans with the line cut",
                "scans": len(busy_ms),
                "idle_scans": len(idle_ms),
                "p50_ms": round(median(busy_ms), 2),
                "idle_p50_ms": round(median(idle_ms), 2),
            },
        ),
    )


def _news(line: StoreLine, down: int) -> None:
    """What headquarters wrote down meanwhile."""
    articles, orders = down * 3 // 4, down - down * 3 // 4
    for start in range(0, articles, _CHUNK):
        rows = tuple(
            ProductRow(
                sku=str(1_000_000 + each), gtin=None, name_zh=f"商品{each}", name_en=f"Item {each}"
            )
            for each in range(start, min(start + _CHUNK, articles))
        )
        put_products(line.made.hub, rows)
    for start in range(0, orders, _CHUNK):
        put_orders(line.made.hub, STORE, count=min(_CHUNK, orders - start))


def _scan(line: StoreLine, order: BenchOrder) -> bytes:
    host = f"{line.address[0]}:{line.address[1]}"
    body = f'{{"text":"{order.v1}"}}'.encode()
    return request("/api/v1/scans", host, line.token, secrets.token_hex(12), body)


class _Scans:
    """Scans by the clock, each of an order of its own."""

    def __init__(self, line: StoreLine, orders: Sequence[BenchOrder]) -> None:
        self._line = line
        self._orders = iter(orders)

    def run(self, enough: Callable[[int], bool]) -> list[float]:
        """Milliseconds of each, from when it was due, until it is enough (told how many)."""
        began_s = time.perf_counter()
        free: SimpleQueue[KeptOpen] = SimpleQueue()
        wires = [KeptOpen(self._line.address) for _ in range(_LINES)]
        for wire in wires:
            free.put(wire)

        def one(due_s: float, asked: bytes) -> float:
            wire = free.get()
            answer = wire.ask(asked)
            took_ms = (time.perf_counter() - due_s) * 1e3
            free.put(wire)
            if _HANDED not in answer:
                raise BadAnswer(answer[:400].decode(errors="replace"))
            return took_ms

        with ThreadPoolExecutor(max_workers=_LINES) as pool:
            waiting: list[Future[float]] = []
            while not enough(len(waiting)):
                due_s = began_s + len(waiting) / _PER_SECOND
                asked = _scan(self._line, next(self._orders))
                # scans come by the clock, whether or not the last one was answered
                time.sleep(max(0.0, due_s - time.perf_counter()))
                waiting.append(pool.submit(one, due_s, asked))
            each_ms = [future.result() for future in waiting]
        for wire in wires:
            wire.close()
        return each_ms


def _bare(file: Path, up: int, down: int) -> float:
    """Seconds of writing so many rows, FULL, in the batches and pages that the product uses."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "CREATE TABLE event (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);"
            "CREATE TABLE row (row_key TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;"
        )
        began_s = time.perf_counter()
        for start in range(0, up, _UP):
            events = [(each, bytes(300)) for each in range(start, min(start + _UP, up))]
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO event VALUES (?, ?)", events)
            connection.execute("COMMIT")
        for start in range(0, down, _PAGE):
            rows = [(secrets.token_hex(8), bytes(80)) for _ in range(min(_PAGE, down - start))]
            connection.execute("BEGIN")
            connection.executemany("INSERT OR REPLACE INTO row VALUES (?, ?)", rows)
            connection.execute("COMMIT")
        return time.perf_counter() - began_s
