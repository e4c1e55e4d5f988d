"""The schema carries the rules: what the code forgets, a constraint refuses."""

import sqlite3
from pathlib import Path

import pytest
from placeholders import placeholders

from edge.store import catalog as catalogs
from edge.store.ledger import Ledger
from edge.store.sql import names, query

ORDER = b"order00001"


@pytest.fixture
def attached(ledger: Ledger, tmp_path: Path) -> Ledger:
    path = tmp_path / "catalog-1.db"
    catalogs.create(path)
    keep_open = catalogs.Catalog(path)
    ledger.attach_catalog(path)
    keep_open.close()
    return ledger


@pytest.mark.parametrize("name", names())
def test_every_named_query_prepares_against_ledger_and_catalog(attached: Ledger, name: str) -> None:
    text = query(name)
    attached.connection.execute(f"EXPLAIN {text}", (None,) * placeholders(text))


def test_there_are_queries() -> None:
    assert len(names()) > 60


def test_no_constraint_is_deferred(attached: Ledger) -> None:
    """A deferred one fails at COMMIT and takes its neighbours' work along (attacks 14)."""
    for database in ("main", "cat"):
        rows = attached.connection.execute(
            f"SELECT name, sql FROM {database}.sqlite_schema WHERE sql IS NOT NULL"  # noqa: S608
        ).fetchall()
        assert rows
        deferred = [name for name, sql in rows if "DEFER" in sql.upper()]
        assert deferred == []
    assert attached.connection.execute("PRAGMA defer_foreign_keys").fetchone() == (0,)


def test_every_table_is_strict_in_both_files(attached: Ledger) -> None:
    rows = attached.connection.execute("PRAGMA table_list").fetchall()
    lax = [(row[0], row[1]) for row in rows if not row[5] and not row[1].startswith("sqlite_")]
    assert lax == []


@pytest.mark.parametrize("table", ["redemption", "tombstone", "ask_answer", "counters", "identity"])
def test_text_is_not_kept_where_a_number_or_bytes_belong(ledger: Ledger, table: str) -> None:
    columns = ledger.connection.execute(f"PRAGMA table_info({table})").fetchall()
    column = next(row[1] for row in columns if row[2] in ("INTEGER", "BLOB"))
    with pytest.raises(sqlite3.IntegrityError):
        ledger.connection.execute(
            f"INSERT INTO {table} ({column}) VALUES ('text')"  # noqa: S608 - the parameters above
        )


def add_handover(ledger: Ledger) -> int:
    cursor = ledger.connection.execute(
        query("handover_add"),
        (ORDER, "SE1", 1, "till1", None, 1, "v1", "replica", "run", 1, 0),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def test_a_unit_is_live_once_whoever_gave_it(ledger: Ledger) -> None:
    first, second = add_handover(ledger), add_handover(ledger)
    ledger.connection.execute(query("redemption_add"), (ORDER, 1, 1, first))
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        ledger.connection.execute(query("redemption_add"), (ORDER, 1, 1, second))
    ledger.connection.execute(query("redemption_add"), (ORDER, 1, 2, second))
    ledger.connection.execute(query("redemptions_end"), (first,))
    ledger.connection.execute(query("redemption_add"), (ORDER, 1, 1, second))


def test_a_redemption_needs_its_handover(ledger: Ledger) -> None:
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        ledger.connection.execute(query("redemption_add"), (ORDER, 1, 1, 99))


def test_the_audit_is_append_only(ledger: Ledger) -> None:
    ledger.connection.execute(query("audit_append"), (1, 1, b"{}", bytes(32)))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        ledger.connection.execute("UPDATE audit SET body = x'00'")
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        ledger.connection.execute("DELETE FROM audit")
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        ledger.connection.execute(query("audit_append"), (1, 1, b"{}", bytes(32)))
    assert ledger.connection.execute("SELECT body FROM audit").fetchall() == [(b"{}",)]


@pytest.mark.parametrize(("held", "offered", "kept"), [(1, 2, 2), (2, 2, 2), (3, 2, 3)])
def test_a_tombstone_gives_way_to_a_higher_epoch_only(
    ledger: Ledger, held: int, offered: int, kept: int
) -> None:
    for epoch, destination in ((held, "hq:cancel"), (offered, "store:2")):
        ledger.connection.execute(
            query("tombstone_add"), (ORDER, 1, 1, epoch, "released", destination, 1)
        )
    row = ledger.connection.execute("SELECT epoch, destination FROM tombstone").fetchone()
    assert row == (kept, "store:2" if offered > held else "hq:cancel")


def test_an_ask_is_answered_once(ledger: Ledger) -> None:
    ledger.connection.execute(query("ask_answered"), (bytes(16), 1, 1, 0))
    with pytest.raises(sqlite3.IntegrityError):
        ledger.connection.execute(query("ask_answered"), (bytes(16), 2, 0, 1))


def test_a_request_is_answered_once(ledger: Ledger) -> None:
    values = ("till1", b"r" * 16, b"m" * 16, "ScanAnswer", b"{}", 1)
    ledger.connection.execute(query("answer_keep"), values)
    with pytest.raises(sqlite3.IntegrityError):
        ledger.connection.execute(query("answer_keep"), values)
    without_key = ("till1", None, b"m" * 16, "ScanAnswer", b"{}", 1)
    ledger.connection.execute(query("answer_keep"), without_key)
    ledger.connection.execute(query("answer_keep"), without_key)


@pytest.mark.parametrize("table", ["counters", "identity", "time_anchor"])
def test_there_is_one_row_of_what_the_box_is(ledger: Ledger, table: str) -> None:
    columns = ledger.connection.execute(f"PRAGMA table_info({table})").fetchall()
    values = {"INTEGER": "2", "TEXT": "'x'", "BLOB": "zeroblob(32)"}
    row = ", ".join("zeroblob(8)" if one[1] == "incarnation" else values[one[2]] for one in columns)
    row = row.replace(
        "2, zeroblob(32), zeroblob(8), 'x', 2", "2, zeroblob(32), zeroblob(8), 'x', 0"
    )
    with pytest.raises(sqlite3.IntegrityError, match="CHECK constraint failed: id = 1"):
        ledger.connection.execute(f"INSERT INTO {table} VALUES ({row})")  # noqa: S608
