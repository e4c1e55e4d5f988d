"""`lookup`: one code among a million, as the deciding unit looks it up, against a bare SELECT.

The figure is `codes_by_lookup` on the writer's connection with the catalog attached; the floor is
the same SELECT on a bare connection to the same file. Both ask for the same random codes in turn
and each answer is timed; p99 is taken block by block, the median of the blocks counts. What a scan
reads besides (order, lines, standing) is in `redeem`.
"""

import os
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing

from edge.lab.bench.figures import machine, median, percentile
from edge.lab.bench.plan import Plan
from edge.lab.bench.progress import Progress
from edge.lab.bench.rows import Row, judged
from edge.lab.bench.stock import Stock, bulk, stock
from edge.main.opening import open_store
from edge.store.ledger import Done, Unit
from edge.store.orders import codes_by_lookup
from edge.store.tx import Moment, Tx

CODES = 1_000_000
_BLOCKS = 21
_A_BLOCK = 1_000
_CODES_AN_ORDER = 3
_INSERT_EACH = 50_000
_BARE = (
    "SELECT order_id, kind, grade, epoch, not_after_ms, state, pin FROM code WHERE lookup = ?"
    " ORDER BY not_after_ms DESC LIMIT 8"
)


def lookup(plan: Plan, *, codes: int = CODES) -> tuple[Row, ...]:
    """p99 of both, in microseconds."""
    stocked = stock(plan.folder / "data", plan.progress)
    known = _fill(stocked, codes, plan.progress)
    ours_us, bare_us = _measure(plan, stocked, known)
    ours = [percentile(block, 99) for block in ours_us]
    bare = [percentile(block, 99) for block in bare_us]
    row = judged(
        "lookup",
        median(ours),
        floor=median(bare),
        ratio=median([one / other for one, other in zip(ours, bare, strict=True)]),
        fsync_delay_ms=plan.fsync_delay_ms,
        faults=plan.faults,
        context={
            **machine(plan.folder),
            "floor_is": "p99 of a bare SELECT on the same file",
            "codes": codes,
            "catalog_mb": round(stocked.catalog.stat().st_size / 1e6, 1),
            "lookups": len(ours_us) * _A_BLOCK,
            "p50_us": round(median([median(block) for block in ours_us]), 1),
            "floor_p50_us": round(median([median(block) for block in bare_us]), 1),
        },
    )
    return (row,)


def _fill(stocked: Stock, codes: int, progress: Progress) -> list[bytes]:
    """Put so many codes into the catalog, three an order; answers their look-ups."""
    lookups = sorted(os.urandom(16) for _ in range(codes))
    numbers = list(range(codes))
    random.shuffle(numbers)  # orders come in another sequence than the hashes of their codes
    with bulk(stocked.catalog) as catalog:
        for start in range(0, codes, _INSERT_EACH):
            stop = min(codes, start + _INSERT_EACH)
            catalog.executemany(
                "INSERT INTO code VALUES (?, ?, 'v1', 1, 1, 1, NULL, 'live', 0)",
                _rows(lookups, numbers, start, stop),
            )
            progress("a million codes", stop, codes)
    return lookups


def _rows(
    lookups: list[bytes], numbers: list[int], start: int, stop: int
) -> Iterator[tuple[bytes, bytes]]:
    for place in range(start, stop):
        yield lookups[place], (numbers[place] // _CODES_AN_ORDER).to_bytes(10, "big")


def _measure(
    plan: Plan, stocked: Stock, known: list[bytes]
) -> tuple[list[list[float]], list[list[float]]]:
    ours: list[list[float]] = []
    bare: list[list[float]] = []
    opened = open_store(stocked.data, boot_ms=0)
    uri = f"{stocked.catalog.absolute().as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as other:

        def block(tx: Tx) -> None:
            asked = random.sample(known, _A_BLOCK)
            # Who comes first finds the pages cold: turn about.
            for mine in (True, False) if len(ours) % 2 else (False, True):
                if mine:
                    ours.append(_timed(lambda key: len(codes_by_lookup(tx, key)), asked))
                else:
                    bare.append(_timed(lambda key: len(_all(other, key)), asked))

        moment = Moment(trusted_ms=0, boot_ms=0, clock="unsure")
        for number in range(_BLOCKS):
            result = opened.ledger.run_batch([Unit(block, moment)])[0]
            assert isinstance(result, Done), result
            plan.progress("looking up", number + 1, _BLOCKS)
    opened.catalog.close()
    opened.ledger.close()
    opened.folder.close()
    return ours, bare


def _all(connection: sqlite3.Connection, key: bytes) -> list[tuple[object, ...]]:
    return connection.execute(_BARE, (key,)).fetchall()


def _timed(look: Callable[[bytes], int], keys: list[bytes]) -> list[float]:
    each_us: list[float] = []
    for key in keys:
        began_ns = time.perf_counter_ns()
        found = look(key)
        each_us.append((time.perf_counter_ns() - began_ns) / 1e3)
        assert found == 1, "a code that is there was not found"
    return each_us
