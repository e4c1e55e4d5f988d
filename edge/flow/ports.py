"""What the shop's acts need from above: time, screens, and somebody to wake."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from drivers.ports.clock import Clock
from drivers.ports.document import Document

__all__ = ["AskHq", "Clock", "Draw", "Screens", "Wake"]


class Screens(Protocol):
    """The pages that are open."""

    def publish(self, station: str | None, event: str, value: object) -> None:
        """Show `value` on a station's screens, on all for None; from the loop, never waits."""
        ...


Wake = Callable[[], None]
"""Something new is durable: look for it. Never waits; calling twice is the same as once."""

AskHq = Callable[[str, bytes], Awaitable[bytes]]
"""POST a JSON body to HQ at a path; the body of its answer.

Raises:
    LinkError: HQ was not reached, or said no.
"""

Draw = Callable[[Document], bytes]
"""A document as the PNG that the paper would show."""
