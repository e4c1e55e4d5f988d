"""Tables of picking and of documents. Times: integer ms; amounts in minor units."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, LargeBinary, String, Table

from sync.hub.tables import metadata

order_pick = Table(
    "order_pick",
    metadata,
    Column("order_id", LargeBinary, primary_key=True),
    Column("on_short", String, nullable=False),
    Column("state", String, nullable=False),
    Column("started_ms", BigInteger, nullable=True),
    Column("started_by", String, nullable=True),
    Column("ready_ms", BigInteger, nullable=True),
    Column("ready_by", String, nullable=True),
    Column("waiting_ms", BigInteger, nullable=True),
    CheckConstraint("state IN ('placed', 'picking', 'ready')", name="order_pick_state"),
    CheckConstraint(
        "on_short IN ('substitute', 'refund_line', 'wait')", name="order_pick_on_short"
    ),
)
order_price = Table(
    "order_price",
    metadata,
    Column("order_id", LargeBinary, primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("unit_minor", BigInteger, nullable=False),
)
short_unit = Table(
    "short_unit",
    metadata,
    Column("order_id", LargeBinary, primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("unit", Integer, primary_key=True, autoincrement=False),
    Column("choice", String, nullable=False),
    Column("store", Integer, nullable=False),
    Column("operator", String, nullable=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("sub_sku", String, nullable=True),
    Column("charged_minor", BigInteger, nullable=True),
    Column("back_minor", BigInteger, nullable=False),
)
document = Table(
    "document",
    metadata,
    Column("document", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("from_store", Integer, nullable=True),
    Column("to_store", Integer, nullable=False),
    Column("supplier", String, nullable=False),
    Column("order_no", String, nullable=True),
    Column("state", String, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("dispatched_ms", BigInteger, nullable=True),
    Column("dispatched_by", String, nullable=True),
    Column("received_ms", BigInteger, nullable=True),
    Column("received_by", String, nullable=True),
    CheckConstraint("kind IN ('transfer', 'purchase')", name="document_kind"),
    CheckConstraint("state IN ('draft', 'dispatched', 'received', 'short')", name="document_state"),
)
document_line = Table(
    "document_line",
    metadata,
    Column("document", String, primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("sku", String, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("dispatched", Integer, nullable=True),
    Column("received", Integer, nullable=True),
)
