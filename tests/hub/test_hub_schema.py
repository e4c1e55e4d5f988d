"""The hub's tables as the revisions make them: the same as declared, on both engines."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from hub_databases import Servers
from sqlalchemy import CheckConstraint, Connection, UniqueConstraint, insert, inspect, select, text

from sync.hub import identity, migrate
from sync.hub.database import Database
from sync.hub.engines import open_sqlite
from sync.hub.migrate import SchemaTooNew
from sync.hub.tables import hub, metadata, store

RELEASED = Path(__file__).parents[1] / "data" / "databases" / "hub-schema-1.sql"


class Noon:
    def now_ms(self) -> int:
        return 1_790_000_000_000


def checks(connection: Connection) -> dict[str, int]:
    """How many CHECK constraints each table has in the database."""
    found = inspect(connection)
    return {
        table: len(found.get_check_constraints(table))
        for table in found.get_table_names()
        if table != "alembic_version"
    }


def declared_checks() -> dict[str, int]:
    return {
        table.name: sum(isinstance(each, CheckConstraint) for each in table.constraints)
        + sum(
            isinstance(each, CheckConstraint)
            for column in table.columns
            for each in column.constraints
        )
        for table in metadata.sorted_tables
    }


def keys(connection: Connection) -> dict[str, tuple[list[str], set[tuple[str, ...]]]]:
    """Primary key and unique constraints of each table."""
    found = inspect(connection)
    return {
        table: (
            list(found.get_pk_constraint(table)["constrained_columns"]),
            {tuple(each["column_names"]) for each in found.get_unique_constraints(table)},
        )
        for table in found.get_table_names()
        if table != "alembic_version"
    }


def declared_keys() -> dict[str, tuple[list[str], set[tuple[str, ...]]]]:
    return {
        table.name: (
            [column.name for column in table.primary_key],
            {
                tuple(column.name for column in each.columns)
                for each in table.constraints
                if isinstance(each, UniqueConstraint)
            },
        )
        for table in metadata.sorted_tables
    }


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, servers: Servers, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'fresh.db'}"
        return
    with servers.postgresql(migrated=False) as url:
        yield url


def test_the_revisions_make_the_tables_that_are_declared(empty_url: str) -> None:
    database = Database(empty_url)
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert checks(connection) == declared_checks()
        assert keys(connection) == declared_keys()
    database.close()


def test_opening_again_changes_nothing_and_a_newer_schema_is_refused(empty_url: str) -> None:
    database = Database(empty_url)
    database.close()
    database = Database(empty_url)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999_future'"))
    database.close()
    with pytest.raises(SchemaTooNew, match="newer version"):
        Database(empty_url)


def test_a_file_of_release_1_is_stamped_and_brought_up(tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    engine = open_sqlite(file)
    raw = engine.raw_connection()
    cursor = raw.cursor()
    for statement in RELEASED.read_text(encoding="utf-8").split(";\n"):
        cursor.execute(statement)
    raw.commit()
    raw.close()
    engine.dispose()

    database = Database(f"sqlite:///{file}")
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert keys(connection) == declared_keys()
        assert checks(connection) == declared_checks()
        kept = connection.execute(select(hub.c.name, hub.c.schema_version)).one()
        shop = connection.execute(select(store.c.code, store.c.region)).one()
    assert tuple(kept) == ("Old chain", 2), "release 1 will refuse it"
    assert tuple(shop) == ("SH-01", None)
    assert identity.open_hub(database, Noon()).chain == "a1b2c3d4e5f60718"
    database.close()


def test_a_revision_that_breaks_leaves_the_file_as_it_was(
    tmp_path: Path,
) -> None:
    file = tmp_path / "hub.db"
    engine = open_sqlite(file)
    with engine.connect() as connection:
        broken = connection.execution_options(writes=True)
        with broken.begin() as going:
            migrate.upgrade(broken)
            going.rollback()  # as the power would
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()


def test_one_chain_a_database(empty_url: str) -> None:
    database = Database(empty_url)
    identity.initialise(database, Noon(), name="First", demo=False)
    with pytest.raises(ValueError, match="already"):
        identity.initialise(database, Noon(), name="Second", demo=False)
    with database.reading() as connection:
        row = connection.execute(select(hub)).one()
    values = dict(row._mapping) | {"only": 2}
    with pytest.raises(Exception, match="hub_only"), database.writing() as connection:
        connection.execute(insert(hub).values(**values))
    database.close()


def test_a_check_that_a_revision_changed_is_the_new_one(empty_url: str) -> None:
    database = Database(empty_url)
    with database.reading() as connection:
        found = inspect(connection).get_check_constraints("unit")
    assert ["refunded" in each["sqltext"] for each in found] == [True]
    database.close()


def test_the_revisions_named_are_those_that_there_are() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    assert tuple(each.revision for each in scripts.walk_revisions())[::-1] == migrate.REVISIONS
    assert scripts.get_current_head() == migrate.REVISIONS[-1]
