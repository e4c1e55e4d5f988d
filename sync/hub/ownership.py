"""Who may have a unit next: what HQ asks of its holder, and what follows the answer.

Nothing leaves a holder by HQ's word. A cancel, a refund and a move are questions, each with one
destination; what was released is the destination's, what was kept was handed over (attacks 1 to 3).
One question of an order is open at a time, so that no unit ever has two destinations and no epoch
rises above the tombstone that an answer makes.
"""

from sqlalchemy import Connection, update

from sync.hub import (
    asks,
    held_back,
    notices,
    order_rights,
    order_rows,
    provisional,
    refunds,
    transfers,
)
from sync.hub.identity import Hub
from sync.hub.ownership_views import asks_view, refund_views
from sync.hub.problems import refused
from sync.hub.refunds import NewRefund
from sync.hub.stores import NOBODY, Json
from sync.hub.tables import pickup_order
from sync.hub.transfers import NewTransfer


def cancel(hub: Hub, order_no: str) -> Json:
    """Ask the holder to give up what was not handed over; refundable only once it did.

    Units that nobody ever held (no box was enrolled) or that lapsed are the hub's already.
    """
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        order = order_rows.open_order(connection, order_no)
        units = order_rows.units_of(connection, order.order_id)
        held = [each for each in units if each.state == "held"]
        if not held and all(each.state == "handed" for each in units):
            raise refused("handed", "All of it was handed over; this is a return, not a cancel.")
        asked = [each for each in held if each.holder != NOBODY]
        asks.take_unheld(connection, order.order_id, "hq:cancel")
        order_rights.settle_order(connection, order.order_id)
        connection.execute(
            update(pickup_order)
            .where(pickup_order.c.order_id == order.order_id)
            .values(state="cancel_pending" if asked else "cancelled")
        )
        asks.ask_holders(connection, order, asked, "hq:cancel", now_ms)
        notices.append(connection, "cancel_asked", [order.order_id], now_ms)
        if not asked:
            order_rows.publish(connection, order.order_id)
        return order_rows.view(connection, order_rows.by_id(connection, order.order_id))


def refund(hub: Hub, order_no: str, wanted: NewRefund) -> Json:
    """Refund what its holder gave up; ask for what it still holds, and refund that when it did.

    Raises:
        Problem: 409 `asked` while another question is open, `handed`, `parked`, `disputed`,
            `moving`; 422 for a unit that the order does not have.
    """
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        order = order_rows.by_number(connection, order_no)
        refunds.request(connection, order, wanted, now_ms)
        settle(connection, order.order_id, now_ms, changed=True)
        shown = order_rows.by_id(connection, order.order_id)
        return {
            "order_no": order_no,
            "state": shown.state,
            "asked": asks_view(connection, order.order_id, refunds.DESTINATION),
            "refunds": refund_views(connection, order.order_id),
        }


def move(hub: Hub, wanted: NewTransfer, *, by: str) -> Json:
    """Ask the holder to give an order up to another store, which gets it once it did.

    The same question again is answered with how far it came.
    """
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        order = order_rows.by_number(connection, wanted.order_no)
        transfer_id = transfers.request(connection, order, wanted.to_store, by=by, now_ms=now_ms)
        settle(connection, order.order_id, now_ms)
        return transfers.view(connection, transfer_id, now_ms)


def settle(connection: Connection, order_id: bytes, now_ms: int, *, changed: bool = False) -> None:
    """Once every holder answered: refund, grant, or close what was waiting for it.

    May be called again whenever a parked row of the order was read after all. changed: the caller
    changed units of it, which is to be published in any case.
    """
    if asks.unanswered(connection, order_id) or held_back.must_wait(connection, order_id):
        if changed:
            order_rows.publish(connection, order_id)
        return
    changed = provisional.settle(connection, order_id, now_ms) or changed
    changed = refunds.settle(connection, order_id, now_ms) or changed
    changed = transfers.settle(connection, order_id, now_ms) or changed
    order = order_rows.by_id(connection, order_id)
    units = order_rows.units_of(connection, order_id)
    gone = any(each.state in ("released", "refunded") for each in units)
    collectable = any(
        each.state == "held" or each.destination.startswith("store:") for each in units
    )
    kept = any(each.state in ("handed", "lapsed") for each in units)
    state = order.state
    if state == "cancel_pending":
        state = "cancelled" if gone and not collectable else "open"
    elif state == "open" and changed and gone and not (collectable or kept):
        state = "cancelled"
    if state != order.state or changed:
        connection.execute(
            update(pickup_order).where(pickup_order.c.order_id == order_id).values(state=state)
        )
        order_rows.publish(connection, order_id)
        notices.append(connection, "settled", [order_id], now_ms)
