"""The chain: what several stores and one HQ need. One function a part, called from `upgrade`.

A column added to a table of before needs `nullable=True` or a `server_default` (here and in the
tables' module), since rows stand in it already. A CHECK is changed with `restate_checks` from
`sync.hub.migrations.checks`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002_chain"
down_revision = "0001_spine"


def upgrade() -> None:
    """Every part's tables and columns."""
    hubdb()


def hubdb() -> None:
    """Generations of before and their ends, recovery, regions, what counts against an address."""
    op.execute("UPDATE hub SET schema_version = 2")  # so that release 1 refuses it
    op.add_column("store", sa.Column("region", sa.String, nullable=True))
    op.create_table(
        "past_generation",
        sa.Column("generation", sa.LargeBinary, primary_key=True),
        sa.Column("scope", sa.String, primary_key=True),
        sa.Column("end_seq", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "recovery",
        sa.Column("generation", sa.LargeBinary, primary_key=True),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("began_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger, nullable=True),
        sa.Column("ended_by", sa.String, nullable=True),
    )
    op.create_table(
        "recovery_node",
        sa.Column("generation", sa.LargeBinary, primary_key=True),
        sa.Column("node", sa.String, primary_key=True),
        sa.Column("incarnation", sa.LargeBinary, primary_key=True),
        sa.Column("store", sa.Integer, nullable=False),
        sa.Column("from_seq", sa.BigInteger, nullable=False),
        sa.Column("caught_up_ms", sa.BigInteger, nullable=True),
    )
    op.create_table(
        "wrong_try",
        sa.Column("address", sa.String, primary_key=True),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
    )
