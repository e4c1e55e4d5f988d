"""How scarce an article is, by this box's own numbers; told once per crossing."""

from dataclasses import dataclass, replace

from edge.store.row import integer
from edge.store.stock import Level, level, par_of, write
from edge.store.tx import Tx
from sync.rules.tiers import Crossing, Tier, judge
from sync.wire.events import TierChanged


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """An article crossed into another tier."""

    sku: str
    crossing: Crossing
    available: int
    par: int


def available(tx: Tx, now: Level, store: int) -> int:
    """Pieces nobody was promised: on hand, less set aside, less what open orders wait for."""
    row = tx.one("stock_ordered", now.sku, store)
    assert row is not None
    return max(0, now.rights.on_hand - now.rights.locked - integer(row[0]))


def look(tx: Tx, sku: str, store: int) -> Crossed | None:
    """Judge an article anew; a crossing is kept and told."""
    now = level(tx, sku)
    par = par_of(tx, sku)
    if now is None or now.state == "uncounted" or par is None:
        return None
    free = available(tx, now, store)
    tier = judge(now.tier, free, par)
    if tier is now.tier:
        return None
    crossing = Crossing(before=now.tier, now=tier)
    now = write(tx, replace(now, tier=tier, tier_ms=tx.moment.trusted_ms))
    tx.note("tier_changed", sku=sku, before=crossing.before.word, now=tier.word, available=free)
    tx.tell(
        "tier_changed",
        TierChanged(
            before=crossing.before.word,
            now=tier.word,
            available=free,
            par=par,
            at_ms=tx.moment.trusted_ms,
            level=now.told(),
        ),
    )
    return Crossed(sku=sku, crossing=crossing, available=free, par=par)


def is_scarce(now: Level) -> bool:
    """Whether each channel promises only a few pieces a minute."""
    return now.tier >= Tier.SCARCE
