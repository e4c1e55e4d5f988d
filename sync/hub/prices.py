"""Prices: said by HQ for the chain or a store, from an instant on; stores learn them by the feed.

A store's own price goes before the chain's. What was said stands: a later word for the same article
and instant takes its place.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from sqlalchemy import delete, insert, select

from sync.hub.feed import CHAIN, append, store_scope
from sync.hub.identity import Hub
from sync.hub.problems import missing
from sync.hub.stores import Json, store_row
from sync.hub.tables import product
from sync.hub.tables_prices import price
from sync.wire.prices import MAX_MINOR, MAX_PRICES, prices_row


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPrices:
    """Minor units by SKU. store: None for the chain. effective_from_ms: None for now."""

    prices: Annotated[
        dict[str, Annotated[int, Field(ge=0, le=MAX_MINOR)]],
        Field(min_length=1, max_length=MAX_PRICES),
    ]
    store: int | None = None
    effective_from_ms: Annotated[int, Field(ge=0, lt=2**53)] | None = None


def put(hub: Hub, new: NewPrices, *, by: str) -> Json:
    """Write prices down.

    Raises:
        Problem: 404 for an article or a store there is not.
    """
    now_ms = hub.clock.now_ms()
    from_ms = now_ms if new.effective_from_ms is None else new.effective_from_ms
    skus = sorted(new.prices)
    with hub.database.writing() as connection:
        if new.store is not None:
            store_row(connection, new.store)
        found = select(product.c.sku).where(product.c.sku.in_(skus))
        unknown = set(skus) - set(connection.execute(found).scalars())
        if unknown:
            raise missing(f"product {min(unknown)}")
        where = 0 if new.store is None else new.store
        connection.execute(
            delete(price).where(
                price.c.sku.in_(skus), price.c.store == where, price.c.effective_from_ms == from_ms
            )
        )
        connection.execute(
            insert(price),
            [
                {
                    "sku": sku,
                    "store": where,
                    "effective_from_ms": from_ms,
                    "minor": new.prices[sku],
                    "put_ms": now_ms,
                    "put_by": by,
                }
                for sku in skus
            ],
        )
        row = prices_row(new.prices, effective_from_ms=from_ms, own=new.store is not None)
        append(connection, CHAIN if new.store is None else store_scope(new.store), [row])
    return {"store": new.store, "effective_from_ms": from_ms, "prices": len(skus)}
