"""Rights between this box and HQ: moved by id, each side once (attack 18).

The giver debits durably and tells; the taker credits once by the id; the answer to what was told is
the acknowledgement. What is never acknowledged stays `in_transit` for ever: nobody promises it.
"""

from dataclasses import dataclass, replace

from edge.store.row import blob, integer, text
from edge.store.stock import known, safety_of, write
from edge.store.tx import Tx
from sync.rules import rights
from sync.wire.events import RightAcknowledged, RightMoved


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A grant or a recall of HQ's that this incarnation has not answered."""

    move_id: bytes
    sku: str
    quantity: int
    kind: str


def unanswered(tx: Tx) -> list[Asked]:
    """Grants before recalls, those parked as cases left out."""
    grants = [
        Asked(
            move_id=blob(row[0]),
            sku=text(row[1]),
            quantity=integer(row[2]),
            kind="base" if row[3] == "base" else "grant",
        )
        for row in tx.all("stock_grants_open")
    ]
    recalls = [
        Asked(move_id=blob(row[0]), sku=text(row[1]), quantity=integer(row[2]), kind="recall")
        for row in tx.all("stock_recalls_open")
    ]
    return grants + recalls


def answer(tx: Tx, asked: Asked) -> bool:
    """Credit a grant or give what a recall asks for, once; False when it was done before."""
    if tx.one("stock_right_known", asked.move_id) is not None:
        return False
    if asked.kind == "recall":
        _give(tx, asked)
    else:
        _credit(tx, asked)
    return True


def _credit(tx: Tx, asked: Asked) -> None:
    before = known(tx, asked.sku)
    uncovered = 0
    if asked.kind == "base":
        assert before.state == "counted", "HQ answers a count"
        held = asked.quantity - before.consumed
        uncovered = max(0, -held)
        safety = safety_of(tx, asked.sku)
        have = rights.settled(before.rights, max(0, held), safety=safety)
        after = replace(before, state="based", rights=have, consumed=0)
    else:
        assert before.state == "based", "HQ gives rights to a box that has counted"
        after = replace(before, rights=rights.credit(before.rights, asked.quantity))
    now = write(tx, after, before=before)
    tx.note("rights_credited", move=asked.move_id.hex(), sku=asked.sku, quantity=asked.quantity)
    seq = tx.tell(
        "right_acknowledged",
        RightAcknowledged(
            move_id=asked.move_id,
            at_ms=tx.moment.trusted_ms,
            level=now.told(),
            uncovered=uncovered,
        ),
    )
    _keep(tx, asked, asked.quantity, seq, acknowledged=True)


def _give(tx: Tx, asked: Asked) -> None:
    before = known(tx, asked.sku)
    have, given = before.rights, 0
    if before.state == "based" and not tx.fenced:
        have, given = rights.debit(before.rights, asked.quantity)
    now = before
    if given:
        now = write(tx, replace(before, rights=have))
    tx.note("rights_given", move=asked.move_id.hex(), sku=asked.sku, quantity=given)
    seq = tx.tell(
        "right_moved",
        RightMoved(
            move_id=asked.move_id, quantity=given, at_ms=tx.moment.trusted_ms, level=now.told()
        ),
    )
    _keep(tx, asked, given, seq, acknowledged=not given)


def _keep(tx: Tx, asked: Asked, quantity: int, seq: int, *, acknowledged: bool) -> None:
    tx.run(
        "stock_right_keep",
        asked.move_id,
        asked.sku,
        asked.kind,
        quantity,
        seq,
        int(acknowledged),
        tx.moment.trusted_ms,
    )


def hear(tx: Tx) -> int:
    """Take note of what HQ has credited; answers how many moves."""
    heard = tx.all("stock_rights_heard")
    for row in heard:
        sku, quantity = text(row[1]), integer(row[2])
        assert tx.changed("stock_right_acknowledged", blob(row[0])) == 1
        before = known(tx, sku)
        write(tx, replace(before, rights=rights.acknowledged(before.rights, quantity)))
    return len(heard)


def on_way(tx: Tx, sku: str) -> list[tuple[str, int, int]]:
    """Moves that HQ has not acknowledged: id in hexadecimal, pieces, since when."""
    return [
        (blob(row[0]).hex(), integer(row[1]), integer(row[2]))
        for row in tx.all("stock_rights_on_way", sku)
    ]
