"""Tables for the chain's own systems: who may ask what, what they are told, and where."""

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

client = Table(
    "client",
    metadata,
    Column("client_id", String, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("name", String, nullable=False),
    Column("scopes", String, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger, nullable=True),
)
access_token = Table(
    "access_token",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("client_id", String, nullable=False, index=True),
    Column("scopes", String, nullable=False),
    Column("expires_ms", BigInteger, nullable=False, index=True),
)
notice = Table(
    "notice",
    metadata,
    Column("notice_id", LargeBinary, primary_key=True),
    Column("seq", BigInteger, nullable=True, unique=True),
    Column("kind", String, nullable=False),
    Column("order_no", String, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
)
notice_head = Table(
    "notice_head",
    metadata,
    Column(
        "only",
        Integer,
        CheckConstraint('"only" = 1', name="notice_head_only"),
        primary_key=True,
        autoincrement=False,
    ),
    Column("seq", BigInteger, nullable=False),
)
webhook = Table(
    "webhook",
    metadata,
    Column("webhook_id", String, primary_key=True),
    Column("client_id", String, nullable=True),
    Column("url", Text, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("sent_seq", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("next_ms", BigInteger, nullable=False),
    Column("trouble", String, nullable=True),
    Column("ended_ms", BigInteger, nullable=True),
)
