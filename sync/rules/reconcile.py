"""The daily reconciliation: when it is due, and the digests that node and HQ compute alike.

*Due.* A day's books are compared at a time of day of the store's zone, some minutes later at some
stores than at others so that they do not all come at once. What is due follows from trusted time
and the last day that was reconciled, nothing else: a cut that was slept through is due at the next
look, once, for the newest day alone, since the books that are compared are never those of one day.

*Digests.* A hand-over is a `Fact`. Facts stand in blocks of 256 numbers; a block's digest is a
chain of SHA-256 over its facts in the order of their numbers. Two sides that hold the same facts
have the same digests; where they do not, 256 facts are compared one by one.
"""

import hashlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

BLOCK_FACTS = 256
MOST_BLOCKS = 400
SPREAD_S = 600
_DAY_MS = 86_400_000
_LATEST_MS = 250_000_000_000_000  # the year 9892: what a calendar can still name
_PREFIX = b"storeedge/reconcile-block/1\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """When a store compares. at_min: minutes after midnight; spread_s: its own delay."""

    at_min: int
    zone: str
    spread_s: int


def spread_of(store: int) -> int:
    """A store's own delay, 0 to 600 s; neighbouring numbers lie apart."""
    return store * 223 % (SPREAD_S + 1)


def cut_ms(plan: Plan, day: date) -> int:
    """The instant from which `day` is due. A time that DST skips or repeats has one instant too."""
    at = time(plan.at_min // 60, plan.at_min % 60)
    local = datetime.combine(day, at, tzinfo=_zone(plan.zone))
    return int(local.timestamp() * 1000) + plan.spread_s * 1000


def newest_day(plan: Plan, now_ms: int) -> date:
    """The newest day whose cut is not after `now_ms`."""
    day = datetime.fromtimestamp(now_ms / 1000, UTC).date() + timedelta(days=1)
    while cut_ms(plan, day) > now_ms:
        day -= timedelta(days=1)
    return day


def due_day(plan: Plan, now_ms: int, *, last: date | None, since_ms: int) -> date | None:
    """The day that must be reconciled now, or None.

    now_ms: trusted time, 0 when there is none: then nothing is due. last: the newest day that was
    reconciled; one beyond tomorrow is the word of a clock that was wrong, and holds nothing up.
    since_ms: the box is this store's since then; days that were cut before are not its own.
    """
    if not _DAY_MS < now_ms < _LATEST_MS:
        return None
    day = newest_day(plan, now_ms)
    if cut_ms(plan, day) <= since_ms:
        return None
    if last is None or last > day + timedelta(days=2):
        return day
    return day if day > last else None


def next_cut_ms(plan: Plan, now_ms: int) -> int | None:
    """When the next day is due; None without a time."""
    if not _DAY_MS < now_ms < _LATEST_MS:
        return None
    return cut_ms(plan, newest_day(plan, now_ms) + timedelta(days=1))


@lru_cache(maxsize=8)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A hand-over as both sides know it. units: (line, unit), sorted; undone: taken back."""

    handover: int
    order_id: bytes
    units: tuple[tuple[int, int], ...]
    undone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Facts with numbers `first` to `first + 255`: how many there are, and their digest."""

    first: int
    count: int
    digest: bytes


def hash_of(report: bytes) -> bytes:
    """What a result names a report by."""
    return hashlib.sha256(report).digest()


def block_of(handover: int) -> int:
    """The first number of the block that a hand-over stands in."""
    return handover - handover % BLOCK_FACTS


def first_compared(first: int, last: int) -> int:
    """Where a comparison begins, so that it has at most `MOST_BLOCKS` blocks."""
    return max(first, block_of(last) - (MOST_BLOCKS - 1) * BLOCK_FACTS)


def blocks(facts: Iterable[Fact]) -> tuple[Block, ...]:
    """The blocks of facts; those without any are left out."""
    made: dict[int, tuple[int, bytes]] = {}
    for fact in sorted(facts, key=lambda each: each.handover):
        first = block_of(fact.handover)
        count, digest = made.get(first, (0, hashlib.sha256(_PREFIX).digest()))
        made[first] = (count + 1, hashlib.sha256(digest + _encoded(fact)).digest())
    return tuple(
        Block(first=first, count=count, digest=digest) for first, (count, digest) in made.items()
    )


def differing(one: Iterable[Block], other: Iterable[Block]) -> tuple[int, ...]:
    """The first numbers of blocks that are not the same on both sides."""
    left = {block.first: block for block in one}
    right = {block.first: block for block in other}
    return tuple(first for first in sorted({*left, *right}) if left.get(first) != right.get(first))


def facts_differing(
    node: Mapping[int, Fact], hub: Mapping[int, Fact]
) -> tuple[tuple[int, str], ...]:
    """Hand-overs that the two sides do not know alike: (number, what differs).

    `hub_lacks` `node_lacks` `order` `units` `undone`
    """
    found: list[tuple[int, str]] = []
    for number in sorted({*node, *hub}):
        told, held = node.get(number), hub.get(number)
        if told is None or held is None:
            found.append((number, "node_lacks" if told is None else "hub_lacks"))
        elif told.order_id != held.order_id:
            found.append((number, "order"))
        elif sorted(told.units) != sorted(held.units):
            found.append((number, "units"))
        elif told.undone != held.undone:
            found.append((number, "undone"))
    return tuple(found)


def _encoded(fact: Fact) -> bytes:
    head = struct.pack(">QB?I", fact.handover, len(fact.order_id), fact.undone, len(fact.units))
    units = b"".join(struct.pack(">II", line, unit) for line, unit in sorted(fact.units))
    return head + fact.order_id + units
