"""A store's line to headquarters, as the lab breaks and mends it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from edge.lab.line import HOST, Line, reserve_port

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Dial = Callable[[], Awaitable[Pair]]


class Echo:
    """Sends back what it gets, doubled."""

    def __init__(self) -> None:
        self.server: asyncio.Server | None = None
        self.writers: list[asyncio.StreamWriter] = []

    @property
    def port(self) -> int:
        assert self.server is not None
        return int(self.server.sockets[0].getsockname()[1])

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with contextlib.suppress(OSError):
            while piece := await reader.read(65536):
                writer.write(piece * 2)
                await writer.drain()
        writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    far = Echo()
    far.server = await asyncio.start_server(far.take, HOST, 0)
    yield far
    far.server.close()
    for writer in far.writers:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@pytest.fixture
async def line(echo: Echo) -> AsyncIterator[Line]:
    made = Line(to_port=echo.port)
    await made.mend()
    yield made
    await made.close()


@pytest.fixture
async def dial(line: Line) -> AsyncIterator[Dial]:
    """Opens connections over the line; they are over when the test is."""
    pairs: list[Pair] = []

    async def open_one() -> Pair:
        pairs.append(await asyncio.open_connection(HOST, line.port))
        return pairs[-1]

    yield open_one
    for _, writer in pairs:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def say(pair: Pair, text: bytes) -> bytes:
    reader, writer = pair
    writer.write(text)
    await writer.drain()
    return await asyncio.wait_for(reader.readexactly(2 * len(text)), 5)


async def gone(pair: Pair) -> bytes:
    """What still comes before the connection is over."""
    with contextlib.suppress(ConnectionResetError):
        return await asyncio.wait_for(pair[0].read(), 5)
    return b""


async def test_bytes_pass_unchanged_both_ways(dial: Dial, line: Line) -> None:
    pair = await dial()
    for text in (b"a", bytes(range(256)) * 4, b"\0" * 5):
        got = await say(pair, text)
        assert sorted(got) == sorted(text * 2)
        assert got.startswith(text[:1])
    assert line.carried_bytes == 3 * (1 + 1024 + 5)


async def test_a_cut_line_resets_what_is_open_and_refuses_what_is_new(
    dial: Dial, line: Line
) -> None:
    pair = await dial()
    assert await say(pair, b"hello") == b"hellohello"
    await line.cut()
    assert line.is_cut
    assert await gone(pair) == b""
    with pytest.raises(ConnectionRefusedError):
        await dial()
    port = line.port
    await line.mend()
    assert line.port == port
    assert await say(await dial(), b"again") == b"againagain"


async def test_nobody_else_gets_the_port_of_a_cut_line(line: Line) -> None:
    await line.cut()
    other = [reserve_port() for _ in range(50)]
    try:
        assert line.port not in {each.getsockname()[1] for each in other}
    finally:
        for each in other:
            each.close()


async def test_a_silent_line_takes_callers_and_says_nothing_until_it_is_mended(
    dial: Dial, line: Line
) -> None:
    pair = await dial()
    assert await say(pair, b"a") == b"aa"
    line.silence()
    pair[1].write(b"b")
    late = await dial()
    late[1].write(b"c")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(pair[0].read(1), 0.2)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(late[0].read(1), 0.2)
    await line.mend()
    assert await asyncio.wait_for(pair[0].readexactly(2), 5) == b"bb"
    assert await asyncio.wait_for(late[0].readexactly(2), 5) == b"cc"


async def test_a_delayed_line_holds_each_piece_back_both_ways(dial: Dial, line: Line) -> None:
    pair = await dial()
    line.delay(100)
    began_s = time.monotonic()
    assert await say(pair, b"x") == b"xx"
    assert time.monotonic() - began_s >= 0.2


@pytest.mark.parametrize("after_bytes", [0, 1, 7, 20])
async def test_a_truncated_line_breaks_in_the_middle_once(
    dial: Dial, line: Line, after_bytes: int
) -> None:
    pair = await dial()
    line.truncate(after_bytes)
    pair[1].write(b"0123456789")
    came = await gone(pair)
    assert len(came) <= max(0, after_bytes - 10)
    assert line.broken == 1
    assert await say(await dial(), b"whole") == b"wholewhole"


async def test_when_the_far_end_is_away_the_caller_is_told_at_once(dial: Dial, echo: Echo) -> None:
    assert echo.server is not None
    echo.server.close()
    assert await gone(await dial()) == b""
