"""Pieces set aside for somebody: rows with a deadline, ended by one query (attack 20).

A lock ends when its deadline has passed and no payment of it is open; late, never early. In the
boot it was made in, CLOCK_BOOTTIME counts; after a reboot trusted time does, if the clock was sure
when the lock was made and is sure now, else its whole term runs anew.
"""

from dataclasses import dataclass, replace
from typing import Literal, cast

from edge.store.row import integer, maybe_integer, maybe_text, text
from edge.store.stock import Level, Movement, known, tell_moved, write
from edge.store.tx import Tx
from sync.rules import rights
from sync.wire.events import StockLocked

LockState = Literal["held", "taken", "released", "expired"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A lock as its row says."""

    lock: int
    sku: str
    quantity: int
    station: str
    operator: str | None
    state: LockState
    made_ms: int
    until_ms: int
    term_ms: int
    ended_ms: int | None


def _lock(row: tuple[object, ...]) -> SetAside:
    return SetAside(
        lock=integer(row[0]),
        sku=text(row[1]),
        quantity=integer(row[2]),
        station=text(row[3]),
        operator=maybe_text(row[4]),
        state=cast("LockState", text(row[5])),
        made_ms=integer(row[6]),
        until_ms=integer(row[7]),
        term_ms=integer(row[8]),
        ended_ms=maybe_integer(row[9]),
    )


def lock(tx: Tx, number: int) -> SetAside | None:
    """The lock with this number, of this incarnation."""
    row = tx.one("stock_lock", number)
    return None if row is None else _lock(row)


def held(tx: Tx, sku: str) -> list[SetAside]:
    """What is set aside of an article now."""
    return [_lock(row) for row in tx.all("stock_locks_held", sku)]


def locked_since(tx: Tx, sku: str, since_ms: int) -> int:
    """Pieces set aside after a time, whatever became of them."""
    row = tx.one("stock_locked_since", sku, since_ms)
    assert row is not None
    return integer(row[0])


def set_aside(
    tx: Tx,
    sku: str,
    quantity: int,
    *,
    station: str,
    operator: str | None,
    term_ms: int,
    boot_id: str,
) -> SetAside | None:
    """Set pieces aside out of the counter's rights; None when it has not that many to give."""
    before = known(tx, sku)
    after = rights.lock(before.rights, quantity) if before.state == "based" else None
    if after is None:
        return None
    now = tx.moment
    number = tx.run(
        "stock_lock_add",
        sku,
        quantity,
        station,
        operator,
        now.trusted_ms,
        term_ms,
        now.trusted_ms + term_ms,
        int(now.clock != "unsure"),
        boot_id,
        now.boot_ms + term_ms,
    )
    done = lock(tx, number)
    assert done is not None
    _tell(tx, done, write(tx, replace(before, rights=after)))
    return done


def end(tx: Tx, number: int, state: Literal["taken", "released", "expired"]) -> SetAside:
    """End a held lock: sold, or back to the shelf; one that ended before stays as it ended."""
    was = lock(tx, number)
    assert was is not None
    if was.state != "held":
        return was
    assert tx.changed("stock_lock_end", state, tx.moment.trusted_ms, number) == 1
    before = known(tx, was.sku)
    done = replace(was, state=state, ended_ms=tx.moment.trusted_ms)
    if state != "taken":
        back = rights.unlock(before.rights, was.quantity)
        _tell(tx, done, write(tx, replace(before, rights=back)))
        return done
    sold = rights.lock_taken(before.rights, was.quantity)
    what = Movement(
        sku=was.sku,
        kind="sold",
        quantity=was.quantity,
        document=f"lock:{number}",
        station=was.station,
        operator=was.operator,
    )
    movement = tx.run(
        "stock_movement_add",
        *(what.sku, what.kind, -what.quantity, 0, what.document, what.station, what.operator),
        tx.moment.trusted_ms,
    )
    now = write(tx, replace(before, rights=sold))
    tell_moved(tx, what, movement, -what.quantity, now)
    _tell(tx, done, now)
    return done


def _tell(tx: Tx, done: SetAside, now: Level) -> None:
    tx.note("stock_lock", lock=done.lock, sku=done.sku, quantity=done.quantity, state=done.state)
    tx.tell(
        "stock_locked",
        StockLocked(
            lock=done.lock,
            state=done.state,
            quantity=done.quantity,
            until_ms=done.until_ms,
            at_ms=tx.moment.trusted_ms,
            station=done.station,
            operator=done.operator,
            level=now.told(),
        ),
    )


def run_anew(tx: Tx, *, boot_id: str) -> int:
    """After a reboot, locks whose deadline cannot be known get their whole term again."""
    now = tx.moment
    sure = int(now.clock != "unsure")
    return tx.changed("stock_locks_anew", boot_id, now.boot_ms, now.trusted_ms, sure)


def expire(tx: Tx, *, boot_id: str) -> list[SetAside]:
    """End every lock whose deadline has passed and that nobody is paying for."""
    now = tx.moment
    sure = int(now.clock != "unsure")
    over = tx.all("stock_locks_over", boot_id, now.boot_ms, now.trusted_ms, sure)
    return [end(tx, integer(row[0]), "expired") for row in over]
