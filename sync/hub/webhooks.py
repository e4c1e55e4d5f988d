"""Notices sent to the chain's own systems: signed, in order, at least once, however long it takes.

A webhook is a cursor in the notices. One process at a time sends for it (the row's `next_ms` is
taken by compare-and-set), and the cursor moves only after a 2xx. Where it leads is not trusted
(attacks 34): the name is resolved here, every address must be public, the connection goes to that
very address, and a redirect is an error. `StoreEdge-Signature: t=…,v1=HMAC-SHA256(secret, t.body)`.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import json
import logging
import secrets
import socket
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

import httpx
from pydantic import Field
from sqlalchemy import Connection, Row, insert, or_, select, update

from sync.hub import notices
from sync.hub.identity import Hub
from sync.hub.problems import invalid, missing
from sync.hub.stores import Json
from sync.hub.tables_outside import webhook

logger = logging.getLogger(__name__)
SIGNATURE = "StoreEdge-Signature"
BATCH = 100
LEASE_MS = 30_000
LOOK_EVERY_S = 1.0
_TIMEOUT_S = 10.0
_WHOLE_S = 20.0
"""Below the lease, which another process takes over after."""
_WAITS_MS = (1_000, 5_000, 30_000, 120_000, 600_000, 3_600_000)
MAX_URL = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWebhook:
    """Where notices go: https, a public name, no credentials in it. after: from which number."""

    url: Annotated[str, Field(min_length=1, max_length=MAX_URL)]
    after: Annotated[int, Field(ge=0)] | None = None


class NotSent(Exception):
    """It was not taken: why, in a word for the console."""


def add(hub: Hub, new: NewWebhook, *, client_id: str | None) -> Json:
    """Begin to send; the secret that signs stands in this answer only.

    Raises:
        Problem: 422 for an address that notices must not go to.
    """
    try:
        parts(new.url, local=hub.demo)
    except NotSent as error:
        raise invalid(str(error)) from error
    webhook_id, secret = secrets.token_hex(8), secrets.token_bytes(32)
    with hub.database.writing() as connection:
        after = notices.last(connection) if new.after is None else new.after
        connection.execute(
            insert(webhook).values(
                webhook_id=webhook_id,
                client_id=client_id,
                url=new.url,
                secret=secret,
                created_ms=hub.clock.now_ms(),
                sent_seq=after,
                failures=0,
                next_ms=0,
                trouble=None,
                ended_ms=None,
            )
        )
    return {"webhook_id": webhook_id, "url": new.url, "secret": secret.hex(), "after": after}


def listed(hub: Hub, *, client_id: str | None) -> list[Json]:
    """Webhooks and how far each is; a client sees its own."""
    query = select(webhook).where(webhook.c.ended_ms.is_(None))
    if client_id is not None:
        query = query.where(webhook.c.client_id == client_id)
    with hub.database.reading() as connection:
        newest = notices.last(connection)
        return [
            {
                "webhook_id": row.webhook_id,
                "url": row.url,
                "sent_seq": row.sent_seq,
                "waiting": max(0, newest - row.sent_seq),
                "failures": row.failures,
                "trouble": row.trouble,
            }
            for row in connection.execute(query.order_by(webhook.c.created_ms))
        ]


def end(hub: Hub, webhook_id: str, *, client_id: str | None) -> Json:
    """Send no more."""
    mine = webhook.c.webhook_id == webhook_id
    if client_id is not None:
        mine = mine & (webhook.c.client_id == client_id)
    with hub.database.writing() as connection:
        done = connection.execute(update(webhook).where(mine).values(ended_ms=hub.clock.now_ms()))
        if done.rowcount == 0:
            raise missing(f"webhook {webhook_id}")
    return {"webhook_id": webhook_id, "ended": True}


def sign(secret: bytes, at_s: int, body: bytes) -> str:
    """The signature header of a body sent at this Unix second."""
    mac = hmac.new(secret, f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={mac}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A webhook's address taken apart."""

    scheme: str
    host: str
    port: int
    target: str


def parts(url: str, *, local: bool) -> Parts:
    """Take an address apart; `local` (a demo chain) lets http on the loopback through.

    Raises:
        NotSent: not https, no host, or credentials in it.
    """
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError as error:
        raise NotSent("That is not an address.") from error
    if split.username is not None or split.password is not None or not split.hostname:
        raise NotSent("Give https://host/path, without a name or password in it.")
    loopback = local and split.hostname == "127.0.0.1"
    if split.scheme != "https" and not (loopback and split.scheme == "http"):
        raise NotSent("Notices go to https addresses only.")
    target = (split.path or "/") + (f"?{split.query}" if split.query else "")
    default = 443 if split.scheme == "https" else 80
    return Parts(scheme=split.scheme, host=split.hostname, port=port or default, target=target)


