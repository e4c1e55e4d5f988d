"""What each figure may be at most or must be at least: the budgets of this program.

`docs/bench.md` has the same table for people; a test compares the two. A limit is for the ratio to
a floor measured in the same run, or for the value itself where no floor says anything. With an
injected fsync delay of `SLOW_FROM_MS` or more the second limit holds: on a slow disk the disk
rules, so that more can be asked of ratios and nothing of CPU figures.
"""

from dataclasses import dataclass
from typing import Literal

Better = Literal["higher", "lower"]
Of = Literal["ratio", "value"]

SLOW_FROM_MS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A limit. limit, slow: on this disk, and with a slow one; None: no limit there."""

    row: str
    unit: str
    of: Of
    better: Better
    limit: float | None
    slow: float | None
    note: str = ""

    def at(self, fsync_delay_ms: int) -> float | None:
        """The limit that holds with this delay."""
        return self.slow if fsync_delay_ms >= SLOW_FROM_MS else self.limit


SCAN_FSYNCS = 4.0
SCAN_EXTRA_MS = 20.0

TABLE: tuple[Budget, ...] = (
    Budget(row="redeem", unit="1/s", of="ratio", better="higher", limit=0.2, slow=0.8),
    Budget(row="redeem-cpu", unit="ms", of="value", better="lower", limit=0.6, slow=None),
    Budget(row="redeem-wal", unit="KiB", of="value", better="lower", limit=64, slow=64),
    Budget(row="redeem32", unit="1/s", of="ratio", better="higher", limit=1.3, slow=8),
    Budget(row="redeem-http", unit="1/s", of="ratio", better="higher", limit=0.4, slow=0.4),
    Budget(row="redeem-http-rate", unit="1/s", of="value", better="higher", limit=1000, slow=None),
    Budget(
        row="scan",
        unit="ms",
        of="value",
        better="lower",
        limit=None,
        slow=None,
        note="4 x fdatasync p99 + 20 ms",
    ),
    Budget(row="lookup", unit="us", of="ratio", better="lower", limit=3, slow=3),
    Budget(row="startup", unit="s", of="ratio", better="lower", limit=2, slow=2),
    Budget(row="memory", unit="MB", of="value", better="lower", limit=110, slow=110),
    Budget(row="memory-devices", unit="MB", of="value", better="lower", limit=200, slow=200),
    Budget(row="memory-flat", unit="%", of="value", better="lower", limit=5, slow=5),
    Budget(row="sync", unit="s", of="value", better="lower", limit=10, slow=10),
    Budget(row="sync-scan", unit="ms", of="ratio", better="lower", limit=2, slow=2),
    Budget(row="snapshot", unit="MB", of="value", better="lower", limit=8, slow=8),
    Budget(row="snapshot-apply", unit="s", of="ratio", better="lower", limit=3, slow=3),
    Budget(row="hub-polls", unit="1/s", of="value", better="higher", limit=1000, slow=1000),
    Budget(row="hub-batch", unit="ms", of="ratio", better="lower", limit=3, slow=3),
    Budget(row="hub-events", unit="1/s", of="value", better="higher", limit=10_000, slow=None),
    Budget(row="fleet-doorbell", unit="s", of="value", better="lower", limit=1, slow=1),
    Budget(row="fleet-poll", unit="ms", of="value", better="lower", limit=1, slow=1),
    Budget(row="fleet-events", unit="1/s", of="value", better="higher", limit=10_000, slow=None),
    Budget(row="fleet-memory", unit="MB", of="value", better="lower", limit=None, slow=None),
    Budget(row="pricefeed", unit="B", of="value", better="lower", limit=12, slow=12),
    Budget(row="pricefeed-applied", unit="s", of="value", better="lower", limit=2, slow=2),
)
BUDGETS = {budget.row: budget for budget in TABLE}
