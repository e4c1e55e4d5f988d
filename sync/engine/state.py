"""Whether HQ is there, told from what the last attempts gave. There is no switch.

Online means: the last attempt in each direction ended in an answer that we could verify, or in the
hub's own word to come later. `since_boot_ms` is when that last changed.
"""

from dataclasses import dataclass, replace
from typing import Literal

from sync.wire.errors import HubBusy, LinkError, RemoteWireError

Way = Literal["push", "pull"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkState:
    """For the status bar. Errors are the stable codes of `sync.wire.errors`, or None.

    unsent: events found in the outbox when it was last read, at most one batch of 1,000.
    """

    online: bool
    since_boot_ms: int
    last_contact_boot_ms: int | None = None
    unsent: int = 0
    push_error: str | None = None
    pull_error: str | None = None


class Presence:
    """Keeps the state of one node's line."""

    def __init__(self, *, now_boot_ms: int) -> None:
        """Offline until the first verified answer."""
        self.state = LinkState(online=False, since_boot_ms=now_boot_ms)
        self._down: dict[Way, bool] = {"push": False, "pull": False}

    def contact(self, way: Way, *, now_boot_ms: int) -> None:
        """A verified answer came."""
        self._down[way] = False
        self._set(way, None, now_boot_ms)
        self.state = replace(self.state, last_contact_boot_ms=now_boot_ms)

    def lost(self, way: Way, error: LinkError | RemoteWireError, *, now_boot_ms: int) -> None:
        """An attempt failed."""
        self._down[way] = not isinstance(error, HubBusy)
        self._set(way, error.code, now_boot_ms)

    def unsent(self, count: int) -> None:
        """The outbox was read."""
        self.state = replace(self.state, unsent=count)

    def _set(self, way: Way, error: str | None, now_boot_ms: int) -> None:
        state = (
            replace(self.state, push_error=error)
            if way == "push"
            else replace(self.state, pull_error=error)
        )
        heard = error is None or state.last_contact_boot_ms is not None
        online = heard and not any(self._down.values())
        if online != state.online:
            state = replace(state, online=online, since_boot_ms=now_boot_ms)
        self.state = state
