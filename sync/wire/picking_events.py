"""What a node tells of picking and of documents: bodies of events, JSON, one type a kind.

`units` stand only where a unit's life changes (attacks 15): `short_picked` releases them when its
choice is `refund_line`. People are named by staff id.
"""

from typing import Literal

import msgspec

from sync.rules.order_life import OnShort
from sync.wire.messages import Unit


class PickStarted(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody began to pick an order."""

    order_id: bytes
    at_ms: int
    station: str
    operator: str | None


class Picked(msgspec.Struct, frozen=True, kw_only=True):
    """So many units of a line lie in the basket now; `found` is a level, not a difference."""

    order_id: bytes
    line: int
    found: int
    at_ms: int
    station: str
    operator: str | None


class ShortPicked(msgspec.Struct, frozen=True, kw_only=True):
    """Units of a line were not on the shelf, and what was done by the customer's choice.

    refund_line: the node released them to `hq:refund` at `epoch`. substitute: `sub_sku` goes
    instead, at `sub_minor` a piece on the shelf. wait: they stay with the order.
    """

    order_id: bytes
    units: tuple[Unit, ...]
    epoch: int
    choice: OnShort
    at_ms: int
    station: str
    operator: str | None
    sub_sku: str | None = None
    sub_minor: int | None = None


class OrderReady(msgspec.Struct, frozen=True, kw_only=True):
    """The order lies packed at `place` in `bags` bags; told again when it moves."""

    order_id: bytes
    place: str
    bags: int
    at_ms: int
    station: str
    operator: str | None


class DocumentMoved(msgspec.Struct, frozen=True, kw_only=True):
    """Goods of a document left, or arrived: `counts` are (line, pieces) as they were counted."""

    document: str
    act: Literal["dispatched", "received"]
    counts: tuple[tuple[int, int], ...]
    at_ms: int
    station: str
    operator: str | None


PickingBody = PickStarted | Picked | ShortPicked | OrderReady | DocumentMoved

PICKING_KINDS: dict[str, type[PickingBody]] = {
    "pick_started": PickStarted,
    "picked": Picked,
    "short_picked": ShortPicked,
    "order_ready": OrderReady,
    "document_moved": DocumentMoved,
}
