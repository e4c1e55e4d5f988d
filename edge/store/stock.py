"""Pieces of an article and who may promise them, inside the deciding unit.

Physical facts are always accepted: what no right covers becomes a shortage, with a case and an
event, and stops selling. Rights follow `sync.rules.rights`; the schema refuses a level that does
not add up. A box has no rights before its first count was answered by HQ: until then all pieces
are `in_transit`, since HQ may hold promises that an earlier box made.
"""

from dataclasses import dataclass, field, replace
from typing import Literal, cast

from edge.store.handovers import open_case
from edge.store.row import integer, text
from edge.store.tx import Tx
from sync.rules import rights
from sync.rules.rights import Rights
from sync.rules.tiers import Tier
from sync.wire.events import StockCounted, StockLevel, StockMoved

State = Literal["uncounted", "counted", "based"]
Kind = Literal[
    "receipt", "sold", "transfer_in", "transfer_out", "damaged", "returned", "restock", "scrapped"
]
_SIGNS: dict[str, tuple[int, int]] = {  # (pieces for sale, pieces apart)
    "receipt": (1, 0),
    "transfer_in": (1, 0),
    "sold": (-1, 0),
    "transfer_out": (-1, 0),
    "damaged": (-1, 0),
    "returned": (0, 1),
    "restock": (1, -1),
    "scrapped": (0, -1),
}
CASE_SHORTAGE = "stock_shortage"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """An article here. consumed: pieces orders took since a first count that HQ has not answered.

    A level that nobody began has state `uncounted` and no pieces.
    """

    sku: str
    state: State = "uncounted"
    rights: Rights = field(default_factory=Rights)
    quarantine: int = 0
    consumed: int = 0
    tier: Tier = Tier.NORMAL
    tier_ms: int = 0
    changed_ms: int = 0

    def told(self) -> StockLevel:
        """As HQ is told."""
        now = self.rights
        return StockLevel(
            sku=self.sku,
            state=self.state,
            on_hand=now.on_hand,
            quarantine=self.quarantine,
            counter=now.counter,
            kiosk=now.kiosk,
            safety=now.safety,
            online=now.online,
            in_transit=now.in_transit,
            locked=now.locked,
            shortage=now.shortage,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """Pieces that came or went, or were set apart; `quantity` from 1, the kind has the sign."""

    sku: str
    kind: Kind
    quantity: int
    document: str = ""
    station: str | None = None
    operator: str | None = None


def level(tx: Tx, sku: str) -> Level | None:
    """The article as this incarnation knows it; None when it was never counted or received."""
    row = tx.one("stock_level", sku)
    if row is None:
        return None
    return Level(
        sku=text(row[0]),
        state=cast("State", text(row[1])),
        rights=Rights(
            on_hand=integer(row[2]),
            counter=integer(row[3]),
            kiosk=integer(row[4]),
            safety=integer(row[5]),
            online=integer(row[6]),
            in_transit=integer(row[7]),
            locked=integer(row[8]),
            shortage=integer(row[9]),
        ),
        quarantine=integer(row[10]),
        consumed=integer(row[11]),
        tier=Tier(integer(row[12])),
        tier_ms=integer(row[13]),
        changed_ms=integer(row[14]),
    )


def known(tx: Tx, sku: str) -> Level:
    """The level, or one that nobody began."""
    return level(tx, sku) or Level(sku=sku)


def managed(tx: Tx) -> set[str]:
    """The articles that this incarnation keeps levels of."""
    return {text(row[0]) for row in tx.all("stock_managed")}


def write(tx: Tx, now: Level, *, before: Level | None = None) -> Level:
    """Keep a level; a shortage that begins or grows asks a person."""
    now = replace(now, changed_ms=tx.moment.trusted_ms)
    have = now.rights
    tx.run(
        "stock_level_write",
        now.sku,
        now.state,
        have.on_hand,
        have.counter,
        have.kiosk,
        have.safety,
        have.online,
        have.in_transit,
        have.locked,
        have.shortage,
        now.quarantine,
        now.consumed,
        int(now.tier),
        now.tier_ms,
        now.changed_ms,
    )
    if before is not None and have.shortage > before.rights.shortage == 0:
        open_case(tx, CASE_SHORTAGE)
    return now


def safety_of(tx: Tx, sku: str) -> int:
    """Pieces that HQ wants kept back."""
    row = tx.one("stock_plan", sku)
    return 0 if row is None else integer(row[1])


def par_of(tx: Tx, sku: str) -> int | None:
    """A full shelf, or None where HQ gave none."""
    row = tx.one("stock_plan", sku)
    return None if row is None else integer(row[0])


def _shift(now: Rights, state: State, quantity: int, *, safety: int) -> Rights:
    """Pieces for sale come (positive) or go; before a first count is answered nobody owns them."""
    if state != "based":
        return replace(now, on_hand=now.on_hand + quantity, in_transit=now.in_transit + quantity)
    if quantity >= 0:
        return rights.came(now, quantity, safety=safety)
    return rights.left(now, -quantity)


def _add(tx: Tx, what: Movement, quantity: int, *, apart: bool, kind: str | None = None) -> int:
    return tx.run(
        "stock_movement_add",
        what.sku,
        kind or what.kind,
        quantity,
        int(apart),
        what.document,
        what.station,
        what.operator,
        tx.moment.trusted_ms,
    )


def move(tx: Tx, what: Movement) -> Level:
    """Record what came or went, and tell HQ.

    Raises:
        ValueError: no piece at all, or more out of quarantine than is in it.
    """
    if what.quantity < 1:
        raise ValueError("a movement has at least one piece")
    before = known(tx, what.sku)
    sale, apart = (sign * what.quantity for sign in _SIGNS[what.kind])
    if before.quarantine + apart < 0:
        raise ValueError("not so many pieces are in quarantine")
    number = 0
    if sale:
        number = _add(tx, what, sale, apart=False)
    if apart:
        number = _add(tx, what, apart, apart=True)
    now = replace(
        before,
        rights=_shift(before.rights, before.state, sale, safety=safety_of(tx, what.sku)),
        quarantine=before.quarantine + apart,
    )
    now = write(tx, now, before=before)
    tell_moved(tx, what, number, sale or apart, now)
    return now


def tell_moved(
    tx: Tx,
    what: Movement,
    number: int,
    quantity: int,
    now: Level,
    *,
    kind: str = "",
    unowned: int = 0,
) -> None:
    """A movement in the audit and to HQ."""
    kind = kind or what.kind
    tx.note(
        "stock_moved",
        movement=number,
        sku=what.sku,
        kind=kind,
        quantity=quantity,
        document=what.document,
        operator=what.operator,
    )
    tx.tell(
        "stock_moved",
        StockMoved(
            movement=number,
            kind=kind,
            quantity=quantity,
            document=what.document,
            at_ms=tx.moment.trusted_ms,
            station=what.station,
            operator=what.operator,
            level=now.told(),
            unowned=unowned,
        ),
    )


def last_movement(tx: Tx, sku: str) -> int:
    """What a count that begins now stands on."""
    row = tx.one("stock_last_movement", sku)
    assert row is not None
    return integer(row[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A count and what it changed. again: this base was counted before; its answer stands."""

    counted: int
    delta: int
    again: bool
    level: Level


def count(
    tx: Tx,
    sku: str,
    counted: int,
    base_seq: int,
    *,
    station: str | None = None,
    operator: str | None = None,
) -> Counted:
    """Take a count over: always accepted, one delta for each (article, base).

    base_seq: the last movement before the counting began. What moved since is not in the count;
    what an earlier count put right is not put right twice.
    """
    kept = tx.one("stock_count_known", sku, base_seq)
    before = known(tx, sku)
    if kept is not None:
        return Counted(counted=integer(kept[0]), delta=integer(kept[1]), again=True, level=before)
    row = tx.one("stock_expected", sku, base_seq)
    assert row is not None
    delta = counted - integer(row[0])
    what = Movement(sku=sku, kind="receipt", quantity=0, station=station, operator=operator)
    # also without a difference: what is counted next stands on this count, not on its base
    _add(tx, what, delta, apart=False, kind="count")
    first = before.state == "uncounted"
    state: State = "counted" if first else before.state
    now = replace(
        before,
        state=state,
        rights=_shift(before.rights, state, delta, safety=safety_of(tx, sku)),
        consumed=0 if first else before.consumed,
    )
    now = write(tx, now, before=before)
    tx.run("stock_count_add", sku, base_seq, counted, delta, tx.moment.trusted_ms)
    tx.note("stock_counted", sku=sku, counted=counted, delta=delta, operator=operator)
    tx.tell(
        "stock_counted",
        StockCounted(
            base_seq=base_seq,
            counted=counted,
            delta=delta,
            first=first,
            at_ms=tx.moment.trusted_ms,
            station=station,
            operator=operator,
            level=now.told(),
        ),
    )
    return Counted(counted=counted, delta=delta, again=False, level=now)


def order_took(tx: Tx, sku: str, quantity: int, handover: int) -> None:
    """An order's pieces were handed over: the order's right pays (attack 18).

    HQ learns of it from the hand-over itself; only what no right stood behind is told besides.
    """
    what = Movement(sku=sku, kind="sold", quantity=quantity, document=f"handover:{handover}")
    paid = tx.changed("stock_order_took", quantity, tx.moment.trusted_ms, sku)
    if paid:
        _add(tx, what, -quantity, apart=False, kind="handed")
        return
    before = level(tx, sku)
    if before is None or before.state == "uncounted":
        return  # what nobody counted cannot be counted down
    number = _add(tx, what, -quantity, apart=False, kind="handed")
    if before.state == "counted":
        after = replace(
            before,
            rights=_shift(before.rights, "counted", -quantity, safety=0),
            consumed=before.consumed + quantity,
        )
        write(tx, after, before=before)
        return
    have, unowned = rights.order_took(before.rights, quantity)
    now = write(tx, replace(before, rights=have), before=before)
    if unowned:
        tell_moved(tx, what, number, -quantity, now, kind="handed", unowned=unowned)


def order_gave_back(tx: Tx, sku: str, quantity: int, handover: int) -> None:
    """A hand-over was taken back: the pieces are here and the order's right with them."""
    before = level(tx, sku)
    if before is None or before.state == "uncounted":
        return
    what = Movement(sku=sku, kind="receipt", quantity=quantity, document=f"handover:{handover}")
    _add(tx, what, quantity, apart=False, kind="undone")
    if before.state == "counted":
        after = replace(
            before,
            rights=_shift(before.rights, "counted", quantity, safety=0),
            consumed=before.consumed - quantity,
        )
        write(tx, after)
        return
    write(tx, replace(before, rights=rights.order_gave_back(before.rights, quantity)))
