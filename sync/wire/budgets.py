"""The provisional path on the wire: what HQ grants one box to risk, and what the box tells of it.

A grant names one incarnation and is signed for it alone, so a restored or replaced box has none.
The node spends it in the transaction that hands over; `Provisional` is how HQ hears of it.
"""

from typing import Annotated

import msgspec

from sync.rules.budgets import MAX_MINOR, MAX_PIECES, Amount
from sync.wire import codec
from sync.wire.errors import RemoteWireError
from sync.wire.messages import Unit
from sync.wire.signature import Signer, is_genuine

DOMAIN_BUDGET = b"storeedge/budget/1\0"
BUDGET_ID_BYTES = 16
MAX_ARTICLES = 200
_Pieces = Annotated[int, msgspec.Meta(ge=1, le=MAX_PIECES)]
_Minor = Annotated[int, msgspec.Meta(ge=0, le=MAX_MINOR)]


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What one box may hand over of other stores' orders while it cannot ask.

    articles: (SKU, what a piece counts, minor units); what is not listed is never risked.
    per_code_*: for one order, however often it is shown. After `not_after_ms` nothing is spent.
    """

    budget_id: bytes
    store: int
    incarnation: bytes
    pieces: _Pieces
    amount_minor: _Minor
    per_code_pieces: _Pieces
    per_code_minor: _Minor
    currency: str
    articles: tuple[tuple[str, _Minor], ...]
    granted_ms: int
    not_after_ms: int

    def granted(self) -> Amount:
        """All of it."""
        return Amount(pieces=self.pieces, minor=self.amount_minor)

    def per_code(self) -> Amount:
        """For one order."""
        return Amount(pieces=self.per_code_pieces, minor=self.per_code_minor)


class Provisional(msgspec.Struct, frozen=True, kw_only=True):
    """Units of another store's order were handed over on a budget; they were not the giver's.

    epoch and home_store: as the code said. amount_minor: at the budget's prices.
    """

    handover: int
    order_id: bytes
    order_no: str
    units: tuple[Unit, ...]
    epoch: int
    home_store: int
    at_ms: int
    station: str
    operator: str
    budget_id: bytes
    amount_minor: int
    approved_by: str | None = None


def sign_budget(budget: Budget, hub: Signer) -> tuple[bytes, bytes]:
    """The grant as bytes, and the hub's signature over them."""
    data = codec.pack(budget)
    return data, hub.sign(DOMAIN_BUDGET, data)


def open_budget(grant: bytes, signature: bytes, hub_public: bytes) -> Budget:
    """What the hub granted.

    Raises:
        RemoteWireError: not by this hub, or no grant.
    """
    if not is_genuine(hub_public, DOMAIN_BUDGET, grant, signature):
        raise RemoteWireError("the budget's signature is not genuine")
    return codec.unpack(Budget, grant)
