"""Tables of the provisional path: what was granted to lose, and what became of what was given."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from sync.hub.tables import metadata

budget = Table(
    "budget",
    metadata,
    Column("budget_id", LargeBinary, primary_key=True),
    Column("store", Integer, nullable=False),
    Column("incarnation", LargeBinary, nullable=False),
    Column("granted", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("granted_by", String, nullable=False),
    Column("granted_ms", BigInteger, nullable=False),
    Column("not_after_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger, nullable=True),
)
Index("budget_store", budget.c.store, budget.c.granted_ms)
provisional = Table(
    "provisional",
    metadata,
    Column("order_id", LargeBinary, primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("unit", Integer, primary_key=True, autoincrement=False),
    Column("incarnation", LargeBinary, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("budget_id", LargeBinary, nullable=False),
    Column("node", String, nullable=False),
    Column("store", Integer, nullable=False),
    Column("handover", BigInteger, nullable=False),
    Column("operator", String, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("given_ms", BigInteger, nullable=False),
    Column("settled_ms", BigInteger, nullable=True),
    Column("detail", Text, nullable=False),
    CheckConstraint("state IN ('pending', 'settled', 'lost', 'undone')", name="provisional_state"),
)
Index("provisional_budget", provisional.c.budget_id)
