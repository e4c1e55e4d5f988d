"""Changing CHECK constraints where an engine cannot: SQLite writes the table anew."""

import warnings

import sqlalchemy as sa
from alembic import op


def restate_checks(table: str, checks: dict[str, str]) -> None:
    """Replace CHECK constraints of a table by name, with their SQL.

    On SQLite the table is written anew, and a CHECK of release 1, which had no name, is gone unless
    it is named here.
    """
    bind = op.get_bind()
    if bind.dialect.name == "sqlite":
        present = {str(each["name"]) for each in sa.inspect(bind).get_check_constraints(table)}
        stated = tuple(sa.CheckConstraint(sql, name=name) for name, sql in checks.items())
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Unnamed CHECK constraint")
            with op.batch_alter_table(table, recreate="always", table_args=stated) as batch:
                for name in checks.keys() & present:
                    batch.drop_constraint(name, type_="check")
        return
    for name, sql in checks.items():
        op.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{name}"')
        op.create_check_constraint(name, table, sql)
