"""The route of what is risked: `POST /api/v1/provisional`."""

from fastapi import APIRouter
from starlette.responses import Response

from edge.flow import provisional
from edge.flow.answers import ScanAnswer
from edge.flow.provisional import ProvisionalAsk
from edge.flow.shop import Shop
from edge.web.told import Who, told


def routes(shop: Shop) -> APIRouter:
    """The route over `shop`."""
    router = APIRouter(tags=["hand-over"])

    @router.post("/provisional", response_model=ScanAnswer)
    async def give_provisionally(who: Who, body: ProvisionalAsk) -> Response:
        """Hand another store's order over on HQ's budget, with the operator's PIN."""
        return told(await provisional.give_provisionally(shop, who, body))

    return router
