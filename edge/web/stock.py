"""Routes of stock: look, count, record, set aside."""

from fastapi import APIRouter
from starlette.responses import Response

from edge.flow import stock as stocks
from edge.flow.shop import Shop
from edge.flow.stock_answers import StockAct, StockView
from edge.web import problems
from edge.web.told import Who, told


def routes(shop: Shop) -> APIRouter:
    """The routes over `shop`."""
    router = APIRouter(tags=["stock"])

    @router.get("/stock/{sku}", response_model=StockView)
    async def stock(_who: Who, sku: str) -> Response:
        """What this store has of an article, who may promise it, and how scarce it is."""
        found = await stocks.stock(shop, sku)
        return problems.response("not_found") if found is None else told(found)

    @router.post("/stock/{sku}/count", response_model=StockAct)
    async def count(who: Who, sku: str, body: stocks.CountAsk) -> Response:
        """Take a count over; always accepted, one delta for each base."""
        return told(await stocks.count(shop, who, sku, body))

    @router.post("/stock/{sku}/receive", response_model=StockAct)
    async def receive(who: Who, sku: str, body: stocks.RecordAsk) -> Response:
        """Pieces came (`receipt`), went, or were set apart, by `kind`."""
        return told(await stocks.record(shop, who, sku, body))

    @router.post("/locks", response_model=StockAct)
    async def set_aside(who: Who, body: stocks.LockAsk) -> Response:
        """Set pieces aside out of the counter's rights, with a deadline."""
        if body.station is not None and body.station != who.station:
            return problems.response("wrong_station")
        return told(await stocks.set_aside(shop, who, body))

    @router.post("/locks/{lock}/release", response_model=StockAct)
    async def release_lock(who: Who, lock: int) -> Response:
        """Put what was set aside back."""
        return told(await stocks.end_lock(shop, who, lock, "released"))

    @router.post("/locks/{lock}/take", response_model=StockAct)
    async def take(who: Who, lock: int) -> Response:
        """What was set aside is sold."""
        return told(await stocks.end_lock(shop, who, lock, "taken"))

    return router
