"""Whether a genuine V3a step may be accepted now, pure: steps in, a word out.

A step is 30 s, counted from 1970. *Skew* is how far the phone's steps are from ours. A step within
one of ours is fresh; so is one within one of the code's learned skew. Skew is learned per code,
never per store (attacks 35): from what was accepted, or when a second, newer step comes as far off
as the one that was refused before it: the customer refreshed, and the phone's clock is wrong. It is
never more than three steps: 90 s is all that a photo can be older than it looks.
"""

from dataclasses import dataclass
from typing import Literal

WINDOW_STEPS = 1
MAX_SKEW_STEPS = 3
Freshness = Literal["fresh", "replayed", "stale"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepsSeen:
    """What is kept of a code: the newest step accepted and its skew, the newest one refused."""

    accepted: int | None = None
    skew: int = 0
    refused: int | None = None
    refused_skew: int = 0


def freshness(step: int, now_step: int, seen: StepsSeen) -> Freshness:
    """Whether to accept `step` now. What is accepted is never accepted again, nor one before it."""
    if seen.accepted is not None and step <= seen.accepted:
        return "replayed"
    skew = step - now_step
    if abs(skew) > MAX_SKEW_STEPS:
        return "stale"
    if abs(skew) <= WINDOW_STEPS or abs(skew - seen.skew) <= WINDOW_STEPS:
        return "fresh"
    if seen.refused is not None and step > seen.refused:
        return "fresh" if abs(skew - seen.refused_skew) <= WINDOW_STEPS else "stale"
    return "stale"
