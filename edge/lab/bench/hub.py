"""`hub`: what headquarters can take, on PostgreSQL with fsync.

`hub-polls`: questions for news that have none, for each second of CPU of the hub's process, 16 at a
time over keep-alive connections; beside the bare handler, in turn with it. `hub-batch`: one batch
of 1,000 hand-overs, from the first byte sent to the last of the answer, beside the least that
writes the rows it leaves: bare tables of the same shape, three inserts and one update, one COMMIT.
`hub-events`: the same batches as a rate.
"""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType

import psycopg

from edge.lab.bench.box_talk import handed_batches, questions
from edge.lab.bench.figures import cpu_s, machine, median
from edge.lab.bench.hq import BenchHub, Box, Served, begin, put_boxes, put_orders, served
from edge.lab.bench.load import BadAnswer, KeptOpen, drive
from edge.lab.bench.plan import Plan
from edge.lab.bench.processes import HOST, answering, free_port
from edge.lab.bench.rows import Row, judged, unmeasured
from edge.lab.children import Nursery
from edge.lab.postgres import PACKAGE, PostgresMissing, private_postgres
from sync.wire import codec
from sync.wire.messages import BatchAnswer, EventBatch

_CLIENTS = 16
_SIZE = 1_000
_UNITS = 10


def hub(
    plan: Plan,
    *,
    polls: int = 1_500,
    rounds: int = 5,
    batches: int = 10,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Row, ...]:
    """Polls for each second of CPU; batches beside bare inserts. settings: of PostgreSQL."""
    try:
        with private_postgres(settings=settings) as server:
            url = server.create("hub")
            return asyncio.run(_measure(plan, url, server.pid, polls, rounds, batches))
    except PostgresMissing as error:
        names = ("hub-polls", "hub-batch", "hub-events")
        return tuple(unmeasured(name, str(error), package=PACKAGE) for name in names)


async def _measure(
    plan: Plan, url: str, server_pid: int, polls: int, rounds: int, batches: int
) -> tuple[Row, ...]:
    made = begin(url)
    try:
        (box,) = put_boxes(made.hub, 1)
        orders = put_orders(
            made.hub, box.store, count=(batches + 1) * _SIZE // _UNITS, units=_UNITS
        )
        now_ms = made.hub.clock.now_ms()
        bodies = handed_batches(box, orders, size=_SIZE, now_ms=now_ms)
        async with served(plan.folder, url) as process, _bare(plan.folder, url) as bare:
            row = await asyncio.to_thread(
                _polls, plan, made, box, process, bare, server_pid, polls, rounds
            )
            both = await asyncio.to_thread(_batches, plan, box, process, url, bodies)
        return (row, *both)
    finally:
        made.close()


@asynccontextmanager
async def _bare(folder: Path, url: str) -> AsyncGenerator[Served]:
    port = free_port()
    nursery = Nursery(folder / "logs")
    try:
        child = await nursery.start(
            "bare",
            (
                *(sys.executable, "-m", "uvicorn", "edge.lab.bench.bare_hub:app"),
                *("--host", HOST, "--port", str(port), "--no-access-log"),
                *("--log-level", "warning", "--no-server-header", "--lifespan", "on"),
            ),
            environment={"BENCH_DATABASE": url},
        )
        await answering((HOST, port), nursery)
        yield Served(child=child, address=(HOST, port))
    finally:
        await nursery.end_all()


def _polls(
    plan: Plan,
    made: BenchHub,
    box: Box,
    process: Served,
    bare: Served,
    server_pid: int,
    polls: int,
    rounds: int,
) -> Row:
    (body,) = questions(made, [box])
    ours: list[float] = []
    floor: list[float] = []
    with_database: list[float] = []
    rates: list[float] = []
    for each in range(rounds + 1):  # the first warms both
        before_s = database_cpu_s(server_pid)
        one, rate = _per_cpu(process, box.ask(process.address, "POST", "/v1/feed", body), polls)
        database_s = (database_cpu_s(server_pid) - before_s) / polls
        other, _ = _per_cpu(bare, box.ask(bare.address, "POST", "/v1/feed", body), polls)
        if each:
            ours.append(one)
            floor.append(other)
            rates.append(rate)
            with_database.append(1 / (1 / one + database_s))
        plan.progress("polling", each + 1, rounds + 1)
    return judged(
        "hub-polls",
        median(ours),
        floor=median(floor),
        ratio=median([one / other for one, other in zip(ours, floor, strict=True)]),
        fsync_delay_ms=plan.fsync_delay_ms,
        faults=plan.faults,
        context={
            **machine(plan.folder),
            "floor_is": "a bare ASGI handler: one SELECT, one verify, one signature",
            "value_is": "polls a second of CPU of the hub's process",
            "with_database": round(median(with_database)),
            "per_wall_second": round(median(rates)),
            "clients": _CLIENTS,
            "polls": polls * rounds,
        },
    )


