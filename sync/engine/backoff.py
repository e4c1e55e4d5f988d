"""How long to wait after a failure: full jitter, so that a thousand stores do not come at once.

Wait = uniform(0, min(cap, base * 2^failures)).
Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

import random

from sync.wire.errors import HubBusy, HubRefused, LinkError, RemoteWireError

BASE_MS = 500
CAP_MS = 60_000
REFUSED_MS = 60_000
SPREAD_MS = 1_000


class Backoff:
    """Counts failures in a row; attempts never run out."""

    def __init__(self, random_: random.Random) -> None:
        self._random = random_
        self._failures = 0

    def succeeded(self) -> None:
        """Begin anew."""
        self._failures = 0

    def wait_ms(self, error: LinkError | RemoteWireError) -> int:
        """Milliseconds until the next attempt."""
        ceiling_ms = min(CAP_MS, BASE_MS << min(self._failures, 16))
        self._failures += 1
        match error:
            case HubBusy(retry_after_ms=asked_ms):
                return min(max(asked_ms, 0), 10 * CAP_MS) + round(
                    self._random.uniform(0, SPREAD_MS)
                )
            case HubRefused():
                return REFUSED_MS + round(self._random.uniform(0, SPREAD_MS))
            case _:
                return round(self._random.uniform(0, ceiling_ms))
