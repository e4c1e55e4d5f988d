"""What a station is told of stock."""

from dataclasses import dataclass
from typing import Literal

from edge.store.stock import Level
from edge.store.stock_locks import LockState, SetAside

StockState = Literal["uncounted", "counted", "based"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsView:
    """Pieces by who may promise them; they add up to what is on hand (`sync.rules.rights`)."""

    counter: int
    kiosk: int
    safety: int
    online: int
    in_transit: int
    locked: int
    shortage: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LockView:
    """Pieces set aside. until_ms: trusted time, before which it surely does not end."""

    id: int
    sku: str
    quantity: int
    station: str
    state: LockState
    made_ms: int
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OnWayView:
    """Rights that were given to HQ and not acknowledged yet."""

    move: str
    quantity: int
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockView:
    """An article here. on_hand: None while nobody counted or received it.

    state: `uncounted` (received only), `counted` (HQ has not said what it holds, so nothing may be
    promised), `based`. available: pieces nobody was promised. tier: None without a par. seq: the
    last movement, for a count that begins now. age_s: since HQ was heard, whose orders count here.
    """

    sku: str
    name_zh: str
    name_en: str
    ordered_units: int
    orders: int
    on_hand: int | None = None
    quarantine: int = 0
    state: StockState | None = None
    rights: RightsView | None = None
    available: int | None = None
    par: int | None = None
    tier: str | None = None
    tier_ms: int | None = None
    seq: int = 0
    changed_ms: int | None = None
    age_s: int | None = None
    locks: tuple[LockView, ...] = ()
    on_way: tuple[OnWayView, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StockAct:
    """What an act on stock made true. lock: the one it was about. delta: what a count put right."""

    id: str
    sku: str
    state: StockState
    on_hand: int
    quarantine: int
    rights: RightsView
    tier: str | None
    seq: int
    at_ms: int
    lock: LockView | None = None
    delta: int | None = None
    repeat_of_ms: int | None = None


def rights_view(now: Level) -> RightsView:
    """The rights of a level."""
    have = now.rights
    return RightsView(
        counter=have.counter,
        kiosk=have.kiosk,
        safety=have.safety,
        online=have.online,
        in_transit=have.in_transit,
        locked=have.locked,
        shortage=have.shortage,
    )


def lock_view(one: SetAside) -> LockView:
    """A lock as a screen shows it."""
    return LockView(
        id=one.lock,
        sku=one.sku,
        quantity=one.quantity,
        station=one.station,
        state=one.state,
        made_ms=one.made_ms,
        until_ms=one.until_ms,
    )
