"""`startup`: from the command to its first verdict, against loading the same stack and looking.

The figure is the time from starting `storeedge run` (a process that has nothing, files in the page
cache) to the whole answer of a scan that hands over. The floor is a Python that imports every
module of the node that is not ours, opens ledger and catalog and runs `quick_check` on both: what
no node over this stack can do without. Both are started in turn; medians count.
"""

import asyncio
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from edge.lab.bench.figures import machine, median
from edge.lab.bench.load import BadAnswer, ask_once
from edge.lab.bench.plan import Plan
from edge.lab.bench.processes import (
    HOST,
    Server,
    free_port,
    node_command,
    node_environment,
    write_config,
)
from edge.lab.bench.rows import Row, judged
from edge.lab.bench.stock import Stock, stock
from edge.lab.children import Nursery

_ROUNDS = 7
_ORDERS = 2_000
_LOOK_S = 0.01
_WITHIN_S = 60.0
_HANDED = b'"state":"handed"'
_OURS = ("edge", "drivers", "sync", "config")
_LOADED = (
    "import sys, edge.cli.app, edge.main.node, uvicorn.loops.auto, uvicorn.protocols.http.auto\n"
    "print('\\n'.join(sys.modules))\n"
)
_FLOOR = """
import importlib, sqlite3, sys
for name in open(sys.argv[1]).read().split():
    try:
        importlib.import_module(name)
    except ImportError:
        pass
for path in sys.argv[2:]:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    connection.close()
"""


def startup(plan: Plan) -> tuple[Row, ...]:
    """Seconds to the first verdict."""
    stocked = stock(plan.folder / "data", plan.progress, v1=_ORDERS)
    modules = _modules(plan.folder / "modules")
    ours_s, floor_s = asyncio.run(_measure(plan, stocked, modules))
    row = judged(
        "startup",
        median(ours_s),
        floor=median(floor_s),
        ratio=median([one / other for one, other in zip(ours_s, floor_s, strict=True)]),
        fsync_delay_ms=plan.fsync_delay_ms,
        faults=plan.faults,
        context={
            **machine(plan.folder),
            "floor_is": "import of the same stack + open + quick_check",
            "rounds": len(ours_s),
            "modules": len(modules.read_text(encoding="utf-8").split()),
            "page_cache": "warm",
        },
    )
    return (row,)


def _modules(path: Path) -> Path:
    """A file with the names of all modules that the node loads and that are not ours."""
    told = subprocess.run(
        [sys.executable, "-c", _LOADED], check=True, capture_output=True, text=True
    ).stdout.split()
    names = [name for name in told if name.partition(".")[0] not in _OURS and name != "__main__"]
    path.write_text("\n".join(names), encoding="utf-8")
    return path


async def _measure(plan: Plan, stocked: Stock, modules: Path) -> tuple[list[float], list[float]]:
    ours_s: list[float] = []
    floor_s: list[float] = []
    port = free_port()
    config = plan.folder / "node.toml"
    write_config(config, stocked.data, port)
    for number in range(_ROUNDS):
        floor_s.append(await asyncio.to_thread(_bare, stocked, modules))
        ours_s.append(await _ours(plan.folder, config, port, stocked.v1[number]))
        plan.progress("starting", number + 1, _ROUNDS)
    return ours_s, floor_s


def _bare(stocked: Stock, modules: Path) -> float:
    argv: Sequence[str] = (
        *(sys.executable, "-c", _FLOOR, str(modules)),
        *(str(stocked.data / "ledger.db"), str(stocked.catalog)),
    )
    began_s = time.perf_counter()
    subprocess.run(argv, check=True)
    return time.perf_counter() - began_s


async def _ours(folder: Path, config: Path, port: int, text: str) -> float:
    nursery = Nursery(folder / "logs")
    token = secrets.token_urlsafe(24)
    try:
        began_s = time.perf_counter()
        child = await nursery.start(
            "node", node_command(config), environment=node_environment(token)
        )
        server = Server(child=child, address=(HOST, port), token=token)
        request = server.scan(text)
        while True:
            try:
                answer = ask_once(server.address, request)
            except (OSError, BadAnswer):
                if nursery.died.done():
                    nursery.died.result()
                if time.perf_counter() - began_s > _WITHIN_S:
                    raise
                await asyncio.sleep(_LOOK_S)
                continue
            took_s = time.perf_counter() - began_s
            if _HANDED not in answer:
                raise BadAnswer(answer[:400].decode(errors="replace"))
            return took_s
    finally:
        await nursery.end_all()
