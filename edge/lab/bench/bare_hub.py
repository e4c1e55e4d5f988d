"""The floor of `hub-polls`: the least that a signed question for news can be.

One raw ASGI handler under uvicorn: read the body, look the box up in PostgreSQL, verify its
signature, read the question, sign the time, answer that there is nothing. No doors, no scopes, no
note of who was heard. Started by `uvicorn edge.lab.bench.bare_hub:app`.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import cast

import psycopg

from sync.wire import codec
from sync.wire.feed import time_message
from sync.wire.messages import FeedAnswer, FeedPage, FeedQuestion, HubTime
from sync.wire.request import INCARNATION_HEADER, NODE_HEADER, is_signed_request
from sync.wire.signature import DOMAIN_HUB_TIME, Signer

Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_LOOK = "SELECT public FROM node WHERE node = %s AND incarnation = %s"
_signer = Signer.generate()
_connections: list[psycopg.Connection[tuple[bytes]]] = []


def _connection() -> "psycopg.Connection[tuple[bytes]]":
    if not _connections:
        _connections.append(psycopg.connect(os.environ["BENCH_DATABASE"], autocommit=True))
    return _connections[0]


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """The ASGI application."""
    if scope["type"] == "lifespan":
        for part in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{part}.complete"})
        return
    answer = b"" if scope["path"] == "/healthz" else await _poll(scope, receive)
    length = str(len(answer)).encode()
    headers = [(b"content-type", b"application/octet-stream"), (b"content-length", length)]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def _poll(scope: Message, receive: Receive) -> bytes:
    body = cast("bytes", (await receive())["body"])
    pairs = cast("list[tuple[bytes, bytes]]", scope["headers"])
    headers = {name.decode(): value.decode() for name, value in pairs}
    who = (headers[NODE_HEADER], bytes.fromhex(headers[INCARNATION_HEADER]))
    row = _connection().execute(_LOOK, who).fetchone()
    assert row is not None
    if not is_signed_request(headers, row[0], method="POST", target="/v1/feed", body=body):
        raise ValueError("not genuine")
    question = codec.from_body(FeedQuestion, body)
    now_ms = 1
    signature = _signer.sign(DOMAIN_HUB_TIME, time_message(now_ms, question.nonce))
    pages = tuple(
        FeedPage(
            scope=cursor.scope,
            generation=cursor.generation,
            rows=(),
            head=cursor,
            signature=bytes(64),
            more=False,
        )
        for cursor in question.cursors
    )
    time = HubTime(time_ms=now_ms, nonce=question.nonce, signature=signature)
    return codec.to_body(FeedAnswer(pages=pages, gone=(), time=time))
