"""What every virtual device offers to the server that runs it.

A virtual device owns the far end of a wire and lives longer than the node: the node's restart finds
it as it was. Its codec is its own, never the driver's, so that one can be wrong without the other.
"""

from collections.abc import Mapping
from typing import Protocol


class NoSuchAction(ValueError):
    """A device has no such action; the message lists those that it has."""

    def __init__(self, action: str, actions: tuple[str, ...]) -> None:
        super().__init__(f"no such action {action!r}: there are {', '.join(actions)}")


class VirtualDevice(Protocol):
    """One device with a menu of things that can be done to it."""

    @property
    def actions(self) -> tuple[str, ...]:
        """Names that `do` takes."""
        ...

    async def start(self) -> object:
        """Come into being, plugged in; `address` is good from here on."""
        ...

    async def stop(self) -> None:
        """Vanish and leave nothing behind; never raises."""
        ...

    def address(self) -> str:
        """The real address that a driver opens; may change after an action."""
        ...

    async def do(self, action: str, args: Mapping[str, str]) -> Mapping[str, object]:
        """Do one thing and answer JSON-ready facts about it.

        Raises:
            NoSuchAction: as it says; a ValueError too.
            ValueError: a bad argument, or impossible now; the text says which.
        """
        ...
