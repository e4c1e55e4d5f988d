"""What may be risked on hand-overs of another store's orders: the same sum on node and hub.

A budget is escrow (attacks 9): pieces and money that HQ is ready to lose at one box. It is spent
when goods leave, whatever becomes of it later; only another budget makes room again. So the loss is
never above the sum of what was granted.
"""

from dataclasses import dataclass
from typing import Literal

PROVISIONAL = "hq:provisional"
"""What a home releases units to that another store handed over on a budget."""
MAX_PIECES = 1_000
MAX_MINOR = 10**9

Short = Literal["over_code_limit", "budget_spent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Pieces, and money in minor units at the budget's own prices."""

    pieces: int
    minor: int

    def plus(self, other: "Amount") -> "Amount":
        """Both together."""
        return Amount(pieces=self.pieces + other.pieces, minor=self.minor + other.minor)

    def minus(self, other: "Amount") -> "Amount":
        """What is left; never below nothing."""
        return Amount(
            pieces=max(0, self.pieces - other.pieces), minor=max(0, self.minor - other.minor)
        )

    def is_within(self, limit: "Amount") -> bool:
        """Whether neither is above the limit."""
        return self.pieces <= limit.pieces and self.minor <= limit.minor


NOTHING = Amount(pieces=0, minor=0)


def short_of(
    *, granted: Amount, spent: Amount, per_code: Amount, on_code: Amount, wanted: Amount
) -> Short | None:
    """Why this may not be spent, or None. on_code: what this box gave on the same order before."""
    if not on_code.plus(wanted).is_within(per_code):
        return "over_code_limit"
    if not spent.plus(wanted).is_within(granted):
        return "budget_spent"
    return None
