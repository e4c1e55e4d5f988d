"""What a step of the tour is: a claim about the product, checked from outside."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.lab.floor import Floor

Detail = dict[str, object]


class NotSo(Exception):
    """The product did something else than claimed; `detail` says what was seen."""

    def __init__(self, why: str, detail: Detail) -> None:
        super().__init__(why)
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step by its stable name. `needs`: steps that must have run before it."""

    name: str
    run: "Callable[[Floor], Awaitable[Detail]]"
    needs: tuple[str, ...] = ("enrolled", "bootstrapped")


def claim(holds: bool, why: str, **seen: object) -> None:
    """Go on if it holds.

    Raises:
        NotSo: it does not; `seen` goes into the step's detail.
    """
    if not holds:
        raise NotSo(why, dict(seen))
