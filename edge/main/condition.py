"""What this box tells HQ of itself: its release, how sure its time is, free space."""

import importlib.metadata
import shutil
from collections.abc import Callable
from pathlib import Path

from edge.flow.shop import Shop
from sync.wire.condition import Condition, condition_text

_LOOK_EVERY_MS = 60_000


def condition_of(shop: Shop, folder: Path) -> Callable[[], str]:
    """Answers the header's value; the disk is looked at once a minute."""
    version = importlib.metadata.version("storeedge")
    looked_ms: int | None = None
    free_bytes = 0

    def say() -> str:
        nonlocal looked_ms, free_bytes
        now_ms = shop.clock.boot_ms()
        if looked_ms is None or now_ms - looked_ms >= _LOOK_EVERY_MS:
            looked_ms = now_ms
            free_bytes = shutil.disk_usage(folder).free
        clock = shop.moment().clock
        return condition_text(Condition(version=version, clock=clock, disk_free_bytes=free_bytes))

    return say
