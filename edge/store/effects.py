"""Effects: committed intents to act, and how far each came.

`queued → sent → confirmed | unknown | failed`. `sent` is durable before the first byte goes out; an
effect found `sent` without a proof after a restart is in doubt and becomes `unknown`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from edge.store.row import blob, integer, maybe_integer, maybe_text, text
from edge.store.tx import Tx
from sync.wire.codec import to_json

EffectKind = Literal["slip", "drawer", "buzzer"]
EffectState = Literal["queued", "sent", "confirmed", "unknown", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A row of the spool. copy: how often it was printed before, by intent. body: JSON."""

    effect: int
    kind: EffectKind
    handover: int | None
    station: str
    order_no: str | None
    body: bytes
    state: EffectState
    copy: int
    of_effect: int | None
    printer: str | None
    trouble: str | None
    proof: str | None
    created_ms: int
    changed_ms: int


def _effect(row: tuple[object, ...]) -> Effect:
    return Effect(
        effect=integer(row[0]),
        kind=cast("EffectKind", text(row[1])),
        handover=maybe_integer(row[2]),
        station=text(row[3]),
        order_no=maybe_text(row[4]),
        body=blob(row[5]),
        state=cast("EffectState", text(row[6])),
        copy=integer(row[7]),
        of_effect=maybe_integer(row[8]),
        printer=maybe_text(row[9]),
        trouble=maybe_text(row[10]),
        proof=maybe_text(row[11]),
        created_ms=integer(row[12]),
        changed_ms=integer(row[13]),
    )


def effect(tx: Tx, number: int) -> Effect | None:
    """One effect."""
    row = tx.one("effect", number)
    return None if row is None else _effect(row)


def queued(tx: Tx, stations: Sequence[str], limit: int) -> list[Effect]:
    """What waits to be performed for these stations, oldest first."""
    return [_effect(row) for row in tx.all("effects_queued", _array(stations), limit)]


def homeless(tx: Tx, served: Sequence[str], limit: int) -> list[Effect]:
    """What waits at stations that nobody serves, oldest first."""
    return [_effect(row) for row in tx.all("effects_homeless", _array(served), limit)]


def _array(stations: Sequence[str]) -> str:
    return to_json(list(stations)).decode()


def in_doubt(tx: Tx) -> list[Effect]:
    """What was being performed when a process ended."""
    return [_effect(row) for row in tx.all("effects_in_doubt")]


def recent_slips(tx: Tx, station: str, limit: int) -> list[Effect]:
    """A station's newest slips."""
    return [_effect(row) for row in tx.all("effects_recent", station, limit)]


def step(
    tx: Tx,
    number: int,
    *,
    was: EffectState,
    becomes: EffectState,
    printer: str | None = None,
    trouble: str | None = None,
    proof: str | None = None,
) -> bool:
    """Move an effect on the ladder; False when somebody else moved it first."""
    now = tx.moment.trusted_ms
    return tx.changed("effect_step", becomes, printer, trouble, proof, now, number, was) == 1
