"""Trusted time: a floor that only hub-signed time and elapsed boot time can raise.

An anchor is a hub-signed time and the CLOCK_BOOTTIME beside it. Within the same boot, trusted time
is the anchor plus what elapsed. After a reboot the elapsed time is unknown: trusted time stands at
the persisted floor plus the time since this process first looked, which is late, never early. The
wall clock is never read here (attacks 27).

States: `synced` (anchor heard within an hour), `holdover` (same boot, older), `unsure`.
"""

from dataclasses import dataclass
from typing import Literal

SYNCED_FOR_MS = 3_600_000
MAX_STEP_MS = 20 * 366 * 86_400_000
"""A signed time further ahead than this is a broken hub, not the passing of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """`hub_ms` was true not before `boot_ms` of boot `boot_id`."""

    hub_ms: int
    boot_ms: int
    boot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedTime:
    """What is known about time. started_boot_ms: when this process first looked."""

    floor_ms: int
    started_boot_ms: int
    boot_id: str
    anchor: Anchor | None = None

    def now_ms(self, boot_ms: int) -> int:
        """Trusted time at a boot reading; 0 when nothing was ever heard."""
        if self.floor_ms == 0 and self.anchor is None:
            return 0
        waited = self.floor_ms + max(0, boot_ms - self.started_boot_ms)
        if self._is_anchored():
            assert self.anchor is not None
            elapsed = self.anchor.hub_ms + max(0, boot_ms - self.anchor.boot_ms)
            return max(self.floor_ms, elapsed)
        return waited

    def state(self, boot_ms: int) -> Literal["synced", "holdover", "unsure"]:
        """How sure `now_ms` is."""
        if not self._is_anchored():
            return "unsure"
        assert self.anchor is not None
        return "synced" if boot_ms - self.anchor.boot_ms <= SYNCED_FOR_MS else "holdover"

    def heard(self, hub_ms: int, *, asked_boot_ms: int, answered_boot_ms: int) -> "TrustedTime":
        """Trusted time after a hub-signed time, which was true between the two readings.

        It is taken as true at the later one: the result may be late by the round trip, never early.
        A time below the floor changes only how sure we are; one absurdly far ahead is not taken.
        """
        assert asked_boot_ms <= answered_boot_ms, "boot time never goes back within a boot"
        if self.floor_ms and hub_ms > self.floor_ms + MAX_STEP_MS:
            return self
        floor = max(self.now_ms(answered_boot_ms), hub_ms)
        anchor = Anchor(hub_ms=floor, boot_ms=answered_boot_ms, boot_id=self.boot_id)
        return TrustedTime(
            floor_ms=floor,
            started_boot_ms=self.started_boot_ms,
            boot_id=self.boot_id,
            anchor=anchor,
        )

    def _is_anchored(self) -> bool:
        return self.anchor is not None and self.anchor.boot_id == self.boot_id
