"""What a node asks HQ about a code that is not its own, and what HQ says of the order's move.

`POST /v1/nodes/transfers`, JSON, signed like every request. The same question again is how a node
waits; nothing is moved twice.
"""

from typing import Literal

import msgspec

TransferState = Literal[
    "unknown",  # no store of the chain has this code
    "here",  # the asking store holds it: the row is on its way, or there already
    "asked",  # its holder was asked and has not answered
    "unreachable",  # its holder is not heard; it may hand it over, so nobody else may
    "handed",  # it was collected: when and where
    "kept",  # its holder said no: somebody is being served, or it is gone
    "closed",  # cancelled or refunded
    "busy",  # another question about it is open: a cancel, or a move to another store
]


class TransferQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A code was shown here: where is it, and may we have it?

    code_id: its 10 bytes. wait: ask the holder even when it is not heard now; the order comes when
    it answers. ask: False only looks.
    """

    code_id: bytes
    ask: bool = True
    wait: bool = False
    operator: str | None = None


class TransferAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """How far it came. store: whose it is now; heard_ms: when its box was heard last."""

    state: TransferState
    order_no: str = ""
    store: int = 0
    store_code: str = ""
    store_zh: str = ""
    store_en: str = ""
    heard_ms: int | None = None
    asked_ms: int | None = None
    handed_ms: int | None = None
    handed_station: str = ""
