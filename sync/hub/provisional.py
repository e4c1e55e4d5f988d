"""What was handed over on a budget: whose loss it is, once its home has answered.

The first live hand-over stands. Units that their holder still has are asked for, to
`hq:provisional`; released, they count as handed where they were given. What the home had handed
over itself, or HQ had refunded, is lost: a case with both sides' audit heads, booked to the budget.

    told ──▶ pending ──▶ settled (the unit is `handed`, once)
                    └──▶ lost     (it was handed or refunded elsewhere)
             any of them ──undone at the counter──▶ undone
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Row, and_, insert, or_, select, update

from sync.hub import asks, budgets, order_rows, pick_rows, transfers
from sync.hub.enrolment import EnrolledNode
from sync.hub.facts import Working
from sync.hub.problems import Problem
from sync.hub.stores import NOBODY
from sync.hub.tables import event, order_line, pickup_order, redemption, review_case
from sync.hub.tables import unit as unit_table
from sync.hub.tables_provisional import provisional
from sync.rules.budgets import PROVISIONAL
from sync.wire.audit import short
from sync.wire.budgets import Provisional
from sync.wire.messages import Unit

Record = Row[tuple[object, ...]]


def apply(
    connection: Connection,
    sender: EnrolledNode,
    incarnation: bytes,
    working: Working,
    now_ms: int,
) -> list[bytes]:
    """Keep what a batch told of it; answers the orders that may be settled now."""
    touched: set[bytes] = set()
    for seq, body in working.bodies:
        if isinstance(body, Provisional):
            _record(connection, sender, incarnation, seq, body, now_ms)
            touched.add(body.order_id)
    touched |= _take_back(connection, incarnation, working, now_ms)
    known = select(pickup_order.c.order_id).where(pickup_order.c.order_id.in_(sorted(touched)))
    found = set[bytes](connection.execute(known).scalars()) if touched else set[bytes]()
    for order_id in touched - found:
        rows = _rows(connection, order_id, "pending")
        _lose(connection, rows, "an order that HQ does not know", now_ms)
    return sorted(found)


def _record(
    connection: Connection,
    sender: EnrolledNode,
    incarnation: bytes,
    seq: int,
    body: Provisional,
    now_ms: int,
) -> None:
    granted = budgets.granted_of(connection, body.budget_id)
    prices = {} if granted is None else dict(granted.articles)
    known = pick_rows.prices_of(connection, body.order_id)
    lines = connection.execute(
        select(order_line.c.line, order_line.c.sku).where(order_line.c.order_id == body.order_id)
    )
    skus = {row.line: row.sku for row in lines}
    connection.execute(
        insert(provisional),
        [
            {
                "order_id": order_id,
                "line": line,
                "unit": unit,
                "incarnation": incarnation,
                "seq": seq,
                "budget_id": body.budget_id,
                "node": sender.node,
                "store": sender.store,
                "handover": body.handover,
                "operator": body.operator,
                "amount_minor": prices.get(skus.get(line, ""), known.get(line, 0)),
                "state": "pending",
                "given_ms": body.at_ms,
                "settled_ms": None,
                "detail": "",
            }
            for order_id, line, unit in body.units
        ],
    )
    why = ""
    if granted is None or granted.incarnation != incarnation:
        why = "this box was not granted it"
    else:
        spent = budgets.totals(connection, body.budget_id)["spent"]
        over = spent["pieces"] > granted.pieces or spent["amount_minor"] > granted.amount_minor
        if over or body.at_ms > granted.not_after_ms:
            why = "beyond what was granted"
    if why:
        row = _rows(connection, body.order_id, "pending")[-1]
        _open_case(connection, row, "budget_overspent", f"{why}: {body.budget_id.hex()}", now_ms)


def _take_back(
    connection: Connection, incarnation: bytes, working: Working, now_ms: int
) -> set[bytes]:
    """Hand-overs on a budget that were undone: their units are on the shelf, and nobody's."""
    touched: set[bytes] = set()
    acts = {**working.new_acts, **working.undone_acts}
    for (seq, unit), act in sorted(acts.items()):
        if act.state not in ("undone", "conflict_undone"):
            continue
        where = (*_is(unit), provisional.c.incarnation == incarnation, provisional.c.seq == seq)
        done = connection.execute(
            update(provisional)
            .where(*where, provisional.c.state != "undone")
            .values(state="undone", settled_ms=now_ms)
        )
        if not done.rowcount:
            continue
        touched.add(unit[0])
        connection.execute(
            update(unit_table)
            .where(
                *_is_unit(unit), unit_table.c.state == "held", unit_table.c.holder == incarnation
            )
            .values(state="lapsed", destination="")
        )
    return touched


def settle(connection: Connection, order_id: bytes, now_ms: int) -> bool:
    """Settle what waits on an order, no question being open; answers whether anything changed."""
    pending = _rows(connection, order_id, "pending")
    taken_back = {(row.line, row.unit) for row in _rows(connection, order_id, "undone")}
    if not pending and not taken_back:
        return False
    order = order_rows.by_id(connection, order_id)
    waiting: dict[tuple[int, int], Record] = {}
    lost: list[Record] = []
    changed = False
    for row in pending:
        unit = _unit(connection, row)
        if unit is None:
            lost.append(row)
        elif unit.parked:
            continue
        elif unit.state == "held" and unit.holder not in (row.incarnation, NOBODY):
            waiting[row.line, row.unit] = unit
        elif _take(connection, row):
            _finish(connection, row, "settled", "", now_ms)
            changed = True
        else:
            lost.append(row)
    if lost:
        _lose(connection, lost, "", now_ms)
        changed = True
    if waiting:
        asks.ask_holders(connection, order, list(waiting.values()), PROVISIONAL, now_ms)
    elif taken_back:
        changed = _send_home(connection, order, taken_back, now_ms) or changed
    return changed


