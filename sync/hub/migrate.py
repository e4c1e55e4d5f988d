"""Bringing a database to the present schema: alembic's revisions, without an ini file.

Every process that opens the database may find the work to do. The revisions run in one transaction;
of two that begin at once one waits for the other's lock, fails on what is there already, rolls back
and finds nothing left to do. Alembic is loaded only when there is work.
"""

from importlib.resources import files

from sqlalchemy import Column, Connection, MetaData, String, Table, inspect, select

REVISIONS = ("0001_spine", "0002_chain")
"""All of them in order; a test compares them with the files."""

_version = Table("alembic_version", MetaData(), Column("version_num", String))


class SchemaTooNew(ValueError):
    """The database was made by a newer version of the hub."""


def needs_upgrade(connection: Connection) -> bool:
    """Whether the database is empty or of before.

    Raises:
        SchemaTooNew: its revision is none of ours.
    """
    if not inspect(connection).has_table(_version.name):
        return True
    present = connection.execute(select(_version.c.version_num)).scalar_one_or_none()
    if present is not None and present not in REVISIONS:
        raise SchemaTooNew(f"this database has schema {present}: a newer version of the hub's")
    return present != REVISIONS[-1]


def upgrade(connection: Connection) -> None:
    """Run what is missing, inside the caller's transaction.

    A SQLite file that release 1 made has every table of the spine and no revision: it gets one.
    """
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("sync.hub") / "migrations"))
    config.attributes["connection"] = connection
    tables = inspect(connection)
    if tables.has_table("hub") and not tables.has_table(_version.name):
        command.stamp(config, REVISIONS[0])
    command.upgrade(config, "head")
