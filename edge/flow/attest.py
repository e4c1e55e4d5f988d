"""An order that the box before held: a person looks whether its goods are still on the shelf.

Nobody else knows it. The box before may have handed it over without telling HQ; the goods in
somebody's hand prove that it did not. Two persons, as for any release; HQ hears of it as an event
and gives the order's units to this box, which then serves it like any other.
"""

from edge.domain.facts import Order
from edge.domain.pickup import open_units
from edge.flow.answers import Refusal
from edge.flow.shop import Shop
from edge.store.orders import order_by_id, standing
from edge.store.row import maybe_blob, text
from edge.store.tx import Tx
from sync.wire.events import Attested

FENCED = "fenced"
STILL_FENCED = Refusal(
    status=409,
    code="still_fenced",
    zh="总部尚未确认本机,请先联系总部",
    en="HQ has not attested this box yet; call HQ first",
)
NOTHING_LEFT = Refusal(
    status=409,
    code="nothing_left",
    zh="该订单已无可交付的商品",
    en="Nothing of this order is left to give",
)


def is_attestable(tx: Tx, case: int) -> bool:
    """Whether releasing this case means that its order's goods were found."""
    row = tx.one("review_order", case)
    return row is not None and text(row[1]) == FENCED and row[0] is not None


def refuse(shop: Shop, tx: Tx, case: int) -> Refusal | None:
    """Why its goods cannot be given by a person's word; None when they can."""
    if tx.fenced:
        return STILL_FENCED
    order = _order(tx, case)
    if order is None or order.cancelled or not open_units(order, standing(tx, order.order_id)):
        return NOTHING_LEFT
    return None


def attest(shop: Shop, tx: Tx, case: int, *, staff_id: str) -> None:
    """Take the order over on a person's word; `refuse` had nothing against it."""
    order = _order(tx, case)
    assert order is not None
    incarnation = shop.identity.incarnation
    if order.holder == incarnation:
        return  # HQ gave it to this box meanwhile
    units = open_units(order, standing(tx, order.order_id))
    named = tuple((order.order_id, line, unit) for line, unit in units)
    tx.run(
        "attest_order",
        order.order_id,
        incarnation,
        order.holder,
        order.epoch,
        staff_id,
        tx.moment.trusted_ms,
    )
    tx.note("attested", order=order.order_no, units=units, operator=staff_id)
    tx.tell(
        "attested",
        Attested(
            order_id=order.order_id,
            units=named,
            epoch=order.epoch,
            holder=order.holder,
            at_ms=tx.moment.trusted_ms,
            operator=staff_id,
        ),
        named,
    )


def _order(tx: Tx, case: int) -> Order | None:
    row = tx.one("review_order", case)
    order_id = None if row is None else maybe_blob(row[0])
    return None if order_id is None else order_by_id(tx, order_id)
