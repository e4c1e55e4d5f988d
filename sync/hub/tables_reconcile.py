"""The table of daily reconciliations: a node's signed report and our signed result."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table

from sync.hub.tables import metadata, redemption

reconcile_report = Table(
    "reconcile_report",
    metadata,
    Column("store", Integer, primary_key=True, autoincrement=False),
    Column("day", String, primary_key=True),
    Column("node", String, primary_key=True),
    Column("incarnation", LargeBinary, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("received_ms", BigInteger, nullable=False),
    Column("report", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("result", LargeBinary, nullable=False),
    Column("result_signature", LargeBinary, nullable=False),
    Column("differences", Integer, nullable=False),
)
# What one box handed over, in the order of its numbers.
Index("redemption_teller", redemption.c.incarnation, redemption.c.handover)
