"""Routes that move goods: hand-over, claims, undo, and `shown`."""

from dataclasses import dataclass
from typing import Literal

from fastapi import APIRouter
from starlette.responses import Response

from edge.flow import claim, shown, undo
from edge.flow import handover as handing
from edge.flow.answers import OperatorAnswer, Refusal, ScanAnswer, UndoAnswer
from edge.flow.shop import Shop
from edge.web.screens import ScreenHub
from edge.web.told import Who, nothing, told


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimBody:
    """An order to take over from another station; `take_over` says that it is meant."""

    order: str
    take_over: Literal[True]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseBody:
    """An order to put back: this station no longer serves it."""

    order: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBody:
    """The id of an answer that a screen has painted."""

    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """Told to the station's screens: the order is no longer served here."""

    order: str


def routes(shop: Shop, screens: ScreenHub) -> APIRouter:
    """The routes over `shop`."""
    router = APIRouter(tags=["hand-over"])

    @router.post("/handovers", response_model=ScanAnswer)
    async def hand_over(who: Who, body: handing.HandOverAsk) -> Response:
        """Confirm that goods were given; decided anew."""
        return told(await handing.hand_over(shop, who, body))

    @router.post("/claims", response_model=ScanAnswer)
    async def take_over(who: Who, body: ClaimBody) -> Response:
        """Serve an order here that another station is serving."""
        return told(await claim.take_over(shop, who, body.order))

    @router.post("/claims/release", response_model=OperatorAnswer)
    async def put_back(who: Who, body: ReleaseBody) -> Response:
        """Give a claim up; the goods stay."""
        answer = await claim.put_back(shop, who, body.order)
        if not isinstance(answer, Refusal):
            screens.publish(who.station, "put_back", PutBack(order=body.order))
        return told(answer)

    @router.post("/undo", response_model=UndoAnswer)
    async def take_back(who: Who, body: undo.UndoAsk) -> Response:
        """Take a hand-over back: within 30 s at its station, later with a reason."""
        return told(await undo.undo(shop, who, body))

    @router.post("/shown", status_code=204, response_class=Response)
    async def painted(who: Who, body: ShownBody) -> Response:
        """Say that a verdict was painted, so that a replay of it is not green."""
        await shown.shown(shop, who, body.answer)
        screens.painted(who.station, body.answer)
        return nothing()

    return router