async def address_of(there: Parts, *, local: bool) -> str:
    """The one address that will be connected to.

    Raises:
        NotSent: no address, or one that is not public.
    """
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(there.host, there.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NotSent("The name is not known.") from error
    addresses = [str(each[4][0]) for each in found]
    for address in addresses:
        ip = ipaddress.ip_address(address)
        if not ip.is_global and not (local and ip.is_loopback):
            raise NotSent("The name leads into a private network.")
    return addresses[0]


async def post(there: Parts, address: str, body: bytes, signature: str) -> None:
    """Send one body to the address that was looked at.

    Raises:
        NotSent: no answer, or any but a 2xx.
    """
    host = f"[{address}]" if ":" in address else address
    headers = {
        "host": there.host if there.port in (80, 443) else f"{there.host}:{there.port}",
        "content-type": "application/json",
        SIGNATURE: signature,
    }
    url = f"{there.scheme}://{host}:{there.port}{there.target}"
    try:
        async with (
            asyncio.timeout(_WHOLE_S),
            httpx.AsyncClient(follow_redirects=False, timeout=_TIMEOUT_S, trust_env=False) as http,
            http.stream(  # what stands behind the status is nobody's business, and may not end
                "POST",
                url,
                content=body,
                headers=headers,
                extensions={"sni_hostname": there.host},
            ) as answer,
        ):
            if not answer.is_success:
                raise NotSent(f"It answered {answer.status_code}.")
    except (httpx.HTTPError, TimeoutError) as error:
        raise NotSent(f"It does not answer: {type(error).__name__}.") from error


async def keep_sending(hub: Hub) -> None:
    """Send what waits, for ever; runs in every process of the hub."""
    while True:
        try:
            for row in await asyncio.to_thread(due, hub):
                await send_once(hub, row)
        except Exception:  # one notice that cannot be sent must not keep back all that come later
            logger.exception("webhooks stopped for a moment")
        # what is due comes from the database by the hub's clock; this only looks again
        await asyncio.sleep(LOOK_EVERY_S)


def due(hub: Hub) -> list[Row[tuple[object, ...]]]:
    """Webhooks that have something to send and need not wait."""
    notices.number(hub)
    now_ms = hub.clock.now_ms()
    with hub.database.reading() as connection:
        newest = notices.last(connection)
        return list(
            connection.execute(
                select(webhook).where(
                    webhook.c.ended_ms.is_(None),
                    webhook.c.sent_seq < newest,
                    # no wait is longer: beyond it, the clock was wrong when it was written
                    or_(
                        webhook.c.next_ms <= now_ms,
                        webhook.c.next_ms > now_ms + _WAITS_MS[-1] + LEASE_MS,
                    ),
                )
            )
        )


async def send_once(hub: Hub, row: Row[tuple[object, ...]]) -> bool:
    """Send one batch for a webhook, unless another process is at it; answers whether it went."""
    taken = await asyncio.to_thread(_take, hub, row)
    if not taken:
        return False
    batch, at_ms = taken
    body = json.dumps(
        {"webhook_id": row.webhook_id, "notices": [notices.view(each) for each in batch]},
        ensure_ascii=False,
    ).encode()
    try:
        there = parts(row.url, local=hub.demo)
        address = await address_of(there, local=hub.demo)
        await post(there, address, body, sign(row.secret, at_ms // 1000, body))
    except NotSent as error:
        logger.warning("webhook not sent webhook=%s why=%s", row.webhook_id, error)
        failures: int = row.failures
        wait_ms = _WAITS_MS[min(failures, len(_WAITS_MS) - 1)]
        await asyncio.to_thread(
            _mark,
            hub,
            row.webhook_id,
            {"failures": row.failures + 1, "next_ms": at_ms + wait_ms, "trouble": str(error)},
        )
        return False
    await asyncio.to_thread(
        _mark,
        hub,
        row.webhook_id,
        {"sent_seq": batch[-1].seq, "failures": 0, "next_ms": 0, "trouble": None},
    )
    return True


def _take(hub: Hub, row: Row[tuple[object, ...]]) -> tuple[list[notices.Notice], int] | None:
    """Make this turn ours for half a minute, and read what is to be sent."""
    now_ms = hub.clock.now_ms()

    def turn(connection: Connection) -> tuple[list[notices.Notice], int] | None:
        done = connection.execute(
            update(webhook)
            .where(
                webhook.c.webhook_id == row.webhook_id,
                webhook.c.next_ms == row.next_ms,
                webhook.c.sent_seq == row.sent_seq,
                webhook.c.ended_ms.is_(None),
            )
            .values(next_ms=now_ms + LEASE_MS)
        )
        if done.rowcount == 0:
            return None
        return notices.page(connection, after=row.sent_seq, limit=BATCH), now_ms

    def once() -> tuple[list[notices.Notice], int] | None:
        with hub.database.writing() as connection:
            return turn(connection)

    return hub.database.again(once)


def _mark(hub: Hub, webhook_id: str, values: Json) -> None:
    def once() -> None:
        with hub.database.writing() as connection:
            connection.execute(
                update(webhook).where(webhook.c.webhook_id == webhook_id).values(**values)
            )

    hub.database.again(once)
