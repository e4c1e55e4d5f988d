"""A lease that only stops spending: how long a box may give orders after it last heard HQ.

None by default: a store hands out what is its own for as long as the line is down. A chain that
would rather move orders quickly sets `lease_hours`; past it the box asks for a person or for the
line. Nobody may infer from it that an order was not handed over: that takes the box's own word.
"""

from typing import Literal

from edge.flow.shop import Shop
from edge.store.row import text
from edge.store.tx import Tx
from sync.wire.codec import from_json
from sync.wire.errors import RemoteWireError

SETTING = "lease_hours"
_HOUR_MS = 3_600_000


def lease_ms(tx: Tx) -> int:
    """The store's lease as HQ set it; 0 for none, or for what cannot be read."""
    row = tx.one("setting_value", SETTING)
    if row is None:
        return 0
    try:
        hours = from_json(float, text(row[0]).encode())
    except RemoteWireError:
        return 0
    return max(0, int(hours * _HOUR_MS))


def lease_now(shop: Shop) -> Literal["none", "good", "over", "unsure"]:
    """Where the lease stands; counted on the boot clock, so that no wall clock prolongs it.

    unsure: HQ was not heard since this boot, so nobody knows how long the box was off.
    """
    if not shop.lease_ms:
        return "none"
    ago_s = shop.time.heard_ago_s()
    if ago_s is None:
        return "unsure"
    return "over" if ago_s * 1000 > shop.lease_ms else "good"
