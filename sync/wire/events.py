"""What a node tells HQ: the bodies of events, JSON, one type a kind.

Times are trusted-time milliseconds where the node has trusted time, and say so in the envelope;
people are named by staff id, customers never.
"""

from typing import Literal

import msgspec

from sync.wire.messages import Unit
from sync.wire.picking_events import PICKING_KINDS, PickingBody


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


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to an ask, given once: units released to its destination, units kept and why."""

    ask_id: bytes
    order_id: bytes
    epoch: int
    destination: str
    released: tuple[Unit, ...]
    kept: tuple[Unit, ...]
    at_ms: int


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


Body = (
    Handed
    | Undone
    | Lapsed
    | Answered
    | CaseOpened
    | CaseClosed
    | CodeLocked
    | CodeReleased
    | Signed
    | PickingBody
)

KINDS: dict[str, type[Body]] = {
    "handed": Handed,
    "undone": Undone,
    "lapsed": Lapsed,
    "answered": Answered,
    "case_opened": CaseOpened,
    "case_closed": CaseClosed,
    "code_locked": CodeLocked,
    "code_released": CodeReleased,
    "audit_head": Signed,
    **PICKING_KINDS,
}
