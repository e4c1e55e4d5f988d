"""The ledger's schema steps: numbered SQL, each in one transaction with its own record.

`PRAGMA user_version` counts the steps taken. Before a step on an existing ledger the file is
copied by `VACUUM INTO`, so a failed upgrade can be undone by a person.
"""

import sqlite3
from importlib.resources import files
from pathlib import Path

from edge.store.errors import SchemaTooNew


def steps() -> tuple[tuple[int, str], ...]:
    """(number, SQL) in order; numbers start at 1 and have no gap."""
    entries = sorted(
        entry.name
        for entry in files("edge.store.migrations").iterdir()
        if entry.name.endswith(".sql")
    )
    numbered = tuple(
        (
            int(name[:4]),
            files("edge.store.migrations").joinpath(name).read_text(encoding="utf-8"),
        )
        for name in entries
    )
    assert [number for number, _ in numbered] == list(range(1, len(numbered) + 1))
    return numbered


def _statements(text: str) -> list[str]:
    found: list[str] = []
    pending = ""
    for line in text.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            found.append(pending)
            pending = ""
    assert not pending.strip() or all(
        row.lstrip().startswith("--") for row in pending.strip().splitlines()
    )
    return found


def migrate(connection: sqlite3.Connection, ledger: Path, *, upto: int | None = None) -> int:
    """Bring the ledger to the newest schema, or to step `upto`; answers how many steps were taken.

    Raises:
        SchemaTooNew: the ledger knows steps that this program does not.
        sqlite3.Error: a step failed; the schema is as it was before that step.
    """
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    known = steps()
    if version > len(known):
        raise SchemaTooNew(f"ledger schema {version}, this program knows {len(known)}")
    wanted = known[version:upto]
    for number, text in wanted:
        if version:
            copy = ledger.with_name(f"{ledger.name}.before-{number:04}")
            copy.unlink(missing_ok=True)
            connection.execute("VACUUM INTO ?", (str(copy),))
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in _statements(text):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number:d}")
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    return len(wanted)
