"""A box that may not be what it was takes a new incarnation, fenced (attacks 5).

    certified ──restored | another machine | behind a witness | fork──▶ begun again, fenced
    begun again ──a named person at HQ attests it──▶ certified
    certified ──HQ's signed takeover names it──▶ superseded, fenced for good

An incarnation is what HQ grants to. The new one holds nothing: what the one before held stays its
own, its events are set aside and handed in under its name, rights and budgets of it are spent.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from edge.store.row import blob, integer, maybe_blob, text
from edge.store.sql import names
from edge.store.tx import Tx
from sync.wire.codec import unpack
from sync.wire.messages import Certificate, Event, SignedTakeOver, Unit

Why = Literal["machine", "fork", "witness", "restored", "superseded"]
BEGIN_AGAIN = "begin_again_"
"""A part whose rows mean nothing in a new incarnation names a statement so; it is run with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """Why the box asks a person about every order, since when (trusted ms), and what was seen."""

    why: Why
    since_ms: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """An incarnation that this ledger had, and the last audit row of its time."""

    incarnation: bytes
    ended_audit_seq: int


def fence_of(tx: Tx) -> Fence | None:
    """Why it is fenced; None when it is not, or was fenced by a version that kept no reason."""
    row = tx.one("fence_why")
    if row is None:
        return None
    return Fence(why=cast("Why", text(row[0])), since_ms=integer(row[1]), detail=text(row[2]))


def predecessors(tx: Tx) -> tuple[Before, ...]:
    """Every incarnation before this one, in the order of their ends."""
    return tuple(
        Before(incarnation=blob(row[0]), ended_audit_seq=integer(row[1]))
        for row in tx.all("incarnations_before")
    )


def begin_again(tx: Tx, why: Why, *, detail: str = "") -> bytes:
    """Take a new random incarnation, fenced; answers it. Never for a superseded box.

    Events of an incarnation that HQ never certified were never told: they stay in the outbox.
    """
    incarnation = secrets.token_bytes(8)
    tx.note("began_again", why=why, detail=detail)
    tx.run("incarnation_end", tx.moment.trusted_ms, why)
    if _is_certified(tx):
        tx.run("outbox_set_aside")
        tx.run("outbox_empty")
        tx.run("outbox_restart")
        tx.begin_outbox()
    tx.run("incarnation_begin", incarnation)
    tx.run("fence_because", why, tx.moment.trusted_ms, detail)
    for name in names():
        if name.startswith(BEGIN_AGAIN):
            tx.run(name)
    tx.fenced = True
    return incarnation


def _is_certified(tx: Tx) -> bool:
    row = tx.one("identity")
    assert row is not None
    certificate = maybe_blob(row[4])
    return certificate is not None and unpack(Certificate, certificate).incarnation == row[1]


def give_way(tx: Tx, paper: SignedTakeOver, *, to: str) -> None:
    """HQ signed that another box took this one's place: fenced until somebody enrols it anew."""
    tx.note("superseded", by=to)
    tx.run("identity_fence")
    tx.run("fence_because", "superseded", tx.moment.trusted_ms, to)
    tx.run("takeover_keep", paper.takeover, paper.signature)
    tx.fenced = True


def keep_papers(tx: Tx, papers: Sequence[SignedTakeOver]) -> None:
    """Keep what HQ signed, to be shown to the boxes that it names."""
    for paper in papers:
        tx.run("takeover_keep", paper.takeover, paper.signature)


def papers_of(tx: Tx) -> tuple[SignedTakeOver, ...]:
    """Everything HQ signed about this store's boxes, as far as this one was told."""
    return tuple(
        SignedTakeOver(takeover=blob(row[0]), signature=blob(row[1])) for row in tx.all("takeovers")
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOver:
    """Events of one incarnation before, in seq order, that HQ has not acknowledged."""

    incarnation: bytes
    events: tuple[Event, ...]


def left_over(tx: Tx, limit: int) -> LeftOver | None:
    """The oldest incarnation's events that HQ does not have, at most `limit`; None when all is."""
    rows = tx.all("outbox_before_unsent", limit)
    if not rows:
        return None
    return LeftOver(incarnation=blob(rows[0][0]), events=tuple(event_of(row[1:]) for row in rows))


def event_of(row: Sequence[object]) -> Event:
    """An event as a row of the outbox, or of one of before, keeps it."""
    return Event(
        seq=integer(row[0]),
        hlc=integer(row[1]),
        trusted_ms=integer(row[2]),
        kind=text(row[3]),
        schema=integer(row[4]),
        units=unpack(tuple[Unit, ...], blob(row[5])),
        body=blob(row[6]),
        audit_seq=integer(row[7]),
        audit_hash=blob(row[8]),
    )
