"""What this box can say of an article's stock today: what open orders hold, and no more.

On-hand counts and rights come with the chain's stock ledgers; until then they are unknown and said
to be.
"""

from dataclasses import dataclass

from edge.flow.shop import Shop
from edge.store.row import integer, text
from edge.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class StockView:
    """An article here. on_hand: None while nobody counted."""

    sku: str
    name_zh: str
    name_en: str
    ordered_units: int
    orders: int
    on_hand: int | None = None


async def stock(shop: Shop, sku: str) -> StockView | None:
    """The article, or None when HQ never sent it."""
    enrolled = shop.identity.enrolled
    store = 0 if enrolled is None else enrolled.certificate.store

    def read(tx: Tx) -> StockView | None:
        row = tx.one("product", sku)
        held = tx.one("open_units_of_sku", sku, store)
        if row is None or held is None:
            return None
        return StockView(
            sku=text(row[0]),
            name_zh=text(row[2]),
            name_en=text(row[3]),
            ordered_units=integer(held[0]),
            orders=integer(held[1]),
        )

    return await shop.writer.do(read, shop.moment())
