"""Tables of the hub itself: generations of before, recovery, what counts against an address."""

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table

from sync.hub.tables import metadata

past_generation = Table(
    "past_generation",
    metadata,
    Column("generation", LargeBinary, primary_key=True),
    Column("scope", String, primary_key=True),
    Column("end_seq", BigInteger, nullable=False),
    Column("ended_ms", BigInteger, nullable=False),
)
recovery = Table(
    "recovery",
    metadata,
    Column("generation", LargeBinary, primary_key=True),
    Column("reason", String, nullable=False),
    Column("began_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger, nullable=True),
    Column("ended_by", String, nullable=True),
)
recovery_node = Table(
    "recovery_node",
    metadata,
    Column("generation", LargeBinary, primary_key=True),
    Column("node", String, primary_key=True),
    Column("incarnation", LargeBinary, primary_key=True),
    Column("store", Integer, nullable=False),
    Column("from_seq", BigInteger, nullable=False),
    Column("caught_up_ms", BigInteger, nullable=True),
)
wrong_try = Table(
    "wrong_try",
    metadata,
    Column("address", String, primary_key=True),
    Column("since_ms", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
)
