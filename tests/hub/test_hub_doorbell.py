"""The doorbell: a stream that says that something moved and never what, or a long-poll."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from running_hub import RunningHub
from toy_node import STORE, Box, enrol_box, order

from sync.link.bell import heads_in
from sync.link.http import HttpLink
from sync.wire.errors import HubRefused, Offline

SCOPES = ("chain", f"store:{STORE}")


def heads(running: RunningHub) -> dict[str, int]:
    found = running.headquarters.desk.heads()
    return {scope: found[scope] for scope in SCOPES}


def line(running: RunningHub, box: Box) -> HttpLink:
    return HttpLink(base_url=running.url, signer=box.signer, peer=box.peer, ca_file=running.ca_file)


def line_to(url: str, box: Box) -> HttpLink:
    return HttpLink(base_url=url, signer=box.signer, peer=box.peer, ca_file=None)


async def test_one_stream_rings_for_each_change_and_only_says_how_far(running: RunningHub) -> None:
    box = enrol_box(running.headquarters)
    async with line(running, box) as link:
        known = heads(running)
        made = [await asyncio.to_thread(order, running.headquarters)]
        for _ in range(3):
            waiting = asyncio.create_task(link.ring(known))
            made.append(await asyncio.to_thread(order, running.headquarters))
            assert await asyncio.wait_for(waiting, 10) is True
            known = heads(running)
        assert link.bell.streams
        stream = await _raw(running, box, known, rings=1)
    assert not any(each.order_no in stream or each.order_id.hex() in stream for each in made)
    assert "data: " in stream


async def _raw(running: RunningHub, box: Box, known: Mapping[str, int], *, rings: int) -> str:
    """What goes over the wire until it rang so often."""
    async with line(running, box) as link:
        target, headers = link.bell.question(known)
        text = ""
        async with link.bell.client.stream("GET", target, headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            async for chunk in response.aiter_text():
                if not text:
                    await asyncio.to_thread(order, running.headquarters)
                text += chunk
                if text.count("data:") >= rings:
                    return text
    raise AssertionError("the stream ended")


async def test_a_change_between_two_rings_is_not_missed(running: RunningHub) -> None:
    box = enrol_box(running.headquarters)
    async with line(running, box) as link:
        known = heads(running)
        await asyncio.to_thread(order, running.headquarters)
        assert await asyncio.wait_for(link.ring(known), 10) is True
        read = heads(running)
        await asyncio.to_thread(order, running.headquarters)
        assert await asyncio.wait_for(link.ring(read), 10) is True


async def test_a_ring_that_was_read_already_is_not_rung_again(running: RunningHub) -> None:
    box = enrol_box(running.headquarters)
    async with line(running, box) as link:
        known = heads(running)
        waiting = asyncio.create_task(link.ring(known))
        await asyncio.to_thread(order, running.headquarters)
        assert await asyncio.wait_for(waiting, 10) is True
        await asyncio.to_thread(order, running.headquarters)  # read by the pull of the first ring
        known = heads(running)
        silent = asyncio.create_task(link.ring(known))
        done, _ = await asyncio.wait((silent,), timeout=1)
        assert not done
        silent.cancel()
        with pytest.raises(asyncio.CancelledError):
            await silent


@asynccontextmanager
async def old_hub(answer: bytes, *, hold: bool = False) -> AsyncIterator[tuple[str, list[str]]]:
    """A hub or proxy that knows no stream, or keeps it to itself; and what it was asked for."""
    accepted: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            accepted.append("stream" if "text/event-stream" in head else "poll")
            if hold and accepted[-1] == "stream":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
                await writer.drain()
                await reader.read()
            writer.write(answer)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", accepted


async def test_a_hub_without_streams_is_asked_by_long_poll(box: Box) -> None:
    answer = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n"
    async with old_hub(answer) as (url, accepted), line_to(url, box) as link:
        for _ in range(2):
            assert await link.ring({"chain": 1}) is False
        assert not link.bell.streams
    assert accepted == ["stream", "poll", "poll"]


async def test_a_proxy_that_keeps_the_stream_back_is_asked_by_long_poll(box: Box) -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    async with (
        old_hub(answer, hold=True) as (url, accepted),
        line_to(url, box) as link,
    ):
        link.bell.first_byte_s = 0.3
        assert await link.ring({"chain": 1}) is True
    assert accepted == ["stream", "poll"]


async def test_a_refusal_is_a_refusal_and_not_a_reason_to_poll(box: Box) -> None:
    body = json.dumps({"code": "superseded", "detail": "replaced"}).encode()
    head = (
        f"HTTP/1.1 409 Conflict\r\ncontent-type: application/problem+json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    async with (
        old_hub(head.encode() + body) as (url, accepted),
        line_to(url, box) as link,
    ):
        with pytest.raises(HubRefused):
            await link.ring({"chain": 1})
        assert link.bell.streams
    assert accepted == ["stream"]


async def test_a_line_that_breaks_is_offline_and_the_next_ring_opens_anew(box: Box) -> None:
    async with old_hub(b"", hold=False) as (url, accepted), line_to(url, box) as link:
        for _ in range(2):
            with pytest.raises(Offline):
                await link.ring({"chain": 1})
        assert link.bell.streams
    assert accepted == ["stream", "stream"]


def test_only_heads_are_read_from_an_event() -> None:
    assert heads_in("data: chain.12 store:101.55") == {"chain": 12, "store:101": 55}
    assert heads_in("data: x y. .5 chain.-1 chain.x chain." + "9" * 30) == {}
