"""Bringing a database to the present schema: alembic's revisions, without an ini file.

Every process that opens the database may find the work to do. The revisions run in one transaction;
of two that begin at once one waits for the other's lock, fails on what is there already, rolls back
and finds nothing left to do.
"""

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

SPINE = "0001_spine"


class SchemaTooNew(ValueError):
    """The database was made by a newer version of the hub."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("sync.hub") / "migrations"))
    return config


def needs_upgrade(connection: Connection) -> bool:
    """Whether the database is empty or of before.

    Raises:
        SchemaTooNew: its revision is none of ours.
    """
    scripts = ScriptDirectory.from_config(_config())
    present = MigrationContext.configure(connection).get_current_revision()
    if present is None:
        return True
    if present not in {each.revision for each in scripts.walk_revisions()}:
        raise SchemaTooNew(f"this database has schema {present}: a newer version of the hub's")
    return present != scripts.get_current_head()


def upgrade(connection: Connection) -> None:
    """Run what is missing, inside the caller's transaction.

    A SQLite file that release 1 made has every table of the spine and no revision: it gets one.
    """
    config = _config()
    config.attributes["connection"] = connection
    tables = inspect(connection)
    if tables.has_table("hub") and not tables.has_table("alembic_version"):
        command.stamp(config, SPINE)
    command.upgrade(config, "head")
