"""The API for the chain's own systems: tokens, notices, webhooks, files; and who may use it."""

import base64
import binascii
from collections.abc import AsyncGenerator
from typing import Annotated
from urllib.parse import parse_qsl, unquote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse

from sync.hub import csv_files, notices, oauth, webhooks
from sync.hub.admin_api import Asker, TheHub, admin_only
from sync.hub.begin_again import AgainRoute
from sync.hub.oauth import NewClient
from sync.hub.problems import Problem, invalid
from sync.hub.stores import Json
from sync.hub.webhooks import NewWebhook

MAX_FORM_BYTES = 4_096
MAX_CSV_BYTES = 4 * 1024 * 1024

open_router = APIRouter(route_class=AgainRoute, tags=["outside"])
router = APIRouter(
    prefix="/v1", dependencies=[Depends(admin_only)], route_class=AgainRoute, tags=["outside"]
)


@open_router.post("/oauth/token")
async def token(request: Request, hub: TheHub) -> JSONResponse:
    """Client credentials (RFC 6749): a form in, a bearer token of an hour out."""
    body = await _bounded(request, MAX_FORM_BYTES)
    fields = dict(parse_qsl(body.decode("utf-8", "replace")))
    client_id, secret, scope = oauth.read_form(fields, _basic(request))
    return JSONResponse(
        oauth.grant(hub, client_id, secret, scope),
        headers={"cache-control": "no-store"},
    )


async def _bounded(request: Request, limit: int) -> bytes:
    body = bytearray()
    stream: AsyncGenerator[bytes, None] = request.stream()
    async for chunk in stream:
        body += chunk
        if len(body) > limit:
            raise Problem(status=413, code="too_large", detail=f"At most {limit} bytes.")
    return bytes(body)


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise oauth.oauth_error("invalid_client", "Not Basic credentials.", status=401) from error
    return unquote(client_id), unquote(secret)


@router.post("/clients", status_code=201)
def add_client(hub: TheHub, new: NewClient) -> Json:
    """Let one of the chain's systems in; the secret stands in this answer only."""
    return oauth.add_client(hub, new)


@router.get("/clients")
def list_clients(hub: TheHub) -> Json:
    """Which systems may ask."""
    return {"clients": oauth.list_clients(hub)}


@router.delete("/clients/{client_id}")
def revoke_client(hub: TheHub, client_id: str) -> Json:
    """Shut a system out at once."""
    return oauth.revoke_client(hub, client_id)


@router.get("/notices")
def read_notices(
    hub: TheHub,
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=notices.MAX_PAGE)] = 100,
    store: int | None = None,
) -> Json:
    """What happened to orders, from a number on."""
    return notices.read(hub, after=after, limit=limit, store=store)


@router.post("/webhooks", status_code=201)
def add_webhook(hub: TheHub, asker: Asker, new: NewWebhook) -> Json:
    """Send notices there from now on."""
    return webhooks.add(hub, new, client_id=asker)


@router.get("/webhooks")
def list_webhooks(hub: TheHub, asker: Asker) -> Json:
    """Where notices go, and how far each is."""
    return {"webhooks": webhooks.listed(hub, client_id=asker)}


@router.delete("/webhooks/{webhook_id}")
def end_webhook(hub: TheHub, asker: Asker, webhook_id: str) -> Json:
    """Send there no more."""
    return webhooks.end(hub, webhook_id, client_id=asker)


@router.post("/import/{kind}")
async def import_rows(request: Request, hub: TheHub, kind: str, *, dry_run: bool = True) -> Json:
    """Articles, people or orders from CSV; `dry_run=false` does what it else only says."""
    body = await _bounded(request, MAX_CSV_BYTES)
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise invalid("The file is not UTF-8.") from error
    return csv_files.take(hub, kind, text, dry_run=dry_run)


@router.get("/export/{kind}")
def export_rows(hub: TheHub, kind: str) -> PlainTextResponse:
    """Articles, people or orders as CSV."""
    return PlainTextResponse(csv_files.give(hub, kind), media_type="text/csv; charset=utf-8")
