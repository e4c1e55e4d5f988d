"""The customer's choice, documents and obligations over HQ's API."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query

from sync.hub import documents, obligations, picking
from sync.hub.admin_api import TheHub, admin_only
from sync.hub.begin_again import AgainRoute
from sync.hub.documents import NewDocument
from sync.hub.stores import Json
from sync.rules.order_life import OnShort


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the customer wants when an article is not there."""

    on_short: OnShort


router = APIRouter(prefix="/v1", dependencies=[Depends(admin_only)], route_class=AgainRoute)


@router.post("/orders/{order_no}/on-short")
def choose_on_short(hub: TheHub, order_no: str, choice: Choice) -> Json:
    """The customer changed their mind about what is not there."""
    return picking.change_choice(hub, order_no, choice.on_short)


@router.get("/obligations")
def list_obligations(hub: TheHub, order: Annotated[str | None, Query()] = None) -> Json:
    """What is owed back, each with an id that the shop that took the money pays once."""
    return {"obligations": obligations.listed(hub, order)}


@router.post("/documents", status_code=201)
def create_document(hub: TheHub, new: NewDocument) -> Json:
    """Draft a transfer or a purchase; with an order, the order moves too."""
    return documents.create(hub, new)


@router.get("/documents")
def list_documents(
    hub: TheHub,
    store: Annotated[int | None, Query()] = None,
    kind: Annotated[Literal["transfer", "purchase"] | None, Query()] = None,
    *,
    only_open: Annotated[bool, Query(alias="open")] = False,
) -> Json:
    """Transfers and purchases, the newest first."""
    return {"documents": documents.listed(hub, store=store, kind=kind, only_open=only_open)}


@router.get("/documents/{document}")
def show_document(hub: TheHub, document: str) -> Json:
    """One document with what was counted."""
    return documents.show(hub, document)
