"""Time as a device port: three readings and one way to wait."""

from typing import Protocol


class Clock(Protocol):
    """Wall time, time since boot, and waiting for a deadline of ours.

    Readings are integer milliseconds. Nobody sleeps for one of our deadlines except through
    `until`, so that an advanced clock is noticed.
    """

    def wall_ms(self) -> int:
        """Milliseconds since the Unix epoch; may jump in both directions."""
        ...

    def boot_ms(self) -> int:
        """CLOCK_BOOTTIME in milliseconds: never goes back within a boot, counts suspend."""
        ...

    def boot_id(self) -> str:
        """Names this boot of the machine; another value means that `boot_ms` began anew."""
        ...

    async def until(self, boot_deadline_ms: int) -> None:
        """Return once `boot_ms() >= boot_deadline_ms`; looks again at least every 50 ms real."""
        ...
