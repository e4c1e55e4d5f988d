"""What the customer's page says: an order's tail, its store, how it stands, and its code.

The page is found by a token of 128 random bits; the hub keeps its SHA-256. Who has the address has
the code, as with any ticket that is sent by message. The page names no customer and no goods. Its
secret, or signed code, is given only while there is something to collect.
"""

import hashlib
import secrets
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, delete, insert, select

from sync.hub import codes, order_rows, rotating
from sync.hub.codes import Issue
from sync.hub.identity import Hub
from sync.hub.order_rows import OrderRecord
from sync.hub.problems import missing
from sync.hub.stores import NOBODY, store_row
from sync.hub.tables import code, store
from sync.hub.tables_rotating import customer_page
from sync.wire.rotating import STEP_S
from sync.wire.token import v1_text

TOKEN_BYTES = 16
Status = Literal["preparing", "ready", "partly", "handed", "cancelled", "expired"]
_COLLECTABLE: tuple[Status, ...] = ("preparing", "ready", "partly")


@dataclass(frozen=True, slots=True, kw_only=True)
class Turning:
    """A rotating code as the page draws it: symbols, secret in hex, seconds a step."""

    code: str
    secret: str
    period_s: int = STEP_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The page. now_ms: the hub's time, which the page goes by. v2, pl: when nothing rotates."""

    tail: str
    store_zh: str
    store_en: str
    status: Status
    not_after_ms: int
    now_ms: int
    turning: Turning | None
    v2: str | None
    pl: str | None

    @property
    def shape(self) -> str:
        """What is drawn; a page that shows another must be read again."""
        if self.turning is not None:
            return self.turning.code
        return "signed" if self.v2 is not None else ""


def open_page(connection: Connection, order_id: bytes, *, now_ms: int) -> str:
    """A new address for an order's page; one that was given out before is no longer good."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    connection.execute(delete(customer_page).where(customer_page.c.order_id == order_id))
    connection.execute(
        insert(customer_page).values(token_hash=_hash(token), order_id=order_id, created_ms=now_ms)
    )
    return f"/pickup/{token}"


def page(hub: Hub, token: str) -> Shown:
    """What the page behind a token says now (404: there is none)."""
    with hub.database.reading() as connection:
        row = connection.execute(
            select(customer_page.c.order_id).where(customer_page.c.token_hash == _hash(token))
        ).first()
        if row is None:
            raise missing("page")
        return _shown(connection, order_rows.by_id(connection, row.order_id), hub.clock.now_ms())


def _hash(token: str) -> bytes:
    return hashlib.sha256(b"storeedge/page/1\0" + token.encode()).digest()


def _shown(connection: Connection, order: OrderRecord, now_ms: int) -> Shown:
    home = connection.execute(select(store).where(store.c.number == order.home_store)).one()
    status = _status(connection, order, now_ms)
    collectable = status in _COLLECTABLE
    made = rotating.rotating_of(connection, order.order_id) if collectable else None
    v2, pl = None, None
    if collectable and made is None:
        v2, pl = _signed_again(connection, order, now_ms)
    return Shown(
        tail="".join(char for char in order.order_no if char.isalnum())[-4:],
        store_zh=home.name_zh,
        store_en=home.name_en,
        status=status,
        not_after_ms=order.not_after_ms,
        now_ms=now_ms,
        turning=None
        if made is None
        else Turning(code=v1_text(made.code_id), secret=made.secret.hex()),
        v2=v2,
        pl=pl,
    )


def _status(connection: Connection, order: OrderRecord, now_ms: int) -> Status:
    states = {each.state for each in order_rows.units_of(connection, order.order_id)}
    if order.state != "open":
        return "cancelled"
    if "held" not in states:
        return "handed" if "handed" in states else "expired" if "lapsed" in states else "cancelled"
    if now_ms > order.not_after_ms:
        return "expired"
    if "handed" in states:
        return "partly"
    return "ready" if order.ready else "preparing"


def _signed_again(
    connection: Connection, order: OrderRecord, now_ms: int
) -> tuple[str | None, str | None]:
    """The V2 of this epoch, signed as of now, with its lines; nothing is written for it."""
    known = connection.execute(
        select(code.c.code_id).where(
            code.c.order_id == order.order_id,
            code.c.kind == "v2",
            code.c.epoch == order.epoch,
            code.c.state == "live",
        )
    ).first()
    home = store_row(connection, order.home_store)
    held = [e for e in order_rows.units_of(connection, order.order_id) if e.state == "held"]
    if known is None or home.incarnation == NOBODY:
        return None, None
    if any(each.holder != home.incarnation for each in held):
        return None, None
    issue = Issue(
        order_id=order.order_id,
        store=order.home_store,
        k_store=home.k_store,
        epoch=order.epoch,
        not_after_ms=order.not_after_ms,
        now_ms=now_ms,
    )
    return codes.put_v2(connection, issue)
