"""Who holds what, learnt again from the nodes of a hub that was restored behind them (attack 11).

A release names its destination and taking a grant is a fact of its own, so what the hub forgot is
in what the nodes send again: `answered` to a question that it does not know, `accepted` of a grant
that it does not remember. What followed from them at the time follows once it may.
"""

from sqlalchemy import Connection, exists, insert, select, update

from sync.hub import order_rows, ownership, recovery, transfers
from sync.hub.clock import Clock
from sync.hub.enrolment import EnrolledNode
from sync.hub.facts import Working
from sync.hub.identity import Hub
from sync.hub.problems import invalid
from sync.hub.stores import Json
from sync.hub.tables import ask, code, pickup_order
from sync.hub.tables import unit as unit_table
from sync.hub.tables_hubdb import recovery as recovery_table
from sync.hub.tables_ownership import refund, transfer
from sync.hub.tables_provisional import provisional
from sync.wire import codec
from sync.wire.events import Accepted, Answered

EPOCHS_APART = 64
"""More than an order is issued anew between a copy and the loss: lost epochs stay unused."""
BY = "recovery"


def store(connection: Connection, working: Working, store_number: int, now_ms: int) -> None:
    """What a batch taught of moves and cancels that were forgotten; after its units were kept."""
    for answer in working.forgotten:
        _raise_epoch(connection, answer.order_id, answer.epoch)
        if answer.released:
            _follow_release(connection, answer, now_ms)
    for taken in working.grants_taken:
        _follow_grant(connection, taken, store_number, now_ms)


def _raise_epoch(connection: Connection, order_id: bytes, epoch: int) -> None:
    connection.execute(
        update(pickup_order)
        .where(pickup_order.c.order_id == order_id, pickup_order.c.epoch < epoch)
        .values(epoch=epoch)
    )


def _follow_release(connection: Connection, answer: Answered, now_ms: int) -> None:
    order = connection.execute(
        select(pickup_order).where(pickup_order.c.order_id == answer.order_id)
    ).first()
    if order is None:
        return
    kind, _, number = answer.destination.partition(":")
    if kind == "store" and number.isdecimal():
        _add_transfer(connection, answer, order.home_store, int(number), now_ms)
    elif answer.destination == "hq:cancel" and order.state == "open":
        connection.execute(
            update(pickup_order)
            .where(pickup_order.c.order_id == answer.order_id)
            .values(state="cancel_pending")
        )


def _add_transfer(
    connection: Connection, answer: Answered, from_store: int, to_store: int, now_ms: int
) -> None:
    known = select(transfer.c.transfer_id).where(
        transfer.c.order_id == answer.order_id,
        transfer.c.to_store == to_store,
        transfer.c.state == "asked",
    )
    if connection.execute(known).first() is not None:
        return
    values: Json = {
        "transfer_id": answer.ask_id,  # 16 random bytes too: told twice, it is the same move
        "order_id": answer.order_id,
        "from_store": from_store,
        "to_store": to_store,
        "units": codec.pack([(line, unit) for _, line, unit in answer.released]),
        "asked_by": BY,
        "asked_ms": now_ms,
        "state": "asked",
    }
    connection.execute(insert(transfer).values(**values))


def _follow_grant(connection: Connection, taken: Accepted, store_number: int, now_ms: int) -> None:
    order = connection.execute(
        select(pickup_order).where(pickup_order.c.order_id == taken.order_id)
    ).first()
    if order is None or taken.epoch < order.epoch or order.home_store == store_number:
        return
    transfers.settle_in(
        connection,
        order,
        from_store=order.home_store,
        to_store=store_number,
        epoch=taken.epoch,
        now_ms=now_ms,
    )
    order_rows.publish(connection, taken.order_id)


def heard_all(
    connection: Connection, clock: Clock, sender: EnrolledNode, incarnation: bytes
) -> None:
    """A node has told everything: do what had to wait for it, or for the last of them."""
    match recovery.heard_all(connection, clock, sender.node, incarnation):
        case "over":
            ended(connection, clock.now_ms())
        case "told":
            resume(connection, clock.now_ms())
        case "nothing":
            pass


def begin(hub: Hub, by: str) -> Json:
    """A named person knows that the database lost something: after a fail-over, for instance."""
    name = " ".join(by.split())
    if not name:
        raise invalid("Say who decides this: --by NAME.")
    with hub.database.writing() as connection:
        recovery.begin(connection, hub.clock, f"asked for by {name}")
    return recovery.status(hub)


def finish(hub: Hub, by: str) -> Json:
    """A named person says that the boxes still missing will not come.

    What they handed over and never told may be granted or refunded again: the loss is the chain's
    and stands under this name.
    """
    with hub.database.writing() as connection:
        recovery.finish(connection, hub.clock, by)
        ended(connection, hub.clock.now_ms())
    return recovery.status(hub)


def resume(connection: Connection, now_ms: int) -> None:
    """Do what had to wait, for every order that waits for something."""
    waiting = (
        select(transfer.c.order_id).where(transfer.c.state == "asked"),
        select(refund.c.order_id).where(refund.c.state == "asked"),
        select(pickup_order.c.order_id).where(pickup_order.c.state == "cancel_pending"),
        select(unit_table.c.order_id).where(
            unit_table.c.state == "released", unit_table.c.destination == "hq:refund"
        ),
        select(provisional.c.order_id).where(
            provisional.c.state == "pending",
            provisional.c.order_id.in_(select(pickup_order.c.order_id)),
        ),
    )
    orders = {found for each in waiting for found in connection.execute(each).scalars()}
    for order_id in sorted(orders):
        ownership.settle(connection, order_id, now_ms)


def ended(connection: Connection, now_ms: int) -> None:
    """Recovery is over: epochs that were used and lost are left behind, what waited is done.

    A code issued anew and forgotten carries a higher epoch than the next question would, and would
    clear the tombstone of its answer. Only orders that nothing was given up of, nor is asked for: a
    higher epoch clears every tombstone of an order. The stores are told: what they give up at an
    epoch that was left behind would count for nothing here.
    """
    began_ms = connection.execute(
        select(recovery_table.c.began_ms).order_by(recovery_table.c.began_ms.desc()).limit(1)
    ).scalar_one()
    given_up = exists().where(
        unit_table.c.order_id == pickup_order.c.order_id,
        unit_table.c.state.not_in(("held", "handed")),
    )
    asked = exists().where(ask.c.order_id == pickup_order.c.order_id, ask.c.answered_ms.is_(None))
    whole = select(pickup_order.c.order_id).where(
        pickup_order.c.state == "open",
        pickup_order.c.created_ms <= began_ms,
        pickup_order.c.epoch <= transfers.MAX_EPOCH - 2 * EPOCHS_APART,
        ~given_up,
        ~asked,
    )
    raised = sorted(connection.execute(whole).scalars())
    for table, still in (
        (unit_table, unit_table.c.state == "held"),
        (code, code.c.state == "live"),
        (pickup_order, pickup_order.c.state == "open"),  # last: it says which
    ):
        connection.execute(
            update(table)
            .where(table.c.order_id.in_(whole), still)
            .values(epoch=table.c.epoch + EPOCHS_APART)
        )
    for order_id in raised:
        order_rows.publish(connection, order_id)
    resume(connection, now_ms)
