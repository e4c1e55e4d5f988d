"""How often an address may be wrong about a pairing code."""

import threading

from sync.hub.problems import Problem

WRONG_A_MINUTE = 5
WINDOW_MS = 60_000
MAX_ADDRESSES = 10_000


class Limiter:
    """Counts wrong tries an address; asking again while waiting for HQ is not one.

    When more addresses are wrong than are kept, the oldest is forgotten.
    """

    def __init__(self) -> None:
        self._wrong: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def check(self, address: str, now_ms: int) -> None:
        """Raise 429 while an address was wrong too often in the last minute."""
        with self._lock:
            since_ms, count = self._wrong.get(address, (now_ms, 0))
            left_ms = since_ms + WINDOW_MS - now_ms
            if count >= WRONG_A_MINUTE and 0 < left_ms <= WINDOW_MS:
                raise Problem(
                    status=429,
                    code="too_often",
                    detail="Too many wrong pairing codes from here; wait a minute.",
                    extra={"retry_after_s": -(-left_ms // 1000)},
                )

    def count(self, address: str, now_ms: int) -> None:
        """One more wrong try."""
        with self._lock:
            since_ms, count = self._wrong.pop(address, (now_ms, 0))
            if not 0 <= now_ms - since_ms < WINDOW_MS:
                since_ms, count = now_ms, 0
            self._wrong[address] = (since_ms, count + 1)
            while len(self._wrong) > MAX_ADDRESSES:
                del self._wrong[next(iter(self._wrong))]
