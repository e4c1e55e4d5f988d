"""The route of a code that is another store's: `POST /api/v1/transfers`."""

from fastapi import APIRouter
from starlette.responses import Response

from edge.flow import transfers
from edge.flow.shop import Shop
from edge.flow.transfers import TransferAsk, TransferView
from edge.web.told import Who, told


def routes(shop: Shop) -> APIRouter:
    """The route over `shop`."""
    router = APIRouter(tags=["hand-over"])

    @router.post("/transfers", response_model=TransferView)
    async def ask_for_order(who: Who, body: TransferAsk) -> Response:
        """Ask HQ for the order of a code that was scanned here; again, to see how far it came."""
        return told(await transfers.transfer(shop, who, body))

    return router
