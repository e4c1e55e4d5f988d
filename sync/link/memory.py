"""A link without sockets, for tests and simulation: it loses, repeats and reorders by a seed.

A question that is lost never reaches the hub; an answer that is lost leaves what the hub did; a
repeated question is answered twice; a late one is a copy of an earlier question that arrives just
before a newer one. None of them may change anything that matters.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from sync.engine.actions import Send
from sync.engine.peer import Peer
from sync.link.answers import PROBLEM, require_ok
from sync.link.http import parse_personal_key
from sync.link.ports import Clock, Link
from sync.wire.errors import Offline
from sync.wire.request import sign_request
from sync.wire.signature import Signer

POLL_DOORBELL_MS = 25_000
_KEPT = 8


class Desk(Protocol):
    """The hub's side, called directly: `NodeDesk.exchange`."""

    def exchange(
        self, *, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        """Status and body; a file is given whole."""
        ...


@dataclass(slots=True, kw_only=True)
class Weather:
    """How bad the line is; chances from 0 to 1. `cut` is a partition."""

    cut: bool = False
    lose_question: float = 0.0
    lose_answer: float = 0.0
    repeat: float = 0.0
    late: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class MemoryLink:
    """A node's line to a hub in the same process."""

    def __init__(
        self,
        desk: Desk,
        *,
        signer: Signer,
        peer: Peer,
        clock: Clock,
        weather: Weather,
        random_: random.Random,
    ) -> None:
        self._desk = desk
        self._signer = signer
        self._peer = peer
        self._clock = clock
        self.weather = weather
        self._random = random_
        self._earlier: list[_Question] = []

    def _is(self, chance: float) -> bool:
        return chance > 0 and self._random.random() < chance

    def _deliver(self, question: _Question) -> tuple[int, bytes]:
        return self._desk.exchange(
            method=question.method,
            target=question.target,
            headers=question.headers,
            body=question.body,
        )

    def _exchange(self, send: Send) -> bytes:
        weather = self.weather
        if weather.cut or self._is(weather.lose_question):
            raise Offline("the question was lost")
        headers = sign_request(
            self._signer,
            method=send.method,
            target=send.target,
            node=self._peer.node,
            incarnation=self._peer.incarnation,
            body=send.body,
        )
        question = _Question(
            method=send.method, target=send.target, headers=headers, body=send.body
        )
        if self._earlier and self._is(weather.late):
            self._deliver(self._random.choice(self._earlier))
        self._earlier = [*self._earlier[-_KEPT:], question]
        status, body = self._deliver(question)
        if self._is(weather.repeat):
            status, body = self._deliver(question)
        if self._is(weather.lose_answer):
            raise Offline("the answer was lost")
        require_ok(status, {"content-type": PROBLEM}, body)
        return body

    async def ask(self, send: Send) -> bytes:
        """One question through the weather."""
        return self._exchange(send)

    async def download(self, target: str, *, offset: int, sink: Callable[[bytes], None]) -> None:
        """A file; a lost answer is a cut half-way."""
        body = self._exchange(Send(method="GET", target=target))
        if self._is(self.weather.lose_answer):
            sink(body[offset : offset + (len(body) - offset) // 2])
            raise Offline("cut half-way")
        sink(body[offset:])

    async def ring(self, heads: Mapping[str, int]) -> bool:
        """The doorbell never rings here; the poll is enough, and time is the simulation's."""
        del heads
        await self._clock.until(self._clock.boot_ms() + POLL_DOORBELL_MS)
        if self.weather.cut:
            raise Offline("cut")
        return False

    async def personal_key(self) -> bytes:
        """See `Link.personal_key`."""
        return parse_personal_key(
            self._exchange(Send(method="POST", target="/v1/nodes/personal-key"))
        )


_: type[Link] = MemoryLink
