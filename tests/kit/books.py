"""Reading the books of a closed ledger, and saying what is wrong with them."""

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sync.wire import audit

Unit = tuple[str, int, int]
"""(order number, line, unit)."""


@dataclass(slots=True)
class Books:
    """What a ledger says of itself. handed: live units by their hand-over."""

    faults: list[str] = field(default_factory=list)
    handed: dict[Unit, int] = field(default_factory=dict)
    undone: set[int] = field(default_factory=set)
    handovers: set[int] = field(default_factory=set)
    audit_rows: int = 0
    events: int = 0


def read_books(ledger: Path) -> Books:
    """Every rule that holds at any moment of a ledger's life, checked on its rows alone."""
    books = Books()
    with closing(sqlite3.connect(ledger)) as connection:
        check = connection.execute("PRAGMA integrity_check").fetchone()[0]
        if check != "ok":
            books.faults.append(f"integrity: {check}")
        _audit(connection, books)
        _outbox(connection, books)
        _units(connection, books)
    return books


def _audit(connection: sqlite3.Connection, books: Books) -> None:
    head, last = audit.GENESIS, 0
    for seq, body, kept in connection.execute("SELECT seq, body, hash FROM audit ORDER BY seq"):
        if seq != last + 1:
            books.faults.append(f"audit jumps from {last} to {seq}")
        head, last = audit.link(head, seq, body), seq
        if head != kept:
            books.faults.append(f"audit hash of {seq} does not follow")
            head = kept
    books.audit_rows = last
    kept_seq, kept_hash = connection.execute(
        "SELECT audit_seq, audit_hash FROM counters"
    ).fetchone()
    if (kept_seq, kept_hash) != (last, head):
        books.faults.append(f"audit head in counters is {kept_seq}, in rows {last}")


def _outbox(connection: sqlite3.Connection, books: Books) -> None:
    last, last_hlc, live = 0, 0, dict[Unit, int]()
    rows = connection.execute(
        "SELECT seq, hlc, kind, body, audit_seq, audit_hash FROM outbox ORDER BY seq"
    )
    for seq, hlc, kind, body, audit_seq, audit_hash in rows.fetchall():
        if seq != last + 1:
            books.faults.append(f"outbox jumps from {last} to {seq}")
        if hlc <= last_hlc:
            books.faults.append(f"hlc of event {seq} does not rise")
        last, last_hlc = seq, hlc
        witness = connection.execute("SELECT hash FROM audit WHERE seq = ?", (audit_seq,))
        if witness.fetchone() != (audit_hash,):
            books.faults.append(f"event {seq} is witnessed by a row that is not there")
        _replay(books, live, seq, kind, json.loads(body))
    kept_seq, kept_hlc = connection.execute("SELECT outbox_seq, hlc FROM counters").fetchone()
    if kept_seq != last:
        books.faults.append(f"outbox head in counters is {kept_seq}, in rows {last}")
    if kept_hlc < last_hlc:
        books.faults.append("the clock in counters is behind the events")
    books.events = last
    books.handed = live


def _replay(
    books: Books, live: dict[Unit, int], seq: int, kind: str, body: dict[str, object]
) -> None:
    if kind not in ("handed", "provisional", "undone", "lapsed", "answered"):
        return
    field_name = "released" if kind == "answered" else "units"
    named = body[field_name]
    number = body.get("handover", 0)
    assert isinstance(named, list)
    assert isinstance(number, int)
    for order, line, one in named:
        unit = (str(order), int(line), int(one))
        if kind == "undone":
            if live.pop(unit, None) != number:
                books.faults.append(f"event {seq} takes back what {number} did not give")
        elif unit in live:
            books.faults.append(f"event {seq} ({kind}) of a unit that {live[unit]} gave")
        elif kind in ("handed", "provisional"):
            live[unit] = number


def _units(connection: sqlite3.Connection, books: Books) -> None:
    import base64

    rows = connection.execute(
        "SELECT r.order_id, r.line, r.unit, r.handover, h.undone_ms FROM redemption r"
        " LEFT JOIN handover h ON h.handover = r.handover WHERE r.live = 1"
    ).fetchall()
    table = {
        (base64.b64encode(order).decode(), line, one): number
        for order, line, one, number, _ in rows
    }
    if len(table) != len(rows):
        books.faults.append("a unit is live twice")
    if any(undone is not None for *_, undone in rows):
        books.faults.append("a live unit of an undone hand-over")
    lives = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'outbox_before'")
    if lives.fetchone()[0]:  # what incarnations before told stands apart
        before = connection.execute("SELECT count(*) FROM incarnation_before").fetchone()[0]
        if before:
            return
    if table != books.handed:
        books.faults.append("redemptions and events disagree")
    for number, undone in connection.execute("SELECT handover, undone_ms FROM handover"):
        books.handovers.add(number)
        if undone is not None:
            books.undone.add(number)
    slips = connection.execute(
        "SELECT count(*) FROM effect WHERE handover IS NOT NULL"
        " AND handover NOT IN (SELECT handover FROM handover)"
    ).fetchone()[0]
    if slips:
        books.faults.append("a slip of a hand-over that is not there")
