"""Recalls over HQ's API."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from sync.hub import recalls
from sync.hub.admin_api import TheHub, admin_only
from sync.hub.begin_again import AgainRoute
from sync.hub.recalls import NewRecall
from sync.hub.stores import Json

router = APIRouter(
    prefix="/v1", dependencies=[Depends(admin_only)], route_class=AgainRoute, tags=["recalls"]
)


@router.post("/recalls", status_code=201)
def begin_recall(hub: TheHub, new: NewRecall) -> Json:
    """Stop an article, an order or a code in every store that it concerns."""
    return recalls.begin(hub, new, by="hq")


@router.get("/recalls")
def list_recalls(hub: TheHub, *, only_open: Annotated[bool, Query(alias="open")] = False) -> Json:
    """What is recalled, and how many stores stopped."""
    return {"recalls": recalls.listed(hub, only_open=only_open)}


@router.get("/recalls/{recall_id}")
def show_recall(hub: TheHub, recall_id: str) -> Json:
    """Which stores stopped when, which were not heard since, and who has it already."""
    return recalls.show(hub, recall_id)


@router.post("/recalls/{recall_id}/end")
def end_recall(hub: TheHub, recall_id: str) -> Json:
    """Let it be handed out again."""
    return recalls.end(hub, recall_id, by="hq")
