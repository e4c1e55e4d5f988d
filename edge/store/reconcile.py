"""Reading the books for the daily reconciliation, on a connection of its own.

One read transaction sees ledger and counters as they were at one event; the writer goes on
meanwhile, so a comparison of a hundred thousand hand-overs holds no scan up.
"""

import sqlite3
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.store.incarnation import event_of
from edge.store.ledger import connect
from edge.store.row import blob, integer, text
from edge.store.sql import query
from edge.store.tx import Tx
from sync.rules.reconcile import Fact, first_compared
from sync.wire.events import StockLevel
from sync.wire.messages import MAX_BATCH_EVENTS, Event

MOST_LEVELS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the ledger holds as of event `seq`: hand-overs `first` to `last`, pieces by article.

    unknown: pieces of orders whose lines are not here.
    """

    seq: int
    audit_seq: int
    audit_hash: bytes
    first: int
    last: int
    facts: Mapping[int, Fact]
    skus: Mapping[str, int]
    unknown: int
    levels: tuple[StockLevel, ...]


def read_books(ledger: Path, catalog_of: Callable[[int], Path]) -> Books | None:
    """The hand-overs of this incarnation, the newest hundred thousand of them.

    catalog_of: the path of a catalog by its number. None: the catalog was swapped at this very
    moment; try again.

    Raises:
        StoreError: the ledger cannot be read.
    """
    with _view(ledger) as connection:
        number = integer(connection.execute(query("reconcile_catalog")).fetchone()[0])
        uri = f"{catalog_of(number).absolute().as_uri()}?mode=ro"
        try:
            connection.execute("ATTACH ? AS cat", (uri,))
        except sqlite3.OperationalError:
            return None
        connection.execute("BEGIN")
        _, audit_seq, audit_hash, seq, _ = connection.execute(query("counters")).fetchone()
        last = integer(connection.execute(query("reconcile_last_handover")).fetchone()[0])
        first = first_compared(_first(connection, last), last)
        units: dict[int, list[tuple[int, int]]] = {}
        skus: dict[int, list[str | None]] = {}
        for handover, line, unit, sku in connection.execute(
            query("reconcile_units"), (first, last)
        ):
            units.setdefault(handover, []).append((line, unit))
            skus.setdefault(handover, []).append(sku)
        facts: dict[int, Fact] = {}
        pieces: dict[str, int] = {}
        unknown = 0
        for handover, order_id, undone in connection.execute(
            query("reconcile_handovers"), (first, last)
        ):
            facts[handover] = Fact(
                handover=handover,
                order_id=order_id,
                units=tuple(sorted(units.get(handover, ()))),
                undone=bool(undone),
            )
            for sku in () if undone else skus.get(handover, ()):
                if sku is None:
                    unknown += 1
                else:
                    pieces[sku] = pieces.get(sku, 0) + 1
        levels = tuple(_levels(connection))
    return Books(
        seq=seq,
        audit_seq=audit_seq,
        audit_hash=audit_hash,
        first=first,
        last=last,
        facts=facts,
        skus=pieces,
        unknown=unknown,
        levels=levels,
    )


def read_events(ledger: Path, *, first: int, last: int, seq: int) -> tuple[Event, ...]:
    """The events up to `seq` about hand-overs `first` to `last` that the outbox keeps still."""
    with _view(ledger) as connection:
        rows = connection.execute(
            query("reconcile_events"), (seq, first, last, MAX_BATCH_EVENTS)
        ).fetchall()
    return tuple(event_of(row) for row in rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A day's report with HQ's result, both as they were signed."""

    day: str
    at_ms: int
    report: bytes
    signature: bytes
    result: bytes
    result_signature: bytes
    answered_ms: int


def reports(tx: Tx, count: int) -> tuple[Kept, ...]:
    """The newest reports that HQ answered."""
    return tuple(
        Kept(
            day=text(row[0]),
            at_ms=integer(row[1]),
            report=blob(row[2]),
            signature=blob(row[3]),
            result=blob(row[4]),
            result_signature=blob(row[5]),
            answered_ms=integer(row[6]),
        )
        for row in tx.all("reconcile_reports", count)
    )


@contextmanager
def _view(ledger: Path) -> Generator[sqlite3.Connection, None, None]:
    connection = connect(ledger, read_only=True)
    try:
        yield connection
    finally:
        connection.close()


def _first(connection: sqlite3.Connection, last: int) -> int:
    """The first hand-over of this incarnation; those before it are told under another name."""
    began = connection.execute(query("reconcile_began")).fetchone()[0]
    if began is None:
        return 1
    found = connection.execute(query("reconcile_first_after"), (began,)).fetchone()[0]
    return last + 1 if found is None else integer(found)


def _levels(connection: sqlite3.Connection) -> Sequence[StockLevel]:
    names = StockLevel.__struct_fields__
    rows = connection.execute(query("reconcile_levels"), (MOST_LEVELS,))
    return [StockLevel(**dict(zip(names, row, strict=True))) for row in rows]
