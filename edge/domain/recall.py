"""What HQ recalled, and which units of an order it holds back; pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from edge.domain.facts import Order, Standing, UnitKey
from edge.domain.pickup import open_units

FOR_EVER_MS = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalls:
    """Articles and orders that are not handed out, each with the trusted time of its end."""

    skus: Mapping[str, int]
    orders: Mapping[bytes, int]

    def stops(self, sku: str, now_ms: int) -> bool:
        """Whether this article is not to leave the shop."""
        return now_ms <= self.skus.get(sku, -1)


def held_back(
    order: Order, standing: Standing, recalls: Recalls, now_ms: int
) -> frozenset[UnitKey]:
    """The open units of an order that must be put aside; the others may be handed over."""
    whole = now_ms <= recalls.orders.get(order.order_id, -1)
    lines = {line.line for line in order.lines if whole or recalls.stops(line.sku, now_ms)}
    return frozenset(unit for unit in open_units(order, standing) if unit[0] in lines)
