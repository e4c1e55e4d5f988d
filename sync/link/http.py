"""The engine's questions over HTTPS: TLS 1.3, signed requests, bounded answers.

The chain's own CA may be given as a file. Redirects are not followed and the environment's proxies
are not used: a signed request goes to the hub that was named, or nowhere.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType

import httpx

from sync.engine.actions import Send
from sync.engine.peer import Peer
from sync.link.answers import require_ok
from sync.link.bell import Bell, target_of
from sync.link.ports import Link
from sync.wire import codec
from sync.wire.condition import CONDITION_HEADER
from sync.wire.errors import Offline, RemoteWireError, Superseded
from sync.wire.messages import MAX_BODY_BYTES, PersonalKey
from sync.wire.request import sign_request
from sync.wire.signature import Signer

CONNECT_S = 5.0
SILENCE_S = 15.0
WHOLE_S = 60.0
DOORBELL_S = 35.0
KEPT_S = 30.0  # less than the hub keeps an idle connection, so that we never race its close
CHUNK_BYTES = 64 * 1024


def open_client(base_url: str, ca_file: Path | None) -> httpx.AsyncClient:
    """A client that speaks TLS 1.3 or, for a loopback address without TLS, plain HTTP.

    Raises:
        ValueError: another scheme, or plain HTTP to somewhere else.
        OSError: the CA file cannot be read.
    """
    url = httpx.URL(base_url)
    if url.scheme != "https" and not (
        url.scheme == "http" and url.host in ("127.0.0.1", "::1", "localhost")
    ):
        raise ValueError(f"hub {base_url!r}: give an https address")
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return httpx.AsyncClient(
        base_url=url,
        verify=context,
        limits=httpx.Limits(keepalive_expiry=KEPT_S),
        timeout=httpx.Timeout(SILENCE_S, connect=CONNECT_S),
        trust_env=False,
        headers={"accept-encoding": "identity", "user-agent": "storeedge"},
    )


@asynccontextmanager
async def exchange(
    client: httpx.AsyncClient,
    method: str,
    target: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    whole_s: float | None = WHOLE_S,
    silence_s: float = SILENCE_S,
) -> AsyncGenerator[httpx.Response, None]:
    """A response whose body was not read yet; what goes wrong on the line is `Offline`."""
    try:
        async with (
            asyncio.timeout(whole_s),
            client.stream(
                method,
                target,
                content=body or None,
                headers=headers,
                timeout=httpx.Timeout(silence_s, connect=CONNECT_S),
            ) as response,
        ):
            yield response
    except (httpx.HTTPError, httpx.StreamError, ssl.SSLError, TimeoutError) as error:
        raise Offline(f"{type(error).__name__} at {target.partition('?')[0]}") from error


async def read(response: httpx.Response) -> bytes:
    """The whole body, as sent.

    Raises:
        Offline: it has more than any answer may have.
    """
    body = bytearray()
    async for chunk in response.aiter_raw(CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise Offline("an answer without end")
    return bytes(body)


class HttpLink:
    """A node's line to its hub; `async with` opens and closes it."""

    def __init__(
        self,
        *,
        base_url: str,
        signer: Signer,
        peer: Peer,
        ca_file: Path | None,
        silence_s: float = SILENCE_S,
        on_superseded: Callable[[Superseded], None] | None = None,
        condition: Callable[[], str] | None = None,
    ) -> None:
        """See `open_client` for what is raised; a hub silent for `silence_s` is `Offline`.

        on_superseded: told beside the error that another box took this one's place.
        condition: what the box says of itself with each question (`sync.wire.condition`).
        """
        self._silence_s = silence_s
        self._on_superseded = on_superseded
        self._condition = condition
        self._client = open_client(base_url, ca_file)
        self._signer = signer
        self._peer = peer
        self.bell = Bell(self._client, self._signed, self._poll_doorbell)

    async def __aenter__(self) -> "HttpLink":
        """Nothing is dialled yet."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection."""
        await self.bell.close()
        await self._client.aclose()

    def _signed(self, method: str, target: str, body: bytes = b"") -> dict[str, str]:
        headers = sign_request(
            self._signer,
            method=method,
            target=target,
            node=self._peer.node,
            incarnation=self._peer.incarnation,
            body=body,
        )
        if self._condition is not None:
            headers[CONDITION_HEADER] = self._condition()
        return headers

    def _require(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        try:
            require_ok(status, headers, body)
        except Superseded as error:
            if self._on_superseded is not None:
                self._on_superseded(error)
            raise

    async def ask(self, send: Send) -> bytes:
        """One question, one answer."""
        headers = self._signed(send.method, send.target, send.body)
        async with exchange(
            self._client,
            send.method,
            send.target,
            body=send.body,
            headers=headers,
            silence_s=self._silence_s,
        ) as response:
            body = await read(response)
        self._require(response.status_code, response.headers, body)
        return body

    async def download(self, target: str, *, offset: int, sink: Callable[[bytes], None]) -> None:
        """A file from `offset` on; a server that ignores Range is read past what we have."""
        headers = self._signed("GET", target)
        if offset:
            headers["range"] = f"bytes={offset}-"
        async with exchange(
            self._client, "GET", target, headers=headers, whole_s=None, silence_s=self._silence_s
        ) as response:
            if response.status_code not in (200, 206):
                self._require(response.status_code, response.headers, await read(response))
            skip = offset if response.status_code == 200 else 0
            async for chunk in response.aiter_raw(CHUNK_BYTES):
                rest = chunk[skip:]
                skip -= len(chunk) - len(rest)
                if rest:
                    sink(rest)

    async def ring(self, heads: Mapping[str, int]) -> bool:
        """Wait at the doorbell for about 25 s."""
        return await self.bell.ring(heads)

    async def _poll_doorbell(self, heads: Mapping[str, int]) -> bool:
        target = target_of(heads)
        async with exchange(
            self._client,
            "GET",
            target,
            headers=self._signed("GET", target),
            silence_s=DOORBELL_S,
        ) as response:
            body = await read(response)
        self._require(response.status_code, response.headers, body)
        return response.status_code == 200

    async def personal_key(self) -> bytes:
        """See `Link.personal_key`; an answer that is none counts as `Offline`."""
        body = await self.ask(Send(method="POST", target="/v1/nodes/personal-key"))
        return parse_personal_key(body)


def parse_personal_key(body: bytes) -> bytes:
    """The key in an answer.

    Raises:
        Offline: there is none.
    """
    try:
        key = codec.from_json(PersonalKey, body).key
    except RemoteWireError as error:
        raise Offline("the hub answered no key") from error
    if len(key) != 32:
        raise Offline("the hub answered no key")
    return key


_: type[Link] = HttpLink
