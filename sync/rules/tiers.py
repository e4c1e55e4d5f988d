"""Five tiers of an article's stock in a store, against par: how scarce it is and what that causes.

A threshold is the larger of percent of par and pieces. Downward a tier begins at its threshold;
upward it ends only a margin above it (hysteresis), so that a piece sold and returned does not ring
twice. Each tier has its action, taken once per crossing into it from above.
"""

from dataclasses import dataclass
from enum import IntEnum


class Tier(IntEnum):
    """How scarce; a higher number is scarcer."""

    NORMAL = 0
    TIGHT = 1
    SCARCE = 2
    CLOSED = 3
    EMERGENCY = 4

    @property
    def word(self) -> str:
        """The tier's name on the wire and on screens."""
        return self.name.lower()


# Tier: (percent of par, pieces); at or below the larger of both the tier begins.
LIMITS: dict[Tier, tuple[int, int]] = {
    Tier.TIGHT: (30, 0),
    Tier.SCARCE: (10, 3),
    Tier.CLOSED: (5, 2),
    Tier.EMERGENCY: (1, 1),
}
MARGIN_PERCENT = 20
SCARCE_PIECES_A_MINUTE = 2
"""While scarce or worse each channel promises at most this many pieces a minute."""
ACTIONS: dict[Tier, tuple[str, ...]] = {
    Tier.NORMAL: (),
    Tier.TIGHT: ("shorter_window",),
    Tier.SCARCE: ("alarm", "replenish", "rate_cap"),
    Tier.CLOSED: ("online_closed",),
    Tier.EMERGENCY: ("transfer_proposed",),
}


def of_word(word: str) -> Tier:
    """The tier with this name (KeyError: our bug)."""
    return Tier[word.upper()]


def limit(tier: Tier, par: int) -> int:
    """The most pieces at which `tier` begins; -1 for normal, which has none."""
    if tier is Tier.NORMAL:
        return -1
    percent, pieces = LIMITS[tier]
    # tight begins below 30 percent, the others at their percent and below
    by_percent = -(-par * percent // 100) - 1 if tier is Tier.TIGHT else par * percent // 100
    return max(by_percent, pieces)


def bare(available: int, par: int) -> Tier:
    """The tier of so many pieces, no matter where they were before."""
    worst = Tier.NORMAL
    for tier in LIMITS:
        if available <= limit(tier, par):
            worst = tier
    return worst


def judge(before: Tier, available: int, par: int) -> Tier:
    """The tier now: down at its threshold, up only a margin (a fifth, at least one) above it."""
    assert par > 0
    down = bare(available, par)
    if down >= before:
        return down
    now = before
    while now > down:
        threshold = limit(now, par)
        margin = max(1, threshold * MARGIN_PERCENT // 100)
        if available <= threshold + margin:
            break
        now = Tier(now - 1)
    return now


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A change of tier; `actions` are those of every tier newly entered, none when it eased."""

    before: Tier
    now: Tier

    @property
    def actions(self) -> tuple[str, ...]:
        """What this crossing causes, once."""
        entered = range(self.before + 1, self.now + 1)
        return tuple(action for tier in entered for action in ACTIONS[Tier(tier)])


def is_closed_online(tier: Tier) -> bool:
    """Whether the online shop sells nothing of it."""
    return tier >= Tier.CLOSED


def suggested(available: int, par: int) -> int:
    """How many to order in: up to par."""
    return max(0, par - available)
