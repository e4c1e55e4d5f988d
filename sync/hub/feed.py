"""The feed: every change, in order, per scope, chained by hash and signed at its head.

The lock on a scope's row in `feed_head` orders commits per scope, so a cursor never skips a row
that commits late. It is taken at the end of the transaction that writes the data, scopes in order:
held for the shortest time, and never across another's. A key that changed twice in it is one row.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from sync.hub.tables import feed, feed_head
from sync.wire import codec
from sync.wire import feed as chain
from sync.wire.catalog import (
    ROW_TYPES,
    AskRow,
    BudgetRow,
    CatalogRow,
    DocumentRow,
    IssuerKeyRow,
    OrderRow,
    PricesRow,
    ProductRow,
    RecallRow,
    RightGrantRow,
    RightRecallRow,
    RotatingKeyRow,
    SettingRow,
    StaffRow,
    StockPlanRow,
    StoreRow,
)
from sync.wire.messages import Cursor, FeedRow

CHAIN = "chain"
WAITING_ROWS = "waiting_rows"
NO_GENERATION = bytes(8)
MAX_PAGE_BYTES = 2 * 1024 * 1024
_KINDS = {kind: name for name, kind in ROW_TYPES.items()}


def store_scope(number: int) -> str:
    """The scope of one store's rows."""
    return f"store:{number}"


def _key(row: CatalogRow) -> str:
    match row:
        case StoreRow():
            return str(row.number)
        case ProductRow():
            return row.sku
        case OrderRow():
            return row.order_id.hex()
        case StaffRow():
            return row.staff_id
        case IssuerKeyRow():
            return str(row.key_id)
        case AskRow():
            return row.ask_id.hex()
        case SettingRow():
            return row.key
        case StockPlanRow():
            return row.sku
        case RightGrantRow() | RightRecallRow():
            return row.move_id.hex()
        case DocumentRow():
            return row.document
        case RotatingKeyRow():
            return row.lookup.hex()
        case BudgetRow():
            return row.budget_id.hex()
        case RecallRow():
            return row.recall_id.hex()
        case PricesRow():  # each row is one of its own: a snapshot puts them in one after another
            return hashlib.sha256(codec.pack(row)).hexdigest()[:32]


def open_scope(connection: Connection, scope: str) -> None:
    """Begin an empty scope."""
    connection.execute(insert(feed_head).values(scope=scope, seq=0, row_hash=chain.GENESIS))


def append(connection: Connection, scope: str, rows: Sequence[CatalogRow]) -> None:
    """Put changes behind the head of a scope that was opened, when the transaction ends."""
    waiting = connection.get_execution_options().get(WAITING_ROWS)
    if waiting is None:
        _append(connection, scope, rows)
        return
    assert isinstance(waiting, WaitingRows)
    waiting.add(scope, rows)


class WaitingRows:
    """What a transaction has to say, by scope; of each key the newest."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[tuple[str, str], CatalogRow]] = {}

    def add(self, scope: str, rows: Sequence[CatalogRow]) -> None:
        """Keep rows for the end."""
        kept = self._rows.setdefault(scope, {})
        for row in rows:
            key = (_KINDS[type(row)], _key(row))
            kept.pop(key, None)  # the newest stands where it was said last
            kept[key] = row

    def write(self, connection: Connection) -> None:
        """The end of the transaction came."""
        for scope, rows in sorted(self._rows.items()):
            _append(connection, scope, list(rows.values()))


def _append(connection: Connection, scope: str, rows: Sequence[CatalogRow]) -> None:
    if not rows:
        return
    head = connection.execute(
        update(feed_head)
        .where(feed_head.c.scope == scope)
        .values(seq=feed_head.c.seq + len(rows))
        .returning(feed_head.c.seq, feed_head.c.row_hash)
    ).one()
    seq, previous = head.seq - len(rows), head.row_hash
    values: list[dict[str, object]] = []
    for row in rows:
        seq += 1
        change = FeedRow(seq=seq, kind=_KINDS[type(row)], body=codec.pack(row))
        previous = chain.row_hash(previous, scope, change)
        values.append(
            {
                "scope": scope,
                "seq": seq,
                "kind": change.kind,
                "row_key": _key(row),
                "body": change.body,
                "must_understand": change.must_understand,
                "row_hash": previous,
            }
        )
    connection.execute(insert(feed), values)
    connection.execute(
        update(feed_head).where(feed_head.c.scope == scope).values(row_hash=previous)
    )


def all_heads(connection: Connection) -> dict[str, int]:
    """The last seq of every scope."""
    found = connection.execute(select(feed_head.c.scope, feed_head.c.seq))
    return {row.scope: row.seq for row in found}


def head_cursor(connection: Connection, scope: str, generation: bytes) -> Cursor:
    """A cursor at the end of a scope."""
    row = connection.execute(select(feed_head).where(feed_head.c.scope == scope)).one()
    return Cursor(scope=scope, generation=generation, seq=row.seq, row_hash=row.row_hash)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Rows behind a cursor, the cursor of the last one, and whether more follow."""

    rows: tuple[FeedRow, ...]
    head: Cursor
    more: bool


def read(connection: Connection, cursor: Cursor, generation: bytes, limit: int) -> Slice | None:
    """What follows a cursor, bounded in rows and bytes; None when a snapshot is needed.

    A cursor of another generation, beyond the end, or with another hash stands on a feed that is
    not ours: a past one, or one that we lost (`recovery.standing`).
    """
    if cursor.seq == 0 and cursor.generation in (NO_GENERATION, generation):
        previous = chain.GENESIS
    else:
        known = connection.execute(
            select(feed.c.row_hash).where(feed.c.scope == cursor.scope, feed.c.seq == cursor.seq)
        ).scalar_one_or_none()
        if known is None or known != cursor.row_hash or cursor.generation != generation:
            return None
        previous = known
    found = connection.execute(
        select(feed)
        .where(feed.c.scope == cursor.scope, feed.c.seq > cursor.seq)
        .order_by(feed.c.seq)
        .limit(limit + 1)
    ).all()
    rows: list[FeedRow] = []
    seq, size = cursor.seq, 0
    for row in found[:limit]:
        size += len(row.body)
        if rows and size > MAX_PAGE_BYTES:
            break
        rows.append(
            FeedRow(seq=row.seq, kind=row.kind, body=row.body, must_understand=row.must_understand)
        )
        seq, previous = row.seq, row.row_hash
    return Slice(
        rows=tuple(rows),
        head=Cursor(scope=cursor.scope, generation=generation, seq=seq, row_hash=previous),
        more=len(rows) < len(found),
    )
