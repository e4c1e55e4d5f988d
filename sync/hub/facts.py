"""What the hub makes of what a node tells: pure rules over the units it knows.

A fact is never undone by us: a unit that was handed over twice was handed over twice. The first
live hand-over stands, any other is a *conflict*, answered so and put before a person. A node's
giving up (`lapsed`, `answered`) counts only from the incarnation that holds the unit, at the
epoch at which it holds it.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal

from sync.rules.order_life import REFUND
from sync.wire import codec
from sync.wire.budgets import Provisional
from sync.wire.errors import RemoteWireError
from sync.wire.events import (
    KINDS,
    Accepted,
    Answered,
    Attested,
    Body,
    Handed,
    Lapsed,
    Undone,
)
from sync.wire.messages import EVENT_SCHEMA, MAX_EVENT_BYTES, Event, Outcome, Unit
from sync.wire.picking_events import ShortPicked

UnitState = Literal["held", "handed", "lapsed", "released", "refunded"]
ActState = Literal["live", "undone", "conflict", "conflict_undone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitNow:
    """A unit as the hub knows it."""

    holder: bytes
    epoch: int
    state: UnitState
    destination: str = ""
    parked: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A hand-over of one unit: where and by whom, and what became of it."""

    unit: Unit
    seq: int
    handover: int
    at_ms: int
    station: str
    operator: str | None
    credential: str
    state: ActState


@dataclass(frozen=True, slots=True, kw_only=True)
class AskNow:
    """What HQ asked, and of whom."""

    order_id: bytes
    holder: bytes
    epoch: int
    destination: str
    units: frozenset[tuple[int, int]]
    answered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A case for a person at HQ."""

    seq: int
    order_id: bytes | None
    reason: str
    detail: str


@dataclass(slots=True, kw_only=True)
class Working:
    """What one batch of one incarnation sees and changes; written back in the same transaction.

    units, acts and asks come from the database, as far as the batch names them; the rest is filled.
    standing: how many hand-overs of a unit were told and not undone, by whichever box.
    lost: units that were handed over though refunded; stopped: refunded ones that cannot be any
    more. predecessors: incarnations of the sender's store that gave way. recovering: the hub has
    fallen behind its nodes and learns from them who holds what.
    """

    incarnation: bytes
    units: dict[Unit, UnitNow]
    acts: dict[tuple[int, Unit], Act]
    asks: dict[bytes, AskNow]
    live: set[Unit]
    standing: Counter[Unit] = field(default_factory=Counter[Unit])
    recovering: bool = False
    predecessors: frozenset[bytes] = frozenset()
    touched_units: set[Unit] = field(default_factory=set[Unit])
    new_acts: dict[tuple[int, Unit], Act] = field(default_factory=dict[tuple[int, Unit], Act])
    undone_acts: dict[tuple[int, Unit], Act] = field(default_factory=dict[tuple[int, Unit], Act])
    answers: dict[bytes, Answered] = field(default_factory=dict[bytes, Answered])
    grants_taken: list[Accepted] = field(default_factory=list[Accepted])
    forgotten: list[Answered] = field(default_factory=list[Answered])
    lost: list[Unit] = field(default_factory=list[Unit])
    stopped: list[Unit] = field(default_factory=list[Unit])
    troubles: list[Trouble] = field(default_factory=list[Trouble])
    bodies: list[tuple[int, Body]] = field(default_factory=list[tuple[int, Body]])

    def put(self, unit: Unit, now: UnitNow) -> None:
        """Change a unit."""
        self.units[unit] = now
        self.touched_units.add(unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What an event is answered."""

    outcome: Outcome
    reason: str = ""


ACCEPTED = Judged(outcome="accepted")


def parse(event: Event) -> Body | Judged:
    """The body of an event, or why it is not taken: `later` is kept raw, `refused` is a case."""
    if len(event.body) > MAX_EVENT_BYTES:
        return Judged(outcome="refused", reason="too_large")
    kind = KINDS.get(event.kind)
    if kind is None or event.schema > EVENT_SCHEMA:
        return Judged(outcome="later", reason="newer")
    try:
        body = codec.from_json(kind, event.body)
    except RemoteWireError:
        return Judged(outcome="refused", reason="bad_body")
    units = units_in(body)
    if set(event.units) != set(units) or len(set(units)) != len(units):
        return Judged(outcome="refused", reason="units_mismatch")
    if not all(_fits(number) for number in codec.integers(body)):
        return Judged(outcome="refused", reason="bad_body")
    return body


def _fits(number: int) -> bool:
    """Whether a database column holds it; JSON knows no bounds."""
    return -(2**63) <= number < 2**63


def units_in(body: Body) -> tuple[Unit, ...]:
    """The units that a body touches: what its envelope must name."""
    match body:
        case Handed() | Undone() | Lapsed() | Accepted() | Attested() | ShortPicked():
            return body.units
        case Provisional():
            return body.units
        case Answered():
            return (*body.released, *body.kept)
        case _:
            return ()  # it is about no unit of an order


