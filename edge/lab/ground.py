"""What all stores of a demo stand on: one folder, one clock, one headquarters, one nursery."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from drivers.sim.clock import advance, parse_duration_ms
from edge.lab.children import Nursery
from edge.lab.headquarters import Headquarters
from edge.lab.hq_views import Order

START_WITHIN_S = 20.0
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What headquarters must hold of an order in the end: units out, and how often it was told."""

    order_no: str
    units: int
    handed: int
    undone: int = 0


class Ground:
    """Shared by headquarters and every store. `expected` is all that the tour handed over."""

    def __init__(self, directory: Path, hub_port: int, nursery: Nursery) -> None:
        self.directory = directory
        self.hub_port = hub_port
        self.nursery = nursery
        self.headquarters: Headquarters | None = None
        self.expected: dict[str, Expected] = {}

    @property
    def clock_file(self) -> Path:
        """Milliseconds added to every clock."""
        return self.directory / "clock-offset-ms"

    @property
    def hub_ca(self) -> Path:
        """The authority that signed headquarters' certificate."""
        return self.directory / "tls" / "ca.pem"

    @property
    def hq(self) -> Headquarters:
        """Headquarters, as somebody there uses it."""
        assert self.headquarters is not None
        return self.headquarters

    def expect(self, order: Order, *, units: int, handed: int = 1, undone: int = 0) -> None:
        """Note what headquarters must hold of this order when all is synced."""
        self.expected[order.order_no] = Expected(
            order_no=order.order_no, units=units, handed=handed, undone=undone
        )

    def advance(self, duration: str) -> None:
        """Move everybody's clock ahead."""
        advance(self.clock_file, parse_duration_ms(duration))

    async def until(
        self, holds: Callable[[], Awaitable[bool]], what: str, *, within_s: float = START_WITHIN_S
    ) -> None:
        """Look until it holds.

        Raises:
            TimeoutError: it did not; ChildDied: a child ended meanwhile.
        """
        deadline_s = time.monotonic() + within_s
        while not await holds():
            if self.nursery.died.done():
                self.nursery.died.result()
            if time.monotonic() >= deadline_s:
                raise TimeoutError(f"not within {within_s:.0f} s: {what}")
            await asyncio.sleep(_LOOK_S)  # of other processes one can only look again


def order_body(store: int, lines: tuple[tuple[str, int], ...], **more: object) -> dict[str, object]:
    """An order as headquarters' API takes it."""
    return {
        "store": store,
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
        "customer": {"name": "张三丰", "phone": "13800138000"},
        "hours": 24 * 30,
        "place": "A1",
        **more,
    }
