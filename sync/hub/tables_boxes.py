"""Tables of boxes that gave way: who attested it, and what the hub signed of it."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table

from sync.hub.tables import metadata

takeover = Table(
    "takeover",
    metadata,
    Column("node", String, primary_key=True),
    Column("incarnation", LargeBinary, primary_key=True),
    Column("store", Integer, nullable=False),
    Column("successor_node", String, nullable=False),
    Column("successor_incarnation", LargeBinary, nullable=False),
    Column("attested_by", String, nullable=False),
    Column("acked_seq", BigInteger, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("takeover", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)
box_return = Table(
    "box_return",
    metadata,
    Column("node", String, primary_key=True),
    Column("incarnation", LargeBinary, primary_key=True),
    Column("predecessor", LargeBinary, nullable=False),
    Column("why", String, nullable=False),
    Column("audit_seq", BigInteger, nullable=False),
    Column("audit_hash", LargeBinary, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
)
