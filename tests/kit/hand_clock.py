"""A clock that a test moves by hand."""

import asyncio

from drivers.ports.clock import Clock

NOON_MS = 1_790_000_000_000


class HandClock:
    """Stands still until `advance`; `reboot` begins another boot with any wall time."""

    def __init__(self, *, wall_ms: int = NOON_MS, boot_ms: int = 1_000_000) -> None:
        self._wall_ms = wall_ms
        self._boot_ms = boot_ms
        self._boots = 1

    def wall_ms(self) -> int:
        return self._wall_ms

    def boot_ms(self) -> int:
        return self._boot_ms

    def boot_id(self) -> str:
        return f"boot-{self._boots}"

    async def until(self, boot_deadline_ms: int) -> None:
        while self._boot_ms < boot_deadline_ms:  # noqa: ASYNC110 - a test moves it
            await asyncio.sleep(0)

    def advance(self, by_ms: int) -> None:
        assert by_ms >= 0
        self._wall_ms += by_ms
        self._boot_ms += by_ms

    def jump_wall(self, to_ms: int) -> None:
        """Somebody set the wall clock; boot time does not notice."""
        self._wall_ms = to_ms

    def reboot(self, *, wall_ms: int) -> None:
        self._boots += 1
        self._boot_ms = 5_000
        self._wall_ms = wall_ms


_: type[Clock] = HandClock
