"""Budgets: what HQ lets a box risk on other stores' orders. None is granted unless somebody does.

A grant is for one incarnation, signed, and ends by time, by hand, or by the next one. Granting anew
is how it is refilled: only once the box told of what it spent (attacks 9).
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection, Row, func, insert, select, update

from sync.hub.feed import append, store_scope
from sync.hub.identity import Hub
from sync.hub.ownership_views import is_reachable, last_heard_ms
from sync.hub.problems import invalid, missing, refused
from sync.hub.stores import NOBODY, Json, store_row
from sync.hub.tables import pickup_order, product
from sync.hub.tables_provisional import budget, provisional
from sync.rules.budgets import MAX_MINOR, MAX_PIECES
from sync.wire import codec
from sync.wire.budgets import BUDGET_ID_BYTES, MAX_ARTICLES, Budget, sign_budget
from sync.wire.catalog import BudgetRow

Record = Row[tuple[object, ...]]
HOUR_MS = 3_600_000
_Pieces = Annotated[int, Field(ge=1, le=MAX_PIECES)]
_Minor = Annotated[int, Field(ge=0, le=MAX_MINOR)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBudget:
    """What a store's box may lose. articles: SKU to what a piece counts; others are not risked.

    per_code_*: for one order; None: all of it.
    """

    store: int
    pieces: _Pieces
    amount_minor: _Minor
    articles: Annotated[Mapping[str, _Minor], Field(min_length=1, max_length=MAX_ARTICLES)]
    per_code_pieces: _Pieces | None = None
    per_code_minor: _Minor | None = None
    hours: Annotated[float, Field(gt=0, le=24 * 31)] = 72.0
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "CNY"


def grant(hub: Hub, new: NewBudget, *, by: str) -> Json:
    """Let the store's present box risk this much; what it had before ends.

    Raises:
        Problem: 409 `no_box`, `granted` (the one before is whole), `not_heard` (it is not, and the
            box cannot be reached to tell how much is gone); 404 for an article or store.
    """
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        store = store_row(connection, new.store)
        if store.incarnation == NOBODY:
            raise refused("no_box", f"Store {store.code} has no box yet.")
        known = select(product.c.sku).where(product.c.sku.in_(sorted(new.articles)))
        lacking = set(new.articles) - set(connection.execute(known).scalars())
        if lacking:
            raise missing(f"product {min(lacking)}")
        if (new.per_code_pieces or 0) > new.pieces or (new.per_code_minor or 0) > new.amount_minor:
            raise invalid("One order cannot risk more than the whole budget.")
        for before in _open(connection, new.store, store.incarnation, now_ms):
            _refuse_refill(connection, before, store.incarnation, now_ms)
            _end(connection, before, now_ms)
        granted = Budget(
            budget_id=secrets.token_bytes(BUDGET_ID_BYTES),
            store=new.store,
            incarnation=store.incarnation,
            pieces=new.pieces,
            amount_minor=new.amount_minor,
            per_code_pieces=new.per_code_pieces or new.pieces,
            per_code_minor=new.amount_minor if new.per_code_minor is None else new.per_code_minor,
            currency=new.currency,
            articles=tuple(sorted(new.articles.items())),
            granted_ms=now_ms,
            not_after_ms=now_ms + int(new.hours * HOUR_MS),
        )
        data, signature = sign_budget(granted, hub.signer)
        connection.execute(
            insert(budget).values(
                budget_id=granted.budget_id,
                store=new.store,
                incarnation=granted.incarnation,
                granted=data,
                signature=signature,
                granted_by=by,
                granted_ms=now_ms,
                not_after_ms=granted.not_after_ms,
            )
        )
        record = _by_id(connection, granted.budget_id)
        append(connection, store_scope(new.store), [_row(record)])
        return view(connection, record, now_ms)


def _open(connection: Connection, store: int, incarnation: bytes, now_ms: int) -> Sequence[Record]:
    return connection.execute(
        select(budget).where(
            budget.c.store == store,
            budget.c.incarnation == incarnation,
            budget.c.ended_ms.is_(None),
            budget.c.not_after_ms >= now_ms,
        )
    ).all()


def _refuse_refill(connection: Connection, before: Record, incarnation: bytes, now_ms: int) -> None:
    told = select(func.count()).where(provisional.c.budget_id == before.budget_id)
    if not connection.execute(told).scalar_one():
        raise refused("granted", "Nothing of the last budget was told to be spent; end it first.")
    if not is_reachable(last_heard_ms(connection, incarnation), now_ms):
        raise refused("not_heard", "The box must be reached before it gets more.")


def end(hub: Hub, budget_id: str) -> Json:
    """Nothing more is to be spent of it; ending it twice changes nothing."""
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        record = find(connection, budget_id)
        if record.ended_ms is None:
            record = _end(connection, record, now_ms)
        return view(connection, record, now_ms)


def _end(connection: Connection, record: Record, now_ms: int) -> Record:
    connection.execute(
        update(budget).where(budget.c.budget_id == record.budget_id).values(ended_ms=now_ms)
    )
    record = _by_id(connection, record.budget_id)
    append(connection, store_scope(record.store), [_row(record)])
    return record


def _row(record: Record) -> BudgetRow:
    return BudgetRow(
        budget_id=record.budget_id,
        holder=record.incarnation,
        grant=record.granted,
        signature=record.signature,
        not_after_ms=record.not_after_ms,
        ended=record.ended_ms is not None,
    )


def _by_id(connection: Connection, budget_id: bytes) -> Record:
    return connection.execute(select(budget).where(budget.c.budget_id == budget_id)).one()


def find(connection: Connection, budget_id: str) -> Record:
    """The budget with this id in hexadecimal (404: there is none)."""
    try:
        raw = bytes.fromhex(budget_id)
    except ValueError as error:
        raise missing("such budget") from error
    row = connection.execute(select(budget).where(budget.c.budget_id == raw)).first()
    if row is None:
        raise missing("such budget")
    return row


def granted_of(connection: Connection, budget_id: bytes) -> Budget | None:
    """What was granted under this id."""
    row = connection.execute(
        select(budget.c.granted).where(budget.c.budget_id == budget_id)
    ).first()
    return None if row is None else codec.unpack(Budget, row.granted)


def totals(connection: Connection, budget_id: bytes) -> dict[str, dict[str, int]]:
    """Pieces and money told of a budget: all (`spent`), and by what became of them."""
    sums = {
        word: {"pieces": 0, "amount_minor": 0}
        for word in ("spent", "pending", "settled", "lost", "undone")
    }
    rows = connection.execute(
        select(
            provisional.c.state,
            func.count().label("pieces"),
            func.sum(provisional.c.amount_minor).label("minor"),
        )
        .where(provisional.c.budget_id == budget_id)
        .group_by(provisional.c.state)
    )
    for row in rows:
        for word in ("spent", row.state):
            sums[word]["pieces"] += row.pieces
            sums[word]["amount_minor"] += int(row.minor)
    return sums


def view(connection: Connection, record: Record, now_ms: int) -> Json:
    """A budget: granted, spent, and what became of each unit that was given on it."""
    granted = codec.unpack(Budget, record.granted)
    present = store_row(connection, record.store).incarnation
    state = "open"
    if record.ended_ms is not None:
        state = "ended"
    elif record.incarnation != present:
        state = "void"
    elif record.not_after_ms < now_ms:
        state = "over"
    sums = totals(connection, record.budget_id)
    left = {
        "pieces": max(0, granted.pieces - sums["spent"]["pieces"]),
        "amount_minor": max(0, granted.amount_minor - sums["spent"]["amount_minor"]),
    }
    return {
        "budget_id": record.budget_id.hex(),
        "store": record.store,
        "incarnation": record.incarnation.hex(),
        "state": state,
        "granted": {"pieces": granted.pieces, "amount_minor": granted.amount_minor},
        "per_code": {
            "pieces": granted.per_code_pieces,
            "amount_minor": granted.per_code_minor,
        },
        "articles": dict(granted.articles),
        "currency": granted.currency,
        "granted_by": record.granted_by,
        "granted_ms": record.granted_ms,
        "not_after_ms": record.not_after_ms,
        "ended_ms": record.ended_ms,
        "left": left,
        **sums,
        "given": _given(connection, record.budget_id),
    }


def _given(connection: Connection, budget_id: bytes) -> list[Json]:
    rows = connection.execute(
        select(provisional, pickup_order.c.order_no)
        .outerjoin(pickup_order, pickup_order.c.order_id == provisional.c.order_id)
        .where(provisional.c.budget_id == budget_id)
        .order_by(provisional.c.given_ms, provisional.c.line, provisional.c.unit)
    )
    return [
        {
            "order_no": row.order_no,
            "line": row.line,
            "unit": row.unit,
            "handover": row.handover,
            "operator": row.operator,
            "amount_minor": row.amount_minor,
            "state": row.state,
            "given_ms": row.given_ms,
            "settled_ms": row.settled_ms,
            "detail": row.detail,
        }
        for row in rows
    ]


def listed(hub: Hub, store: int | None = None) -> Json:
    """Budgets, newest first, with the sums over them; at most 200."""
    now_ms = hub.clock.now_ms()
    wanted = select(budget).order_by(budget.c.granted_ms.desc()).limit(200)
    if store is not None:
        wanted = wanted.where(budget.c.store == store)
    with hub.database.reading() as connection:
        rows: Sequence[Record] = connection.execute(wanted).all()
        views = [view(connection, row, now_ms) for row in rows]
    words = ("granted", "spent", "pending", "settled", "lost", "undone")
    return {"budgets": views, "totals": {word: _sum(views, word) for word in words}}


def _sum(views: Sequence[Json], word: str) -> dict[str, int]:
    total = {"pieces": 0, "amount_minor": 0}
    for each in views:
        told = each[word]
        assert isinstance(told, dict)
        for key in total:
            total[key] += told[key]
    return total
