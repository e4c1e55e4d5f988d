"""A store was shown a code of another one: HQ looks where the order is, and asks its holder.

The node proves by the code's id that somebody stands there with the code; its own store is the only
one that it can ask for.
"""

from sqlalchemy import Connection

from sync.hub import asks, order_rows, ownership, transfers
from sync.hub.enrolment import EnrolledNode
from sync.hub.identity import Hub
from sync.hub.order_rows import OrderRecord
from sync.hub.ownership_views import is_reachable, last_heard_ms
from sync.hub.problems import Problem
from sync.hub.stores import NOBODY, store_row
from sync.wire.transfers import TransferAnswer, TransferQuestion, TransferState


def answer(hub: Hub, asker: EnrolledNode, question: TransferQuestion) -> TransferAnswer:
    """Where the order is; asks its holder when the question says so and the holder is heard.

    A holder that is not heard is asked only when somebody means to wait for it: it may hand the
    order over at any moment, so until it answers nobody else may.
    """
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        order = transfers.order_of_code(connection, question.code_id)
        if order is None:
            return TransferAnswer(state="unknown")
        state = _state(connection, order, asker, now_ms)
        may_ask = state == "asked" or (state == "unreachable" and question.wait)
        asked_ms = _asked_ms(connection, order, asker)
        if may_ask and question.ask and asked_ms is None:
            by = f"{asker.node}/{question.operator or ''}"
            try:
                transfers.request(connection, order, asker.store, by=by, now_ms=now_ms)
            except Problem as problem:
                state = _REFUSED.get(problem.code, "busy")
            else:
                ownership.settle(connection, order.order_id, now_ms)
                order = order_rows.by_id(connection, order.order_id)
                state = _state(connection, order, asker, now_ms)
                asked_ms = _asked_ms(connection, order, asker)
        return _told(connection, order, state, asked_ms)


_REFUSED: dict[str, TransferState] = {"handed": "handed", "nothing_left": "closed"}


def _asked_ms(connection: Connection, order: OrderRecord, asker: EnrolledNode) -> int | None:
    for row in asks.unanswered(connection, order.order_id):
        if row.destination == transfers.destination(asker.store):
            asked_ms: int = row.asked_ms
            return asked_ms
    return None


def _state(
    connection: Connection, order: OrderRecord, asker: EnrolledNode, now_ms: int
) -> TransferState:
    units = order_rows.units_of(connection, order.order_id)
    mine = [each for each in units if each.state == "held" and each.holder == asker.incarnation]
    if mine and order.home_store == asker.store:
        return "here"
    if order.state != "open":
        return "closed"
    movable = [each for each in units if each.state in ("held", "lapsed")]
    pending = asks.unanswered(connection, order.order_id)
    if not movable and not pending:
        return "handed" if any(each.state == "handed" for each in units) else "closed"
    if any(row.destination != transfers.destination(asker.store) for row in pending):
        return "busy"
    if transfers.was_kept(connection, order.order_id, asker.store, now_ms):
        return "kept"
    holders = {each.holder for each in movable if each.state == "held"} - {NOBODY}
    heard = [is_reachable(last_heard_ms(connection, holder), now_ms) for holder in holders]
    return "asked" if all(heard) else "unreachable"


def _told(
    connection: Connection, order: OrderRecord, state: TransferState, asked_ms: int | None
) -> TransferAnswer:
    handed = transfers.last_handed(connection, order.order_id) if state == "handed" else ()
    where = order.home_store if not handed else transfers.store_of(connection, handed[0].node)
    home = store_row(connection, where)
    return TransferAnswer(
        state=state,
        order_no=order.order_no,
        store=home.number,
        store_code=home.code,
        store_zh=home.name_zh,
        store_en=home.name_en,
        heard_ms=last_heard_ms(connection, home.incarnation),
        asked_ms=asked_ms,
        handed_ms=handed[0].at_ms if handed else None,
        handed_station=handed[0].station if handed else "",
    )