def _per_cpu(process: Served, request: bytes, polls: int) -> tuple[float, float]:
    before_s = cpu_s(process.pid)
    asked = drive(process.address, [request] * polls, clients=_CLIENTS, must_hold=b"")
    return polls / (cpu_s(process.pid) - before_s), polls / asked.wall_s


def database_cpu_s(server_pid: int) -> float:
    """CPU of a PostgreSQL server and its connections that are open now."""
    total = cpu_s(server_pid)
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
                total += cpu_s(int(entry.name)) if int(fields[1]) == server_pid else 0.0
            except OSError:  # it ended meanwhile
                continue
    return total


def _batches(
    plan: Plan, box: Box, process: Served, url: str, bodies: Sequence[bytes]
) -> tuple[Row, ...]:
    ours_ms: list[float] = []
    floor_ms: list[float] = []
    cpu: list[float] = []
    line = KeptOpen(process.address)
    with psycopg.connect(url) as connection:
        _bare_tables(connection)
        for number, body in enumerate(bodies):
            used_s = cpu_s(process.pid)
            began_s = time.perf_counter()
            answer = line.ask(box.ask(process.address, "POST", "/v1/events", body))
            took_ms = (time.perf_counter() - began_s) * 1e3
            used_s = cpu_s(process.pid) - used_s
            check_taken(answer)
            bare_ms = _bare_insert(connection, box, body)
            if number:  # the first warms both
                ours_ms.append(took_ms)
                floor_ms.append(bare_ms)
                cpu.append(used_s * 1e3)
            plan.progress("sending batches", number + 1, len(bodies))
    line.close()
    context = {
        **machine(plan.folder),
        "floor_is": "three inserts and an update of the same rows, one COMMIT",
        "events_a_batch": _SIZE,
        "batches": len(ours_ms),
        "hub_cpu_ms": round(median(cpu), 1),
    }
    ratio = median([one / other for one, other in zip(ours_ms, floor_ms, strict=True)])
    delay_ms = plan.fsync_delay_ms
    return (
        judged(
            "hub-batch",
            median(ours_ms),
            floor=median(floor_ms),
            ratio=ratio,
            fsync_delay_ms=delay_ms,
            faults=plan.faults,
            context=context,
        ),
        judged(
            "hub-events",
            _SIZE * 1e3 / median(ours_ms),
            fsync_delay_ms=delay_ms,
            faults=plan.faults,
            context=context,
        ),
    )


def check_taken(answer: bytes) -> None:
    """An answer in which every event was accepted.

    Raises:
        BadAnswer: it is another.
    """
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise BadAnswer(answer[:600].decode(errors="replace"))
    told = codec.from_body(BatchAnswer, body)
    bad = [row for row in told.rows if row.outcome != "accepted"]
    if bad:
        raise BadAnswer(f"{len(bad)} events were not accepted, the first: {bad[0]}")


_BARE = """
CREATE TABLE bare_event (LIKE event INCLUDING ALL);
CREATE TABLE bare_event_order (LIKE event_order INCLUDING ALL);
CREATE TABLE bare_redemption (LIKE redemption INCLUDING ALL);
CREATE TABLE bare_unit (LIKE unit INCLUDING ALL);
INSERT INTO bare_unit SELECT * FROM unit;
"""


def _bare_tables(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    connection.execute(_BARE)
    connection.commit()


def _bare_insert(
    connection: "psycopg.Connection[tuple[object, ...]]", box: Box, body: bytes
) -> float:
    """Milliseconds of writing a batch's rows bare; making the values is not timed."""
    events = codec.from_body(EventBatch, body).events
    who = (box.name, box.incarnation)
    event_rows = [
        (
            *(*who, each.seq, each.hlc, each.trusted_ms, each.kind, each.schema),
            *(codec.pack(each.units), each.body, each.audit_seq, each.audit_hash),
            *("accepted", "", 1),
        )
        for each in events
    ]
    links = [(each.units[0][0], *who, each.seq) for each in events]
    redemptions = [
        (*each.units[0], box.incarnation, each.seq, box.name, each.seq, 1) for each in events
    ]
    units = [(*each.units[0],) for each in events]
    began_s = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO bare_event"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
            event_rows,
        )
        cursor.executemany("INSERT INTO bare_event_order VALUES (%s, %s, %s, %s)", links)
        cursor.executemany(_BARE_REDEMPTION, redemptions)
        cursor.executemany(
            "UPDATE bare_unit SET state = 'handed' WHERE order_id = %s AND line = %s AND unit = %s",
            units,
        )
    connection.commit()
    return (time.perf_counter() - began_s) * 1e3


_BARE_REDEMPTION = (
    "INSERT INTO bare_redemption (order_id, line, unit, incarnation, seq, node, handover, at_ms,"
    " station, operator, credential, state)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'counter-1', 'b1', 'v1', 'live')"
)
