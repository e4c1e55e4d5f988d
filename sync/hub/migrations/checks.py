"""Changing CHECK constraints where an engine cannot: SQLite writes the table anew."""

import sqlalchemy as sa
from alembic import op


def restate_checks(table: str, checks: dict[str, str]) -> None:
    """Replace the CHECK constraints of a table: all of them by name, with their SQL.

    On SQLite the table is written anew and loses every CHECK that is not named here.
    """
    if op.get_bind().dialect.name == "sqlite":
        stated = tuple(sa.CheckConstraint(sql, name=name) for name, sql in checks.items())
        with op.batch_alter_table(table, recreate="always", table_args=stated):
            pass
        return
    for name, sql in checks.items():
        op.execute(f'ALTER TABLE "{table}" DROP CONSTRAINT IF EXISTS "{name}"')
        op.create_check_constraint(name, table, sql)
