"""`redeem-http`: signed codes that the store has synced, over real HTTP, 64 clients.

The product is `storeedge run` in its own process; the floor is a bare handler (`bare.py`) in
another, over the same catalog. The same client sends the same requests to both, turn about; it
runs on the same cores, and while one is asked the other has nothing to do. After the last round the
ledger must hold exactly one live redemption for each answer that said `handed`.
"""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from edge.lab.bench.figures import cpu_s, machine, median, percentile
from edge.lab.bench.load import drive
from edge.lab.bench.plan import Plan
from edge.lab.bench.processes import Server, bare, node
from edge.lab.bench.rows import Row, judged
from edge.lab.bench.stock import Stock, stock

CLIENTS = 64
_ROUNDS = 9
_A_ROUND = 2_000
_WARM = 1_000
_HANDED = b'"state":"handed"'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figures:
    """Of one server in one round: answers a second, CPU in ms an answer, p99 in ms."""

    rate: float
    cpu_ms: float
    p99_ms: float


def redeem_http(plan: Plan) -> tuple[Row, ...]:
    """Product and floor in turn."""
    stocked = stock(plan.folder / "data", plan.progress, v2=_WARM + _ROUNDS * _A_ROUND)
    product, floor = asyncio.run(_measure(plan, stocked))
    handed = len(stocked.v2)
    redeemed = _live_redemptions(stocked.data / "ledger.db")
    faults = plan.faults
    if redeemed != handed:
        faults += (f"{handed} were told `handed`, the ledger holds {redeemed}",)
    rate = median([one.rate for one in product])
    context = {
        **machine(plan.folder),
        "clients": CLIENTS,
        "rounds": _ROUNDS,
        "redeems_a_round": _A_ROUND,
        "fsync_delay_ms": plan.fsync_delay_ms,
        "handed": handed,
        "redemptions": redeemed,
        "server_cpu_ms": round(median([one.cpu_ms for one in product]), 3),
        "floor_cpu_ms": round(median([one.cpu_ms for one in floor]), 3),
        "p99_ms": round(median([one.p99_ms for one in product]), 1),
        "note": "client and server share the cores; the absolute rate is for two quiet ones",
    }
    ratio = median([one.rate / bare.rate for one, bare in zip(product, floor, strict=True)])
    return (
        judged(
            "redeem-http",
            rate,
            floor=median([one.rate for one in floor]),
            ratio=ratio,
            fsync_delay_ms=plan.fsync_delay_ms,
            faults=faults,
            context={**context, "floor_is": "bare ASGI handler, redeems a second"},
        ),
        judged(
            "redeem-http-rate",
            rate,
            fsync_delay_ms=plan.fsync_delay_ms,
            faults=faults,
            context=context,
        ),
    )


async def _measure(plan: Plan, stocked: Stock) -> tuple[list[_Figures], list[_Figures]]:
    product: list[_Figures] = []
    floor: list[_Figures] = []
    async with (
        node(plan.folder, stocked.data) as ours,
        bare(plan.folder, stocked.catalog, stocked.issuer.public) as theirs,
    ):
        warm = stocked.v2[:_WARM]
        await _round(ours, warm)
        await _round(theirs, warm)
        for number in range(_ROUNDS):
            texts = stocked.v2[_WARM + number * _A_ROUND : _WARM + (number + 1) * _A_ROUND]
            if number % 2:
                floor.append(await _round(theirs, texts))
                product.append(await _round(ours, texts))
            else:
                product.append(await _round(ours, texts))
                floor.append(await _round(theirs, texts))
            plan.progress("redeeming over HTTP", number + 1, _ROUNDS)
    return product, floor


async def _round(server: Server, texts: list[str]) -> _Figures:
    requests = [server.scan(text) for text in texts]
    before_s = cpu_s(server.pid)
    done = await asyncio.to_thread(
        drive, server.address, requests, clients=CLIENTS, must_hold=_HANDED
    )
    return _Figures(
        rate=done.answers / done.wall_s,
        cpu_ms=(cpu_s(server.pid) - before_s) / done.answers * 1e3,
        p99_ms=percentile(done.each_ms, 99),
    )


def _live_redemptions(ledger: Path) -> int:
    with closing(sqlite3.connect(f"{ledger.absolute().as_uri()}?mode=ro", uri=True)) as opened:
        row = opened.execute(
            "SELECT count(*), count(DISTINCT order_id) FROM redemption WHERE live = 1"
        ).fetchone()
    return int(row[0]) if row[0] == row[1] else -1
