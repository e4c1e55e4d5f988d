"""HQ's own look at the daily reconciliations."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from sync.hub import reconcile
from sync.hub.admin_api import TheHub, admin_only
from sync.hub.begin_again import AgainRoute
from sync.hub.stores import Json

router = APIRouter(prefix="/v1", dependencies=[Depends(admin_only)], route_class=AgainRoute)


@router.get("/reconcile")
def list_reports(hub: TheHub, store: Annotated[int, Query()]) -> Json:
    """A store's daily reports with what differed, newest day first."""
    return {"reports": reconcile.reports(hub, store)}
