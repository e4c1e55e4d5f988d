"""Tables of recalls: what is not handed out any more, and which store proved that it stopped."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from sync.hub.tables import metadata

recall = Table(
    "recall",
    metadata,
    Column("recall_id", LargeBinary, primary_key=True),
    Column("kind", String, nullable=False),
    Column("sku", String, nullable=True),
    Column("order_id", LargeBinary, nullable=True),
    Column("lookup", LargeBinary, nullable=True),
    Column("scope", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("asked_by", String, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("until_ms", BigInteger, nullable=True),
    Column("ended_ms", BigInteger, nullable=True),
    Column("ended_by", String, nullable=True),
    CheckConstraint("kind IN ('sku', 'order', 'code')", name="recall_kind"),
)
recall_stop = Table(
    "recall_stop",
    metadata,
    Column("recall_id", LargeBinary, primary_key=True),
    Column("incarnation", LargeBinary, primary_key=True),
    Column("store", Integer, nullable=False),
    Column("node", String, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("stopped_ms", BigInteger, nullable=False),
    Column("heard_ms", BigInteger, nullable=False),
    Column("stopped_units", BigInteger, nullable=False),
    Column("stopped_orders", BigInteger, nullable=False),
    Column("handed_units", BigInteger, nullable=False),
    Column("on_hand", BigInteger, nullable=True),
)
