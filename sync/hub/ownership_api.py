"""Moves and refunds over HQ's API."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from sync.hub import leases, ownership, transfers
from sync.hub.admin_api import TheHub, admin_only
from sync.hub.begin_again import AgainRoute
from sync.hub.leases import Lease
from sync.hub.refunds import NewRefund
from sync.hub.stores import Json
from sync.hub.transfers import NewTransfer

router = APIRouter(prefix="/v1", dependencies=[Depends(admin_only)], route_class=AgainRoute)


@router.post("/transfers", status_code=202)
def move_order(hub: TheHub, new: NewTransfer) -> Json:
    """Ask the holder to give an order up to another store; `state` tells how far it came."""
    return ownership.move(hub, new, by="hq")


@router.get("/transfers")
def list_transfers(
    hub: TheHub,
    order: Annotated[str | None, Query()] = None,
    *,
    only_open: Annotated[bool, Query(alias="open")] = False,
) -> Json:
    """Moves: what was asked against what stopped."""
    return {"transfers": transfers.list_transfers(hub, order_no=order, only_open=only_open)}


@router.put("/stores/{number}/lease")
def put_lease(hub: TheHub, number: int, lease: Lease) -> Json:
    """How long the store may give orders after it last heard HQ; 0 for no lease."""
    return leases.put_lease(hub, number, lease)


@router.post("/orders/{order_no}/codes")
def fresh_codes(hub: TheHub, order_no: str) -> Json:
    """The order's signed code, signed anew for the store and epoch that it is at."""
    return transfers.fresh_codes(hub, order_no)


@router.post("/orders/{order_no}/refunds", status_code=202)
def refund_order(hub: TheHub, order_no: str, wanted: NewRefund | None = None) -> Json:
    """Refund what its holder gave up; ask for the rest, which follows by itself."""
    return ownership.refund(hub, order_no, wanted or NewRefund())