def _take(connection: Connection, row: Record) -> bool:
    """The one place where a unit counts as handed over on a budget."""
    free = or_(
        unit_table.c.state.in_(("released", "lapsed")),
        and_(unit_table.c.state == "held", unit_table.c.holder.in_((row.incarnation, NOBODY))),
    )
    where = (*_is_unit((row.order_id, row.line, row.unit)), unit_table.c.parked == 0)
    done = connection.execute(
        update(unit_table).where(*where, free).values(state="handed", destination="")
    )
    if not done.rowcount:
        return False
    connection.execute(
        update(unit_table)
        .where(*where, unit_table.c.holder == NOBODY)
        .values(holder=row.incarnation)
    )
    connection.execute(
        update(redemption)
        .where(
            redemption.c.order_id == row.order_id,
            redemption.c.line == row.line,
            redemption.c.unit == row.unit,
            redemption.c.incarnation == row.incarnation,
            redemption.c.seq == row.seq,
            redemption.c.state == "conflict",
        )
        .values(state="live")
    )
    return True


def _send_home(
    connection: Connection, order: Record, units: set[tuple[int, int]], now_ms: int
) -> bool:
    """Units that were given and taken back are their home's again, at the order's next epoch."""
    free = 0
    for line, unit in sorted(units):
        key = (order.order_id, line, unit)
        connection.execute(
            update(unit_table)
            .where(
                *_is_unit(key),
                unit_table.c.state == "released",
                unit_table.c.destination == PROVISIONAL,
            )
            .values(state="lapsed", destination="")
        )
        found = connection.execute(select(unit_table.c.state).where(*_is_unit(key))).scalar_one()
        free += found == "lapsed"
    if not free or order.state != "open" or order.last_not_after_ms < now_ms:
        return False
    try:
        transfers.request(
            connection, order, order.home_store, by="provisional undone", now_ms=now_ms
        )
    except Problem:
        return False  # it stays given up, and can be refunded
    return True


def _lose(connection: Connection, rows: Sequence[Record], why: str, now_ms: int) -> None:
    """Book units as lost, with one case for each hand-over."""
    by_act: dict[tuple[bytes, int], list[Record]] = {}
    for row in rows:
        by_act.setdefault((row.incarnation, row.seq), []).append(row)
    for group in by_act.values():
        first = group[0]
        minor = sum(row.amount_minor for row in group)
        names = ", ".join(f"{row.line}.{row.unit}" for row in group)
        told = why or _other_side(connection, first)
        detail = (
            f"units {names}: loss {len(group)} pieces, {minor} minor of budget "
            f"{first.budget_id.hex()[:8]}; given at store {first.store}, hand-over "
            f"#{first.handover}, {_head(connection, first.incarnation, first.seq)}; {told}"
        )
        for row in group:
            _finish(connection, row, "lost", told, now_ms)
        _open_case(connection, first, "provisional_lost", detail, now_ms)


def _other_side(connection: Connection, row: Record) -> str:
    live = connection.execute(
        select(redemption).where(
            redemption.c.order_id == row.order_id,
            redemption.c.line == row.line,
            redemption.c.unit == row.unit,
            redemption.c.state == "live",
        )
    ).first()
    if live is None:
        unit = _unit(connection, row)
        return f"it was {unit.state}" if unit is not None else "it is no unit of the order"
    head = _head(connection, live.incarnation, live.seq)
    return f"handed over by {live.node}, hand-over #{live.handover}, {head}"


def _head(connection: Connection, incarnation: bytes, seq: int) -> str:
    """The audit head that witnessed an event."""
    row = connection.execute(
        select(event.c.audit_seq, event.c.audit_hash).where(
            event.c.incarnation == incarnation, event.c.seq == seq
        )
    ).first()
    return "audit unknown" if row is None else f"audit {row.audit_seq}:{short(row.audit_hash)}"


def _finish(connection: Connection, row: Record, state: str, detail: str, now_ms: int) -> None:
    connection.execute(
        update(provisional)
        .where(
            *_is((row.order_id, row.line, row.unit)),
            provisional.c.incarnation == row.incarnation,
            provisional.c.seq == row.seq,
        )
        .values(state=state, settled_ms=now_ms, detail=detail)
    )


def _open_case(connection: Connection, row: Record, reason: str, detail: str, now_ms: int) -> None:
    connection.execute(
        insert(review_case).values(
            source="hub",
            store=row.store,
            node=row.node,
            incarnation=row.incarnation,
            seq=row.seq,
            order_id=row.order_id,
            reason=reason,
            detail=detail,
            opened_ms=now_ms,
        )
    )


def _rows(connection: Connection, order_id: bytes, state: str) -> Sequence[Record]:
    return connection.execute(
        select(provisional)
        .where(provisional.c.order_id == order_id, provisional.c.state == state)
        .order_by(provisional.c.given_ms, provisional.c.seq, provisional.c.line, provisional.c.unit)
    ).all()


def _unit(connection: Connection, row: Record) -> Record | None:
    key = (row.order_id, row.line, row.unit)
    return connection.execute(select(unit_table).where(*_is_unit(key))).first()


def _is(unit: Unit) -> tuple[ColumnElement[bool], ...]:
    return (
        provisional.c.order_id == unit[0],
        provisional.c.line == unit[1],
        provisional.c.unit == unit[2],
    )


def _is_unit(unit: Unit) -> tuple[ColumnElement[bool], ...]:
    return (
        unit_table.c.order_id == unit[0],
        unit_table.c.line == unit[1],
        unit_table.c.unit == unit[2],
    )
