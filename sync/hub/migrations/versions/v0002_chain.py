"""The chain: what several stores and one HQ need. One function a part, called from `upgrade`.

A column added to a table of before needs `nullable=True` or a `server_default` (here and in the
tables' module), since rows stand in it already. A CHECK is changed with `restate_checks` from
`sync.hub.migrations.checks`.
"""

import sqlalchemy as sa
from alembic import op

from sync.hub.migrations.checks import restate_checks

revision = "0002_chain"
down_revision = "0001_spine"


def upgrade() -> None:
    """Every part's tables and columns."""
    hubdb()
    ownership()
    boxes()
    picking()
    rotating()
    stock()
    reconcile()
    recalls()
    provisional()
    outside()
    console()
    prices()


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


def picking() -> None:
    """Order life, the customer's choice and prices, short units, documents."""
    op.create_table(
        "order_pick",
        sa.Column("order_id", sa.LargeBinary, primary_key=True),
        sa.Column("on_short", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("started_ms", sa.BigInteger, nullable=True),
        sa.Column("started_by", sa.String, nullable=True),
        sa.Column("ready_ms", sa.BigInteger, nullable=True),
        sa.Column("ready_by", sa.String, nullable=True),
        sa.Column("waiting_ms", sa.BigInteger, nullable=True),
        sa.CheckConstraint("state IN ('placed', 'picking', 'ready')", name="order_pick_state"),
        sa.CheckConstraint(
            "on_short IN ('substitute', 'refund_line', 'wait')", name="order_pick_on_short"
        ),
    )
    op.create_table(
        "order_price",
        sa.Column("order_id", sa.LargeBinary, primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("unit_minor", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "short_unit",
        sa.Column("order_id", sa.LargeBinary, primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("unit", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("choice", sa.String, nullable=False),
        sa.Column("store", sa.Integer, nullable=False),
        sa.Column("operator", sa.String, nullable=True),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("sub_sku", sa.String, nullable=True),
        sa.Column("charged_minor", sa.BigInteger, nullable=True),
        sa.Column("back_minor", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "document",
        sa.Column("document", sa.String, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("from_store", sa.Integer, nullable=True),
        sa.Column("to_store", sa.Integer, nullable=False),
        sa.Column("supplier", sa.String, nullable=False),
        sa.Column("order_no", sa.String, nullable=True),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("dispatched_ms", sa.BigInteger, nullable=True),
        sa.Column("dispatched_by", sa.String, nullable=True),
        sa.Column("received_ms", sa.BigInteger, nullable=True),
        sa.Column("received_by", sa.String, nullable=True),
        sa.CheckConstraint("kind IN ('transfer', 'purchase')", name="document_kind"),
        sa.CheckConstraint(
            "state IN ('draft', 'dispatched', 'received', 'short')", name="document_state"
        ),
    )
    op.create_table(
        "document_line",
        sa.Column("document", sa.String, primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sku", sa.String, nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("dispatched", sa.Integer, nullable=True),
        sa.Column("received", sa.Integer, nullable=True),
    )


def boxes() -> None:
    """Boxes that gave way, and boxes that ask to come back."""
    op.create_table(
        "takeover",
        sa.Column("node", sa.String, primary_key=True),
        sa.Column("incarnation", sa.LargeBinary, primary_key=True),
        sa.Column("store", sa.Integer, nullable=False),
        sa.Column("successor_node", sa.String, nullable=False),
        sa.Column("successor_incarnation", sa.LargeBinary, nullable=False),
        sa.Column("attested_by", sa.String, nullable=False),
        sa.Column("acked_seq", sa.BigInteger, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("takeover", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "box_return",
        sa.Column("node", sa.String, primary_key=True),
        sa.Column("incarnation", sa.LargeBinary, primary_key=True),
        sa.Column("predecessor", sa.LargeBinary, nullable=False),
        sa.Column("why", sa.String, nullable=False),
        sa.Column("audit_seq", sa.BigInteger, nullable=False),
        sa.Column("audit_hash", sa.LargeBinary, nullable=False),
        sa.Column("asked_ms", sa.BigInteger, nullable=False),
    )


def rotating() -> None:
    """Secrets of rotating codes, and the tokens of customers' pages."""
    op.create_table(
        "rotating_key",
        sa.Column("code_id", sa.LargeBinary, primary_key=True),
        sa.Column("order_id", sa.LargeBinary, nullable=False, index=True),
        sa.Column("lookup", sa.LargeBinary, nullable=False),
        sa.Column("store", sa.Integer, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.Column("forgotten", sa.Boolean, nullable=False),
    )
    op.create_index("rotating_key_until", "rotating_key", ["until_ms"])
    op.create_table(
        "customer_page",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column("order_id", sa.LargeBinary, nullable=False, index=True),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )


def ownership() -> None:
    """Moves between stores, refunds; of which store a code's look-up is, and its id, sealed."""
    restate_checks(
        "unit",
        {"unit_state": "state IN ('held', 'handed', 'lapsed', 'released', 'refunded')"},
    )
    op.add_column("code", sa.Column("store", sa.Integer, nullable=True))
    op.add_column("code", sa.Column("sealed_id", sa.LargeBinary, nullable=True))
    op.add_column("code", sa.Column("chain_lookup", sa.LargeBinary, nullable=True))
    op.add_column("code", sa.Column("tries", sa.Integer, nullable=False, server_default="0"))
    op.create_index("code_chain", "code", ["chain_lookup"])
    op.execute(
        "UPDATE code SET store = (SELECT home_store FROM pickup_order"
        " WHERE pickup_order.order_id = code.order_id)"
    )
    op.create_table(
        "transfer",
        sa.Column("transfer_id", sa.LargeBinary, primary_key=True),
        sa.Column("order_id", sa.LargeBinary, nullable=False),
        sa.Column("from_store", sa.Integer, nullable=False),
        sa.Column("to_store", sa.Integer, nullable=False),
        sa.Column("units", sa.LargeBinary, nullable=False),
        sa.Column("asked_by", sa.String, nullable=False),
        sa.Column("asked_ms", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("granted", sa.LargeBinary, nullable=True),
        sa.Column("granted_epoch", sa.Integer, nullable=True),
        sa.Column("settled_ms", sa.BigInteger, nullable=True),
        sa.Column("accepted_ms", sa.BigInteger, nullable=True),
        sa.CheckConstraint(
            "state IN ('asked', 'granted', 'partly', 'kept')", name="transfer_state"
        ),
    )
    op.create_index("transfer_order", "transfer", ["order_id"])
    op.create_table(
        "refund",
        sa.Column("refund_id", sa.LargeBinary, primary_key=True),
        sa.Column("order_id", sa.LargeBinary, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("unit", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("asked_ms", sa.BigInteger, nullable=False),
        sa.Column("refunded_ms", sa.BigInteger, nullable=True),
        sa.Column("override_by", sa.String, nullable=True),
        sa.Column("override_reason", sa.Text, nullable=True),
        sa.Column("loss", sa.Boolean, nullable=False),
        sa.CheckConstraint("state IN ('asked', 'refunded', 'kept')", name="refund_state"),
    )
    op.create_index("refund_unit", "refund", ["order_id", "line", "unit"], unique=True)


def stock() -> None:
    """Rights that HQ holds and promised, reservations, tiers, and what nodes told of stock."""
    op.create_table(
        "stock",
        sa.Column("store", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sku", sa.String, primary_key=True),
        sa.Column("online", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("debt", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("par", sa.Integer, nullable=True),
        sa.Column("safety", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("closed", sa.Boolean, nullable=False),
        sa.Column("counter_sold", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("online_sold", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("managed", sa.Boolean, nullable=False),
        sa.Column("incarnation", sa.LargeBinary, nullable=False),
        sa.Column("based", sa.Boolean, nullable=False),
        sa.Column("on_hand", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("quarantine", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("counter", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("kiosk", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("kept_back", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("away", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("on_way", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("locked", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("shortage", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("tier", sa.String, nullable=False),
        sa.Column("available", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("tier_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("told_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.CheckConstraint("online >= 0"),
        sa.CheckConstraint("debt >= 0"),
    )
    op.create_table(
        "order_right",
        sa.Column("order_id", sa.LargeBinary, primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("store", sa.Integer, nullable=False),
        sa.Column("sku", sa.String, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("taken_ms", sa.BigInteger, nullable=False),
        sa.Column("taken", sa.BigInteger, nullable=False),
        sa.CheckConstraint("quantity >= 0"),
    )
    op.create_index("order_right_sku", "order_right", ["store", "sku", "taken_ms"])
    op.create_table(
        "right_move",
        sa.Column("move_id", sa.LargeBinary, primary_key=True),
        sa.Column("store", sa.Integer, nullable=False),
        sa.Column("sku", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("given", sa.BigInteger, nullable=True),
        sa.Column("incarnation", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("why", sa.String, nullable=False),
        sa.Column("asked_ms", sa.BigInteger, nullable=False),
        sa.Column("done_ms", sa.BigInteger, nullable=True),
        sa.CheckConstraint("kind IN ('grant', 'base', 'recall')"),
        sa.CheckConstraint("state IN ('open', 'done', 'void')"),
    )
    op.create_index("right_move_sku", "right_move", ["store", "sku", "state"])
    op.create_table(
        "reservation",
        sa.Column("reservation_id", sa.String, primary_key=True),
        sa.Column("store", sa.Integer, nullable=False),
        sa.Column("sku", sa.String, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("made_ms", sa.BigInteger, nullable=False),
        sa.Column("deadline_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger, nullable=True),
        sa.Column("order_id", sa.LargeBinary, nullable=True),
        sa.CheckConstraint("state IN ('held', 'confirmed', 'released', 'expired')"),
    )
    op.create_index("reservation_due", "reservation", ["state", "deadline_ms"])
    op.create_index("reservation_sku", "reservation", ["store", "sku", "made_ms"])
    op.create_table(
        "stock_action",
        sa.Column("action_id", sa.Integer, primary_key=True),
        sa.Column("store", sa.Integer, nullable=False),
        sa.Column("sku", sa.String, nullable=False),
        sa.Column("tier", sa.String, nullable=False),
        sa.Column("action", sa.String, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("stock_action_sku", "stock_action", ["store", "sku"])
    op.create_table(
        "transfer_proposal",
        sa.Column("proposal_id", sa.Integer, primary_key=True),
        sa.Column("sku", sa.String, nullable=False),
        sa.Column("from_store", sa.Integer, nullable=False),
        sa.Column("to_store", sa.Integer, nullable=False),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("made_ms", sa.BigInteger, nullable=False),
        sa.CheckConstraint("state IN ('open', 'taken', 'dropped')"),
    )


def reconcile() -> None:
    """Daily reconciliations, and what one box handed over in the order of its numbers."""
    op.create_table(
        "reconcile_report",
        sa.Column("store", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("day", sa.String, primary_key=True),
        sa.Column("node", sa.String, primary_key=True),
        sa.Column("incarnation", sa.LargeBinary, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("received_ms", sa.BigInteger, nullable=False),
        sa.Column("report", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.Column("result", sa.LargeBinary, nullable=False),
        sa.Column("result_signature", sa.LargeBinary, nullable=False),
        sa.Column("differences", sa.Integer, nullable=False),
    )
    op.create_index("redemption_teller", "redemption", ["incarnation", "handover"])


def recalls() -> None:
    """What is not handed out, and which boxes proved that they stopped."""
    op.create_table(
        "recall",
        sa.Column("recall_id", sa.LargeBinary, primary_key=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("sku", sa.String, nullable=True),
        sa.Column("order_id", sa.LargeBinary, nullable=True),
        sa.Column("lookup", sa.LargeBinary, nullable=True),
        sa.Column("scope", sa.String, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("asked_by", sa.String, nullable=False),
        sa.Column("asked_ms", sa.BigInteger, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=True),
        sa.Column("ended_ms", sa.BigInteger, nullable=True),
        sa.Column("ended_by", sa.String, nullable=True),
        sa.CheckConstraint("kind IN ('sku', 'order', 'code')", name="recall_kind"),
    )
    op.create_table(
        "recall_stop",
        sa.Column("recall_id", sa.LargeBinary, primary_key=True),
        sa.Column("incarnation", sa.LargeBinary, primary_key=True),
        sa.Column("store", sa.Integer, nullable=False),
        sa.Column("node", sa.String, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("stopped_ms", sa.BigInteger, nullable=False),
        sa.Column("heard_ms", sa.BigInteger, nullable=False),
        sa.Column("stopped_units", sa.BigInteger, nullable=False),
        sa.Column("stopped_orders", sa.BigInteger, nullable=False),
        sa.Column("handed_units", sa.BigInteger, nullable=False),
        sa.Column("on_hand", sa.BigInteger, nullable=True),
    )


def provisional() -> None:
    """Budgets to hand over other stores' orders on, and what became of what was given."""
    op.create_table(
        "budget",
        sa.Column("budget_id", sa.LargeBinary, primary_key=True),
        sa.Column("store", sa.Integer, nullable=False),
        sa.Column("incarnation", sa.LargeBinary, nullable=False),
        sa.Column("granted", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.Column("granted_by", sa.String, nullable=False),
        sa.Column("granted_ms", sa.BigInteger, nullable=False),
        sa.Column("not_after_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_ms", sa.BigInteger, nullable=True),
    )
    op.create_index("budget_store", "budget", ["store", "granted_ms"])
    op.create_table(
        "provisional",
        sa.Column("order_id", sa.LargeBinary, primary_key=True),
        sa.Column("line", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("unit", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("incarnation", sa.LargeBinary, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("budget_id", sa.LargeBinary, nullable=False),
        sa.Column("node", sa.String, nullable=False),
        sa.Column("store", sa.Integer, nullable=False),
        sa.Column("handover", sa.BigInteger, nullable=False),
        sa.Column("operator", sa.String, nullable=False),
        sa.Column("amount_minor", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("given_ms", sa.BigInteger, nullable=False),
        sa.Column("settled_ms", sa.BigInteger, nullable=True),
        sa.Column("detail", sa.Text, nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'settled', 'lost', 'undone')", name="provisional_state"
        ),
    )
    op.create_index("provisional_budget", "provisional", ["budget_id"])


def outside() -> None:
    """The chain's own systems: who may ask, what they are told, and where."""
    op.create_table(
        "client",
        sa.Column("client_id", sa.String, primary_key=True),
        sa.Column("secret_hash", sa.LargeBinary, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("scopes", sa.String, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("revoked_ms", sa.BigInteger, nullable=True),
    )
    op.create_table(
        "access_token",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column("client_id", sa.String, nullable=False),
        sa.Column("scopes", sa.String, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_access_token_client_id", "access_token", ["client_id"])
    op.create_index("ix_access_token_expires_ms", "access_token", ["expires_ms"])
    op.create_table(
        "notice",
        sa.Column("notice_id", sa.LargeBinary, primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=True, unique=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("order_no", sa.String, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "notice_head",
        sa.Column(
            "only",
            sa.Integer,
            sa.CheckConstraint('"only" = 1', name="notice_head_only"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("seq", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "webhook",
        sa.Column("webhook_id", sa.String, primary_key=True),
        sa.Column("client_id", sa.String, nullable=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("secret", sa.LargeBinary, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("sent_seq", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.BigInteger, nullable=False),
        sa.Column("next_ms", sa.BigInteger, nullable=False),
        sa.Column("trouble", sa.String, nullable=True),
        sa.Column("ended_ms", sa.BigInteger, nullable=True),
    )


def console() -> None:
    """People at HQ who may log in, and their sessions."""
    op.create_table(
        "hq_person",
        sa.Column("login", sa.String, primary_key=True),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("password_hash", sa.String, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("not_before_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "hq_session",
        sa.Column("token_hash", sa.LargeBinary, primary_key=True),
        sa.Column("login", sa.String, nullable=False),
        sa.Column("form_key", sa.String, nullable=False),
        sa.Column("began_ms", sa.BigInteger, nullable=False),
        sa.Column("seen_ms", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_hq_session_login", "hq_session", ["login"])
    op.add_column("node", sa.Column("version", sa.String, nullable=True))
    op.add_column("node", sa.Column("clock", sa.String, nullable=True))
    op.add_column("node", sa.Column("disk_free_bytes", sa.BigInteger, nullable=True))
    op.add_column("review_case", sa.Column("owner", sa.String, nullable=True))


def prices() -> None:
    """What an article costs from when on, in the chain and in a store."""
    op.create_table(
        "price",
        sa.Column("sku", sa.String, primary_key=True),
        sa.Column("store", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("effective_from_ms", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("minor", sa.BigInteger, nullable=False),
        sa.Column("put_ms", sa.BigInteger, nullable=False),
        sa.Column("put_by", sa.String, nullable=False),
        sa.CheckConstraint("minor >= 0", name="price_minor"),
    )
