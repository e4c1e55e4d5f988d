"""`verify`: what a check of the audit chain notices."""

import sqlite3
from pathlib import Path

import pytest

from edge.store.errors import Corrupt
from edge.store.identity import load
from edge.store.ledger import Ledger, Unit
from edge.store.tx import Moment, Tx
from edge.store.verify import Witness, verify
from sync.wire.events import Signed

MOMENT = Moment(trusted_ms=1_000, boot_ms=1_000, clock="synced")


def _identify(tx: Tx) -> None:
    load(tx, machine="m", is_same=lambda before, now: before == now)


def _note(tx: Tx) -> None:
    tx.note("tested", number=1)
    tx.tell("audit_head", Signed(at_ms=1_000))


@pytest.fixture
def ledger_path(tmp_path: Path) -> Path:
    """A ledger with an identity, five notes and five events."""
    path = tmp_path / "ledger.db"
    ledger = Ledger(path)
    ledger.run_batch([Unit(_identify, MOMENT), *(Unit(_note, MOMENT) for _ in range(5))])
    ledger.close()
    return path


def _tamper(path: Path, *statements: str, last: int = 0) -> None:
    """Run statements in which `:last` may stand."""
    connection = sqlite3.connect(path)
    connection.execute("DROP TRIGGER audit_append_only_update")
    connection.execute("DROP TRIGGER audit_append_only_delete")
    for statement in statements:
        connection.execute(statement, {"last": last})
    connection.commit()
    connection.close()


def test_whole_books_have_no_fault(ledger_path: Path) -> None:
    books = verify(ledger_path)
    assert books.faults == ()
    assert books.audit_seq >= 5
    assert books.unsent == 5
    assert verify(ledger_path, [Witness(seq=books.audit_seq, head=books.head)]).faults == ()


def test_books_are_checked_while_the_daemon_writes(ledger_path: Path) -> None:
    ledger = Ledger(ledger_path)
    ledger.run_batch([Unit(_note, MOMENT)])
    assert verify(ledger_path).faults == ()
    ledger.close()


def test_a_changed_row_is_noticed(ledger_path: Path) -> None:
    _tamper(ledger_path, "UPDATE audit SET body = x'7b7d' WHERE seq = 3")
    assert "audit row 3 was changed" in verify(ledger_path).faults


def test_a_missing_row_is_noticed(ledger_path: Path) -> None:
    _tamper(ledger_path, "DELETE FROM audit WHERE seq = 3")
    assert "audit row 3 is missing" in verify(ledger_path).faults


def test_a_cut_off_tail_is_noticed_by_the_ledgers_own_head(ledger_path: Path) -> None:
    last = verify(ledger_path).audit_seq
    _tamper(
        ledger_path,
        "DELETE FROM audit WHERE seq = :last",
        "DELETE FROM outbox WHERE audit_seq = :last",
        last=last,
    )
    assert "the ledger's own head is not that of its audit chain" in verify(ledger_path).faults


def test_a_tail_cut_off_with_care_is_noticed_by_who_saw_it(ledger_path: Path) -> None:
    before = verify(ledger_path)
    last = before.audit_seq
    _tamper(
        ledger_path,
        "DELETE FROM audit WHERE seq = :last",
        "DELETE FROM outbox WHERE audit_seq = :last",
        "UPDATE counters SET audit_seq = :last - 1, "
        "audit_hash = (SELECT hash FROM audit WHERE seq = :last - 1)",
        last=last,
    )
    assert verify(ledger_path).faults == ()
    witnessed = verify(ledger_path, [Witness(seq=last, head=before.head)])
    assert witnessed.faults == (f"audit row {last} was witnessed and is gone",)


def test_a_rewritten_chain_is_noticed_by_who_saw_it(ledger_path: Path) -> None:
    faults = verify(ledger_path, [Witness(seq=2, head=bytes(32))]).faults
    assert "audit row 2 is not the one that was witnessed" in faults


def test_no_ledger_is_not_whole(tmp_path: Path) -> None:
    with pytest.raises(Corrupt):
        verify(tmp_path / "ledger.db")
