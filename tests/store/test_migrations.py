"""Schema steps: whole or not at all, at every statement, and every released ledger still opens."""

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from books import read_books
from placeholders import placeholders

from edge.store.ledger import Ledger, connect
from edge.store.migrate import migrate, steps
from edge.store.sql import names, query

RELEASED = sorted((Path(__file__).parents[1] / "data" / "databases").glob("ledger-*.db"))


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        return [*connection.iterdump(), f"version {version}"]


def start_of(number: int, folder: Path) -> Path:
    """A ledger as it is before step `number`: an empty one, or the one released before it."""
    path = folder / "ledger.db"
    if number == 1:
        connect(path).close()
    else:
        shutil.copy(RELEASED[number - 2], path)
        connect(path).close()
    return path


def whole_steps(path: Path, folder: Path) -> list[list[str]]:
    """The dump before anything, and after each further step taken whole."""
    copy = folder / "whole.db"
    shutil.copy(path, copy)
    dumps = [dump(copy)]
    with closing(sqlite3.connect(copy)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for number, text in steps()[version:]:
            connection.executescript(f"{text}; PRAGMA user_version = {number:d}")
            dumps.append(dump(copy))
    return dumps


def statements_of_a_migration(path: Path, number: int) -> list[str]:
    seen: list[str] = []
    with closing(connect(path)) as connection:
        connection.set_trace_callback(seen.append)
        migrate(connection, path, upto=number)
    return seen


def killed_at(path: Path, at: int, number: int) -> None:
    """Migrate in a child that dies as its statement number `at` begins."""
    child = os.fork()
    if child == 0:
        connection = connect(path)
        left = [at]

        def count(_: str) -> None:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

        connection.set_trace_callback(count)
        migrate(connection, path, upto=number)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the child ended before the statement was reached"


@pytest.mark.parametrize("number", [number for number, _ in steps()])
def test_a_kill_at_any_statement_leaves_the_dump_unchanged(number: int, tmp_path: Path) -> None:
    for kind in ("count", "new"):
        (tmp_path / kind).mkdir()
    seen = statements_of_a_migration(start_of(number, tmp_path / "count"), number)
    path = start_of(number, tmp_path / "new")
    before = dump(path)
    assert len(seen) > 10
    for at in range(len(seen)):
        killed_at(path, at, number)
        assert dump(path) == before, f"killed at {seen[at]}"
    with closing(connect(path)) as connection:
        migrate(connection, path, upto=number)
    assert dump(path) == dump(tmp_path / "count" / "ledger.db")
    assert dump(path) != before


def denied_at(at: int) -> Callable[[int, str | None, str | None, str | None, str | None], int]:
    left = [at]

    def authorise(*_: object) -> int:
        left[0] -= 1
        return sqlite3.SQLITE_DENY if left[0] < 0 else sqlite3.SQLITE_OK

    return authorise


@pytest.mark.parametrize("number", [number for number, _ in steps()])
def test_an_error_at_any_point_leaves_the_dump_unchanged(number: int, tmp_path: Path) -> None:
    path = start_of(number, tmp_path)
    whole = whole_steps(path, tmp_path)
    failures = 0
    while True:
        with closing(connect(path)) as connection:
            connection.set_authorizer(denied_at(failures))
            try:
                migrate(connection, path)
            except sqlite3.Error:
                connection.set_authorizer(None)
                if connection.in_transaction:  # the ROLLBACK itself was denied: the process ends
                    connection.execute("ROLLBACK")
            else:
                break
        assert dump(path) in whole[:-1]
        failures += 1
    assert failures > 20
    assert dump(path) == whole[-1]


def test_steps_are_numbered_from_one_without_a_gap() -> None:
    assert [number for number, _ in steps()] == list(range(1, len(steps()) + 1))


def test_every_released_schema_is_kept_as_a_database() -> None:
    assert [path.name for path in RELEASED] == [f"ledger-{number:04}.db" for number, _ in steps()]


@pytest.mark.parametrize("released", RELEASED, ids=lambda path: path.stem)
def test_a_released_ledger_opens_migrates_and_keeps_its_books(
    released: Path, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.db"
    shutil.copy(released, path)
    before = read_books(path)
    assert before.faults == []
    assert before.handed
    assert before.undone
    ledger = Ledger(path)
    assert ledger.connection.execute("PRAGMA user_version").fetchone() == (len(steps()),)
    without_catalog = [name for name in names() if "cat." not in query(name)]
    for name in without_catalog:
        text = query(name)
        ledger.connection.execute(f"EXPLAIN {text}", (None,) * placeholders(text))
    ledger.close()
    assert read_books(path) == before


def test_the_newest_released_ledger_has_the_schema_that_its_steps_make(tmp_path: Path) -> None:
    released = RELEASED[-1]
    assert int(released.stem.removeprefix("ledger-")) == len(steps())
    fresh = Ledger(tmp_path / "fresh.db")
    wanted = fresh.connection.execute("SELECT type, name, sql FROM sqlite_schema").fetchall()
    fresh.close()
    with closing(sqlite3.connect(released)) as connection:
        kept = connection.execute("SELECT type, name, sql FROM sqlite_schema").fetchall()
    assert sorted(map(str, kept)) == sorted(map(str, wanted))
