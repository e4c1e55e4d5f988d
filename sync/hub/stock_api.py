"""HQ's API of stock: what is where, plans, rights moved by hand, reservations, tiers."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field
from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from sync.hub import feed, orders, recalls, reservations, stock, stock_rows, stock_tiers, stores
from sync.hub.admin_api import TheHub, admin_only
from sync.hub.begin_again import AgainRoute
from sync.hub.identity import Hub
from sync.hub.orders import NewOrder
from sync.hub.problems import Problem, invalid, missing, refused
from sync.hub.stock_rows import StockRecord
from sync.hub.stores import Json
from sync.hub.tables import product
from sync.hub.tables_stock import order_right, right_move
from sync.hub.tables_stock import stock as stock_table
from sync.rules.tiers import Tier, of_word
from sync.wire.catalog import StockPlanRow

logger = logging.getLogger(__name__)
TICK_EVERY_S = 1.0
_Sku = Annotated[str, Field(min_length=1, max_length=8)]
_Pieces = Annotated[int, Field(ge=1, le=1_000_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlan:
    """What HQ wants of an article in a store: a full shelf, and pieces kept back."""

    store: int
    sku: _Sku
    par: _Pieces
    safety: Annotated[int, Field(ge=0, le=1_000_000)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMove:
    """Rights to be moved by hand: asked of the store (`online`) or given to it (`store`)."""

    store: int
    sku: _Sku
    to: Literal["online", "store"]
    quantity: _Pieces


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReservation:
    """Pieces for a basket of the online shop, until it is paid."""

    store: int
    sku: _Sku
    quantity: _Pieces = 1


router = APIRouter(
    prefix="/v1", dependencies=[Depends(admin_only)], route_class=AgainRoute, tags=["stock"]
)


@router.post("/stock/plans", status_code=201)
def put_plan(hub: TheHub, new: NewPlan) -> Json:
    """Write an article's plan down, or change it."""
    with hub.database.writing() as connection:
        stores.store_row(connection, new.store)
        known = select(product.c.sku).where(product.c.sku == new.sku)
        if connection.execute(known).first() is None:
            raise missing(f"product {new.sku}")
        stock_rows.ensure(connection, new.store, new.sku)
        stock_rows.change(connection, new.store, new.sku, par=new.par, safety=new.safety)
        row = StockPlanRow(sku=new.sku, par=new.par, safety=new.safety)
        feed.append(connection, feed.store_scope(new.store), [row])
    return {"store": new.store, "sku": new.sku, "par": new.par, "safety": new.safety}


@router.get("/stock")
def show_stock(
    hub: TheHub, store: Annotated[int | None, Query()] = None, sku: str | None = None
) -> Json:
    """What HQ holds and what the stores told, at most 1,000 articles."""
    wanted = select(stock_table).order_by(stock_table.c.store, stock_table.c.sku).limit(1_000)
    if store is not None:
        wanted = wanted.where(stock_table.c.store == store)
    if sku is not None:
        wanted = wanted.where(stock_table.c.sku == sku)
    with hub.database.reading() as connection:
        rows = connection.execute(wanted).all()
        return {"stock": [_view(connection, row) for row in rows]}


def _view(connection: Connection, row: StockRecord) -> Json:
    of_orders: int = connection.execute(
        select(func.coalesce(func.sum(order_right.c.quantity), 0)).where(
            order_right.c.store == row.store, order_right.c.sku == row.sku
        )
    ).scalar_one()
    moves = connection.execute(
        select(right_move).where(
            right_move.c.store == row.store,
            right_move.c.sku == row.sku,
            right_move.c.state == "open",
        )
    ).all()
    return {
        "store": row.store,
        "sku": row.sku,
        "managed": row.managed,
        "based": row.based,
        "closed": row.closed,
        "par": row.par,
        "safety": row.safety,
        "tier": row.tier if row.par is not None else None,
        "online": row.online,
        "of_orders": int(of_orders),
        "reserved": stock_rows.reserved(connection, row.store, row.sku),
        "debt": row.debt,
        "moves": [
            {
                "move": move.move_id.hex(),
                "kind": move.kind,
                "quantity": move.quantity,
                "why": move.why,
                "asked_ms": move.asked_ms,
            }
            for move in moves
        ],
        "node": {
            "on_hand": row.on_hand,
            "quarantine": row.quarantine,
            "counter": row.counter,
            "kiosk": row.kiosk,
            "safety": row.kept_back,
            "online": row.away,
            "in_transit": row.on_way,
            "locked": row.locked,
            "shortage": row.shortage,
            "told_ms": row.told_ms,
        },
    }


