"""Prices, each from an instant on. store 0: the chain's, else that store's own."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, String, Table

from sync.hub.tables import metadata

price = Table(
    "price",
    metadata,
    Column("sku", String, primary_key=True),
    Column("store", Integer, primary_key=True, autoincrement=False),
    Column("effective_from_ms", BigInteger, primary_key=True, autoincrement=False),
    Column("minor", BigInteger, nullable=False),
    Column("put_ms", BigInteger, nullable=False),
    Column("put_by", String, nullable=False),
    CheckConstraint("minor >= 0", name="price_minor"),
)
