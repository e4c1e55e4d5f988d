"""An order that goes to another store: release durable, then granted at the order's next epoch.

A token's home owns it from signing to its last not-after, whether or not it ever read the order's
row (attack 2): every unit that a box holds is asked for, and nothing else moves it. What was
released names its destination; it is granted by compare-and-set to whichever box that store has
then, and to nobody else.
"""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, insert, or_, select, update

from sync.hub import asks, codes, order_rights, order_rows, pick_rows, rekey, rotating
from sync.hub.codes import Issue
from sync.hub.identity import Hub
from sync.hub.order_rows import OrderRecord
from sync.hub.ownership_views import transfer_views, unpacked
from sync.hub.problems import Problem, missing, refused
from sync.hub.stores import NOBODY, Json, store_row
from sync.hub.tables import code, node, pickup_order, redemption
from sync.hub.tables import unit as unit_table
from sync.hub.tables_ownership import transfer
from sync.wire import codec
from sync.wire.credential import phone_tail_lookup
from sync.wire.sealing import seal, unseal

TRANSFER_ID_BYTES = 16
KEPT_FOR_MS = 10_000
PICKUP_MS = 48 * 3_600_000
MAX_EPOCH = 2**16 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTransfer:
    """An order to be collected in another store."""

    order_no: str
    to_store: int


def destination(store: int) -> str:
    """What a release names when it is for a store."""
    return f"store:{store}"


def request(
    connection: Connection, order: OrderRecord, to_store: int, *, by: str, now_ms: int
) -> bytes:
    """Ask for what can still be collected; answers the move's id, the open one's if there is one.

    Raises:
        Problem: 409 `asked` (another question is open), `already_here`, `handed`, `nothing_left`,
            `no_box`, `cancelled`, `parked`; 404 for a store that does not exist.
    """
    pending = connection.execute(
        select(transfer.c.transfer_id).where(
            transfer.c.order_id == order.order_id,
            transfer.c.to_store == to_store,
            transfer.c.state == "asked",
        )
    ).scalar_one_or_none()
    if pending is not None:
        return bytes(pending)
    order = order_rows.open_order(connection, order.order_no)
    target = store_row(connection, to_store)
    if target.incarnation == NOBODY:
        raise refused("no_box", f"Store {target.code} has no box yet.")
    units = [
        each
        for each in order_rows.units_of(connection, order.order_id)
        if each.state in ("held", "lapsed")
        and not (order.home_store == to_store and each.holder == target.incarnation)
    ]
    if not units:
        raise _nothing_to_move(connection, order, to_store)
    if order.epoch >= MAX_EPOCH:
        raise refused("worn_out", "This order was issued anew too often; make a new one.")
    transfer_id = secrets.token_bytes(TRANSFER_ID_BYTES)
    connection.execute(
        insert(transfer).values(
            transfer_id=transfer_id,
            order_id=order.order_id,
            from_store=order.home_store,
            to_store=to_store,
            units=codec.pack([(each.line, each.unit) for each in units]),
            asked_by=by,
            asked_ms=now_ms,
            state="asked",
        )
    )
    held = [each for each in units if each.state == "held" and each.holder != NOBODY]
    asks.ask_holders(connection, order, held, destination(to_store), now_ms)
    return transfer_id


def _nothing_to_move(connection: Connection, order: OrderRecord, to_store: int) -> Problem:
    units = order_rows.units_of(connection, order.order_id)
    if any(each.state == "held" for each in units) and order.home_store == to_store:
        return refused("already_here", "It is to be collected in this store already.")
    if any(each.state == "handed" for each in units):
        return refused("handed", "All that was left of it was handed over.")
    return refused("nothing_left", "Nothing of this order can be collected any more.")


def settle(connection: Connection, order_id: bytes, now_ms: int) -> bool:
    """Grant what was released to a store; answers whether anything changed.

    Called when no question about the order is open. A unit with a parked row waits for it.
    """
    changed = False
    for row in connection.execute(
        select(transfer).where(transfer.c.order_id == order_id, transfer.c.state == "asked")
    ).all():
        if any(
            each.parked and (each.line, each.unit) in unpacked(row.units)
            for each in order_rows.units_of(connection, order_id)
        ):
            continue
        _finish(connection, row, now_ms)
        changed = True
    return changed


