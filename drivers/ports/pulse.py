"""A device whose driver has a thread or loop of its own shows that it still turns."""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Pulse(Protocol):
    """Optional: a driver without it is taken to live in the event loop."""

    def pulse_age_ms(self) -> int:
        """Real milliseconds since the driver's own loop last turned, idle turns included."""
        ...
