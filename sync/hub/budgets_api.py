"""Budgets of the provisional path over HQ's API."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from sync.hub import budgets
from sync.hub.admin_api import TheHub, admin_only
from sync.hub.begin_again import AgainRoute
from sync.hub.budgets import NewBudget
from sync.hub.stores import Json

router = APIRouter(
    prefix="/v1", dependencies=[Depends(admin_only)], route_class=AgainRoute, tags=["budgets"]
)


@router.post("/budgets", status_code=201)
def grant_budget(hub: TheHub, new: NewBudget) -> Json:
    """Let a store's box hand over this much of other stores' orders while it cannot ask."""
    return budgets.grant(hub, new, by="hq")


@router.get("/budgets")
def list_budgets(hub: TheHub, store: Annotated[int | None, Query()] = None) -> Json:
    """What was granted, spent, settled and lost."""
    return budgets.listed(hub, store)


@router.post("/budgets/{budget_id}/end")
def end_budget(hub: TheHub, budget_id: str) -> Json:
    """Nothing more is to be spent of it."""
    return budgets.end(hub, budget_id)
