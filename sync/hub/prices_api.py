"""Prices over HQ's API."""

from fastapi import APIRouter, Depends

from sync.hub import prices
from sync.hub.admin_api import TheHub, admin_only
from sync.hub.begin_again import AgainRoute
from sync.hub.prices import NewPrices
from sync.hub.stores import Json

router = APIRouter(
    prefix="/v1", dependencies=[Depends(admin_only)], route_class=AgainRoute, tags=["prices"]
)


@router.post("/prices", status_code=201)
def put_prices(hub: TheHub, new: NewPrices) -> Json:
    """Say what articles cost from now on, or from an instant."""
    return prices.put(hub, new, by="hq")
