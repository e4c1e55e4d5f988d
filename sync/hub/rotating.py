"""Rotating codes (V3a) at the hub: made with a secret of their own, which goes ahead to the store.

A store holds a code's secret for a window: 48 h, and 72 h more, as long as a line may be down, but
never past the code's time. `keep` pushes the next window before the last is used up, and tells the
store to forget what was replaced, cancelled or moved. A stolen disk holds the secrets of that
store's live codes and no others; issuing those orders anew makes them worthless.
"""

import asyncio
import logging
import secrets
from dataclasses import dataclass

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    delete,
    exists,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from sync.hub.codes import GRADE, Issue, new_code_id
from sync.hub.feed import append, store_scope
from sync.hub.identity import Hub
from sync.hub.rekey import chain_lookup
from sync.hub.stores import store_row
from sync.hub.tables import code, pickup_order
from sync.hub.tables import unit as unit_table
from sync.hub.tables_rotating import rotating_key
from sync.wire.catalog import RotatingKeyRow
from sync.wire.credential import rotating_lookup
from sync.wire.rotating import DIGITS, SECRET_BYTES, STEP_S, V3_PREFIX, seal_secret
from sync.wire.token import v1_text

logger = logging.getLogger(__name__)
HOUR_MS = 3_600_000
AHEAD_MS = 48 * HOUR_MS
OUTAGE_MS = 72 * HOUR_MS
_BATCH = 500
_KEEP_EVERY_S = 60
_Record = Row[tuple[object, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotating:
    """What whoever shows the code needs: in the order's answer and on the customer's page."""

    code_id: bytes
    secret: bytes

    def told(self) -> dict[str, object]:
        """As JSON, with the pattern that a wallet's rotating barcode takes."""
        symbols = v1_text(self.code_id)
        return {
            "code": symbols,
            "secret": self.secret.hex(),
            "algorithm": "SHA1",
            "digits": DIGITS,
            "period_s": STEP_S,
            "wallet": {
                "type": "QR_CODE",
                "valuePattern": f"{V3_PREFIX}{symbols}{{totp_timestamp_seconds}}{{totp_value_0}}",
                "totpDetails": {
                    "periodMillis": str(STEP_S * 1000),
                    "algorithm": "TOTP_SHA1",
                    "parameters": [{"key": self.secret.hex(), "valueLength": DIGITS}],
                },
            },
        }


def put_v3(connection: Connection, issue: Issue) -> Rotating:
    """A new rotating code; `push` sends its secret ahead once the order was published."""
    made = Rotating(code_id=new_code_id(), secret=secrets.token_bytes(SECRET_BYTES))
    lookup = rotating_lookup(issue.k_store, made.code_id)
    connection.execute(
        insert(code).values(
            order_id=issue.order_id,
            lookup=lookup,
            kind="v3",
            code_id=made.code_id,
            chain_lookup=chain_lookup(connection, made.code_id),
            store=issue.store,
            grade=GRADE["v3"],
            epoch=issue.epoch,
            not_after_ms=issue.not_after_ms,
            pin=None,
            state="live",
        )
    )
    connection.execute(
        insert(rotating_key).values(
            code_id=made.code_id,
            order_id=issue.order_id,
            lookup=lookup,
            store=issue.store,
            secret=made.secret,
            until_ms=0,
            forgotten=False,
        )
    )
    return made


def rotating_of(connection: Connection, order_id: bytes) -> Rotating | None:
    """The live rotating code of an order."""
    row = connection.execute(
        _keys().where(rotating_key.c.order_id == order_id, code.c.state == "live")
    ).first()
    return None if row is None else Rotating(code_id=row.code_id, secret=row.secret)


def push(connection: Connection, order_id: bytes, *, now_ms: int) -> None:
    """Send the secrets of an order's live rotating codes ahead to its store."""
    for row in connection.execute(
        _keys().where(rotating_key.c.order_id == order_id, code.c.state == "live")
    ).all():
        _push(connection, row, now_ms)
    _forget_dead(connection, now_ms, rotating_key.c.order_id == order_id)


def rekey(
    connection: Connection, order_id: bytes, to_store: int, *, epoch: int, now_ms: int
) -> None:
    """Move an order's live rotating codes to another store at `epoch`: key, window, look-up.

    The store before is told to forget; its look-up stays, to say where the order went. The
    customer's page goes on as it is. Call it in the transaction of the grant, before the order is
    published.
    """
    home = store_row(connection, to_store)
    for row in connection.execute(
        _keys().where(rotating_key.c.order_id == order_id, code.c.state == "live")
    ).all():
        if row.store == to_store:
            continue
        _forget(connection, row)
        lookup = rotating_lookup(home.k_store, row.code_id)
        here = (code.c.order_id == order_id) & (code.c.lookup == row.lookup)
        there = (code.c.order_id == order_id) & (code.c.lookup == lookup)
        values = dict(connection.execute(select(code).where(here)).mappings().one())
        values.update(lookup=lookup, store=to_store, epoch=epoch)
        connection.execute(delete(code).where(there))  # it was there before
        connection.execute(insert(code).values(**values))
        connection.execute(
            update(rotating_key)
            .where(rotating_key.c.code_id == row.code_id)
            .values(lookup=lookup, store=to_store, forgotten=False, until_ms=0)
        )
    push(connection, order_id, now_ms=now_ms)


def keep(hub: Hub) -> int:
    """Push the next windows that are due, and forget what is dead; answers how many rows."""
    now_ms = hub.clock.now_ms()
    due = (
        code.c.state == "live",
        pickup_order.c.state != "cancelled",
        rotating_key.c.until_ms < code.c.not_after_ms,
        rotating_key.c.until_ms < now_ms + OUTAGE_MS,
        exists().where(
            unit_table.c.order_id == rotating_key.c.order_id, unit_table.c.state == "held"
        ),
    )
    with hub.database.reading() as connection:
        idle = (
            connection.execute(_keys().where(*due).limit(1)).first() is None
            and connection.execute(_dead(now_ms).limit(1)).first() is None
        )
    if idle:
        return 0
    with hub.database.writing() as connection:
        rows = connection.execute(_keys().where(*due).limit(_BATCH)).all()
        for row in rows:
            _push(connection, row, now_ms)
        return len(rows) + _forget_dead(connection, now_ms)


async def keep_ahead(hub: Hub) -> None:
    """`keep`, for ever; a failure is told and the next minute tries again."""
    while True:
        try:
            await asyncio.to_thread(keep, hub)
        except SQLAlchemyError as error:
            logger.warning("rotating keys wait error=%s", type(error).__name__)
        # what is due comes from the database by the hub's clock; 48 h ahead leaves time to look
        await asyncio.sleep(_KEEP_EVERY_S)


def _keys() -> Select[tuple[object, ...]]:
    """Secrets beside their code and its order."""
    return (
        select(rotating_key, code.c.not_after_ms, pickup_order.c.order_no)
        .join(
            code,
            (code.c.order_id == rotating_key.c.order_id) & (code.c.lookup == rotating_key.c.lookup),
        )
        .join(pickup_order, pickup_order.c.order_id == rotating_key.c.order_id)
    )


def _dead(now_ms: int) -> Select[tuple[object, ...]]:
    """Secrets that a store still has and may not keep.

    A window that is over is told too: nodes clear it by themselves, but a snapshot says what the
    feed says.
    """
    return _keys().where(
        rotating_key.c.forgotten.is_(False),
        or_(
            code.c.state != "live",
            pickup_order.c.state == "cancelled",
            (rotating_key.c.until_ms > 0) & (rotating_key.c.until_ms < now_ms),
        ),
    )


def _push(connection: Connection, row: _Record, now_ms: int) -> None:
    """One window of one code into its store's feed."""
    until_ms = min(row.not_after_ms, now_ms + AHEAD_MS + OUTAGE_MS)
    sealed = seal_secret(
        store_row(connection, row.store).k_store,
        row.secret,
        lookup=row.lookup,
        from_ms=now_ms,
        until_ms=until_ms,
    )
    window = RotatingKeyRow(
        lookup=row.lookup,
        order_id=row.order_id,
        sealed=sealed,
        from_ms=now_ms,
        until_ms=until_ms,
    )
    append(connection, store_scope(row.store), [window])
    connection.execute(
        update(rotating_key)
        .where(rotating_key.c.code_id == row.code_id)
        .values(until_ms=until_ms, forgotten=False)
    )


def _forget_dead(connection: Connection, now_ms: int, *which: ColumnElement[bool]) -> int:
    """Tell stores to forget what was replaced, cancelled or is over."""
    dead = connection.execute(_dead(now_ms).where(*which).limit(_BATCH)).all()
    for row in dead:
        _forget(connection, row)
    return len(dead)


def _forget(connection: Connection, row: _Record) -> None:
    gone = RotatingKeyRow(
        lookup=row.lookup, order_id=row.order_id, sealed=b"", from_ms=0, until_ms=0
    )
    append(connection, store_scope(row.store), [gone])
    connection.execute(
        update(rotating_key).where(rotating_key.c.code_id == row.code_id).values(forgotten=True)
    )
