"""Making the codes of an order: random ids, keyed look-ups, signed tokens.

V1 and V2 of an order have different ids, so that the row found says which of them was issued, and
a V1 typed from what a V2 shows does not become a V2.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection, Row, desc, insert, select, update

from sync.hub import rekey
from sync.hub.tables import code, issuer_key, order_line
from sync.rules import crockford
from sync.wire import credential, token
from sync.wire.signature import Signer
from sync.wire.token import OrderLines, PickupToken, TokenLine

GRADE = {"v1": 1, "platform": 1, "serial": 2, "v2": 2, "v3": 3}
SERIAL_SYMBOLS = 8
PIN_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """How a delivery platform's courier names an order: daily number and the order's tail."""

    name: Annotated[str, Field(pattern=r"^[A-Z]{2,4}$")]
    number: Annotated[str, Field(pattern=r"^[0-9]{1,6}$")]
    order_tail: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{4}$")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """Codes as the customer or courier gets them, once; None where there is none.

    rotating: what draws a rotating code (`rotating.Rotating.told`). customer_page: a path.
    """

    v1: str
    v2: str | None = None
    pl: str | None = None
    serial: str | None = None
    pin: str | None = None
    platform: str | None = None
    rotating: Mapping[str, object] | None = None
    customer_page: str | None = None


def new_code_id() -> bytes:
    """75 random bits in 10 bytes."""
    return secrets.randbits(75).to_bytes(token.CODE_ID_BYTES, "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """What codes are made for: an order at its epoch, in a store with its key."""

    order_id: bytes
    store: int
    k_store: bytes
    epoch: int
    not_after_ms: int
    now_ms: int


def _put(
    connection: Connection,
    issue: Issue,
    kind: str,
    lookup: bytes,
    *,
    code_id: bytes | None = None,
    sealed_id: bytes | None = None,
    chain_lookup: bytes | None = None,
    pin: bytes | None = None,
) -> None:
    connection.execute(
        insert(code).values(
            order_id=issue.order_id,
            lookup=lookup,
            kind=kind,
            code_id=code_id,
            sealed_id=sealed_id,
            chain_lookup=chain_lookup,
            store=issue.store,
            grade=GRADE[kind],
            epoch=issue.epoch,
            not_after_ms=issue.not_after_ms,
            pin=pin,
            state="live",
        )
    )


def put_v1(connection: Connection, issue: Issue) -> str:
    """A new V1."""
    code_id = new_code_id()
    lookup = credential.code_lookup(issue.k_store, code_id)
    _put(  # its id is the code itself: kept sealed, for the day the order moves
        connection,
        issue,
        "v1",
        lookup,
        sealed_id=rekey.sealed_id(connection, issue.order_id, code_id),
        chain_lookup=rekey.chain_lookup(connection, code_id),
    )
    return token.v1_text(code_id)


def _current_key(connection: Connection) -> Row[tuple[object, ...]]:
    return connection.execute(
        select(issuer_key)
        .where(issuer_key.c.revoked.is_(False))
        .order_by(desc(issuer_key.c.key_id))
        .limit(1)
    ).one()


def _token_lines(connection: Connection, order_id: bytes) -> tuple[TokenLine, ...]:
    rows = connection.execute(
        select(order_line).where(order_line.c.order_id == order_id).order_by(order_line.c.line)
    )
    return tuple(TokenLine(line=r.line, sku=r.sku, quantity=r.quantity) for r in rows)


def put_v2(connection: Connection, issue: Issue) -> tuple[str, str]:
    """A signed V2 and its PL; a V2 of this epoch is signed again with the new times.

    The caller has made sure that the current incarnation holds the units (attack 5e). Issued-at is
    rounded up: a token made after an enrolment never looks older than it.
    """
    lines = _token_lines(connection, issue.order_id)
    known = connection.execute(
        select(code.c.code_id).where(
            code.c.order_id == issue.order_id,
            code.c.kind == "v2",
            code.c.epoch == issue.epoch,
            code.c.state == "live",
            code.c.store == issue.store,
        )
    ).scalar_one_or_none()
    code_id = known or new_code_id()
    if known is None:
        lookup = credential.code_lookup(issue.k_store, code_id)
        _put(
            connection,
            issue,
            "v2",
            lookup,
            code_id=code_id,
            chain_lookup=rekey.chain_lookup(connection, code_id),
        )
    key = _current_key(connection)
    signed = token.issue(
        PickupToken(
            key_id=key.key_id,
            code_id=code_id,
            home_store=issue.store,
            epoch=issue.epoch,
            issued_at_s=-(-issue.now_ms // 1000),
            not_after_s=issue.not_after_ms // 1000,
            grade=GRADE["v2"],
            line_digest=token.line_digest(code_id, issue.order_id, lines),
        ),
        Signer(key.private),
    )
    listed = OrderLines(code_id=code_id, order_id=issue.order_id, lines=lines)
    return signed, token.lines_text(listed)


def put_courier(connection: Connection, issue: Issue) -> tuple[str, str]:
    """A serial for the courier and its PIN."""
    while True:  # 40 bits: two of a busy store may meet
        serial = crockford.encode(secrets.randbits(5 * SERIAL_SYMBOLS), SERIAL_SYMBOLS)
        lookup = credential.serial_lookup(issue.k_store, serial)
        taken = connection.execute(select(code.c.order_id).where(code.c.lookup == lookup))
        if taken.first() is None:
            break
    pin = f"{secrets.randbelow(10**PIN_DIGITS):0{PIN_DIGITS}d}"
    verifier = credential.pin_verifier(issue.k_store, serial, pin)
    _put(connection, issue, "serial", lookup, pin=verifier)
    return serial, pin


def put_platform(connection: Connection, issue: Issue, named: Platform) -> str:
    """A platform's number."""
    number = named.number.lstrip("0") or "0"
    lookup = credential.platform_lookup(issue.k_store, named.name, number, named.order_tail.upper())
    _put(connection, issue, "platform", lookup)
    return f"{named.name} #{number} {named.order_tail.upper()}"


def retire(connection: Connection, order_id: bytes) -> None:
    """Every live code of an order is replaced."""
    connection.execute(
        update(code)
        .where(code.c.order_id == order_id, code.c.state == "live")
        .values(state="reissued")
    )


def prolong(connection: Connection, order_id: bytes, epoch: int, not_after_ms: int) -> None:
    """Every live code of an order is good for longer, at the order's epoch."""
    connection.execute(
        update(code)
        .where(code.c.order_id == order_id, code.c.state == "live")
        .values(not_after_ms=not_after_ms, epoch=epoch)
    )
