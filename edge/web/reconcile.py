"""Routes of the daily reconciliation: what was compared with HQ, and the same on paper."""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from edge.flow import reconcile
from edge.flow.answers import SlipView
from edge.flow.shop import Shop
from edge.web.told import Who, told


@dataclass(frozen=True, slots=True, kw_only=True)
class DayBody:
    """Which day's report, ISO 8601; None for the last one."""

    day: str | None = None


def routes(shop: Shop) -> APIRouter:
    """The routes over `shop`."""
    router = APIRouter(tags=["reconcile"])

    @router.get("/reconcile", response_model=reconcile.ReconcileView)
    async def reconciled(_who: Who) -> Response:
        """The last two weeks' reports with HQ's word on each, and what is due."""
        return told(await reconcile.view(shop))

    @router.post("/reports/reconcile/print", response_model=SlipView)
    async def print_reconciled(who: Who, body: DayBody | None = None) -> Response:
        """Print a day's report on this station's printer."""
        day = None if body is None else body.day
        return told(await reconcile.print_report(shop, who, day))

    return router
