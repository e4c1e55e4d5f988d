"""The hub's tables, in the portable subset: SQLite today, PostgreSQL with the same statements.

Times: integer ms since the epoch. Ids of orders, asks, incarnations: raw bytes. A partial unique
index, not a SELECT, is the arbiter of "handed over once".
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    text,
)

SCHEMA_VERSION = 2
metadata = MetaData()


def _ms(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


hub = Table(
    "hub",
    metadata,
    Column(
        "only",
        Integer,
        CheckConstraint('"only" = 1', name="hub_only"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("schema_version", Integer, nullable=False),
    Column("chain", String, nullable=False),
    Column("name", String, nullable=False),
    Column("demo", Boolean, nullable=False),
    Column("private", LargeBinary, nullable=False),
    Column("generation", LargeBinary, nullable=False),
    _ms("created_ms"),
)
admin_token = Table(
    "admin_token",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("name", String, nullable=False),
    _ms("created_ms"),
)
issuer_key = Table(
    "issuer_key",
    metadata,
    Column("key_id", Integer, primary_key=True, autoincrement=False),
    Column("private", LargeBinary, nullable=False),
    Column("public", LargeBinary, nullable=False),
    Column("revoked", Boolean, nullable=False),
    _ms("created_ms"),
)
store = Table(
    "store",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("code", String, nullable=False, unique=True),
    Column("name_zh", String, nullable=False),
    Column("name_en", String, nullable=False),
    Column("k_store", LargeBinary, nullable=False),
    Column("k_personal", LargeBinary, nullable=False),
    Column("node", String, nullable=True),
    Column("incarnation", LargeBinary, nullable=False),
    Column("region", String, nullable=True),
)
pairing = Table(
    "pairing",
    metadata,
    Column("pairing_id", String, primary_key=True),
    Column("store", Integer, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    _ms("created_ms"),
    _ms("expires_ms"),
    Column("used_by", String, nullable=True),
)
node = Table(
    "node",
    metadata,
    Column("node", String, primary_key=True),
    Column("incarnation", LargeBinary, primary_key=True),
    Column("store", Integer, nullable=False),
    Column("public", LargeBinary, nullable=False),
    Column("pairing_id", String, nullable=False),
    Column("state", String, nullable=False),
    Column("certificate", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    _ms("asked_ms"),
    _ms("enrolled_ms", nullable=True),
    _ms("seen_ms", nullable=True),
    Column("acked_seq", BigInteger, nullable=False),
    Column("backed_up_seq", BigInteger, nullable=False),
    Column("audit_seq", BigInteger, nullable=False),
    Column("audit_hash", LargeBinary, nullable=False),
    Column("version", String, nullable=True),
    Column("clock", String, nullable=True),
    Column("disk_free_bytes", BigInteger, nullable=True),
    CheckConstraint("state IN ('pending', 'enrolled', 'superseded')", name="node_state"),
)
product = Table(
    "product",
    metadata,
    Column("sku", String, primary_key=True),
    Column("gtin", String, nullable=True),
    Column("name_zh", String, nullable=False),
    Column("name_en", String, nullable=False),
    Column("storage", String, nullable=False),
    Column("min_grade", Integer, nullable=False),
)
staff = Table(
    "staff",
    metadata,
    Column("store", Integer, primary_key=True, autoincrement=False),
    Column("staff_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("badge", LargeBinary, nullable=True),
    Column("pin_hash", String, nullable=True),
    Column("active", Boolean, nullable=False),
)
pickup_order = Table(
    "pickup_order",
    metadata,
    Column("order_id", LargeBinary, primary_key=True),
    Column("order_no", String, nullable=False, unique=True),
    Column("home_store", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("state", String, nullable=False),
    _ms("not_after_ms"),
    _ms("last_not_after_ms"),
    _ms("created_ms"),
    Column("lane", String, nullable=False),
    Column("ready", Boolean, nullable=False),
    Column("place", String, nullable=False),
    Column("bags", Integer, nullable=False),
    Column("value_minor", BigInteger, nullable=False),
    Column("currency", String, nullable=False),
    Column("min_grade", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=True),
    Column("phone_tail", LargeBinary, nullable=True),
    CheckConstraint("state IN ('open', 'cancel_pending', 'cancelled')", name="pickup_order_state"),
)
order_line = Table(
    "order_line",
    metadata,
    Column("order_id", LargeBinary, primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("sku", String, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("bundle_of", Integer, nullable=True),
)
unit = Table(
    "unit",
    metadata,
    Column("order_id", LargeBinary, primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("unit", Integer, primary_key=True, autoincrement=False),
    Column("holder", LargeBinary, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("destination", String, nullable=False),
    Column("parked", Integer, nullable=False),
    CheckConstraint(
        "state IN ('held', 'handed', 'lapsed', 'released', 'refunded')", name="unit_state"
    ),
)
redemption = Table(
    "redemption",
    metadata,
    Column("order_id", LargeBinary, primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("unit", Integer, primary_key=True, autoincrement=False),
    Column("incarnation", LargeBinary, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("node", String, nullable=False),
    Column("handover", BigInteger, nullable=False),
    _ms("at_ms"),
    Column("station", String, nullable=False),
    Column("operator", String, nullable=True),
    Column("credential", String, nullable=False),
    Column("state", String, nullable=False),
    CheckConstraint(
        "state IN ('live', 'undone', 'conflict', 'conflict_undone')", name="redemption_state"
    ),
)
Index(
    "redemption_once",
    redemption.c.order_id,
    redemption.c.line,
    redemption.c.unit,
    unique=True,
    sqlite_where=text("state = 'live'"),
    postgresql_where=text("state = 'live'"),
)
code = Table(
    "code",
    metadata,
    Column("order_id", LargeBinary, primary_key=True),
    Column("lookup", LargeBinary, primary_key=True),
    Column("kind", String, nullable=False),
    Column("code_id", LargeBinary, nullable=True),
    Column("grade", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    _ms("not_after_ms"),
    Column("pin", LargeBinary, nullable=True),
    Column("state", String, nullable=False),
    Column("store", Integer, nullable=True),
    Column("sealed_id", LargeBinary, nullable=True),
    Column("chain_lookup", LargeBinary, nullable=True),
    Column("tries", Integer, nullable=False, server_default="0"),
)
Index("code_chain", code.c.chain_lookup)
Index("code_lookup", code.c.lookup)
ask = Table(
    "ask",
    metadata,
    Column("ask_id", LargeBinary, primary_key=True),
    Column("kind", String, nullable=False),
    Column("order_id", LargeBinary, nullable=False, index=True),
    Column("store", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("holder", LargeBinary, nullable=False),
    Column("destination", String, nullable=False),
    Column("units", LargeBinary, nullable=False),
    Column("released", LargeBinary, nullable=True),
    Column("kept", LargeBinary, nullable=True),
    _ms("asked_ms"),
    _ms("answered_ms", nullable=True),
)
event = Table(
    "event",
    metadata,
    Column("node", String, primary_key=True),
    Column("incarnation", LargeBinary, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("hlc", BigInteger, nullable=False),
    Column("trusted_ms", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("schema", Integer, nullable=False),
    Column("units", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("audit_seq", BigInteger, nullable=False),
    Column("audit_hash", LargeBinary, nullable=False),
    Column("outcome", String, nullable=False),
    Column("reason", String, nullable=False),
    _ms("received_ms"),
)
event_order = Table(
    "event_order",
    metadata,
    Column("order_id", LargeBinary, primary_key=True),
    Column("node", String, primary_key=True),
    Column("incarnation", LargeBinary, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
)
review_case = Table(
    "review_case",
    metadata,
    Column("case_id", Integer, primary_key=True),
    Column("source", String, nullable=False),
    Column("store", Integer, nullable=False),
    Column("node", String, nullable=False),
    Column("incarnation", LargeBinary, nullable=False),
    Column("node_case", BigInteger, nullable=True),
    Column("seq", BigInteger, nullable=True),
    Column("order_id", LargeBinary, nullable=True),
    Column("reason", String, nullable=False),
    Column("detail", Text, nullable=False),
    _ms("opened_ms"),
    _ms("closed_ms", nullable=True),
    Column("outcome", String, nullable=True),
    Column("operator", String, nullable=True),
    Column("note", Text, nullable=True),
    Column("owner", String, nullable=True),
)
code_lock = Table(
    "code_lock",
    metadata,
    Column("store", Integer, primary_key=True, autoincrement=False),
    Column("lookup", LargeBinary, primary_key=True),
    Column("credential", String, primary_key=True),
    _ms("locked_ms"),
    _ms("released_ms", nullable=True),
)
approval = Table(
    "approval",
    metadata,
    Column("approval_id", Integer, primary_key=True),
    Column("store", Integer, nullable=False),
    Column("case", BigInteger, nullable=False),
    Column("challenge", String, nullable=False),
    Column("name", String, nullable=False),
    _ms("at_ms"),
)
setting = Table(
    "setting",
    metadata,
    Column("store", Integer, primary_key=True, autoincrement=False),
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)
feed_head = Table(
    "feed_head",
    metadata,
    Column("scope", String, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("row_hash", LargeBinary, nullable=False),
)
feed = Table(
    "feed",
    metadata,
    Column("scope", String, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String, nullable=False),
    Column("row_key", String, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("must_understand", Boolean, nullable=False),
    Column("row_hash", LargeBinary, nullable=False),
)
Index("feed_key", feed.c.scope, feed.c.kind, feed.c.row_key, feed.c.seq)
