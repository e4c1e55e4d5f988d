"""Taking what HQ grants: an order that came from another store, or comes back at a new epoch.

A grant is a fact of the ledger and an event (`accepted`), so that HQ can learn from its stores who
holds what. Tries counted against the order's codes elsewhere count here too.
"""

from edge.domain.pickup import open_units
from edge.flow.serve import count_failure
from edge.flow.shop import Shop
from edge.store.errors import UnitFailed
from edge.store.handovers import open_case
from edge.store.orders import order_by_id, standing
from edge.store.row import blob, integer, text
from edge.store.tx import Tx
from sync.wire.events import Accepted, CodeLocked

MAX_TRIES = 3
_BATCH = 50
_COUNTED_AS = {"v2": "signature", "v3": "rotating", "serial": "pin"}


async def accept_grants(shop: Shop) -> int:
    """Take every grant that was not taken yet; answers how many orders."""
    enrolled = shop.identity.enrolled
    if enrolled is None or shop.identity.fenced:
        return 0
    store, incarnation = enrolled.certificate.store, shop.identity.incarnation

    def read(tx: Tx) -> list[bytes]:
        return [blob(row[0]) for row in tx.all("grants_open", store, incarnation, _BATCH)]

    count = 0
    for order_id in await shop.writer.do(read, shop.moment()):

        def act(tx: Tx, order_id: bytes = order_id) -> bool:
            return _accept(tx, order_id, incarnation)

        try:
            count += await shop.writer.do(act, shop.moment())
        except UnitFailed as error:
            await count_failure(shop, f"grant:{order_id.hex()}", error)
    if count:
        shop.wake_sync()
    return count


def _accept(tx: Tx, order_id: bytes, incarnation: bytes) -> bool:
    order = order_by_id(tx, order_id)
    if order is None or order.holder != incarnation or tx.fenced:
        return False
    now_ms = tx.moment.trusted_ms
    units = open_units(order, standing(tx, order_id))
    tx.run("grant_keep", order_id, 0, 0, order.epoch, now_ms)  # this epoch was looked at
    for line, unit in units:
        tx.run("grant_keep", order_id, line, unit, order.epoch, now_ms)
    for row in tx.all("tries_of_codes", order_id):
        credential = _COUNTED_AS.get(text(row[1]))
        if credential is not None:
            _carry(tx, order_id, blob(row[0]), credential, integer(row[2]))
    if not units:
        return False
    named = tuple((order_id, line, unit) for line, unit in units)
    tx.note("accepted", order_id=order_id.hex(), units=len(units), epoch=order.epoch)
    taken = Accepted(order_id=order_id, units=named, epoch=order.epoch, at_ms=now_ms)
    tx.tell("accepted", taken, named)
    return True


def _carry(tx: Tx, order_id: bytes, lookup: bytes, credential: str, tries: int) -> None:
    """Begin with the tries of before; what was counted or released here stands."""
    if tx.changed("lockout_carry", lookup, credential, tries) == 0 or tries < MAX_TRIES:
        return
    order = order_by_id(tx, order_id)
    case = open_case(
        tx, "three_tries", order=order, lookup=lookup, credential=credential, tries=tries
    )
    tx.run("lockout_lock", case, lookup, credential)
    match credential:
        case "pin" | "signature" | "rotating":
            locked = CodeLocked(
                lookup=lookup, credential=credential, at_ms=tx.moment.trusted_ms, case=case
            )
            tx.tell("code_locked", locked)
        case _:
            pass
