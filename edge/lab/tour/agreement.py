"""The last steps: node and headquarters agree, and the node's books are what it showed."""

import asyncio
from dataclasses import dataclass

from edge.lab.children import ChildDied
from edge.lab.floor import STORE, Expected, Floor
from edge.lab.hq_views import OrderAtHq
from edge.lab.tour.step import Detail, claim
from sync.wire.codec import from_json


def _problem(expected: Expected, order: OrderAtHq) -> str | None:
    units = [unit for line in order.lines for unit in line.units]
    out = [unit for unit in units if unit.state == "handed"]
    handed, undone = order.told("handed"), order.told("undone")
    seqs = [(event.node, event.incarnation, event.seq) for event in order.events]
    if len(out) != expected.units:
        return f"{len(out)} units out, not {expected.units}"
    if (handed, undone) != (expected.handed, expected.undone):
        return f"told {handed} times handed, {undone} undone"
    if len(seqs) != len(set(seqs)):
        return "an event is held twice"
    if any(unit.conflicts for unit in units):
        return "a conflict"
    live = sum(unit.handed_total - unit.undone_total for unit in units)
    return None if live == expected.units else f"{live} live hand-overs of {expected.units} units"


async def _all_sent(floor: Floor) -> None:
    await asyncio.gather(*(each.all_sent() for each in floor.branches.values() if each.running))


async def synced(floor: Floor) -> Detail:
    """Nothing is unsent, and HQ holds each hand-over of the tour exactly once."""
    await _all_sent(floor)
    problems: dict[str, str] = {}
    for expected in floor.expected.values():
        problem = _problem(expected, await floor.hq.order(expected.order_no))
        if problem is not None:
            problems[expected.order_no] = problem
    claim(not problems, "headquarters and the tour disagree", problems=problems)
    return {
        "orders": len(floor.expected),
        "handovers": sum(each.handed for each in floor.expected.values()),
        "undone": sum(each.undone for each in floor.expected.values()),
        "unsynced": 0,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Verified:
    """What `storeedge verify --json` prints; `head` is in hexadecimal."""

    ok: bool
    node: str
    audit_seq: int
    head: str
    personal_data: str


async def audit_verified(floor: Floor) -> Detail:
    """The audit chain holds, and runs through the head that headquarters witnessed."""
    await _all_sent(floor)
    witness = next(
        node for node in await floor.hq.fleet() if node.state == "enrolled" and node.store == STORE
    )
    words = ("verify", "--config", str(floor.config), "--json", "--head")
    out, denied = await asyncio.gather(
        floor.call("storeedge", *words, f"{witness.audit_seq}:{witness.audit_hash}"),
        _refused(floor, *words, f"{witness.audit_seq}:{'00' * 32}"),
    )
    told = from_json(_Verified, out.strip().splitlines()[-1].encode())
    claim(told.ok, "the audit chain does not hold", seq=told.audit_seq)
    claim(told.node == witness.node, "another box was verified", node=told.node)
    claim(
        witness.audit_seq > 0 and told.audit_seq >= witness.audit_seq,
        "headquarters has witnessed nothing",
        witness=witness.audit_seq,
    )
    claim(denied, "a false head was accepted")
    return {
        "audit_seq": told.audit_seq,
        "witness_seq": witness.audit_seq,
        "head": told.head[:8],
        "false_head_refused": denied,
        "personal_data": told.personal_data,
    }


async def _refused(floor: Floor, *words: str) -> bool:
    try:
        await floor.call("storeedge", *words)
    except ChildDied:
        return True
    return False
