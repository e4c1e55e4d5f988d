"""Who may ask: the door in front of every route of the staff listener.

A request must name one of the box's own hosts (a foreign name that resolves to us is DNS
rebinding), and one that acts must come from our own page (`Origin`) or from a program with a
bearer token. The token says which station it is; nothing else does. Bodies are read here, bounded,
so that no route can forget it, and only of who has a token.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.flow.caller import Caller
from edge.flow.stations import Stations
from edge.web import problems

COOKIE = "storeedge_station"
MAX_BODY_BYTES = 16 * 1024
MAX_KEY_CHARS = 200
MAX_WITNESS_CHARS = 200
Hear = Callable[[str, str], Awaitable[object]]
"""Hears a witness (its text) that a station (its id) kept; the box is fenced before it returns."""

API = "/api/v1/"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
)
NO_STORE: tuple[bytes, bytes] = (b"cache-control", b"no-store")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the door learned of a request. station: None when no valid token came with it.

    witness: what the station keeps of this box, to be heard before anything is decided.
    """

    station: str | None
    token: str | None
    key: str | None
    witness: str | None = None


class Door:
    """Checks a request, reads its body and hands it to a hot route or to the application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        stations: Stations,
        hosts: Iterable[str],
        hot: dict[str, ASGIApp],
        hear: Hear | None = None,
    ) -> None:
        """Guard `app`; `hot` are exact paths served without any framework, by POST only."""
        self._app = app
        self._hear = hear
        self._by_token: Callable[[str], str | None] = stations.by_token
        self._hosts = frozenset(host.lower() for host in hosts)
        self._hot = hot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection scope."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        path: str = scope["path"]
        method: str = scope["method"]
        asked, trouble = self._judge(scope, path, method)
        if trouble is not None:
            await answer(send, *problems.ours(trouble))
            return
        scope.setdefault("state", {})["asked"] = asked
        if asked.witness is not None and asked.station is not None and self._hear is not None:
            await self._hear(asked.witness, asked.station)
        if method not in _SAFE and asked.station is not None:
            body = await _read(scope, receive)
            if isinstance(body, str):
                await answer(send, *problems.ours(body))
                return
            receive = _replay(body, receive)
            if method == "POST" and (hot := self._hot.get(path)) is not None:
                await hot(scope, receive, send)
                return
        await self._app(scope, receive, _with_headers(send, no_store=path.startswith(API)))

    def _judge(self, scope: Scope, path: str, method: str) -> tuple[Asked, str | None]:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1").lower()
        origin = headers.get(b"origin")
        bearer = _bearer(headers.get(b"authorization", b""))
        cookie = None if bearer else _cookie(headers.get(b"cookie", b""))
        token = bearer or cookie
        nobody = Asked(station=None, token=None, key=None)
        if not (host in self._hosts or _name(host) in self._hosts):
            return nobody, "foreign_host"
        if method not in _SAFE:
            if origin is not None and origin.lower() != f"{scope['scheme']}://{host}".encode():
                return nobody, "foreign_origin"
            same_site = headers.get(b"sec-fetch-site") == b"same-origin"
            if origin is None and bearer is None and not same_site:
                return nobody, "foreign_origin"
        station = self._by_token(token) if token else None
        if station is None and path.startswith(API):
            return nobody, "unauthenticated"
        key = headers.get(b"idempotency-key")
        if key is not None and not 0 < len(key) <= MAX_KEY_CHARS:
            return nobody, "invalid"
        named = None if key is None else key.decode("latin-1")
        kept = headers.get(b"storeedge-witness")
        witness = kept.decode("latin-1") if kept and len(kept) <= MAX_WITNESS_CHARS else None
        return Asked(station=station, token=token, key=named, witness=witness), None


def caller(scope: Scope) -> Caller:
    """Who calls, for the business (AssertionError: a route outside `/api/v1/` asks)."""
    asked: Asked = scope["state"]["asked"]
    assert asked.station is not None
    return Caller(station=asked.station, key=asked.key, route=scope["path"])


async def answer(
    send: Send, status: int, body: bytes, media_type: bytes = problems.MEDIA_TYPE.encode()
) -> None:
    """One whole answer of a raw route, with the headers that all of the API has."""
    headers = [
        (b"content-type", media_type),
        (b"content-length", str(len(body)).encode()),
        NO_STORE,
        *SECURITY_HEADERS,
    ]
    if status == 401:
        headers.append((b"www-authenticate", b'Bearer realm="storeedge"'))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read(scope: Scope, receive: Receive) -> bytes | str:
    """The whole body, or the code of the problem."""
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    if not declared.isdigit() or int(declared) > MAX_BODY_BYTES:
        return "too_large"
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return "malformed"
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            return "too_large"
        chunks.append(chunk)
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _with_headers(send: Send, *, no_store: bool) -> Send:
    async def more(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
            headers += SECURITY_HEADERS
            if no_store and all(name != b"cache-control" for name, _ in headers):
                headers.append(NO_STORE)
            message = {**message, "headers": headers}
        await send(message)

    return more


def _bearer(value: bytes) -> str | None:
    scheme, _, token = value.partition(b" ")
    return token.strip().decode("latin-1") if scheme.lower() == b"bearer" else None


def _cookie(value: bytes) -> str | None:
    for part in value.decode("latin-1").split(";"):
        name, _, content = part.strip().partition("=")
        if name == COOKIE:
            return content
    return None


def _name(host: str) -> str:
    """A Host header without its port; an IPv6 address keeps its brackets."""
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
