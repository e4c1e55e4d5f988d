"""Many clients of one HTTP server, cheap enough to share its cores: ready-made requests, epoll.

Each client is a keep-alive connection that sends its next request as soon as it was answered. No
HTTP library: on two cores the client's CPU is taken from the server's.
"""

import select
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

_WAIT_S = 30.0


class BadAnswer(Exception):
    """A server answered something else than what is measured."""


@dataclass(slots=True, kw_only=True)
class Result:
    """How many answers in how many seconds, and how long each took in ms."""

    answers: int
    wall_s: float
    each_ms: list[float] = field(default_factory=list[float])


@dataclass(slots=True, kw_only=True)
class _Client:
    wire: socket.socket
    asked_s: float = 0.0
    got: bytes = b""


def request(path: str, host: str, token: str, key: str, body: bytes) -> bytes:
    """The bytes of one POST, as our own screens send it."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n"
        f"Idempotency-Key: {key}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def drive(
    address: tuple[str, int], requests: Sequence[bytes], *, clients: int, must_hold: bytes
) -> Result:
    """Ask everything, `clients` at a time.

    Raises:
        BadAnswer: an answer is not 200 or does not hold `must_hold`.
        TimeoutError: nothing came for 30 s.
    """
    waiting = iter(requests)
    result = Result(answers=0, wall_s=0.0)
    open_ones: dict[int, _Client] = {}
    poll = select.epoll()
    try:
        for _ in range(min(clients, len(requests))):
            wire = socket.create_connection(address)
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            open_ones[wire.fileno()] = _Client(wire=wire)
            poll.register(wire.fileno(), select.EPOLLIN)
        began_s = time.perf_counter()
        idle = sum(not _ask(client, waiting) for client in open_ones.values())
        while idle < len(open_ones):
            ready = poll.poll(_WAIT_S)
            if not ready:
                raise TimeoutError("the server does not answer")
            for number, _ in ready:
                client = open_ones[number]
                if _answered(client, must_hold):
                    result.answers += 1
                    result.each_ms.append((time.perf_counter() - client.asked_s) * 1e3)
                    idle += not _ask(client, waiting)
        result.wall_s = time.perf_counter() - began_s
    finally:
        for client in open_ones.values():
            client.wire.close()
        poll.close()
    return result


class KeptOpen:
    """One connection, asked again and again, each time to the last byte of the answer."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._wire = socket.create_connection(address, timeout=_WAIT_S)
        self._wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> bytes:
        """The whole answer, head and body.

        Raises:
            BadAnswer: the connection was closed.
        """
        self._wire.sendall(request)
        got = b""
        while not _is_whole(got):
            more = self._wire.recv(65_536)
            if not more:
                raise BadAnswer("the connection was closed")
            got += more
        return got

    def close(self) -> None:
        """Close it."""
        self._wire.close()


def ask_once(address: tuple[str, int], request: bytes) -> bytes:
    """One question on a connection of its own."""
    with closing(KeptOpen(address)) as wire:
        return wire.ask(request)


def _ask(client: _Client, waiting: Iterator[bytes]) -> bool:
    request = next(waiting, None)
    if request is None:
        return False
    client.got = b""
    client.asked_s = time.perf_counter()
    client.wire.send(request)
    return True


def _answered(client: _Client, must_hold: bytes) -> bool:
    more = client.wire.recv(65_536)
    if not more:
        raise BadAnswer("the connection was closed")
    client.got += more
    if not _is_whole(client.got):
        return False
    if not client.got.startswith(b"HTTP/1.1 200") or must_hold not in client.got:
        raise BadAnswer(client.got[:400].decode(errors="replace"))
    return True


def _is_whole(got: bytes) -> bool:
    head = got.find(b"\r\n\r\n")
    if head < 0:
        return False
    at = got.find(b"content-length:")
    if at < 0 or at > head:
        raise BadAnswer("an answer without its length")
    return len(got) >= head + 4 + int(got[at + 15 : got.index(b"\r\n", at)])