def judge(working: Working, event: Event) -> Judged:
    """Apply one event to what the batch sees; troubles are noted for a person."""
    parsed = parse(event)
    if isinstance(parsed, Judged):
        judged = parsed
        if judged.outcome == "later":
            for unit in event.units:
                if (now := working.units.get(unit)) is not None:
                    working.put(unit, replace(now, parked=now.parked + 1))
    else:
        judged = _apply(working, event.seq, parsed)
    if judged.outcome in ("conflict", "refused"):
        order_id = event.units[0][0] if event.units else None
        working.troubles.append(
            Trouble(seq=event.seq, order_id=order_id, reason=judged.reason, detail=event.kind)
        )
    return judged


def _apply(working: Working, seq: int, body: Body) -> Judged:
    match body:
        case Handed():
            return _handed(working, seq, body)
        case Undone():
            return _undone(working, body)
        case Lapsed():
            return _lapsed(working, body)
        case Answered():
            return _answered(working, body)
        case Accepted():
            return _accepted(working, body)
        case ShortPicked():
            return _short(working, seq, body)
        case Provisional():
            return _provisional(working, seq, body)
        case Attested():
            return _attested(working, seq, body)
        case _:  # about no unit: kept by `event_rows` as it is
            working.bodies.append((seq, body))
            return ACCEPTED


def _attested(working: Working, seq: int, body: Attested) -> Judged:
    """Units of a box whose place this one took, found on the shelf by a person (attack 6)."""
    reasons: list[str] = []
    for unit in body.units:
        now = working.units.get(unit)
        if now is None:
            reasons.append("unknown_unit")
        elif now.parked:
            reasons.append("parked")  # a fact of the old box that nobody could read yet
        elif now.state != "held":
            reasons.append(f"attested_but_{now.state}")
        elif now.holder == working.incarnation:
            continue
        elif now.holder not in working.predecessors or now.holder != body.holder:
            reasons.append("not_holder")
        else:
            working.put(unit, replace(now, holder=working.incarnation))
    working.bodies.append((seq, body))
    return _worst(reasons)


def _provisional(working: Working, seq: int, body: Provisional) -> Judged:
    """Given without a right, on a budget: a fact, of which `provisional` says what became."""
    for unit in body.units:
        act = Act(
            unit=unit,
            seq=seq,
            handover=body.handover,
            at_ms=body.at_ms,
            station=body.station,
            operator=body.operator,
            credential="v2",
            state="conflict",
        )
        working.acts[seq, unit] = act
        working.new_acts[seq, unit] = act
        working.standing[unit] += 1
    working.bodies.append((seq, body))
    return ACCEPTED


def _worst(reasons: list[str]) -> Judged:
    return Judged(outcome="conflict", reason=reasons[0]) if reasons else ACCEPTED


def _handed(working: Working, seq: int, body: Handed) -> Judged:
    reasons: list[str] = []
    for unit in body.units:
        now = working.units.get(unit)
        act = Act(
            unit=unit,
            seq=seq,
            handover=body.handover,
            at_ms=body.at_ms,
            station=body.station,
            operator=body.operator,
            credential=body.credential,
            state="live",
        )
        reason = _against(working, unit, now)
        if reason:
            reasons.append(reason)
        # goods that left without right are gone all the same: nothing else may happen to them
        if now is None or now.state == "refunded" or unit in working.live:
            act = replace(act, state="conflict")
        else:
            working.live.add(unit)
        if now is not None and now.state == "refunded":
            working.lost.append(unit)
        elif now is not None:
            working.put(unit, replace(now, state="handed", destination=""))
        working.acts[seq, unit] = act
        working.new_acts[seq, unit] = act
        working.standing[unit] += 1
    return _worst(reasons)


def _against(working: Working, unit: Unit, now: UnitNow | None) -> str:
    """Why a hand-over is a conflict, or nothing."""
    if now is None:
        return "unknown_unit"
    if unit in working.live:
        return "handed_twice"
    match now.state:
        case "refunded":
            return "after_refund"
        case "lapsed" | "released":
            return "after_release"
        case "handed":
            return "handed_twice"  # the first was undone, another stands
        case "held":
            return "" if now.holder == working.incarnation else "not_holder"


def _undone(working: Working, body: Undone) -> Judged:
    reasons: list[str] = []
    for unit in body.units:
        found = next(
            (
                (key, act)
                for key, act in working.acts.items()
                if act.unit == unit
                and act.handover == body.handover
                and act.state in ("live", "conflict")
            ),
            None,
        )
        if found is None:
            reasons.append("unknown_handover")
            continue
        key, act = found
        undone = replace(act, state="undone" if act.state == "live" else "conflict_undone")
        working.acts[key] = undone
        target = working.new_acts if key in working.new_acts else working.undone_acts
        target[key] = undone
        working.standing[unit] -= 1
        now = working.units.get(unit)
        if act.state == "live":
            working.live.discard(unit)
        # while another hand-over stands the goods are gone; a newer grant is not taken back either
        if now is None or now.state != "handed" or working.standing[unit] > 0:
            continue
        holder = working.incarnation if act.state == "live" else now.holder
        working.put(unit, replace(now, state="held", holder=holder))
    return _worst(reasons)


