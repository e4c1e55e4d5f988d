"""What the shop's acts need from above: time, screens, and somebody to wake."""

from collections.abc import Callable
from typing import Protocol

from drivers.ports.clock import Clock
from drivers.ports.document import Document

__all__ = ["Clock", "Draw", "Screens", "Wake"]


class Screens(Protocol):
    """The pages that are open."""

    def publish(self, station: str | None, event: str, value: object) -> None:
        """Show `value` on a station's screens, on all for None; from the loop, never waits."""
        ...


Wake = Callable[[], None]
"""Something new is durable: look for it. Never waits; calling twice is the same as once."""

Draw = Callable[[Document], bytes]
"""A document as the PNG that the paper would show."""
