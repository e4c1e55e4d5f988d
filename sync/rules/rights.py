"""Rights to pieces of an article in one store: who may promise how many, and how that changes.

Escrow: a piece that is on the shelf is promised by one owner at a time, and each channel spends
only what it owns, so that nobody has to be asked (O'Neil, ACM TODS 11(4), 1986). What moves changes
owner or leaves with the goods; the one equation that every step keeps is `is_conserved`.

Owners: `counter`, `kiosk` and `safety` are the store's; `online` is what HQ holds, its own and its
orders'; `in_transit` was given up here and not yet acknowledged there; `locked` is set aside for
somebody; `shortage` counts promises that no piece stands behind. A shortage stops selling until
it is paid back.
"""

from dataclasses import dataclass, replace

MIN_SHARE, MAX_SHARE = 0.1, 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """Pieces by owner, beside the pieces that are there; every number from 0 up."""

    on_hand: int = 0
    counter: int = 0
    kiosk: int = 0
    safety: int = 0
    online: int = 0
    in_transit: int = 0
    locked: int = 0
    shortage: int = 0


def is_conserved(now: Rights) -> bool:
    """Whether every piece has one owner, and every promise without a piece is called a shortage."""
    owned = now.counter + now.kiosk + now.safety + now.online + now.in_transit + now.locked
    parts = (now.counter, now.kiosk, now.safety, now.online, now.in_transit, now.locked)
    return now.on_hand == owned - now.shortage and min(*parts, now.shortage) >= 0


def came(now: Rights, quantity: int, *, safety: int = 0) -> Rights:
    """Pieces arrived: a shortage is paid first, then safety is filled to `safety`, then counter."""
    assert quantity >= 0
    return _free(replace(now, on_hand=now.on_hand + quantity), quantity, safety=safety)


def _free(now: Rights, quantity: int, *, safety: int = 0) -> Rights:
    """Give `quantity` rights that lost their owner to shortage, safety and counter, in order."""
    paid = min(now.shortage, quantity)
    kept = min(max(0, safety - now.safety), quantity - paid)
    return replace(
        now,
        shortage=now.shortage - paid,
        safety=now.safety + kept,
        counter=now.counter + quantity - paid - kept,
    )


def left(now: Rights, quantity: int) -> Rights:
    """Pieces went (sold over the counter, damaged, counted away); always accepted.

    The store's own rights go first: counter, kiosk, safety. What they do not cover is a shortage:
    somebody else was promised these pieces.
    """
    assert quantity >= 0
    rest = quantity
    taken: dict[str, int] = {}
    for owner in ("counter", "kiosk", "safety"):
        has: int = getattr(now, owner)
        taken[owner] = min(has, rest)
        rest -= taken[owner]
    return replace(
        now,
        on_hand=now.on_hand - quantity,
        counter=now.counter - taken["counter"],
        kiosk=now.kiosk - taken["kiosk"],
        safety=now.safety - taken["safety"],
        shortage=now.shortage + rest,
    )


def order_took(now: Rights, quantity: int) -> tuple[Rights, int]:
    """An order's pieces went: its own right pays, never the counter's.

    HQ holds the order's right, so it is in `online`, or in `in_transit` when its acknowledgement is
    late. Answers also how many pieces had no right behind them (an order from before the article
    was counted here) and were taken from the store's own.
    """
    assert quantity >= 0
    online = min(now.online, quantity)
    on_way = min(now.in_transit, quantity - online)
    rest = quantity - online - on_way
    after = replace(
        now,
        on_hand=now.on_hand - online - on_way,
        online=now.online - online,
        in_transit=now.in_transit - on_way,
    )
    return left(after, rest), rest


def order_gave_back(now: Rights, quantity: int) -> Rights:
    """A hand-over was taken back: the pieces and the order's right are there again."""
    assert quantity >= 0
    return replace(now, on_hand=now.on_hand + quantity, online=now.online + quantity)


def spare(now: Rights) -> int:
    """What the counter may promise or give away: nothing while there is a shortage."""
    return 0 if now.shortage else now.counter


def lock(now: Rights, quantity: int) -> Rights | None:
    """Pieces set aside out of the counter's rights; None when it has not that many."""
    if not 0 < quantity <= spare(now):
        return None
    return replace(now, counter=now.counter - quantity, locked=now.locked + quantity)


def unlock(now: Rights, quantity: int) -> Rights:
    """Set-aside pieces back to the shelf: a shortage is paid first."""
    assert 0 < quantity <= now.locked
    return _free(replace(now, locked=now.locked - quantity), quantity)


def lock_taken(now: Rights, quantity: int) -> Rights:
    """Set-aside pieces were sold: they leave with their right."""
    assert 0 < quantity <= now.locked
    return replace(now, on_hand=now.on_hand - quantity, locked=now.locked - quantity)


def debit(now: Rights, quantity: int) -> tuple[Rights, int]:
    """Give up to `quantity` of the counter's rights to HQ; answers how many are on their way."""
    given = min(max(0, quantity), spare(now))
    return replace(now, counter=now.counter - given, in_transit=now.in_transit + given), given


def acknowledged(now: Rights, quantity: int) -> Rights:
    """HQ has credited what was given: no longer on its way."""
    moved = min(now.in_transit, quantity)
    return replace(now, in_transit=now.in_transit - moved, online=now.online + moved)


def credit(now: Rights, quantity: int) -> Rights:
    """HQ gave rights back: it has debited them, so they leave `online` for the store's own."""
    online = min(now.online, quantity)
    on_way = min(now.in_transit, quantity - online)
    after = replace(now, online=now.online - online, in_transit=now.in_transit - on_way)
    return _free(after, online + on_way)


def settled(now: Rights, held_by_hq: int, *, safety: int = 0) -> Rights:
    """The first count of a box: HQ told how many it holds; the rest is the store's own.

    What HQ holds beyond the pieces counted is a shortage at once.
    """
    assert held_by_hq >= 0
    bare = replace(
        now,
        counter=0,
        kiosk=0,
        safety=0,
        online=held_by_hq,
        in_transit=0,
        shortage=0,
    )
    rest = bare.on_hand - held_by_hq - bare.locked
    if rest < 0:
        return replace(bare, shortage=-rest)
    return _free(bare, rest, safety=safety)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """What each side has free, and what it sold since the last move."""

    counter: int
    online: int
    counter_sold: int = 0
    online_sold: int = 0


def wanted_online(now: Drain) -> int:
    """How many of the free pieces should be online's, by which side sells faster.

    Between a tenth and nine tenths, but never everything while there are two pieces.
    """
    free = now.counter + now.online
    share = (now.online_sold + 1) / (now.online_sold + now.counter_sold + 2)
    wanted = round(free * min(MAX_SHARE, max(MIN_SHARE, share)))
    return min(max(wanted, 1), free - 1) if free > 1 else min(now.online, free)


def rebalance(now: Drain) -> int:
    """Pieces to move toward the side that drains: positive to online, negative to the store.

    Nothing moves until a side has less than half of what it should have: a demarcation limit is
    changed rarely, or the messages cost more than the sales.
    """
    wanted = wanted_online(now)
    store_wanted = now.counter + now.online - wanted
    if now.online * 2 < wanted:
        return wanted - now.online
    if now.counter * 2 < store_wanted:
        return wanted - now.online
    return 0