def _lapsed(working: Working, body: Lapsed) -> Judged:
    reasons: list[str] = []
    for unit in body.units:
        now = working.units.get(unit)
        if now is None:
            reasons.append("unknown_unit")
        elif body.epoch < now.epoch:
            continue  # it gave up before it read a newer grant, which clears its tombstone
        elif now.holder != working.incarnation:
            reasons.append("not_holder")
        elif now.state == "held":
            working.put(unit, replace(now, state="lapsed"))
        elif now.state == "handed":
            reasons.append("lapsed_but_handed")
        elif now.state == "refunded":
            working.stopped.append(unit)
    return _worst(reasons)


def _accepted(working: Working, body: Accepted) -> Judged:
    """A grant that was taken; in recovery it is how we learn of grants that we forgot."""
    reasons: list[str] = []
    for unit in body.units:
        now = working.units.get(unit)
        if now is None:
            reasons.append("unknown_unit")
        elif body.epoch > now.epoch and working.recovering and now.state != "refunded":
            held = replace(now, holder=working.incarnation, epoch=body.epoch, destination="")
            working.put(unit, replace(held, state="held"))
        elif body.epoch > now.epoch or (
            body.epoch == now.epoch and now.holder != working.incarnation
        ):
            reasons.append("not_granted")
    working.grants_taken.append(body)
    return _worst(reasons)


def _answered(working: Working, body: Answered) -> Judged:
    ask = working.asks.get(body.ask_id)
    if ask is None and working.recovering:
        return _forgotten_answer(working, body)
    if ask is None or ask.order_id != body.order_id:
        return Judged(outcome="refused", reason="unknown_ask")
    if ask.holder != working.incarnation:
        return Judged(outcome="refused", reason="not_holder")
    if ask.answered:
        return Judged(outcome="refused", reason="answered_before")
    told = frozenset((line, unit) for _, line, unit in (*body.released, *body.kept))
    if (
        told != ask.units
        or len(told) != len(body.released) + len(body.kept)
        or any(order != ask.order_id for order, _, _ in (*body.released, *body.kept))
        or body.destination != ask.destination
    ):
        return Judged(outcome="refused", reason="not_what_was_asked")
    reasons: list[str] = []
    for unit in body.released:
        now = working.units[unit]
        # what lapsed before the box read the ask is given up all the same, to who asked
        if now.state in ("held", "lapsed") and now.holder == working.incarnation:
            working.put(unit, replace(now, state="released", destination=ask.destination))
        elif now.state == "refunded" and now.holder == working.incarnation:
            working.stopped.append(unit)  # a named person did not wait for this answer
        elif now.state == "released" and now.destination == ask.destination:
            continue  # the shop had given it up by itself, to the same
        else:
            reasons.append(f"released_but_{now.state}")
    working.asks[body.ask_id] = replace(ask, answered=True)
    working.answers[body.ask_id] = body
    return _worst(reasons)


def _forgotten_answer(working: Working, body: Answered) -> Judged:
    """An answer to a question that the hub forgot: the holder's word counts as it did."""
    reasons: list[str] = []
    for unit in body.released:
        now = working.units.get(unit)
        if now is None or unit[0] != body.order_id:
            reasons.append("unknown_unit")
        elif now.holder != working.incarnation or body.epoch < now.epoch:
            continue  # another took the grant that followed, and told so first
        elif now.state in ("held", "lapsed"):
            working.put(unit, replace(now, state="released", destination=body.destination))
        elif now.state == "refunded":
            working.stopped.append(unit)
        elif now.state == "handed":
            reasons.append("released_but_handed")
    working.forgotten.append(body)
    return _worst(reasons)


def _short(working: Working, seq: int, body: ShortPicked) -> Judged:
    """What was not on the shelf: given up to `hq:refund` by its holder, or kept with the order."""
    if any(order_id != body.order_id for order_id, _, _ in body.units):
        return Judged(outcome="refused", reason="units_mismatch")
    reasons: list[str] = []
    for unit in body.units:
        now = working.units.get(unit)
        if now is None:
            reasons.append("unknown_unit")
        elif body.epoch < now.epoch:
            continue  # it told before it read a newer grant, under which the unit is open again
        elif now.holder != working.incarnation:
            reasons.append("not_holder")
        elif body.choice != "refund_line":
            continue
        elif now.state in ("held", "lapsed"):
            working.put(unit, replace(now, state="released", destination=REFUND))
        elif now.state == "refunded":
            working.stopped.append(unit)  # a named person did not wait for the shop
        else:
            reasons.append(f"short_but_{now.state}")
    working.bodies.append((seq, body))
    return _worst(reasons)
