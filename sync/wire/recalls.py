"""Recall on the wire: what a node tells when it has stopped handing something out."""

import msgspec

MAX_TOLD = 200
"""Hand-overs named in one answer; the newest, the count says how many there are."""


class RecallAnswered(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a recall, once a box: from `at_ms` on nothing of it is handed over here.

    stopped: units of open orders that are held back now. handed_units: what had left before, of
    which `handed` names the newest hand-overs, (number, time). on_hand: pieces in the store, where
    it keeps the article's stock.
    """

    recall_id: bytes
    at_ms: int
    stopped_units: int
    stopped_orders: int
    handed_units: int
    handed: tuple[tuple[int, int], ...]
    on_hand: int | None = None
