"""Tables of rotating codes and of the customer's page."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, Table

from sync.hub.tables import metadata

rotating_key = Table(
    "rotating_key",
    metadata,
    Column("code_id", LargeBinary, primary_key=True),
    Column("order_id", LargeBinary, nullable=False, index=True),
    Column("lookup", LargeBinary, nullable=False),
    Column("store", Integer, nullable=False),
    Column("secret", LargeBinary, nullable=False),
    Column("until_ms", BigInteger, nullable=False),
    Column("forgotten", Boolean, nullable=False),
)
Index("rotating_key_until", rotating_key.c.until_ms)
customer_page = Table(
    "customer_page",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("order_id", LargeBinary, nullable=False, index=True),
    Column("created_ms", BigInteger, nullable=False),
)
