"""`fleet`: a thousand boxes at one hub process, on PostgreSQL with fsync.

Every box is a key pair with its own open doorbell (server-sent events) and its own signed requests.
`fleet-doorbell`: from HQ's commit to the last of the thousand bells, the worst of the rounds, while
boxes poll as often as a fleet does (each every 30 s). `fleet-poll`: CPU of the hub's process for
each poll when all poll at once, as they do after a bell. `fleet-events`: hand-overs a second when
64 boxes send batches at once. `fleet-memory`: of the hub's process after all that, bells open.
"""

import asyncio
import select
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from types import MappingProxyType

from edge.lab.bench.box_talk import handed_batches, questions
from edge.lab.bench.figures import cpu_s, machine, median, rss_mb
from edge.lab.bench.hq import BenchHub, Box, Served, begin, put_boxes, put_orders, served
from edge.lab.bench.hub import check_taken
from edge.lab.bench.load import BadAnswer, KeptOpen, drive
from edge.lab.bench.plan import Plan
from edge.lab.bench.rows import Row, judged, unmeasured
from edge.lab.postgres import PACKAGE, PostgresMissing, private_postgres
from sync.hub import stores
from sync.hub.feed import all_heads
from sync.hub.stores import NewProduct

ROWS = ("fleet-doorbell", "fleet-poll", "fleet-events", "fleet-memory")
_POLL_EVERY_S = 30
_SENDERS = 64
_SIZE = 200
_BATCHES = 2
_UNITS = 20
_WITHIN_S = 60.0
_REST_S = 0.5


def fleet(
    plan: Plan,
    *,
    boxes: int = 1_000,
    rounds: int = 20,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Row, ...]:
    """What one hub process does for a thousand stores. settings: of PostgreSQL."""
    try:
        with private_postgres(settings=settings) as server:
            return asyncio.run(_measure(plan, server.create("fleet"), boxes, rounds))
    except PostgresMissing as error:
        return tuple(unmeasured(name, str(error), package=PACKAGE) for name in ROWS)


