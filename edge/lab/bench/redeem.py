"""`redeem` and `redeem32`: hand-overs through the shop's own acts, without sockets.

A round does the same number of one-row commits, redeems one at a time, and redeems by 32 clients;
ratios are taken round by round and the median of them counts, so that a noisy machine moves floor
and figure together. Each redeem is a V1 scan under its own Idempotency-Key that hands over one
unit at once: answer, hand-over, redemption, audit row, event and slip are committed with it.
"""

import asyncio
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import uvloop

from edge.flow.answers import ScanAnswer
from edge.flow.caller import Caller
from edge.flow.scan import ScanAsk, scan
from edge.flow.shop import Shop
from edge.lab.bench.figures import machine, median
from edge.lab.bench.inside import opened_shop
from edge.lab.bench.one_row import OneRow
from edge.lab.bench.plan import Plan
from edge.lab.bench.rows import Row, judged
from edge.lab.bench.stock import stock
from edge.store.ledger import Ledger

CLIENTS = 32
_ROUNDS = 15
_ROUND_S = 0.4
_FEWEST, _MOST = 32, 1_024
_WARM = 200
_WAL_REDEEMS = 40
_STATIONS = tuple(f"counter-{number}" for number in range(1, 5))


class NotHanded(Exception):
    """A code that must have been handed over was not: the figure would measure something else."""


@dataclass(slots=True, kw_only=True)
class _Round:
    """Seconds of wall time and of CPU, for the same number of operations."""

    floor_s: float
    floor_cpu_s: float
    one_s: float
    one_cpu_s: float
    many_s: float = 0.0
    many_cpu_s: float = 0.0


@dataclass(slots=True)
class _Took:
    wall_s: float = 0.0
    cpu_s: float = 0.0
    _began: tuple[float, float] = field(default=(0.0, 0.0))

    def __enter__(self) -> "_Took":
        self._began = (time.perf_counter(), time.process_time())
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s = time.perf_counter() - self._began[0]
        self.cpu_s = time.process_time() - self._began[1]


def redeem(plan: Plan) -> tuple[Row, ...]:
    """One at a time."""
    rounds, per_round, wal_kib = uvloop.run(_measure(plan, many=False))
    context = _context(plan, rounds, per_round)
    rate = median([per_round / one.one_s for one in rounds])
    floor = median([per_round / one.floor_s for one in rounds])
    cpu_ms = median([one.one_cpu_s / per_round for one in rounds]) * 1e3
    floor_cpu_ms = median([one.floor_cpu_s / per_round for one in rounds]) * 1e3
    return (
        judged(
            "redeem",
            rate,
            floor=floor,
            ratio=median([one.floor_s / one.one_s for one in rounds]),
            fsync_delay_ms=plan.fsync_delay_ms,
            faults=plan.faults,
            context={**context, "floor_is": "one-row FULL commits a second"},
        ),
        judged(
            "redeem-cpu",
            cpu_ms,
            floor=floor_cpu_ms,
            fsync_delay_ms=plan.fsync_delay_ms,
            faults=plan.faults,
            context={**context, "floor_is": "CPU of a one-row FULL commit"},
        ),
        judged(
            "redeem-wal",
            wal_kib,
            fsync_delay_ms=plan.fsync_delay_ms,
            faults=plan.faults,
            context={**context, "redeems": _WAL_REDEEMS},
        ),
    )


def redeem32(plan: Plan) -> tuple[Row, ...]:
    """32 clients, each asking again as soon as it was answered."""
    rounds, per_round, _ = uvloop.run(_measure(plan, many=True))
    context = _context(plan, rounds, per_round)
    row = judged(
        "redeem32",
        median([per_round / one.many_s for one in rounds]),
        floor=median([per_round / one.one_s for one in rounds]),
        ratio=median([one.one_s / one.many_s for one in rounds]),
        fsync_delay_ms=plan.fsync_delay_ms,
        faults=plan.faults,
        context={
            **context,
            "floor_is": "redeems a second, one at a time",
            "cpu_ms": round(median([one.many_cpu_s / per_round for one in rounds]) * 1e3, 3),
        },
    )
    return (row,)


def _context(plan: Plan, rounds: list[_Round], per_round: int) -> dict[str, object]:
    return {
        **machine(plan.folder),
        "rounds": len(rounds),
        "redeems_a_round": per_round,
        "fsync_delay_ms": plan.fsync_delay_ms,
        "fdatasync_p50_ms": round(plan.fdatasync_p50_ms, 3),
    }


async def _measure(plan: Plan, *, many: bool) -> tuple[list[_Round], int, float]:
    floor = OneRow(plan.folder / "floor.db")
    per_round = _calibrate(floor)
    wanted = _WARM + _WAL_REDEEMS + _ROUNDS * per_round * (2 if many else 1)
    stocked = stock(plan.folder / "data", plan.progress, v1=wanted)
    rounds: list[_Round] = []
    async with opened_shop(stocked.data) as shop:
        codes = iter(stocked.v1)
        await _one_at_a_time(shop, islice(codes, _WARM))
        for number in range(1, _ROUNDS + 1):
            with _Took() as bare:
                for _ in range(per_round):
                    floor.commit()
            with _Took() as one:
                await _one_at_a_time(shop, islice(codes, per_round))
            done = _Round(
                floor_s=bare.wall_s, floor_cpu_s=bare.cpu_s, one_s=one.wall_s, one_cpu_s=one.cpu_s
            )
            if many:
                batch = islice(codes, per_round)
                with _Took() as together:
                    await asyncio.gather(*(_one_at_a_time(shop, batch) for _ in range(CLIENTS)))
                done.many_s, done.many_cpu_s = together.wall_s, together.cpu_s
            rounds.append(done)
            plan.progress("redeeming", number, _ROUNDS)
        wal_kib = await _wal_kib(shop, stocked.data / "ledger.db-wal", codes)
    floor.close()
    return rounds, per_round, wal_kib


def _calibrate(floor: OneRow) -> int:
    """So many operations a round that the floor takes about 0.4 s of it."""
    for _ in range(20):
        floor.commit()
    began_s = time.perf_counter()
    for _ in range(20):
        floor.commit()
    each_s = (time.perf_counter() - began_s) / 20
    return max(_FEWEST, min(_MOST, round(_ROUND_S / each_s)))


async def _one_at_a_time(shop: Shop, codes: Iterator[str]) -> None:
    for number, code in enumerate(codes):
        caller = Caller(
            station=_STATIONS[number % len(_STATIONS)],
            key=os.urandom(12).hex(),
            route="/api/v1/scans",
        )
        answer = await scan(shop, caller, ScanAsk(text=code))
        if not isinstance(answer, ScanAnswer) or answer.state != "handed":
            raise NotHanded(str(answer))


async def _wal_kib(shop: Shop, wal: Path, codes: Iterator[str]) -> float:
    """Bytes that a lone redeem appends to the write-ahead log, in KiB."""

    def empty(ledger: Ledger) -> None:
        ledger.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    await shop.writer.between(empty)
    before = _size(wal)
    await _one_at_a_time(shop, islice(codes, _WAL_REDEEMS))
    return (_size(wal) - before) / _WAL_REDEEMS / 1024


def _size(path: Path) -> int:
    return path.stat().st_size
