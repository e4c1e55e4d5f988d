"""Who asks: a station, through a route, perhaps under a key that makes the question repeatable."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A request. station: from its token. key: Idempotency-Key, at most 200 characters."""

    station: str
    key: str | None = None
    route: str = ""
