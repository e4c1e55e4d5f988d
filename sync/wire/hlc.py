"""Hybrid logical clock: 48 bits of milliseconds and 16 bits of counter in one integer.

It orders events across nodes without trusting a clock: it never goes back, and a remote reading
far ahead of ours is not followed (at most `MAX_AHEAD_MS`).
"""

MAX_AHEAD_MS = 300_000
_COUNTER_BITS = 16


def physical_ms(hlc: int) -> int:
    """The milliseconds inside a reading."""
    return hlc >> _COUNTER_BITS


def tick(last: int, now_ms: int) -> int:
    """The next reading for a local event: above `last`, at `now_ms` if that is later."""
    return max(last + 1, max(now_ms, 0) << _COUNTER_BITS)


def observe(last: int, remote: int, now_ms: int) -> int:
    """The next reading after seeing `remote`, which is ignored when too far ahead of `now_ms`."""
    if physical_ms(remote) > now_ms + MAX_AHEAD_MS:
        return tick(last, now_ms)
    return tick(max(last, remote), now_ms)
