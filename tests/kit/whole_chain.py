"""One hub, one store and its box, and the line between them: all product code but the sockets.

Time is one hand-moved truth for hub and box.
"""

import random
from pathlib import Path

from running_hub import Headquarters, open_headquarters
from store_box import StoreBox
from toy_node import STORE, open_store, stock_up

from edge.flow.settings import Settings

__all__ = ["Chain"]


class Chain(StoreBox):
    """One hub, one store, one box."""

    def __init__(self, folder: Path, seed: int, settings: Settings | None = None) -> None:
        headquarters: Headquarters = open_headquarters(folder)
        open_store(headquarters)
        stock_up(headquarters)
        dice = random.Random(seed)  # noqa: S311 - a seed decides
        super().__init__(
            headquarters,
            number=STORE,
            data=folder / "data",
            dice=dice,
            passes=self.advance,
            settings=settings,
        )
        self.enrol()

    def close(self) -> None:
        """End the hub."""
        self.headquarters.hub.database.close()

    def advance(self, by_ms: int) -> None:
        """Time passes for everybody."""
        self.clock.advance(by_ms)
        self.headquarters.clock.advance(by_ms)

    def power_off(self, for_ms: int, *, wall_ms: int) -> None:
        """The box, already stopped, begins another boot later, with any wall time."""
        self.headquarters.clock.advance(for_ms)
        self.clock.reboot(wall_ms=wall_ms)

    async def heal(self) -> None:
        """The line is good again and both sides run until nothing moves any more."""
        self.mend()
        for _ in range(4):
            await self.push()
            await self.pull()
            await self.house()