def _finish(connection: Connection, row: OrderRecord, now_ms: int) -> None:
    order = order_rows.by_id(connection, row.order_id)
    target = store_row(connection, row.to_store)
    epoch: int = order.epoch + 1
    asked = unpacked(row.units)
    granted = [pair for pair in asked if _grant(connection, row, pair, target.incarnation, epoch)]
    state = "kept"
    if granted:
        state = "granted" if len(granted) == len(asked) else "partly"
        settle_in(
            connection,
            order,
            from_store=row.from_store,
            to_store=row.to_store,
            epoch=epoch,
            now_ms=now_ms,
        )
    connection.execute(
        update(transfer)
        .where(transfer.c.transfer_id == row.transfer_id)
        .values(
            state=state,
            settled_ms=now_ms,
            granted=codec.pack(granted),
            granted_epoch=epoch if granted else None,
        )
    )


def _grant(
    connection: Connection, row: OrderRecord, pair: tuple[int, int], to: bytes, epoch: int
) -> bool:
    """The one place where a unit gets another holder; False when nobody gave it up for this."""
    released = and_(
        unit_table.c.state == "released",
        unit_table.c.destination == destination(row.to_store),
    )
    unheld = and_(unit_table.c.state == "held", unit_table.c.holder == NOBODY)
    done = connection.execute(
        update(unit_table)
        .where(
            unit_table.c.order_id == row.order_id,
            unit_table.c.line == pair[0],
            unit_table.c.unit == pair[1],
            unit_table.c.parked == 0,
            or_(released, unheld, unit_table.c.state == "lapsed"),
        )
        .values(state="held", holder=to, epoch=epoch, destination="")
    )
    return bool(done.rowcount)


def settle_in(
    connection: Connection,
    order: OrderRecord,
    *,
    from_store: int,
    to_store: int,
    epoch: int,
    now_ms: int,
) -> None:
    """Make the order the new store's: its codes, its customer's name, its times."""
    pick_rows.forget(connection, order.order_id)
    old = store_row(connection, from_store)
    new = store_row(connection, to_store)
    not_after_ms: int = order.not_after_ms
    if not_after_ms <= now_ms:
        not_after_ms = now_ms + PICKUP_MS
    values: Json = {
        "home_store": new.number,
        "epoch": epoch,
        "not_after_ms": not_after_ms,
        "last_not_after_ms": max(order.last_not_after_ms, not_after_ms),
        "place": "",
        "ready": False,  # the goods lie in the old store; here somebody has to fetch them
    }
    if order.sealed is not None:
        plain = unseal(old.k_personal, order.sealed, bound_to=order.order_id)
        phone = "".join(filter(str.isdigit, json.loads(plain).get("phone", "")))
        values["sealed"] = seal(new.k_personal, plain, bound_to=order.order_id)
        values["phone_tail"] = (
            phone_tail_lookup(new.k_personal, phone[-4:]) if len(phone) >= 4 else None
        )
    connection.execute(
        update(pickup_order).where(pickup_order.c.order_id == order.order_id).values(**values)
    )
    codes.prolong(connection, order.order_id, epoch, not_after_ms)
    rekey.move(
        connection,
        order.order_id,
        from_store=old.number,
        to_store=new.number,
        k_store=new.k_store,
        epoch=epoch,
    )
    rotating.rekey(connection, order.order_id, new.number, epoch=epoch, now_ms=now_ms)
    order_rights.move_right(connection, order.order_id, new.number, now_ms)


def accepted(connection: Connection, order_id: bytes, epoch: int, now_ms: int) -> None:
    """The new holder took the grant of this epoch."""
    connection.execute(
        update(transfer)
        .where(
            transfer.c.order_id == order_id,
            transfer.c.granted_epoch == epoch,
            transfer.c.accepted_ms.is_(None),
        )
        .values(accepted_ms=now_ms)
    )


