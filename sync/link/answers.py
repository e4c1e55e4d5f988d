"""What an HTTP status means to the engine, for every kind of link alike."""

from collections.abc import Mapping

from sync.wire import codec
from sync.wire.errors import HubBehind, HubBusy, HubRefused, Offline, RemoteWireError, Superseded
from sync.wire.messages import Problem

_BUSY = (429, 503)
_REFUSED = (401, 403, 409, 413, 422)
_DEFAULT_RETRY_MS = 5_000
PROBLEM = "application/problem+json"


def _retry_after_ms(headers: Mapping[str, str]) -> int:
    given = headers.get("retry-after", "")
    return int(given) * 1000 if given.isdecimal() and len(given) < 6 else _DEFAULT_RETRY_MS


def _words(body: bytes) -> str:
    """Code and detail of a problem document, bounded; anything else says nothing."""
    try:
        problem = codec.from_json(Problem, body)
    except RemoteWireError:
        return "no reason given"
    return f"{problem.code}: {problem.detail}"[:300]


def require_ok(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Return on 200 to 206; header names in lower case.

    Only a problem document is the hub's own refusal: a status alone may be a proxy's, and passes.

    Raises:
        HubBusy: 429, 503.
        Superseded, HubBehind: a problem document that says so.
        HubRefused: any other problem document with 401, 403, 409, 413, 422.
        Offline: anything else.
    """
    if 200 <= status <= 206:
        return
    if status in _BUSY:
        raise HubBusy(f"the hub answered {status}", retry_after_ms=_retry_after_ms(headers))
    if status in _REFUSED and headers.get("content-type", "").startswith(PROBLEM):
        raise _refusal(status, body)
    raise Offline(f"the hub answered {status}")


def _refusal(status: int, body: bytes) -> HubRefused:
    words = f"the hub answered {status}: {_words(body)}"
    try:
        problem = codec.from_json(Problem, body)
        if problem.code == "gap":
            return HubBehind(words, expected_seq=problem.expected_seq)
        evidence = bytes.fromhex(problem.takeover), bytes.fromhex(problem.takeover_signature)
    except (RemoteWireError, ValueError):
        return HubRefused(words)
    if problem.code != "superseded":
        return HubRefused(words)
    return Superseded(words, takeover=evidence[0], signature=evidence[1])
