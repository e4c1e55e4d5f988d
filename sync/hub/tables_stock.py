"""Tables of stock at HQ: rights it holds, what it promised of them, and what nodes told."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
)

from sync.hub.tables import metadata


def _count(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False, server_default="0")


stock = Table(
    "stock",
    metadata,
    Column("store", Integer, primary_key=True, autoincrement=False),
    Column("sku", String, primary_key=True),
    # ours: rights free to sell, promises that no right stands behind, what HQ wants here
    _count("online"),
    _count("debt"),
    Column("par", Integer, nullable=True),
    _count("safety"),
    Column("closed", Boolean, nullable=False),
    _count("counter_sold"),
    _count("online_sold"),
    # the node's: as it told last, and whether its count was answered (`based`)
    Column("managed", Boolean, nullable=False),
    Column("incarnation", LargeBinary, nullable=False),
    Column("based", Boolean, nullable=False),
    _count("on_hand"),
    _count("quarantine"),
    _count("counter"),
    _count("kiosk"),
    _count("kept_back"),
    _count("away"),
    _count("on_way"),
    _count("locked"),
    _count("shortage"),
    Column("tier", String, nullable=False),
    _count("available"),
    _count("tier_ms"),
    _count("told_ms"),
    CheckConstraint("online >= 0"),
    CheckConstraint("debt >= 0"),
)
order_right = Table(
    "order_right",
    metadata,
    Column("order_id", LargeBinary, primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("store", Integer, nullable=False),
    Column("sku", String, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("taken_ms", BigInteger, nullable=False),
    Column("taken", BigInteger, nullable=False),
    CheckConstraint("quantity >= 0"),
)
Index("order_right_sku", order_right.c.store, order_right.c.sku, order_right.c.taken_ms)
right_move = Table(
    "right_move",
    metadata,
    Column("move_id", LargeBinary, primary_key=True),
    Column("store", Integer, nullable=False),
    Column("sku", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("given", BigInteger, nullable=True),
    Column("incarnation", LargeBinary, nullable=False),
    Column("state", String, nullable=False),
    Column("why", String, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
    Column("done_ms", BigInteger, nullable=True),
    CheckConstraint("kind IN ('grant', 'base', 'recall')"),
    CheckConstraint("state IN ('open', 'done', 'void')"),
)
Index("right_move_sku", right_move.c.store, right_move.c.sku, right_move.c.state)
reservation = Table(
    "reservation",
    metadata,
    Column("reservation_id", String, primary_key=True),
    Column("store", Integer, nullable=False),
    Column("sku", String, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    Column("deadline_ms", BigInteger, nullable=False),
    Column("ended_ms", BigInteger, nullable=True),
    Column("order_id", LargeBinary, nullable=True),
    CheckConstraint("state IN ('held', 'confirmed', 'released', 'expired')"),
)
Index("reservation_due", reservation.c.state, reservation.c.deadline_ms)
Index("reservation_sku", reservation.c.store, reservation.c.sku, reservation.c.made_ms)
stock_action = Table(
    "stock_action",
    metadata,
    Column("action_id", Integer, primary_key=True),
    Column("store", Integer, nullable=False),
    Column("sku", String, nullable=False),
    Column("tier", String, nullable=False),
    Column("action", String, nullable=False),
    Column("detail", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)
Index("stock_action_sku", stock_action.c.store, stock_action.c.sku)
transfer_proposal = Table(
    "transfer_proposal",
    metadata,
    Column("proposal_id", Integer, primary_key=True),
    Column("sku", String, nullable=False),
    Column("from_store", Integer, nullable=False),
    Column("to_store", Integer, nullable=False),
    Column("quantity", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("made_ms", BigInteger, nullable=False),
    CheckConstraint("state IN ('open', 'taken', 'dropped')"),
)
