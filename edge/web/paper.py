"""Routes of slips: what was printed, once more as a copy, and how it looks."""

from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from edge.flow import slips
from edge.flow.answers import SlipView
from edge.flow.shop import Shop
from edge.web import problems
from edge.web.told import Who, told

PREVIEW_PATH = "/api/v1/slips/{effect}.png"


def routes(shop: Shop) -> APIRouter:
    """The routes over `shop`."""
    router = APIRouter(tags=["slips"])

    @router.get("/slips", response_model=list[slips.SlipEntry])
    async def recent(who: Who) -> Response:
        """The station's slips, newest first."""
        return told(await slips.recent(shop, who.station))

    @router.post("/slips/{effect}/reprint", response_model=SlipView)
    async def reprint(who: Who, effect: int) -> Response:
        """Print a slip again, marked as a copy."""
        return told(await slips.reprint(shop, who, effect))

    @router.get("/slips/{effect}.{form}", include_in_schema=False)
    async def preview(_who: Who, effect: int, form: Literal["png"]) -> Response:
        """The slip as the printer draws it."""
        picture = await slips.preview(shop, effect)
        if picture is None:
            return problems.response("not_found")
        return Response(picture, media_type=f"image/{form}")

    return router
