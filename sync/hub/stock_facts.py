"""What nodes tell of stock, applied in order, beside what hand-overs mean to it.

A hand-over spends the order's right; what no right stood behind spends free ones, then becomes
debt. Events of a box that gave way count until the new one's first count was answered: that count
stands on what was really there, so later news of the old box only frees rights.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, select, update

from sync.hub import event_rows, order_rights, stock, stock_rows, stock_tiers
from sync.hub.enrolment import EnrolledNode
from sync.hub.facts import Judged
from sync.hub.tables import order_line
from sync.hub.tables_stock import order_right, right_move
from sync.hub.tables_stock import stock as stock_table
from sync.wire import codec
from sync.wire.budgets import Provisional
from sync.wire.events import (
    KINDS,
    Handed,
    RightAcknowledged,
    RightMoved,
    StockCounted,
    StockLocked,
    StockMoved,
    TierChanged,
    Undone,
)
from sync.wire.messages import Event, Unit

StockBody = StockMoved | StockCounted | StockLocked | RightMoved | RightAcknowledged | TierChanged
_TOLD = ("stock_moved", "stock_counted", "stock_locked", "right_moved", "right_acknowledged",
         "tier_changed")  # fmt: skip
_ORDERS = ("handed", "undone", "provisional")


def apply(
    connection: Connection,
    sender: EnrolledNode,
    incarnation: bytes,
    judged: Sequence[tuple[Event, Judged]],
    now_ms: int,
) -> None:
    """Take over what a judged batch says of stock; units were stored before."""
    ours = stock_rows.managed(connection, sender.store)
    if not ours and not any(each.kind in _TOLD for each, _ in judged):
        return
    batch = _Batch(connection, sender, incarnation, now_ms)
    for each, verdict in judged:
        if verdict.outcome not in ("accepted", "conflict"):
            continue
        if each.kind in _TOLD:
            body = codec.from_json(KINDS[each.kind], each.body)
            assert isinstance(body, StockBody)
            batch.told(each.seq, body)
        elif each.kind in _ORDERS:
            body = codec.from_json(KINDS[each.kind], each.body)
            assert isinstance(body, Handed | Undone | Provisional)
            batch.order(each.seq, body)
    for order_id in sorted({unit[0] for each, _ in judged for unit in each.units}):
        order_rights.settle_order(connection, order_id)
    for sku in sorted(batch.touched):
        stock.balance(connection, sender.store, sku, now_ms)


class _Batch:
    """One batch of one box, while it is applied."""

    def __init__(
        self, connection: Connection, sender: EnrolledNode, incarnation: bytes, now_ms: int
    ) -> None:
        self.connection = connection
        self.sender = sender
        self.store = sender.store
        self.incarnation = incarnation
        self.now_ms = now_ms
        self.touched: set[str] = set()

    # ------------------------------------------------------------------ hand-overs

    def order(self, seq: int, body: Handed | Undone | Provisional) -> None:
        """Units of an order went, or came back; on a budget they went as another store's."""
        for (order_id, line, sku), quantity in self._pieces(body.units).items():
            record = stock_rows.row_of(self.connection, self.store, sku)
            if record is None or not record.managed:
                continue
            if record.based and record.incarnation != self.incarnation:
                continue  # counted anew since: what is left of the right is freed below
            self.touched.add(sku)
            same = record.based and record.incarnation == self.incarnation
            if not isinstance(body, Undone):
                self._spend(seq, order_id, line, sku, quantity, based=same)
            else:
                self._regain(order_id, line, sku, quantity, based=same)
            if same:
                sign = 1 if isinstance(body, Undone) else -1
                stock_rows.change(
                    self.connection,
                    self.store,
                    sku,
                    on_hand=stock_table.c.on_hand + sign * quantity,
                    away=stock_table.c.away + sign * quantity,
                )

    def _pieces(self, units: Sequence[Unit]) -> dict[tuple[bytes, int, str], int]:
        orders = sorted({unit[0] for unit in units})
        rows = self.connection.execute(
            select(order_line.c.order_id, order_line.c.line, order_line.c.sku).where(
                order_line.c.order_id.in_(orders)
            )
        )
        skus = {(row.order_id, row.line): row.sku for row in rows}
        counted: dict[tuple[bytes, int, str], int] = {}
        for order_id, line, _ in units:
            sku = skus.get((order_id, line))
            if sku is not None:
                key = (order_id, line, sku)
                counted[key] = counted.get(key, 0) + 1
        return counted

    def _spend(
        self, seq: int, order_id: bytes, line: int, sku: str, quantity: int, *, based: bool
    ) -> None:
        where = (
            order_right.c.order_id == order_id,
            order_right.c.line == line,
            order_right.c.store == self.store,
        )
        row = self.connection.execute(select(order_right).where(*where)).first()
        own = 0 if row is None else min(int(row.quantity), quantity)
        if own:
            self.connection.execute(
                update(order_right).where(*where).values(quantity=order_right.c.quantity - own)
            )
        rest = quantity - own
        if not rest or not based:
            return
        before = stock_rows.row_of(self.connection, self.store, sku)
        stock_rows.overspend(self.connection, self.store, sku, rest)
        if before is not None and before.online < rest:
            self._case(seq, order_id, "stock_promised_twice", f"{sku} x {rest - before.online}")

    def _regain(self, order_id: bytes, line: int, sku: str, quantity: int, *, based: bool) -> None:
        done = self.connection.execute(
            update(order_right)
            .where(
                order_right.c.order_id == order_id,
                order_right.c.line == line,
                order_right.c.store == self.store,
            )
            .values(quantity=order_right.c.quantity + quantity)
        )
        if not done.rowcount and based:
            stock_rows.credit(self.connection, self.store, sku, quantity)

    # ------------------------------------------------------------------ stock's own events

    def told(self, seq: int, body: StockBody) -> None:
        """An event whose level is the newest that is known of its article."""
        sku = body.level.sku
        record = stock_rows.mirror(
            self.connection, self.store, body.level, self.incarnation, self.now_ms
        )
        self.touched.add(sku)
        match body:
            case StockMoved():
                if body.unowned:
                    stock_rows.credit(self.connection, self.store, sku, body.unowned)
                elif body.kind == "sold" and body.quantity < 0:
                    stock_rows.change(
                        self.connection,
                        self.store,
                        sku,
                        counter_sold=stock_table.c.counter_sold - body.quantity,
                    )
            case StockCounted():
                if body.first and record is not None:
                    self._answer_count(record)
            case RightMoved():
                self._received(body)
            case RightAcknowledged():
                self._delivered(body)
            case TierChanged():
                if record is not None:
                    stock_tiers.crossed(self.connection, record, body, self.now_ms)
            case StockLocked():
                pass

    def _answer_count(self, record: stock_rows.StockRecord) -> None:
        """Tell the box what HQ holds; moves to earlier boxes are covered by its count."""
        open_moves = self.connection.execute(
            select(right_move).where(
                right_move.c.store == self.store,
                right_move.c.sku == record.sku,
                right_move.c.state == "open",
            )
        ).all()
        for move in open_moves:
            stock_rows.settle_move(
                self.connection, move, state="void", given=None, now_ms=self.now_ms
            )
        held = stock_rows.held(self.connection, self.store, record.sku)
        if held < 0:  # nobody can be told to hold less than nothing: the count covers it
            stock_rows.change(
                self.connection, self.store, record.sku, debt=stock_table.c.debt + held
            )
        stock_rows.change(self.connection, self.store, record.sku, based=True)
        stock_rows.publish_grant(
            self.connection, record, max(0, held), why="base", now_ms=self.now_ms
        )

    def _move(self, move_id: bytes) -> stock_rows.StockRecord | None:
        return self.connection.execute(
            select(right_move).where(
                right_move.c.move_id == move_id,
                right_move.c.store == self.store,
                right_move.c.incarnation == self.incarnation,
                right_move.c.state == "open",
            )
        ).first()

    def _received(self, body: RightMoved) -> None:
        move = self._move(body.move_id)
        if move is None:
            return  # void: the article was counted anew since
        stock_rows.settle_move(
            self.connection, move, state="done", given=body.quantity, now_ms=self.now_ms
        )
        stock_rows.credit(self.connection, self.store, move.sku, body.quantity)

    def _delivered(self, body: RightAcknowledged) -> None:
        move = self._move(body.move_id)
        if move is None:
            return
        stock_rows.settle_move(
            self.connection, move, state="done", given=int(move.quantity), now_ms=self.now_ms
        )
        stock_rows.credit(self.connection, self.store, move.sku, body.uncovered)

    def _case(self, seq: int, order_id: bytes | None, reason: str, detail: str) -> None:
        event_rows.open_case(
            self.connection,
            self.sender,
            self.incarnation,
            seq=seq,
            order_id=order_id,
            reason=reason,
            detail=detail,
            now_ms=self.now_ms,
        )
