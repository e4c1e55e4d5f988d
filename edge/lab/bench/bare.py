"""The floor of `redeem-http`: the least that a durable, verified redeem over HTTP can be.

One raw ASGI handler under uvicorn: read the body, parse and verify the signed code, hand it to a
writer thread; there look the code up, insert three rows, commit once for all that wait (FULL),
answer. No door, no rules, no audit chain, no answer kept: what the product adds is what the ratio
shows. Started by `uvicorn edge.lab.bench.bare:app`.
"""

import asyncio
import hashlib
import os
import queue
import sqlite3
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from edge.lab.bench.stock import K_STORE
from sync.wire.codec import from_json, to_json
from sync.wire.credential import code_lookup
from sync.wire.token import parse_v2

Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_MOST = 256
_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE redemption (order_id BLOB NOT NULL, line INTEGER NOT NULL, at INTEGER NOT NULL);
CREATE UNIQUE INDEX once ON redemption (order_id, line);
CREATE TABLE audit (seq INTEGER PRIMARY KEY, body BLOB NOT NULL, hash BLOB NOT NULL);
CREATE TABLE outbox (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A scan."""

    text: str


@dataclass(frozen=True, slots=True)
class _Waiting:
    lookup: bytes
    future: "asyncio.Future[bytes]"


class Bare:
    """The handler and its writer thread."""

    def __init__(self, ledger: Path, catalog: Path, issuer: bytes) -> None:
        self._issuer = issuer
        self._queue: queue.SimpleQueue[_Waiting] = queue.SimpleQueue()
        self._connection = sqlite3.connect(ledger, isolation_level=None, check_same_thread=False)
        self._connection.executescript(_SCHEMA)
        self._connection.execute("ATTACH ? AS cat", (str(catalog),))
        self._hash = bytes(32)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin to write."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._work, daemon=True).start()

    async def serve(self, receive: Receive, send: Send) -> None:
        """Answer one request."""
        body = from_json(Body, cast("bytes", (await receive())["body"]))
        signed = parse_v2(body.text)
        if not signed.is_genuine(self._issuer):
            raise ValueError("not genuine")
        lookup = code_lookup(K_STORE, signed.token.code_id)
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._queue.put(_Waiting(lookup, future))
        answer = await future
        length = str(len(answer)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    def _work(self) -> None:
        assert self._loop is not None
        while True:
            batch = [self._queue.get()]
            while len(batch) < _MOST and not self._queue.empty():
                batch.append(self._queue.get())
            self._connection.execute("BEGIN IMMEDIATE")
            answers = [(waiting.future, self._redeem(waiting.lookup)) for waiting in batch]
            self._connection.execute("COMMIT")
            self._loop.call_soon_threadsafe(_resolve, answers)

    def _redeem(self, lookup: bytes) -> bytes:
        connection = self._connection
        row = connection.execute("SELECT order_id FROM cat.code WHERE lookup = ?", (lookup,))
        order_id: bytes = row.fetchone()[0]
        body = to_json({"order": order_id.hex(), "line": 1, "state": "handed"})
        self._hash = hashlib.sha256(self._hash + body).digest()
        connection.execute("INSERT INTO redemption VALUES (?, 1, 0)", (order_id,))
        connection.execute("INSERT INTO audit (body, hash) VALUES (?, ?)", (body, self._hash))
        connection.execute("INSERT INTO outbox (body) VALUES (?)", (body,))
        return body


def _resolve(answers: "list[tuple[asyncio.Future[bytes], bytes]]") -> None:
    for future, answer in answers:
        if not future.done():
            future.set_result(answer)


_bare: list[Bare] = []


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """The ASGI application; its parts are made when uvicorn starts it."""
    if scope["type"] == "lifespan":
        await receive()
        made = Bare(
            Path(os.environ["BENCH_LEDGER"]),
            Path(os.environ["BENCH_CATALOG"]),
            bytes.fromhex(os.environ["BENCH_ISSUER"]),
        )
        made.start()
        _bare.append(made)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
    elif scope["path"] == "/healthz":
        headers = [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
    else:
        await _bare[0].serve(receive, send)
