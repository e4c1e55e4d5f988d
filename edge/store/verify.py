"""Verifying the books: every link of the audit chain, the counters, the outbox, the indexes."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from edge.store.errors import Corrupt
from edge.store.sql import query
from sync.wire import audit

_BATCH = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What was found. faults: one line each, empty when all holds. head: the chain's last hash."""

    audit_rows: int
    head: bytes
    outbox_seq: int
    outbox_acked: int
    handovers: int
    live_units: int
    faults: tuple[str, ...]
    hub_public: bytes | None
    incarnation: bytes


def verify(path: Path) -> Verified:
    """Read a ledger from end to end without changing it; a running daemon does not mind.

    Raises:
        Corrupt: SQLite's own integrity check fails.
    """
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        connection.execute("BEGIN")
        checked = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if checked != "ok":
            raise Corrupt(f"{path.name}: {checked}")
        return _verify(connection)
    except sqlite3.DatabaseError as error:
        raise Corrupt(f"{path.name}: {error}") from error
    finally:
        connection.close()


def _verify(connection: sqlite3.Connection) -> Verified:
    faults: list[str] = []
    rows, head = _walk(connection, faults)
    _, counted, kept_head, outbox_seq, _ = connection.execute(query("counters")).fetchone()
    if counted != rows or kept_head != head:
        faults.append(f"the counters say {counted} audit rows, the chain has {rows}")
    acked = connection.execute("SELECT outbox_acked FROM counters").fetchone()[0]
    faults += _outbox(connection, outbox_seq, acked)
    identity = connection.execute("SELECT hub_public, incarnation FROM identity").fetchone()
    return Verified(
        audit_rows=rows,
        head=head,
        outbox_seq=outbox_seq,
        outbox_acked=acked,
        handovers=connection.execute("SELECT count(*) FROM handover").fetchone()[0],
        live_units=connection.execute(query("redemptions_live")).fetchone()[0],
        faults=tuple(faults),
        hub_public=None if identity is None else identity[0],
        incarnation=b"" if identity is None else identity[1],
    )


def _walk(connection: sqlite3.Connection, faults: list[str]) -> tuple[int, bytes]:
    head, seq = audit.GENESIS, 0
    while batch := connection.execute(query("audit_rows"), (seq, _BATCH)).fetchall():
        for number, body, kept in batch:
            if number != seq + 1:
                faults.append(f"audit rows {seq + 1} to {number - 1} are missing")
            seq = number
            head = audit.link(head, number, body)
            if head != kept:
                faults.append(f"audit row {number} does not follow the one before it")
                head = kept
    return seq, head


def _outbox(connection: sqlite3.Connection, outbox_seq: int, acked: int) -> list[str]:
    waiting = connection.execute("SELECT count(*) FROM outbox WHERE seq > ?", (acked,)).fetchone()[
        0
    ]
    if waiting != outbox_seq - acked:
        return [f"{outbox_seq - acked - waiting} events for HQ are missing"]
    return []


def audit_hash_at(path: Path, seq: int) -> bytes | None:
    """The chain's hash at row `seq`, to compare with a witness; None beyond its end."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        row = connection.execute("SELECT hash FROM audit WHERE seq = ?", (seq,)).fetchone()
    finally:
        connection.close()
    return None if row is None else row[0]
