"""One commit for many acts: a unit stands or falls alone, nothing is told before COMMIT."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from books import read_books

from edge.domain.facts import Order
from edge.store.errors import Unanswered, UnitFailed
from edge.store.handovers import Handing, Lock, count_try, hand_over, lock_of
from edge.store.ledger import Done, Failed, Ledger, Result, Unit
from edge.store.tx import Moment, Tx

LOOKUP = b"l" * 16


def order(number: int = 1) -> Order:
    return Order(
        order_id=b"order%05d" % number,
        order_no=f"SE{number}",
        home_store=101,
        holder=bytes(8),
        epoch=1,
        cancelled=False,
        not_after_ms=0,
        ready=True,
        place="",
        bags=1,
        lane="normal",
        value_minor=0,
        min_grade=1,
        lines=(),
    )


def gives(number: int = 1, units: tuple[tuple[int, int], ...] = ((1, 1),)) -> Callable[[Tx], int]:
    def act(tx: Tx) -> int:
        handing = Handing(
            order=order(number),
            units=units,
            station="till1",
            operator=None,
            credential="v1",
            basis="replica",
            run="run-1",
            at_ms=tx.moment.trusted_ms,
        )
        return hand_over(tx, handing)

    return act


def throws_after(act: Callable[[Tx], object]) -> Callable[[Tx], object]:
    def both(tx: Tx) -> object:
        act(tx)
        raise LookupError("after everything was written")

    return both


def wrong_pin(tx: Tx) -> Lock:
    return count_try(tx, LOOKUP, "pin", order=None, station="till1", operator=None)


def run(ledger: Ledger, moment: Moment, *acts: Callable[[Tx], object]) -> list[Result]:
    return ledger.run_batch([Unit(act, moment) for act in acts])


def failure(result: Result) -> BaseException | None:
    assert isinstance(result, Failed)
    assert isinstance(result.error, UnitFailed)
    return result.error.__cause__


def counts(ledger: Ledger) -> dict[str, int]:
    return {
        table: ledger.connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
        for table in ("handover", "redemption", "audit", "outbox", "review", "lockout")
    }


def test_a_unit_that_throws_leaves_nothing_and_its_neighbours_everything(
    ledger: Ledger, moment: Moment
) -> None:
    before, thrown, after = run(ledger, moment, gives(1), throws_after(gives(2)), gives(3))
    assert isinstance(before, Done)
    assert isinstance(failure(thrown), LookupError)
    assert isinstance(after, Done)
    assert counts(ledger) == {
        "handover": 2, "redemption": 2, "audit": 2, "outbox": 2, "review": 0, "lockout": 0,
    }  # fmt: skip
    ledger.close()
    assert read_books(ledger.path).faults == []


def test_the_second_of_two_in_one_batch_is_refused_by_the_index_alone(
    ledger: Ledger, moment: Moment
) -> None:
    first, second, other = run(ledger, moment, gives(1), gives(1), gives(2))
    assert isinstance(first, Done)
    assert isinstance(failure(second), sqlite3.IntegrityError)
    assert isinstance(other, Done)
    assert counts(ledger)["redemption"] == 2
    assert counts(ledger)["outbox"] == 2


def test_a_multi_unit_hand_over_is_whole_or_not_at_all(ledger: Ledger, moment: Moment) -> None:
    run(ledger, moment, gives(1, ((1, 2),)))
    [clash] = run(ledger, moment, gives(1, ((1, 1), (1, 2), (1, 3))))
    assert isinstance(failure(clash), sqlite3.IntegrityError)
    live = ledger.connection.execute("SELECT line, unit FROM redemption WHERE live = 1").fetchall()
    assert live == [(1, 2)]


@pytest.mark.parametrize("where", ["before", "middle", "after"])
def test_the_audit_chain_is_unbroken_by_a_rollback(
    ledger: Ledger, moment: Moment, where: Literal["before", "middle", "after"]
) -> None:
    bad = throws_after(gives(9))
    acts: list[Callable[[Tx], object]] = [gives(1), gives(2)]
    acts.insert({"before": 0, "middle": 1, "after": 2}[where], bad)
    run(ledger, moment, *acts)
    run(ledger, moment, gives(3), bad, gives(4))
    ledger.close()
    books = read_books(ledger.path)
    assert books.faults == []
    assert (books.audit_rows, books.events) == (4, 4)


def test_a_wrong_pin_is_counted_though_its_neighbour_throws(ledger: Ledger, moment: Moment) -> None:
    run(ledger, moment, throws_after(gives(1)), wrong_pin, throws_after(gives(2)))
    first = run(ledger, moment, wrong_pin, throws_after(gives(3)))[0]
    assert first == Done(Lock(tries=2, locked=False, case=None))
    [third] = run(ledger, moment, wrong_pin)
    assert isinstance(third, Done)
    assert isinstance(third.value, Lock)
    assert third.value.locked
    ledger.close()
    again = Ledger(ledger.path)
    [kept] = run(again, moment, lambda tx: lock_of(tx, LOOKUP, "pin"))
    assert kept == Done(Lock(tries=3, locked=True, case=1))
    again.close()


def test_a_refusal_is_committed_with_its_reason(ledger: Ledger, moment: Moment) -> None:
    run(ledger, moment, lambda tx: tx.note("refused", reason="expired"))
    ledger.close()
    again = Ledger(ledger.path)
    [row] = again.connection.execute("SELECT body FROM audit").fetchall()
    assert b'"reason":"expired"' in row[0]
    again.close()


def test_counters_of_a_thrown_unit_are_as_they_were(ledger: Ledger, moment: Moment) -> None:
    late = Moment(trusted_ms=moment.trusted_ms + 10**9, boot_ms=2, clock="synced")
    run(ledger, moment, gives(1))
    before = ledger.connection.execute("SELECT * FROM counters").fetchone()
    ledger.run_batch([Unit(throws_after(gives(2)), late)])
    assert ledger.connection.execute("SELECT * FROM counters").fetchone() == before


def test_the_clock_rises_even_when_the_moment_goes_back(ledger: Ledger, moment: Moment) -> None:
    early = Moment(trusted_ms=moment.trusted_ms - 3_600_000, boot_ms=1, clock="unsure")
    run(ledger, moment, gives(1))
    ledger.run_batch([Unit(gives(2), early)])
    floor = ledger.connection.execute("SELECT time_floor_ms FROM counters").fetchone()
    assert floor == (moment.trusted_ms,)
    ledger.close()
    assert read_books(ledger.path).faults == []


def test_a_batch_is_one_commit(ledger: Ledger, moment: Moment) -> None:
    seen: list[str] = []
    ledger.connection.set_trace_callback(seen.append)
    run(ledger, moment, *(gives(number) for number in range(20)))
    ledger.connection.set_trace_callback(None)
    assert seen.count("COMMIT") == 1
    assert seen.count("BEGIN IMMEDIATE") == 1


def test_nothing_of_a_batch_is_seen_outside_before_it_is_answered(
    ledger: Ledger, moment: Moment
) -> None:
    outside = sqlite3.connect(ledger.path)
    seen: list[int] = []

    def look(_: Tx) -> None:
        seen.append(outside.execute("SELECT count(*) FROM handover").fetchone()[0])

    run(ledger, moment, gives(1), look, gives(2))
    assert seen == [0]
    assert outside.execute("SELECT count(*) FROM handover").fetchone() == (2,)
    outside.close()


def test_a_unit_decides_on_what_its_neighbour_just_did(ledger: Ledger, moment: Moment) -> None:
    def sees(tx: Tx) -> int:
        return len(tx.all("standing", order(1).order_id))

    results = run(ledger, moment, sees, gives(1), sees)
    assert [result.value for result in results if isinstance(result, Done)] == [0, 1, 1]


@pytest.mark.parametrize("statement", ["COMMIT", "ROLLBACK"])
def test_a_unit_that_ends_the_transaction_leaves_the_batch_unanswered(
    ledger: Ledger, moment: Moment, statement: str
) -> None:
    """`with connection:` inside a unit would commit or roll back the neighbours (attacks 13)."""
    results = run(ledger, moment, gives(1), lambda tx: tx.connection.execute(statement), gives(2))
    assert all(isinstance(result, Failed) for result in results)
    assert all(
        isinstance(result.error, Unanswered) for result in results if isinstance(result, Failed)
    )
    assert ledger.broken


def test_a_unit_that_rolls_everything_back_by_a_trigger_loses_the_batch(
    ledger: Ledger, moment: Moment
) -> None:
    ledger.connection.execute(
        "CREATE TEMP TRIGGER bomb BEFORE INSERT ON handover WHEN new.order_no = 'SE2'"
        " BEGIN SELECT RAISE(ROLLBACK, 'bomb'); END"
    )
    results = run(ledger, moment, gives(1), gives(2), gives(3))
    assert [type(result.error) for result in results if isinstance(result, Failed)] == [
        Unanswered
    ] * 3
    assert ledger.broken
    ledger.close()
    again = Ledger(ledger.path)
    assert counts(again)["handover"] == 0
    again.close()


def test_a_broken_ledger_is_not_written(ledger: Ledger, moment: Moment) -> None:
    run(ledger, moment, lambda tx: tx.connection.execute("ROLLBACK"))
    with pytest.raises(AssertionError, match="broken"):
        run(ledger, moment, gives(1))


def test_memory_that_ran_out_leaves_the_batch_unanswered(ledger: Ledger, moment: Moment) -> None:
    """SQLITE_NOMEM reaches Python as MemoryError; whether SQLite rolled back is not known."""

    def starves(_: Tx) -> None:
        raise MemoryError

    results = run(ledger, moment, gives(1), starves, gives(2))
    assert [type(result.error) for result in results if isinstance(result, Failed)] == [
        Unanswered
    ] * 3
    assert ledger.broken


def test_an_act_too_large_for_the_wire_is_rolled_back_alone(ledger: Ledger, moment: Moment) -> None:
    huge = tuple((1, unit) for unit in range(1, 3_000))
    good, large = run(ledger, moment, gives(1), gives(2, huge))
    assert isinstance(good, Done)
    assert "too large" in str(failure(large))
    assert counts(ledger)["redemption"] == 1


def test_an_empty_batch_is_no_harm(ledger: Ledger) -> None:
    assert ledger.run_batch([]) == []
    assert not ledger.broken


def test_books_are_read_back_whole_after_many_batches(tmp_path: Path, moment: Moment) -> None:
    ledger = Ledger(tmp_path / "many.db")
    for number in range(100):
        bad = throws_after(gives(1000 + number))
        run(ledger, moment, gives(number), *([bad] if number % 3 == 0 else []))
    ledger.close()
    books = read_books(ledger.path)
    assert books.faults == []
    assert len(books.handed) == 100
