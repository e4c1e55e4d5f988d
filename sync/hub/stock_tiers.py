"""What HQ does when an article crosses a tier in a store: each action once, and kept."""

from sqlalchemy import Connection, insert, select

from sync.hub import stock_rows
from sync.hub.stock_rows import StockRecord
from sync.hub.stores import Json
from sync.hub.tables import store as store_table
from sync.hub.tables_stock import stock, stock_action, transfer_proposal
from sync.rules.tiers import (
    SCARCE_PIECES_A_MINUTE,
    Crossing,
    Tier,
    is_closed_online,
    limit,
    of_word,
    suggested,
)
from sync.wire.events import TierChanged


def crossed(connection: Connection, record: StockRecord, told: TierChanged, now_ms: int) -> None:
    """Keep the tier a node told, and act on it; `stock.balance` then moves the rights."""
    if record.par is None:
        return
    try:
        crossing = Crossing(before=of_word(record.tier), now=of_word(told.now))
    except KeyError:
        return  # a newer box's word
    closed = is_closed_online(crossing.now)
    stock_rows.change(
        connection,
        record.store,
        record.sku,
        tier=crossing.now.word,
        tier_ms=told.at_ms,
        available=told.available,
        closed=closed,
    )
    actions = list(crossing.actions)
    if record.closed and not closed:
        actions.append("online_reopened")
    for action in actions:
        detail = _act(connection, record, told, action, now_ms)
        connection.execute(
            insert(stock_action).values(
                store=record.store,
                sku=record.sku,
                tier=crossing.now.word,
                action=action,
                detail=detail,
                at_ms=now_ms,
            )
        )


def _act(
    connection: Connection, record: StockRecord, told: TierChanged, action: str, now_ms: int
) -> str:
    match action:
        case "replenish":
            return f"order {suggested(told.available, told.par)}"
        case "rate_cap":
            return f"{SCARCE_PIECES_A_MINUTE} a minute"
        case "transfer_proposed":
            return _propose(connection, record, told, now_ms)
        case _:
            return f"{told.available} of {told.par}"


def _propose(connection: Connection, record: StockRecord, told: TierChanged, now_ms: int) -> str:
    """A transfer from the nearest store that can spare some: its region first, then its number.

    A store spares what is above its own tight threshold, out of its counter's rights.
    """
    known = select(transfer_proposal.c.proposal_id).where(
        transfer_proposal.c.sku == record.sku,
        transfer_proposal.c.to_store == record.store,
        transfer_proposal.c.state == "open",
    )
    if connection.execute(known).first() is not None:
        return "proposed before"
    home = connection.execute(
        select(store_table.c.region).where(store_table.c.number == record.store)
    ).scalar_one()
    others = connection.execute(
        select(stock, store_table.c.region)
        .join(store_table, store_table.c.number == stock.c.store)
        .where(stock.c.sku == record.sku, stock.c.store != record.store, stock.c.based)
    ).all()
    near = sorted(
        others,
        key=lambda each: (home is None or each.region != home, abs(each.store - record.store)),
    )
    for each in near:
        keep = limit(Tier.TIGHT, each.par) if each.par else 0
        spare = min(int(each.counter) - keep, suggested(told.available, told.par))
        if spare < 1 or each.shortage:
            continue
        connection.execute(
            insert(transfer_proposal).values(
                sku=record.sku,
                from_store=each.store,
                to_store=record.store,
                quantity=spare,
                state="open",
                made_ms=now_ms,
            )
        )
        return f"{spare} from store {each.store}"
    return "no store has any to spare"


def actions_of(connection: Connection, store: int, sku: str) -> list[Json]:
    """What was done about an article in a store, newest first."""
    rows = connection.execute(
        select(stock_action)
        .where(stock_action.c.store == store, stock_action.c.sku == sku)
        .order_by(stock_action.c.action_id.desc())
        .limit(50)
    )
    return [
        {"action": row.action, "tier": row.tier, "detail": row.detail, "at_ms": row.at_ms}
        for row in rows
    ]


def proposals(connection: Connection, *, store: int | None = None) -> list[Json]:
    """Transfers that were proposed, newest first."""
    wanted = select(transfer_proposal).order_by(transfer_proposal.c.proposal_id.desc()).limit(500)
    if store is not None:
        wanted = wanted.where(transfer_proposal.c.to_store == store)
    return [
        {
            "proposal": row.proposal_id,
            "sku": row.sku,
            "from_store": row.from_store,
            "to_store": row.to_store,
            "quantity": row.quantity,
            "state": row.state,
            "made_ms": row.made_ms,
        }
        for row in connection.execute(wanted)
    ]
