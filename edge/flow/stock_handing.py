"""What a hand-over and its undoing do to stock: the order's right pays, in the same unit."""

from collections.abc import Sequence

from edge.domain.facts import Order, UnitKey
from edge.flow.shop import Shop
from edge.store import stock
from edge.store.tx import Tx


def _pieces(shop: Shop, order: Order, units: Sequence[UnitKey]) -> dict[str, int]:
    skus = {line.line: line.sku for line in order.lines}
    counted: dict[str, int] = {}
    for line, _ in units:
        sku = skus.get(line)
        if sku in shop.stock_managed:
            counted[sku] = counted.get(sku, 0) + 1
    return counted


def took(shop: Shop, tx: Tx, order: Order, units: Sequence[UnitKey], handover: int) -> None:
    """These units of an order left the store."""
    for sku, quantity in _pieces(shop, order, units).items():
        stock.order_took(tx, sku, quantity, handover)


def gave_back(shop: Shop, tx: Tx, order: Order, units: Sequence[UnitKey], handover: int) -> None:
    """A hand-over was taken back; its pieces are here."""
    for sku, quantity in _pieces(shop, order, units).items():
        stock.order_gave_back(tx, sku, quantity, handover)
