"""The chain's own systems: OAuth 2.0 client credentials (RFC 6749 §4.4), with scopes.

A client trades its id and secret for a bearer token of an hour. Both are 32 random bytes, so a
plain hash keeps them; a revoked client's tokens are dead with it. Each route of HQ's API names the
scope that it needs (`SCOPE_OF`); a route that names none is for administrators alone.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from pydantic import Field
from sqlalchemy import delete, insert, select, update

from sync.hub.identity import Hub
from sync.hub.problems import Problem, invalid, missing
from sync.hub.stores import Json
from sync.hub.tables_outside import access_token, client, webhook

Scope = Literal[
    "orders:read", "orders:write", "codes:write", "stock:read", "stock:reserve", "events:read"
]
SCOPES: tuple[Scope, ...] = get_args(Scope)
TOKEN_MS = 3_600_000
_DOMAIN_SECRET = b"storeedge/client-secret/1\0"
_DOMAIN_TOKEN = b"storeedge/access-token/1\0"

SCOPE_OF: dict[tuple[str, str], Scope] = {
    ("POST", "/v1/orders"): "orders:write",
    ("GET", "/v1/orders/{order_no}"): "orders:read",
    ("POST", "/v1/orders/{order_no}/cancel"): "orders:write",
    ("POST", "/v1/orders/{order_no}/refunds"): "orders:write",
    ("POST", "/v1/orders/{order_no}/extend"): "codes:write",
    ("POST", "/v1/orders/{order_no}/reissue"): "codes:write",
    ("POST", "/v1/orders/{order_no}/codes"): "codes:write",
    ("GET", "/v1/stock"): "stock:read",
    ("GET", "/v1/tiers"): "stock:read",
    ("POST", "/v1/reservations"): "stock:reserve",
    ("GET", "/v1/reservations/{number}"): "stock:reserve",
    ("POST", "/v1/reservations/{number}/release"): "stock:reserve",
    ("POST", "/v1/reservations/{number}/confirm"): "stock:reserve",
    ("GET", "/v1/notices"): "events:read",
    ("GET", "/v1/webhooks"): "events:read",
    ("POST", "/v1/webhooks"): "events:read",
    ("DELETE", "/v1/webhooks/{webhook_id}"): "events:read",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClient:
    """A system that may ask, and for what."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """Who holds a token, and what it is good for."""

    client_id: str
    scopes: frozenset[str]


def oauth_error(code: str, detail: str, *, status: int = 400) -> Problem:
    """An error of the token endpoint, with the code that RFC 6749 §5.2 gives it."""
    return Problem(status=status, code=code, detail=detail, extra={"error": code})


def add_client(hub: Hub, new: NewClient) -> Json:
    """Let a system in; its secret stands in this answer only."""
    client_id = secrets.token_hex(8)
    secret = secrets.token_urlsafe(32)
    scopes = sorted(set(new.scopes))
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        connection.execute(
            insert(client).values(
                client_id=client_id,
                secret_hash=_hash(_DOMAIN_SECRET, secret),
                name=new.name,
                scopes=" ".join(scopes),
                created_ms=now_ms,
                revoked_ms=None,
            )
        )
    return {"client_id": client_id, "client_secret": secret, "name": new.name, "scopes": scopes}


def list_clients(hub: Hub) -> list[Json]:
    """Every system that was ever let in."""
    with hub.database.reading() as connection:
        rows = connection.execute(select(client).order_by(client.c.created_ms, client.c.client_id))
        return [
            {
                "client_id": row.client_id,
                "name": row.name,
                "scopes": row.scopes.split(),
                "created_ms": row.created_ms,
                "revoked_ms": row.revoked_ms,
            }
            for row in rows
        ]


def revoke_client(hub: Hub, client_id: str) -> Json:
    """Shut a system out, its tokens and webhooks too."""
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        known = connection.execute(select(client).where(client.c.client_id == client_id)).first()
        if known is None:
            raise missing(f"client {client_id}")
        connection.execute(
            update(client)
            .where(client.c.client_id == client_id, client.c.revoked_ms.is_(None))
            .values(revoked_ms=now_ms)
        )
        connection.execute(delete(access_token).where(access_token.c.client_id == client_id))
        connection.execute(
            update(webhook)
            .where(webhook.c.client_id == client_id, webhook.c.ended_ms.is_(None))
            .values(ended_ms=now_ms)
        )
    return {"client_id": client_id, "revoked_ms": known.revoked_ms or now_ms}


def grant(hub: Hub, client_id: str, secret: str, wanted: str | None) -> Json:
    """A token for an hour, for the scopes that are wanted and allowed, or for all that are.

    Raises:
        Problem: 401 `invalid_client`; 400 `invalid_scope`.
    """
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        known = connection.execute(
            select(client).where(client.c.client_id == client_id, client.c.revoked_ms.is_(None))
        ).first()
        given = _hash(_DOMAIN_SECRET, secret)
        kept = b"" if known is None else known.secret_hash
        if not hmac.compare_digest(given, kept) or known is None:
            raise oauth_error("invalid_client", "No such client, or a wrong secret.", status=401)
        allowed = known.scopes.split()
        scopes = allowed if not wanted else wanted.split()
        if not set(scopes) <= set(allowed):
            raise oauth_error("invalid_scope", f"This client may have: {' '.join(allowed)}.")
        token = secrets.token_urlsafe(32)
        connection.execute(delete(access_token).where(access_token.c.expires_ms <= now_ms))
        connection.execute(
            insert(access_token).values(
                token_hash=_hash(_DOMAIN_TOKEN, token),
                client_id=client_id,
                scopes=" ".join(sorted(set(scopes))),
                expires_ms=now_ms + TOKEN_MS,
            )
        )
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": TOKEN_MS // 1000,
        "scope": " ".join(sorted(set(scopes))),
    }


def holder(hub: Hub, token: str) -> Client | None:
    """Whose token this is, while it lives."""
    with hub.database.reading() as connection:
        row = connection.execute(
            select(access_token).where(access_token.c.token_hash == _hash(_DOMAIN_TOKEN, token))
        ).first()
    if row is None or row.expires_ms <= hub.clock.now_ms():
        return None
    return Client(client_id=row.client_id, scopes=frozenset(row.scopes.split()))


def require(asker: Client, method: str, path: str) -> None:
    """Let a client through to a route that one of its scopes opens.

    Raises:
        Problem: 403 `insufficient_scope`, naming the scope that is missing.
    """
    needed = SCOPE_OF.get((method, path))
    if needed is None:
        raise Problem(
            status=403, code="insufficient_scope", detail="This is for administrators alone."
        )
    if needed not in asker.scopes:
        raise Problem(
            status=403,
            code="insufficient_scope",
            detail=f"This needs the scope {needed}.",
            extra={"scope": needed},
        )


def read_form(fields: dict[str, str], basic: tuple[str, str] | None) -> tuple[str, str, str | None]:
    """(client id, secret, scopes wanted) of a token request, from its form or HTTP Basic.

    Raises:
        Problem: another grant than client credentials, or no credentials.
    """
    if fields.get("grant_type") != "client_credentials":
        raise oauth_error("unsupported_grant_type", "Only client_credentials is offered.")
    client_id, secret = basic or (fields.get("client_id", ""), fields.get("client_secret", ""))
    if not client_id or not secret:
        raise oauth_error("invalid_client", "Give client_id and client_secret.", status=401)
    if len(client_id) > 64 or len(secret) > 128:
        raise invalid("That is not one of our clients.")
    return client_id, secret, fields.get("scope")


def _hash(domain: bytes, secret: str) -> bytes:
    return hashlib.sha256(domain + secret.encode()).digest()
