"""What a node tells HQ: the bodies of events, JSON, one type a kind.

Times are trusted-time milliseconds where the node has trusted time, and say so in the envelope;
people are named by staff id, customers never.
"""

from typing import Literal

import msgspec

from sync.wire.budgets import Provisional
from sync.wire.messages import Unit
from sync.wire.picking_events import PICKING_KINDS, PickingBody
from sync.wire.recalls import RecallAnswered


class Handed(msgspec.Struct, frozen=True, kw_only=True):
    """Units were given to the customer. `handover` is unique per node incarnation.

    basis: what the answer rested on. recorded_later: entered after a power cut (补录), with the
    original time in `at_ms` and the clerk in `operator`.
    """

    handover: int
    order_id: bytes
    order_no: str
    units: tuple[Unit, ...]
    epoch: int
    at_ms: int
    station: str
    operator: str | None
    basis: Literal["replica", "token", "hub"]
    credential: Literal["v1", "v2", "v3", "serial", "platform", "found", "list"]
    recorded_later: bool = False


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """A hand-over was taken back with the goods still here; its units are held again."""

    handover: int
    order_id: bytes
    units: tuple[Unit, ...]
    at_ms: int
    station: str
    operator: str | None
    reason: str


class Lapsed(msgspec.Struct, frozen=True, kw_only=True):
    """The holder gave units up: its trusted time is past the order's last not-after."""

    order_id: bytes
    units: tuple[Unit, ...]
    epoch: int
    at_ms: int


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The holder took a grant: these units are its own at the order's `epoch`."""

    order_id: bytes
    units: tuple[Unit, ...]
    epoch: int
    at_ms: int


class Attested(msgspec.Struct, frozen=True, kw_only=True):
    """A person found the goods of the box before still here: its units are this box's from now on.

    holder: the incarnation that HQ holds them for. Answered `conflict` once that one handed them
    over after all, or another got them.
    """

    order_id: bytes
    units: tuple[Unit, ...]
    epoch: int
    holder: bytes
    at_ms: int
    operator: str


class Tries(msgspec.Struct, frozen=True, kw_only=True):
    """Wrong tries counted against a code of an order that is given up; `lookup` is its HMAC."""

    lookup: bytes
    credential: Literal["pin", "signature", "rotating"]
    tries: int


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an ask, given once: units released to its destination, units kept and why.

    tries: what was counted against the order's codes here; it goes along to the next holder.
    """

    ask_id: bytes
    order_id: bytes
    epoch: int
    destination: str
    released: tuple[Unit, ...]
    kept: tuple[Unit, ...]
    at_ms: int
    tries: tuple[Tries, ...] = ()


class CaseOpened(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person must decide. `case` is unique per node incarnation."""

    case: int
    reason: str
    order_id: bytes | None
    at_ms: int
    station: str | None


class CaseClosed(msgspec.Struct, frozen=True, kw_only=True):
    """A case was decided by a named person."""

    case: int
    outcome: str
    at_ms: int
    operator: str
    note: str


class CodeLocked(msgspec.Struct, frozen=True, kw_only=True):
    """Three tries locked a code for a kind of credential; `lookup` is its keyed HMAC."""

    lookup: bytes
    credential: Literal["pin", "signature", "rotating"]
    at_ms: int
    case: int


class CodeReleased(msgspec.Struct, frozen=True, kw_only=True):
    """A locked code may be tried again."""

    lookup: bytes
    credential: Literal["pin", "signature", "rotating"]
    at_ms: int
    operator: str


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """The node's audit head, for HQ to keep as a witness."""

    at_ms: int


class StockLevel(msgspec.Struct, frozen=True, kw_only=True):
    """An article in a store as its node has it, behind the event that carries it (`rules.rights`).

    state: `uncounted`, `counted` (HQ has not said what it holds), `based`.
    """

    sku: str
    state: Literal["uncounted", "counted", "based"]
    on_hand: int
    quarantine: int
    counter: int
    kiosk: int
    safety: int
    online: int
    in_transit: int
    locked: int
    shortage: int


class StockMoved(msgspec.Struct, frozen=True, kw_only=True):
    """Pieces came, went, or were set apart.

    quantity: signed. unowned: pieces of a hand-over that no right of HQ stood behind; the store's
    own paid.
    """

    movement: int
    kind: str
    quantity: int
    document: str
    at_ms: int
    station: str | None
    operator: str | None
    level: StockLevel
    unowned: int = 0


class StockCounted(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody counted. base_seq: the last movement that the count stands on.

    first: the first count of this incarnation, to be answered with what HQ holds.
    """

    base_seq: int
    counted: int
    delta: int
    first: bool
    at_ms: int
    station: str | None
    operator: str | None
    level: StockLevel


class StockLocked(msgspec.Struct, frozen=True, kw_only=True):
    """Pieces were set aside until a deadline, or the lock ended: taken, released, expired."""

    lock: int
    state: Literal["held", "taken", "released", "expired"]
    quantity: int
    until_ms: int
    at_ms: int
    station: str
    operator: str | None
    level: StockLevel


class RightMoved(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a recall: so many rights are debited and on their way (0: none to spare)."""

    move_id: bytes
    quantity: int
    at_ms: int
    level: StockLevel


class RightAcknowledged(msgspec.Struct, frozen=True, kw_only=True):
    """Rights that HQ debited are credited here, once.

    uncovered: pieces that orders took before the first count was answered, beyond what HQ holds.
    """

    move_id: bytes
    at_ms: int
    level: StockLevel
    uncovered: int = 0


class TierChanged(msgspec.Struct, frozen=True, kw_only=True):
    """An article crossed a tier; `available` is what nobody was promised, by the node's numbers."""

    before: str
    now: str
    available: int
    par: int
    at_ms: int
    level: StockLevel


Body = (
    Handed
    | Undone
    | Lapsed
    | Answered
    | Accepted
    | Attested
    | CaseOpened
    | CaseClosed
    | CodeLocked
    | CodeReleased
    | Signed
    | StockMoved
    | StockCounted
    | StockLocked
    | RightMoved
    | RightAcknowledged
    | TierChanged
    | Provisional
    | RecallAnswered
    | PickingBody
)

KINDS: dict[str, type[Body]] = {
    "handed": Handed,
    "undone": Undone,
    "lapsed": Lapsed,
    "answered": Answered,
    "accepted": Accepted,
    "attested": Attested,
    "case_opened": CaseOpened,
    "case_closed": CaseClosed,
    "code_locked": CodeLocked,
    "code_released": CodeReleased,
    "audit_head": Signed,
    "stock_moved": StockMoved,
    "stock_counted": StockCounted,
    "stock_locked": StockLocked,
    "right_moved": RightMoved,
    "right_acknowledged": RightAcknowledged,
    "tier_changed": TierChanged,
    "provisional": Provisional,
    "recall_answered": RecallAnswered,
    **PICKING_KINDS,
}
