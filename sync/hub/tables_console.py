"""Tables of the console: who may log in, and who is."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, String, Table

from sync.hub.tables import metadata

hq_person = Table(
    "hq_person",
    metadata,
    Column("login", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("password_hash", String, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("not_before_ms", BigInteger, nullable=False),
)
hq_session = Table(
    "hq_session",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("login", String, nullable=False, index=True),
    Column("form_key", String, nullable=False),
    Column("began_ms", BigInteger, nullable=False),
    Column("seen_ms", BigInteger, nullable=False),
)