async def _measure(plan: Plan, url: str, count: int, rounds: int) -> tuple[Row, ...]:
    made = begin(url)
    try:
        boxes = put_boxes(made.hub, count)
        senders = boxes[:_SENDERS]
        bodies: list[list[bytes]] = []
        for number, box in enumerate(senders):
            orders = put_orders(made.hub, box.store, count=_SIZE * _BATCHES // _UNITS, units=_UNITS)
            now_ms = made.hub.clock.now_ms()
            bodies.append(handed_batches(box, orders, size=_SIZE, now_ms=now_ms))
            plan.progress("orders for the stores", number + 1, len(senders))
        async with served(plan.folder, url) as process:
            return await asyncio.to_thread(
                _drive, plan, made, process, boxes, senders, bodies, rounds
            )
    finally:
        made.close()


def _drive(
    plan: Plan,
    made: BenchHub,
    process: Served,
    boxes: Sequence[Box],
    senders: Sequence[Box],
    bodies: Sequence[Sequence[bytes]],
    rounds: int,
) -> tuple[Row, ...]:
    began_mb = rss_mb(process.pid)
    with Bells(made, process, boxes) as bells:
        lasts_s = _ring(plan, made, process, boxes, bells, rounds)
        polls = _polls(made, process, boxes)
        drive(process.address, polls[:_SENDERS], clients=16, must_hold=b"")
        used_s = cpu_s(process.pid)
        asked = drive(process.address, polls, clients=_SENDERS, must_hold=b"")
        poll_ms = (cpu_s(process.pid) - used_s) * 1e3 / len(polls)
        events, took_s, events_cpu_s = _send(process, senders, bodies)
        open_mb = rss_mb(process.pid)
    delay_ms, faults = plan.fsync_delay_ms, plan.faults
    about = {**machine(plan.folder), "boxes": len(boxes)}
    return (
        judged(
            "fleet-doorbell",
            max(lasts_s),
            fsync_delay_ms=delay_ms,
            faults=faults,
            context={
                **about,
                "p50_s": round(median(lasts_s), 3),
                "rounds": len(lasts_s),
                "polls_a_second": round(len(boxes) / _POLL_EVERY_S, 1),
            },
        ),
        judged(
            "fleet-poll",
            poll_ms,
            fsync_delay_ms=delay_ms,
            faults=faults,
            context={**about, "all_answered_s": round(asked.wall_s, 2), "at_once": _SENDERS},
        ),
        judged(
            "fleet-events",
            events / took_s,
            fsync_delay_ms=delay_ms,
            faults=faults,
            context={
                **about,
                "events": events,
                "events_a_batch": _SIZE,
                "senders": len(senders),
                "hub_cpu_ms_each": round(events_cpu_s * 1e3 / events, 3),
            },
        ),
        judged(
            "fleet-memory",
            open_mb,
            fsync_delay_ms=delay_ms,
            faults=faults,
            context={**about, "before_mb": round(began_mb, 1)},
        ),
    )


class Bells:
    """Every box's open doorbell, listened to with one epoll."""

    def __init__(self, made: BenchHub, process: Served, boxes: Sequence[Box]) -> None:
        self._poll = select.epoll()
        self._wires: dict[int, socket.socket] = {}
        heads = _heads(made)
        for box in boxes:
            scope = f"store:{box.store}"
            target = f"/v1/doorbell?at=chain.{heads['chain']}&at={scope}.{heads[scope]}"
            wire = socket.create_connection(process.address, timeout=_WITHIN_S)
            wire.sendall(box.ask(process.address, "GET", target))
            self._wires[wire.fileno()] = wire
            self._poll.register(wire.fileno(), select.EPOLLIN)
        self.wait_for(b"\n:\n\n")  # the first comment: it hangs

    def __enter__(self) -> "Bells":
        return self

    def __exit__(self, *_: object) -> None:
        for wire in self._wires.values():
            wire.close()
        self._poll.close()

    def wait_for(self, words: bytes) -> None:
        """Until each has said these words.

        Raises:
            BadAnswer: one was closed; TimeoutError: one is silent.
        """
        got = dict.fromkeys(self._wires, b"")
        left = set(self._wires)
        deadline_s = time.monotonic() + _WITHIN_S
        while left:
            for number, _ in self._poll.poll(1.0):
                more = self._wires[number].recv(65_536)
                if not more:
                    raise BadAnswer("a doorbell was closed")
                got[number] += more
                if words in got[number].replace(b"\r\n", b"\n"):
                    left.discard(number)
            if left and time.monotonic() > deadline_s:
                raise TimeoutError(f"{len(left)} doorbells are silent")


def _heads(made: BenchHub) -> dict[str, int]:
    with made.hub.database.reading() as connection:
        return all_heads(connection)


def _ring(
    plan: Plan,
    made: BenchHub,
    process: Served,
    boxes: Sequence[Box],
    bells: Bells,
    rounds: int,
) -> list[float]:
    """Seconds from each commit to the last bell, while boxes poll by the clock."""
    stop = threading.Event()
    poller = threading.Thread(target=_poll_by_the_clock, args=(made, process, boxes, stop))
    poller.start()
    lasts_s: list[float] = []
    try:
        for number in range(rounds):
            said = NewProduct(sku=f"B{number}", name_zh="新品", name_en="New")
            stores.put_product(made.hub, said)
            began_s = time.perf_counter()
            bells.wait_for(f"chain.{_heads(made)['chain']}".encode())
            lasts_s.append(time.perf_counter() - began_s)
            plan.progress("ringing", number + 1, rounds)
            time.sleep(_REST_S)  # the boxes poll on between two commits, as they do in a chain
    finally:
        stop.set()
        poller.join()
    return lasts_s


def _poll_by_the_clock(
    made: BenchHub, process: Served, boxes: Sequence[Box], stop: threading.Event
) -> None:
    line = KeptOpen(process.address)
    for request in cycle(_polls(made, process, boxes)):
        if stop.wait(_POLL_EVERY_S / len(boxes)):
            break
        line.ask(request)
    line.close()


def _polls(made: BenchHub, process: Served, boxes: Sequence[Box]) -> list[bytes]:
    """Each box's own signed poll, as it stands now."""
    return [
        box.ask(process.address, "POST", "/v1/feed", body)
        for box, body in zip(boxes, questions(made, boxes), strict=True)
    ]


def _send(
    process: Served, senders: Sequence[Box], bodies: Sequence[Sequence[bytes]]
) -> tuple[int, float, float]:
    """Events, seconds, and the hub's CPU, when all send at once."""
    asks = [
        [box.ask(process.address, "POST", "/v1/events", body) for body in each]
        for box, each in zip(senders, bodies, strict=True)
    ]

    def send(requests: Sequence[bytes]) -> None:
        line = KeptOpen(process.address)
        for request in requests:
            check_taken(line.ask(request))
        line.close()

    used_s = cpu_s(process.pid)
    began_s = time.perf_counter()
    with ThreadPoolExecutor(max_workers=len(asks)) as pool:
        list(pool.map(send, asks))
    took_s = time.perf_counter() - began_s
    events = sum(len(each) for each in asks) * _SIZE
    return events, took_s, cpu_s(process.pid) - used_s
