"""What catalog and ledger hold of a rotating code: its sealed secret, and the steps seen of it."""

from dataclasses import dataclass

from edge.domain.rotating import StepsSeen
from edge.store.row import blob, integer, maybe_integer
from edge.store.tx import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedKey:
    """A secret as HQ pushed it, good from `from_ms` to `until_ms`."""

    sealed: bytes
    from_ms: int
    until_ms: int


def sealed_key(tx: Tx, lookup: bytes) -> SealedKey | None:
    """The key of a code, if HQ pushed one and it was not cleared away."""
    row = tx.one("rotating_key", lookup)
    if row is None:
        return None
    return SealedKey(sealed=blob(row[0]), from_ms=integer(row[1]), until_ms=integer(row[2]))


def steps_seen(tx: Tx, lookup: bytes) -> StepsSeen:
    """What was accepted and refused of a code here."""
    row = tx.one("rotating_step", lookup)
    if row is None:
        return StepsSeen()
    return StepsSeen(
        accepted=maybe_integer(row[0]),
        skew=integer(row[1]),
        refused=maybe_integer(row[2]),
        refused_skew=integer(row[3]),
    )


def accept_step(tx: Tx, lookup: bytes, step: int, *, skew: int) -> None:
    """A step was accepted; neither it nor one before it is ever accepted again."""
    changed = tx.changed("rotating_step_accept", lookup, step, skew, tx.moment.trusted_ms)
    assert changed == 1, "a step is accepted once"


def refuse_step(tx: Tx, lookup: bytes, step: int, *, skew: int) -> None:
    """A genuine step came too early or too late; the next one tells whether the phone is wrong."""
    tx.run("rotating_step_refuse", lookup, step, skew, tx.moment.trusted_ms)
