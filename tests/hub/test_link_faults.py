"""A hub that answers 500, garbage, half a body or nothing: the engine lives on and catches up."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from running_hub import Headquarters, RunningHub
from toy_node import Box, FileReplica, ListOutbox, enrol_box, handed, order

from drivers.host.clock import SystemClock
from sync.engine.actions import Send
from sync.engine.state import LinkState
from sync.link.answers import require_ok
from sync.link.http import HttpLink
from sync.link.loop import run
from sync.wire.errors import HubBusy, HubRefused, LinkError, Offline

FAULTS = {
    "500": b"HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\noops",
    "302": b"HTTP/1.1 302 Found\r\nlocation: https://192.0.2.1/\r\ncontent-length: 0\r\n\r\n",
    "garbage": b"\x00\xffnot http at all\r\n\r\n",
    "garbage body": b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\ngarbage",
    "half a body": b"HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\nhalf",
    "cut at once": b"",
    "bare 401": b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n",
    "busy": b"HTTP/1.1 503 Busy\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n",
}


class Between:
    """A TCP relay to the real hub that can misbehave instead."""

    def __init__(self, port: int) -> None:
        self._hub_port = port
        self.fault: str | None = None
        self.faults = 0
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self.fault is not None:
                await reader.readuntil(b"\r\n\r\n")
                self.faults += 1
                if self.fault == "nothing":
                    await asyncio.sleep(3600)
                writer.write(FAULTS[self.fault])
                await writer.drain()
                return
            hub_reader, hub_writer = await asyncio.open_connection("127.0.0.1", self._hub_port)
            self._writers.add(hub_writer)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pipe(reader, hub_writer))
                tasks.create_task(self._pipe(hub_reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    def break_with(self, fault: str) -> None:
        self.fault = fault
        for writer in self._writers:
            writer.close()
        self._writers.clear()


@asynccontextmanager
async def relay(port: int) -> AsyncIterator[Between]:
    between = Between(port)
    server = await asyncio.start_server(between.serve, "127.0.0.1", 0)
    between.port = server.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        server.close()
        between.break_with("cut at once")


@pytest.fixture
def plain_hub(headquarters: Headquarters) -> Iterator[RunningHub]:
    with RunningHub(headquarters, None) as served:
        yield served


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - sockets make it true
            await asyncio.sleep(0.01)


def more_faults(between: Between, seen: int) -> bool:
    return between.faults > seen


def acknowledged(outbox: ListOutbox, seq: int) -> bool:
    return outbox.acked == seq


def open_link(between: Between, box: Box) -> HttpLink:
    return HttpLink(
        base_url=f"http://127.0.0.1:{between.port}",
        signer=box.signer,
        peer=box.peer,
        ca_file=None,
        silence_s=0.3,
    )


@pytest.mark.parametrize("fault", [*FAULTS, "nothing"])
async def test_every_way_of_not_answering_is_an_error_of_the_link(
    plain_hub: RunningHub, fault: str
) -> None:
    box = enrol_box(plain_hub.headquarters)
    async with relay(plain_hub.port) as between, open_link(between, box) as link:
        assert len(await link.personal_key()) == 32
        between.break_with(fault)
        with pytest.raises(LinkError):  # it may still find the connection that was cut
            await link.personal_key()
        with pytest.raises(LinkError) as caught:
            await link.personal_key()
        expected = HubBusy if fault == "busy" else Offline
        assert isinstance(caught.value, expected)


async def test_the_engine_lives_through_all_of_it_and_catches_up(
    plain_hub: RunningHub, tmp_path: Path
) -> None:
    headquarters = plain_hub.headquarters
    box = enrol_box(headquarters)
    ordered = order(headquarters, quantity=50)
    outbox, replica = ListOutbox(), FileReplica(tmp_path)
    states: list[LinkState] = []
    wake = asyncio.Event()
    async with relay(plain_hub.port) as between, open_link(between, box) as link:
        task = asyncio.create_task(
            run(
                peer=box.peer,
                random_=random.SystemRandom(),
                link=link,
                outbox=outbox,
                replica=replica,
                clock=SystemClock(),
                wake=wake,
                folder=tmp_path / "parts",
                on_state=states.append,
            )
        )
        await until(lambda: bool(states) and states[-1].online and bool(replica.installed))
        for number, fault in enumerate([*FAULTS, "nothing"], start=1):
            between.break_with(fault)
            seen = between.faults
            outbox.events.append(box.event(handed(ordered, (1, number), handover=number)))
            wake.set()
            await until(partial(more_faults, between, seen))
            order(headquarters)
            between.fault = None
            await until(partial(acknowledged, outbox, number))
        await until(lambda: states[-1].online)
        await until(lambda: sum(len(page.rows) for page in replica.pages) == len(FAULTS) + 1)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    replica.close()
    assert any(not state.online for state in states[1:])


def test_only_a_problem_document_refuses_for_good() -> None:
    problem = {"content-type": "application/problem+json"}
    with pytest.raises(HubRefused, match="superseded"):
        require_ok(409, problem, b'{"code": "superseded", "detail": "replaced"}')
    with pytest.raises(HubRefused, match="no reason"):
        require_ok(409, problem, b"<html>")
    with pytest.raises(Offline):
        require_ok(409, {"content-type": "text/html"}, b"a proxy's page")
    with pytest.raises(HubBusy) as busy:
        require_ok(429, {"retry-after": "12"}, b"")
    assert busy.value.retry_after_ms == 12_000
    with pytest.raises(HubBusy) as unclear:
        require_ok(503, {"retry-after": "Wed, 21 Oct"}, b"")
    assert unclear.value.retry_after_ms == 5_000


async def test_an_answer_without_end_is_cut_off(plain_hub: RunningHub) -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(bytes(65_536))
                await writer.drain()
        except OSError:
            writer.close()

    box = enrol_box(plain_hub.headquarters)
    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    async with server:
        link = HttpLink(
            base_url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}",
            signer=box.signer,
            peer=box.peer,
            ca_file=None,
        )
        async with link:
            with pytest.raises(Offline, match="without end"):
                await link.ask(Send(method="GET", target="/v1/snapshot"))
