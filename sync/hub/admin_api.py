"""HQ's own API: JSON under `/v1` with a bearer token, problems as RFC 9457."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sync.hub import approvals, cases, enrolment, oauth, orders, ownership, stores, takeovers
from sync.hub.begin_again import AgainRoute
from sync.hub.identity import Hub, is_admin
from sync.hub.orders import NewOrder
from sync.hub.problems import Problem
from sync.hub.stores import Json, NewPerson, NewProduct, NewStore

_bearer = HTTPBearer(auto_error=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """How much longer."""

    hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MaybeHours:
    """How much longer, if at all."""

    hours: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForStore:
    """The store meant."""

    store: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Whether a box that the store has gives way, and which person has seen it unplugged."""

    replace: bool = False
    by: str = ""


def hub_of(request: Request) -> Hub:
    """The hub behind the application."""
    hub = request.app.state.hub
    assert isinstance(hub, Hub)
    return hub


TheHub = Annotated[Hub, Depends(hub_of)]


def admin_only(
    request: Request,
    hub: TheHub,
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> str | None:
    """Let an administrator through, or a client to the routes that its scopes open.

    Answers the client's id; None for an administrator.
    """
    if given is None:
        raise Problem(status=401, code="no_token", detail="Give a token as bearer.")
    if is_admin(hub.database, given.credentials):
        return None
    client = oauth.holder(hub, given.credentials)
    if client is None:
        raise Problem(status=401, code="no_token", detail="This token is not known, or over.")
    oauth.require(client, request.method, request.scope["route"].path)
    return client.client_id


Asker = Annotated[str | None, Depends(admin_only)]


router = APIRouter(prefix="/v1", dependencies=[Depends(admin_only)], route_class=AgainRoute)


@router.post("/stores", status_code=201)
def add_store(hub: TheHub, new: NewStore) -> Json:
    """Open a store."""
    return stores.add_store(hub, new)


@router.get("/stores")
def list_stores(hub: TheHub) -> Json:
    """Every store."""
    return {"stores": stores.list_stores(hub)}


@router.post("/products", status_code=201)
def put_product(hub: TheHub, new: NewProduct) -> Json:
    """Write an article down, or change it."""
    return stores.put_product(hub, new)


@router.post("/staff", status_code=201)
def put_person(hub: TheHub, new: NewPerson) -> Json:
    """Write a person down, or change them."""
    return stores.put_person(hub, new)


@router.post("/orders", status_code=201)
def create_order(hub: TheHub, new: NewOrder) -> Json:
    """Make an order; its codes stand in this answer only."""
    return orders.create(hub, new)


@router.get("/orders/{order_no}")
def show_order(hub: TheHub, order_no: str) -> Json:
    """An order with each unit's life."""
    return orders.show(hub, order_no)


@router.post("/orders/{order_no}/extend")
def extend_order(hub: TheHub, order_no: str, longer: Hours) -> Json:
    """Give the customer longer."""
    return orders.extend(hub, order_no, longer.hours)


@router.post("/orders/{order_no}/reissue")
def reissue_order(hub: TheHub, order_no: str, longer: MaybeHours | None = None) -> Json:
    """New codes; the old ones are void."""
    return orders.reissue(hub, order_no, hours=longer.hours if longer else None)


@router.post("/orders/{order_no}/cancel", status_code=202)
def cancel_order(hub: TheHub, order_no: str) -> Json:
    """Ask the store to stop; `cancel.state` tells when it did."""
    return ownership.cancel(hub, order_no)


@router.get("/events")
def list_events(hub: TheHub, order: Annotated[str, Query()]) -> Json:
    """What nodes told of an order."""
    return {"events": cases.list_events(hub, order)}


@router.get("/cases")
def list_cases(hub: TheHub, *, open_only: Annotated[bool, Query(alias="open")] = False) -> Json:
    """What a person must decide, or has decided."""
    return {"cases": cases.list_cases(hub, only_open=open_only)}


@router.get("/fleet")
def show_fleet(hub: TheHub) -> Json:
    """Every box and how far it is."""
    return enrolment.fleet(hub)


@router.post("/approvals", status_code=201)
def approve(hub: TheHub, new: approvals.NewApproval) -> Json:
    """Answer a store's challenge for a case; the digits are read back by voice."""
    return approvals.approve(hub, new)


@router.get("/approvals")
def list_approvals(hub: TheHub) -> Json:
    """Who approved what from here."""
    return {"approvals": approvals.list_approvals(hub)}


@router.post("/pairings", status_code=201)
def new_pairing(hub: TheHub, wanted: ForStore) -> Json:
    """A pairing code, to be printed and given to the store."""
    return enrolment.new_pairing(hub, wanted.store)


@router.post("/nodes/{fingerprint}/confirm")
def confirm_node(hub: TheHub, fingerprint: str, confirmation: Confirmation | None = None) -> Json:
    """The fingerprint on the box's screen is this one."""
    said = confirmation or Confirmation()
    return enrolment.confirm(hub, fingerprint, replace=said.replace, by=said.by)


@router.get("/takeovers")
def list_takeovers(hub: TheHub) -> Json:
    """Which boxes gave way to which, and who attested it."""
    return {"takeovers": takeovers.list_takeovers(hub)}
