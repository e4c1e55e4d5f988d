"""Recovery by HTTP: how far it is, and a named person's end of it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import Field

from sync.hub import rebuild, recovery, scopes
from sync.hub.admin_api import TheHub, admin_only
from sync.hub.begin_again import AgainRoute
from sync.hub.scopes import Region
from sync.hub.stores import Json

router = APIRouter(prefix="/v1", dependencies=[Depends(admin_only)], route_class=AgainRoute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Who decides it."""

    by: Annotated[str, Field(min_length=1, max_length=80)]


@dataclass(frozen=True, slots=True, kw_only=True)
class InRegion:
    """Where a store belongs; null for nowhere."""

    region: Region | None


@router.get("/recovery")
def status(hub: TheHub) -> Json:
    """Whether the hub recovers, and for which boxes it waits."""
    return recovery.status(hub)


@router.post("/recovery/begin")
def begin(hub: TheHub, decision: Decision) -> Json:
    """A new generation: the database may have lost what it had acknowledged."""
    return rebuild.begin(hub, decision.by)


@router.post("/recovery/finish")
def finish(hub: TheHub, decision: Decision) -> Json:
    """End it without the boxes that are missing."""
    return rebuild.finish(hub, decision.by)


@router.post("/stores/{number}/region")
def move_store(hub: TheHub, number: int, into: InRegion) -> Json:
    """Put a store into a region."""
    return scopes.move_store(hub, number, into.region)
