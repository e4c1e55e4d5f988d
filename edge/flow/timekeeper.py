"""The node's one reading of time: trusted time from hub-signed answers, kept durable.

The floor in `counters` rises with every act; the anchor is written when the hub was heard, at most
once a minute of hub time, since it only matters after a restart within the same boot.
"""

from drivers.ports.clock import Clock
from edge.domain.trusted_time import Anchor, TrustedTime
from edge.store.row import integer, text
from edge.store.tx import Moment, Tx
from edge.store.writer import Writer

_ANCHOR_EVERY_MS = 60_000


def load(tx: Tx, *, clock: Clock) -> TrustedTime:
    """What this ledger knows of time, for the running boot."""
    counters = tx.one("counters")
    assert counters is not None
    anchor_row = tx.one("time_anchor")
    boot_id = clock.boot_id()
    anchor = None
    if anchor_row is not None and anchor_row[2] == boot_id:
        anchor = Anchor(
            hub_ms=integer(anchor_row[0]),
            boot_ms=integer(anchor_row[1]),
            boot_id=text(anchor_row[2]),
        )
    return TrustedTime(
        floor_ms=integer(counters[4]),
        started_boot_ms=clock.boot_ms(),
        boot_id=boot_id,
        anchor=anchor,
    )


class Timekeeper:
    """Answers "when is now" for every act."""

    def __init__(self, clock: Clock, known: TrustedTime) -> None:
        self._clock = clock
        self._known = known
        self._kept_hub_ms = known.anchor.hub_ms if known.anchor else 0
        self.heard_boot_ms: int | None = known.anchor.boot_ms if known.anchor else None

    def moment(self) -> Moment:
        """Trusted time now, the boot reading beside it, and how sure it is."""
        boot_ms = self._clock.boot_ms()
        return Moment(
            trusted_ms=self._known.now_ms(boot_ms),
            boot_ms=boot_ms,
            clock=self._known.state(boot_ms),
        )

    async def heard(
        self, writer: Writer, hub_ms: int, *, asked_boot_ms: int, answered_boot_ms: int
    ) -> None:
        """Take a verified hub-signed time over and keep it."""
        self._known = self._known.heard(
            hub_ms, asked_boot_ms=asked_boot_ms, answered_boot_ms=answered_boot_ms
        )
        self.heard_boot_ms = answered_boot_ms
        anchor = self._known.anchor
        if anchor is None or 0 <= anchor.hub_ms - self._kept_hub_ms < _ANCHOR_EVERY_MS:
            return
        self._kept_hub_ms = anchor.hub_ms

        def keep(tx: Tx) -> None:
            tx.run("time_anchor_write", anchor.hub_ms, anchor.boot_ms, anchor.boot_id)
            tx.run("time_floor_raise", anchor.hub_ms)

        await writer.do(keep, self.moment())

    def heard_ago_s(self) -> int | None:
        """Seconds since the hub was last heard in this boot, or None."""
        if self.heard_boot_ms is None:
            return None
        return max(0, self._clock.boot_ms() - self.heard_boot_ms) // 1000