@router.post("/stock/rights", status_code=202)
def move_rights(hub: TheHub, new: NewMove) -> Json:
    """Move rights by hand; asked of the store, or debited here and on their way to it."""
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        record = stock_rows.row_of(connection, new.store, new.sku)
        if record is None or not record.based:
            raise refused("not_counted", "The store's box has not counted this article.")
        if stock_rows.open_move(connection, new.store, new.sku) is not None:
            raise refused("moving", "Rights of this article are on their way; wait for them.")
        if new.to == "online":
            stock_rows.publish_recall(connection, record, new.quantity, why="hand", now_ms=now_ms)
        else:
            if record.online < new.quantity:
                raise Problem(
                    status=409,
                    code="sold_out",
                    detail="HQ has not so many free rights.",
                    extra={"left": int(record.online)},
                )
            stock.send(connection, record, new.quantity, why="hand", now_ms=now_ms)
        shown = stock_rows.row_of(connection, new.store, new.sku)
        assert shown is not None
        return _view(connection, shown)


@router.post("/reservations", status_code=201)
def reserve(hub: TheHub, new: NewReservation) -> Json:
    """Set rights aside for a basket; 15 minutes, 5 while it is tight."""
    if new.quantity < 1:
        raise invalid("At least one piece.")
    with hub.database.writing() as connection:
        recalls.refuse_recalled(connection, [new.sku], hub.clock.now_ms())
        return reservations.reserve(
            connection,
            store=new.store,
            sku=new.sku,
            quantity=new.quantity,
            now_ms=hub.clock.now_ms(),
        )


@router.get("/reservations/{number}")
def show_reservation(hub: TheHub, number: str) -> Json:
    """A reservation and how it ended."""
    with hub.database.reading() as connection:
        return reservations.view(reservations.by_id(connection, number))


@router.post("/reservations/{number}/release")
def release(hub: TheHub, number: str) -> Json:
    """Let a reservation go; the same asked twice changes nothing."""
    with hub.database.writing() as connection:
        return reservations.release(connection, number, hub.clock.now_ms())


@router.post("/reservations/{number}/confirm", status_code=201)
def confirm(hub: TheHub, number: str, new: NewOrder) -> Json:
    """It was paid: make the order, with the reservation's rights as its own."""
    return orders.create(hub, new, reservation=number)


@router.get("/tiers")
def show_tiers(
    hub: TheHub, store: Annotated[int | None, Query()] = None, *, worse: bool = True
) -> Json:
    """Articles with a par, the scarcest first, with what was done about them.

    worse: leave out what is normal and of which nothing was ever done.
    """
    wanted = select(stock_table).where(stock_table.c.par.is_not(None))
    if store is not None:
        wanted = wanted.where(stock_table.c.store == store)
    with hub.database.reading() as connection:
        rows = connection.execute(wanted.order_by(stock_table.c.store, stock_table.c.sku)).all()
        shown: list[tuple[Tier, Json]] = []
        for row in rows:
            tier = of_word(row.tier)
            actions = stock_tiers.actions_of(connection, row.store, row.sku)
            if worse and tier is Tier.NORMAL and not actions:
                continue
            told: Json = {
                "store": row.store,
                "sku": row.sku,
                "tier": row.tier,
                "par": row.par,
                "available": row.available,
                "since_ms": row.tier_ms,
                "closed": row.closed,
                "actions": actions,
            }
            shown.append((tier, told))
        shown.sort(key=lambda each: -each[0])
        return {
            "tiers": [told for _, told in shown[:1_000]],
            "proposals": stock_tiers.proposals(connection, store=store),
        }


def tick(hub: Hub) -> None:
    """What is due by itself: reservations that end, rights that should move."""
    now_ms = hub.clock.now_ms()
    with hub.database.reading() as connection:
        over = reservations.is_due(connection, now_ms)
        drained = _drained(connection)
    if not over and not drained:
        return
    with hub.database.writing() as connection:
        reservations.expire(connection, now_ms)
        for store, sku in drained:
            stock.balance(connection, store, sku, now_ms)


def _drained(connection: Connection) -> list[tuple[int, str]]:
    """Articles whose rights may have to move, and of which none are moving."""
    moving = select(right_move.c.move_id).where(
        right_move.c.store == stock_table.c.store,
        right_move.c.sku == stock_table.c.sku,
        right_move.c.state == "open",
    )
    uneven = (
        (stock_table.c.debt > 0)
        | (stock_table.c.shortage > 0)
        | (stock_table.c.closed & (stock_table.c.online > 0))
        | (stock_table.c.online * 2 < stock_table.c.counter)
    )
    found = connection.execute(
        select(stock_table.c.store, stock_table.c.sku)
        .where(stock_table.c.based, uneven, ~moving.exists())
        .order_by(stock_table.c.store, stock_table.c.sku)
        .limit(200)
    )
    return [(row.store, row.sku) for row in found]


async def keep(hub: Hub) -> None:
    """`tick`, for ever; a failure is told and the next second tries again."""
    while True:
        try:
            await asyncio.to_thread(hub.database.again, lambda: tick(hub))
        except (SQLAlchemyError, Problem) as error:
            logger.warning("stock waits error=%s", type(error).__name__)
        # what is due comes from the database by the hub's clock; this only looks again
        await asyncio.sleep(TICK_EVERY_S)
