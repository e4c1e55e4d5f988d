"""Routes of the person at the counter: who may, who does, and training."""

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from edge.flow import operator, training
from edge.flow.answers import OperatorAnswer, SlipView, StaffView, StatusView
from edge.flow.shop import Shop
from edge.web import problems
from edge.web.told import Who, told


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInBody:
    """A person and their PIN."""

    staff_id: str
    pin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingBody:
    """Training mode of this station, on or off."""

    on: bool


def routes(shop: Shop) -> APIRouter:
    """The routes over `shop`."""
    router = APIRouter(tags=["people"])

    @router.get("/staff", response_model=list[StaffView])
    async def staff(who: Who) -> Response:
        """Who works in this store."""
        return told(await operator.staff(shop, who.station))

    @router.get("/operator", response_model=OperatorAnswer)
    async def current(who: Who) -> Response:
        """Who operates this station now."""
        return told(await operator.current(shop, who.station))

    @router.post("/operator", response_model=OperatorAnswer)
    async def sign_in(who: Who, body: SignInBody) -> Response:
        """Operate this station."""
        return told(await operator.sign_in(shop, who, body.staff_id, body.pin))

    @router.delete("/operator", response_model=OperatorAnswer)
    async def sign_out(who: Who) -> Response:
        """Leave this station."""
        return told(await operator.sign_out(shop, who))

    @router.post("/training", response_model=StatusView)
    async def switch(who: Who, body: TrainingBody) -> Response:
        """Switch training on or off: own ledger, never real goods."""
        return told(await training.switch(shop, who, body.on))

    @router.post("/training/sheet", response_model=SlipView)
    async def print_sheet(who: Who) -> Response:
        """Print the practice sheet on the station's printer."""
        return told(await training.print_sheet(shop, who))

    @router.get("/training/sheet.{form}", include_in_schema=False)
    async def sheet(_who: Who, form: Literal["png"]) -> Response:
        """The practice sheet as a picture, for a screen or any printer."""
        picture = training.sheet_png(shop)
        if picture is None:
            return problems.response("not_found")
        return Response(picture, media_type=f"image/{form}")

    return router
