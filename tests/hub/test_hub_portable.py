"""The hub's SQL is the portable subset: what only one engine knows stands in `engines.py`."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from running_hub import Headquarters
from sqlalchemy import Integer

from sync.hub import app
from sync.hub.begin_again import AgainRoute
from sync.hub.tables import metadata

HUB = Path(__file__).parents[2] / "sync" / "hub"
SOURCES = sorted(HUB.rglob("*.py"))

ENGINES = {"engines.py", "database.py", "migrations/checks.py"}
"""Where an engine may be named."""

CATALOG_FILES = {"snapshots.py"}
"""These write SQLite files for the boxes, whatever the hub's own engine is."""

IDS_BY_THE_ENGINE = {"review_case", "approval", "stock_action", "transfer_proposal"}
"""Tables whose id the engine counts: for people to name a row, never to read on from."""

FORBIDDEN_NAMES = {
    "on_conflict_do_nothing",
    "on_conflict_do_update",
    "with_for_update",
    "dialects",
    "dialect",
    "Sequence.next_value",
    "JSONB",
    "ARRAY",
    "Identity",
    "TSVECTOR",
    "exec_driver_sql",
    "server_version_info",
    "backend",
}
FORBIDDEN_WORDS = re.compile(
    r"\b(pg_\w+|advisory|pg_notify|bigserial|nextval|SKIP LOCKED|ON CONFLICT|ILIKE|PRAGMA"
    r"|rowid|xmin|ctid|VACUUM|LOCK TABLE|INSERT OR|postgresql\+|sqlite\+)\b",
    re.IGNORECASE,
)
FORBIDDEN_STATEMENTS = re.compile(r"^\s*(NOTIFY|LISTEN|SET|BEGIN|COPY)\b")


def where(file: Path) -> str:
    return str(file.relative_to(HUB))


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def docstrings(tree: ast.AST) -> set[int]:
    """Ids of the nodes that are documentation: a bare string as a statement."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def words(tree: ast.AST) -> Iterator[str]:
    documentation = docstrings(tree)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in documentation
        ):
            yield node.value


def names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Name):
            yield node.id


def faults(source: str, file: str) -> list[str]:
    """What in a module of the hub only one engine would understand."""
    tree = ast.parse(source)
    found: list[str] = []
    engine = file in ENGINES
    for module in imports(tree):
        top = module.partition(".")[0]
        if top == "psycopg" or module.startswith("sqlalchemy.dialects"):
            found.append(f"{file} imports {module}")
        if top == "sqlite3" and not engine and file not in CATALOG_FILES:
            found.append(f"{file} imports sqlite3")
    if not engine:
        found += [f"{file} uses {each}" for each in names(tree) if each in FORBIDDEN_NAMES]
        if file not in CATALOG_FILES:
            said = (
                FORBIDDEN_WORDS.search(each) or FORBIDDEN_STATEMENTS.search(each)
                for each in words(tree)
            )
            found += [f"{file} says {each[0]!r}" for each in said if each]
    return found


def test_no_module_of_the_hub_knows_one_engine_only() -> None:
    assert len(SOURCES) > 40
    assert [
        fault for file in SOURCES for fault in faults(file.read_text(encoding="utf-8"), where(file))
    ] == []


@pytest.mark.parametrize(
    "source",
    [
        "from sqlalchemy.dialects.postgresql import insert",
        "import psycopg",
        "import sqlite3",
        "connection.execute(text('SELECT pg_advisory_lock(1)'))",
        "connection.execute(text('NOTIFY feed'))",
        "insert(feed).on_conflict_do_nothing()",
        "select(feed).with_for_update(skip_locked=True)",
        "Column('seq', Identity())",
        "connection.exec_driver_sql('x')",
        "if connection.dialect.name == 'sqlite': pass",
    ],
)
def test_what_is_not_portable_is_seen(source: str) -> None:
    assert faults(source, "feed.py")


def test_words_in_documentation_are_no_sql() -> None:
    said = '"""NOTIFY feed."""\nx = "notify the store"\ny = "NOTIFY feed"'
    assert faults(said, "feed.py") == ["feed.py says 'NOTIFY'"]


def test_the_engine_counts_only_ids_that_nothing_is_read_by() -> None:
    counted = {
        table.name
        for table in metadata.sorted_tables
        if (column := table.autoincrement_column) is not None and isinstance(column.type, Integer)
    }
    assert counted == IDS_BY_THE_ENGINE
    assert metadata.tables["feed"].autoincrement_column is None


def test_the_only_partial_index_has_the_same_condition_on_both() -> None:
    for table in metadata.sorted_tables:
        for index in table.indexes:
            conditions = {
                engine: str(options["where"])
                for engine, options in index.dialect_options.items()
                if options.get("where") is not None
            }
            assert len(set(conditions.values())) <= 1, index.name
            assert set(conditions) in (set(), {"sqlite", "postgresql"}), index.name


def test_every_endpoint_of_hq_begins_again_when_another_writer_came_first(
    headquarters: Headquarters, tmp_path: Path
) -> None:
    built = app.build(headquarters.hub, tmp_path / "snapshots")
    found = [each.original_route for each in iter_route_contexts(built.routes)]
    endpoints = [route for route in found if isinstance(route, APIRoute)]
    assert len(endpoints) > 30
    once = sorted(route.path for route in endpoints if not isinstance(route, AgainRoute))
    assert once == []
