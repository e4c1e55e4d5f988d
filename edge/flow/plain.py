"""Scans that are no pickup code: they are named, nothing is decided, nothing is lost."""

from dataclasses import replace
from typing import Literal

from edge.domain.parse import Product
from edge.flow.answers import Basis, ScanAnswer
from edge.flow.caller import Caller
from edge.flow.shop import Shop
from edge.flow.view import next_of, said
from edge.store.row import maybe_text, text
from edge.store.tx import Moment, Tx


def not_pickup(
    shop: Shop,
    caller: Caller,
    kind: Literal["lines", "product", "member", "staff", "unreadable", "paper"],
    why: str,
) -> ScanAnswer:
    """Say what the scan is, and what to do instead."""
    moment: Moment = shop.moment()
    return ScanAnswer(
        id="",
        kind=kind,
        verdict=None,
        reason=said(why),
        next_step=next_of(why),
        basis=Basis(source="replica", age_s=shop.time.heard_ago_s(), clock=moment.clock),
        station=caller.station,
        at_ms=moment.trusted_ms,
        training=shop.training,
    )


async def product_answer(shop: Shop, caller: Caller, product: Product) -> ScanAnswer:
    """Name an article; selling it comes with the self-checkout."""
    answer = not_pickup(shop, caller, "product", "product")
    gtin = product.gtin
    if gtin is None:
        return answer

    def find(tx: Tx) -> tuple[str, str | None, str | None] | None:
        row = tx.one("product_by_gtin", gtin)
        return None if row is None else (text(row[0]), maybe_text(row[2]), maybe_text(row[3]))

    found = await shop.writer.do(find, shop.moment())
    if found is None:
        return answer
    return replace(answer, sku=found[0], name_zh=found[1], name_en=found[2])
