"""Tables of ownership: orders on their way to another store, and money that went back."""

from sqlalchemy import (
    BigInteger,
    Boolean,
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

transfer = Table(
    "transfer",
    metadata,
    Column("transfer_id", LargeBinary, primary_key=True),
    Column("order_id", LargeBinary, nullable=False),
    Column("from_store", Integer, nullable=False),
    Column("to_store", Integer, nullable=False),
    Column("units", LargeBinary, nullable=False),
    Column("asked_by", String, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("granted", LargeBinary, nullable=True),
    Column("granted_epoch", Integer, nullable=True),
    Column("settled_ms", BigInteger, nullable=True),
    Column("accepted_ms", BigInteger, nullable=True),
    CheckConstraint("state IN ('asked', 'granted', 'partly', 'kept')", name="transfer_state"),
)
Index("transfer_order", transfer.c.order_id)
refund = Table(
    "refund",
    metadata,
    Column("refund_id", LargeBinary, primary_key=True),
    Column("order_id", LargeBinary, nullable=False),
    Column("line", Integer, nullable=False),
    Column("unit", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("refunded_ms", BigInteger, nullable=True),
    Column("override_by", String, nullable=True),
    Column("override_reason", Text, nullable=True),
    Column("loss", Boolean, nullable=False),
    CheckConstraint("state IN ('asked', 'refunded', 'kept')", name="refund_state"),
)
Index("refund_unit", refund.c.order_id, refund.c.line, refund.c.unit, unique=True)
