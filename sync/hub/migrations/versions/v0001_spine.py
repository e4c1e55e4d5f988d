"""The spine: the tables that release 1 made of a store, its orders, events and feed.

Written out, never taken from `sync.hub.tables`: what a released database holds does not change when
the present tables do.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001_spine"
down_revision = None


def _ms(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def upgrade() -> None:
    """Make them all; a SQLite file of before this numbering has them already and is stamped."""
    op.create_table(
        "hub",
        sa.Column(
            "only", sa.Integer, sa.CheckConstraint('"only" = 1', name="hub_only"), primary_key=True
        ),
        sa.Column("schema_version", sa.Integer, nullable=False),
        sa.Column("chain", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("demo", sa.Boolean, nullable=False),
        sa.Column("private", sa.LargeBinary, nullable=False),
        sa.Column("generation", sa.LargeBinary, nullable=False),
        _ms("created_ms"),
    )
    op.create_table(
        "admin_token",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        _ms("created_ms"),
    )
    op.create_table(
        "issuer_key",
        sa.Column("key_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("private", sa.LargeBinary, nullable=False),
        sa.Column("public", sa.LargeBinary, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
        _ms("created_ms"),
    )
    op.create_table(
        "store",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("code", sa.String, nullable=False, unique=True),
        sa.Column("name_zh", sa.String, nullable=False),
        sa.Column("name_en", sa.String, nullable=False),
        sa.Column("k_store", sa.LargeBinary, nullable=False),
        sa.Column("k_personal", sa.LargeBinary, nullable=False),
        sa.Column("node", sa.String, nullable=True),
        sa.Column("incarnation", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "pairing",
        sa.Column("pairing_id", sa.String, primary_key=True),
        sa.Column("store", sa.Integer, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        _ms("created_ms"),
        _ms("expires_ms"),
        sa.Column("used_by", sa.String, nullable=True),
    )
    op.create_table(
        "node",
        sa.Column("node", sa.String, primary_key=True),
        sa.Column("incarnation", sa.LargeBinary, primary_key=True),
        sa.Column("store", sa.Integer, nullable=False),
        sa.Column("public", sa.LargeBinary, nullable=False),
        sa.Column("pairing_id", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("certificate", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        _ms("asked_ms"),
        _ms("enrolled_ms", nullable=True),
        _ms("seen_ms", nullable=True),
        sa.Column("acked_seq", sa.BigInteger, nullable=False),
        sa.Column("backed_up_seq", sa.BigInteger, nullable=False),
        sa.Column("audit_seq", sa.BigInteger, nullable=False),
        sa.Column("audit_hash", sa.LargeBinary, nullable=False),
        sa.CheckConstraint("state IN ('pending', 'enrolled', 'superseded')", name="node_state"),
    )
    op.create_table(
        "product",
        sa.Column("sku", sa.String, primary_key=True),
        sa.Column("gtin", sa.String, nullable=True),
        sa.Column("name_zh", sa.String, nullable=False),
        sa.Column("name_en", sa.String, nullable=False),
        sa.Column("storage", sa.String, nullable=False),
        sa.Column("min_grade", sa.Integer, nullable=False),
    )
    op.create_table(
        "staff",
        sa.Column("store", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("staff_id", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("badge", sa.LargeBinary, nullable=True),
        sa.Column("pin_hash", sa.String, nullable=True),
        sa.Column("active", sa.Boolean, nullable=False),
    )
    op.create_table(
        "pickup_order",
        sa.Column("order_id", sa.LargeBinary, primary_key=True),
        sa.Column("order_no", sa.String, nullable=False, unique=True),
        sa.Column("home_store", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        _ms("not_after_ms"),
        _ms("last_not_after_ms"),
        _ms("created_ms"),
        sa.Column("lane", sa.String, nullable=False),
        sa.Column("ready", sa.Boolean, nullable=False),
        sa.Column("place", sa.String, nullable=False),
        sa.Column("bags", sa.Integer, nullable=False),
        sa.Column("value_minor", sa.BigInteger, nullable=False),
        sa.Column("currency", sa.String, nullable=False),
        sa.Column("min_grade", sa.Integer, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=True),
        sa.Column("phone_tail", sa.LargeBinary, nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'cancel_pending', 'cancelled')", name="pickup_order_state"
        ),
    )
    op.create_table(
        "order_line",
        sa.Column("order_id", sa.LargeBinary, primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sku", sa.String, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("bundle_of", sa.Integer, nullable=True),
    )
    op.create_table(
        "unit",
        sa.Column("order_id", sa.LargeBinary, primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("unit", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("holder", sa.LargeBinary, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("destination", sa.String, nullable=False),
        sa.Column("parked", sa.Integer, nullable=False),
        sa.CheckConstraint("state IN ('held', 'handed', 'lapsed', 'released')", name="unit_state"),
    )
    op.create_table(
        "redemption",
        sa.Column("order_id", sa.LargeBinary, primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("unit", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("incarnation", sa.LargeBinary, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("node", sa.String, nullable=False),
        sa.Column("handover", sa.BigInteger, nullable=False),
        _ms("at_ms"),
        sa.Column("station", sa.String, nullable=False),
        sa.Column("operator", sa.String, nullable=True),
        sa.Column("credential", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.CheckConstraint(
            "state IN ('live', 'undone', 'conflict', 'conflict_undone')", name="redemption_state"
        ),
    )
    op.create_table(
        "code",
        sa.Column("order_id", sa.LargeBinary, primary_key=True),
        sa.Column("lookup", sa.LargeBinary, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("code_id", sa.LargeBinary, nullable=True),
        sa.Column("grade", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        _ms("not_after_ms"),
        sa.Column("pin", sa.LargeBinary, nullable=True),
        sa.Column("state", sa.String, nullable=False),
    )
    op.create_table(
        "ask",
        sa.Column("ask_id", sa.LargeBinary, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("order_id", sa.LargeBinary, nullable=False),
        sa.Column("store", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("holder", sa.LargeBinary, nullable=False),
        sa.Column("destination", sa.String, nullable=False),
        sa.Column("units", sa.LargeBinary, nullable=False),
        sa.Column("released", sa.LargeBinary, nullable=True),
        sa.Column("kept", sa.LargeBinary, nullable=True),
        _ms("asked_ms"),
        _ms("answered_ms", nullable=True),
    )
    op.create_table(
        "event",
        sa.Column("node", sa.String, primary_key=True),
        sa.Column("incarnation", sa.LargeBinary, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("hlc", sa.BigInteger, nullable=False),
        sa.Column("trusted_ms", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("schema", sa.Integer, nullable=False),
        sa.Column("units", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("audit_seq", sa.BigInteger, nullable=False),
        sa.Column("audit_hash", sa.LargeBinary, nullable=False),
        sa.Column("outcome", sa.String, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        _ms("received_ms"),
    )
    op.create_table(
        "event_order",
        sa.Column("order_id", sa.LargeBinary, primary_key=True),
        sa.Column("node", sa.String, primary_key=True),
        sa.Column("incarnation", sa.LargeBinary, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    )
    op.create_table(
        "review_case",
        sa.Column("case_id", sa.Integer, primary_key=True),
        sa.Column("source", sa.String, nullable=False),
        sa.Column("store", sa.Integer, nullable=False),
        sa.Column("node", sa.String, nullable=False),
        sa.Column("incarnation", sa.LargeBinary, nullable=False),
        sa.Column("node_case", sa.BigInteger, nullable=True),
        sa.Column("seq", sa.BigInteger, nullable=True),
        sa.Column("order_id", sa.LargeBinary, nullable=True),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        _ms("opened_ms"),
        _ms("closed_ms", nullable=True),
        sa.Column("outcome", sa.String, nullable=True),
        sa.Column("operator", sa.String, nullable=True),
        sa.Column("note", sa.Text, nullable=True),
    )
    op.create_table(
        "code_lock",
        sa.Column("store", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("lookup", sa.LargeBinary, primary_key=True),
        sa.Column("credential", sa.String, primary_key=True),
        _ms("locked_ms"),
        _ms("released_ms", nullable=True),
    )
    op.create_table(
        "approval",
        sa.Column("approval_id", sa.Integer, primary_key=True),
        sa.Column("store", sa.Integer, nullable=False),
        sa.Column("case", sa.BigInteger, nullable=False),
        sa.Column("challenge", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        _ms("at_ms"),
    )
    op.create_table(
        "setting",
        sa.Column("store", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("key", sa.String, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "feed_head",
        sa.Column("scope", sa.String, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("row_hash", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "feed",
        sa.Column("scope", sa.String, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("row_key", sa.String, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("must_understand", sa.Boolean, nullable=False),
        sa.Column("row_hash", sa.LargeBinary, nullable=False),
    )
    op.create_index(
        "redemption_once",
        "redemption",
        ["order_id", "line", "unit"],
        unique=True,
        sqlite_where=sa.text("state = 'live'"),
        postgresql_where=sa.text("state = 'live'"),
    )
    op.create_index("code_lookup", "code", ["lookup"])
    op.create_index("ix_ask_order_id", "ask", ["order_id"])
    op.create_index("feed_key", "feed", ["scope", "kind", "row_key", "seq"])