def view(connection: Connection, transfer_id: bytes, now_ms: int) -> Json:
    """One move (404: there is none)."""
    rows = connection.execute(select(transfer).where(transfer.c.transfer_id == transfer_id)).all()
    if not rows:
        raise missing("such move")
    return transfer_views(connection, rows, now_ms)[0]


def list_transfers(hub: Hub, *, order_no: str | None = None, only_open: bool = False) -> list[Json]:
    """Moves, newest first; at most 1,000."""
    wanted = select(transfer).order_by(transfer.c.asked_ms.desc()).limit(1_000)
    with hub.database.reading() as connection:
        if order_no is not None:
            order = order_rows.by_number(connection, order_no)
            wanted = wanted.where(transfer.c.order_id == order.order_id)
        if only_open:
            wanted = wanted.where(transfer.c.state == "asked")
        rows = connection.execute(wanted).all()
        return transfer_views(connection, rows, hub.clock.now_ms())


def fresh_codes(hub: Hub, order_no: str) -> Json:
    """The order's signed code, signed anew for the store and epoch that it is at.

    The customer's V1 and the V2 of before go on working at the new store, by its row; this one
    works there even before the row has come.
    """
    now_ms = hub.clock.now_ms()
    with hub.database.writing() as connection:
        order = order_rows.open_order(connection, order_no)
        home = store_row(connection, order.home_store)
        if not may_sign(connection, order.order_id, home.incarnation):
            raise refused("not_whole", "A signed code is made for an order that is all here.")
        issue = Issue(
            order_id=order.order_id,
            store=order.home_store,
            k_store=home.k_store,
            epoch=order.epoch,
            not_after_ms=order.not_after_ms,
            now_ms=now_ms,
        )
        v2, pl = codes.put_v2(connection, issue)
        order_rows.publish(connection, order.order_id)
        return {"order_no": order_no, "store": order.home_store, "codes": {"v2": v2, "pl": pl}}


def may_sign(connection: Connection, order_id: bytes, current: bytes) -> bool:
    """Whether a V2 may be signed: every unit is, or was collected from, the current incarnation.

    A token names no units: where the order's row never came, the store would hand over all that
    it knows nothing against (attack 5e). So nothing may have been refunded, cancelled or handed
    over elsewhere.
    """
    units = order_rows.units_of(connection, order_id)
    return (
        current != NOBODY
        and any(each.state == "held" for each in units)
        and all(each.state in ("held", "handed") and each.holder == current for each in units)
    )


def order_of_code(connection: Connection, code_id: bytes) -> OrderRecord | None:
    """The order that a V1 or V2 of this id is for, whichever store holds it."""
    order_id = connection.execute(
        select(code.c.order_id)
        .where(code.c.chain_lookup == rekey.chain_lookup(connection, code_id))
        .limit(1)
    ).scalar_one_or_none()
    return None if order_id is None else order_rows.by_id(connection, order_id)


def last_handed(connection: Connection, order_id: bytes) -> Sequence[OrderRecord]:
    """The newest live hand-over of an order, if there is one."""
    return connection.execute(
        select(redemption)
        .where(redemption.c.order_id == order_id, redemption.c.state == "live")
        .order_by(redemption.c.at_ms.desc())
        .limit(1)
    ).all()


def was_kept(connection: Connection, order_id: bytes, to_store: int, now_ms: int) -> bool:
    """Whether its holder said no to this store a moment ago: asking again would say the same."""
    row = connection.execute(
        select(transfer.c.state, transfer.c.settled_ms)
        .where(transfer.c.order_id == order_id, transfer.c.to_store == to_store)
        .order_by(transfer.c.asked_ms.desc())
        .limit(1)
    ).first()
    return row is not None and row.state == "kept" and now_ms - row.settled_ms < KEPT_FOR_MS


def store_of(connection: Connection, name: str) -> int:
    """The store of a node."""
    number: int = connection.execute(
        select(node.c.store).where(node.c.node == name).limit(1)
    ).scalar_one()
    return number
