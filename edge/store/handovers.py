"""Writing: hand-overs and their undoing, claims, locks and cases, with audit row and event."""

from dataclasses import dataclass
from typing import Literal, cast

from edge.domain.facts import CredentialKind, Order, UnitKey
from edge.store.row import blob, integer, maybe_integer, maybe_text, text
from edge.store.tx import Tx
from sync.wire.events import CaseClosed, CaseOpened, CodeLocked, CodeReleased, Handed, Undone

MAX_TRIES = 3
Basis = Literal["replica", "token", "hub"]
LockedCredential = Literal["pin", "signature", "rotating"]
"""What three tries can lock, each alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """Who gives what on which ground. boot_ms and run bound the undo window to this process."""

    order: Order
    units: tuple[UnitKey, ...]
    station: str
    operator: str | None
    credential: CredentialKind
    basis: Basis
    run: str
    at_ms: int
    recorded_later: bool = False


def hand_over(tx: Tx, handing: Handing) -> int:
    """Record units as given; answers the hand-over's number. The unique index has the last word."""
    order = handing.order
    number = tx.run(
        "handover_add",
        order.order_id,
        order.order_no,
        order.epoch,
        handing.station,
        handing.operator,
        handing.at_ms,
        handing.credential,
        handing.basis,
        handing.run,
        tx.moment.boot_ms,
        int(handing.recorded_later),
    )
    for line, unit in handing.units:
        tx.run("redemption_add", order.order_id, line, unit, number)
    tx.note(
        "handed",
        handover=number,
        order=order.order_no,
        units=handing.units,
        station=handing.station,
        operator=handing.operator,
        credential=handing.credential,
    )
    units = tuple((order.order_id, line, unit) for line, unit in handing.units)
    tx.tell(
        "handed",
        Handed(
            handover=number,
            order_id=order.order_id,
            order_no=order.order_no,
            units=units,
            epoch=order.epoch,
            at_ms=handing.at_ms,
            station=handing.station,
            operator=handing.operator,
            basis=handing.basis,
            credential=handing.credential,
            recorded_later=handing.recorded_later,
        ),
        units,
    )
    return number


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """A hand-over as it was recorded."""

    handover: int
    order_id: bytes
    order_no: str
    epoch: int
    station: str
    operator: str | None
    at_ms: int
    run: str
    boot_ms: int
    undone_ms: int | None
    credential: CredentialKind
    basis: Basis


def handover(tx: Tx, number: int) -> Handover | None:
    """The hand-over with this number."""
    row = tx.one("handover", number)
    if row is None:
        return None
    return Handover(
        handover=integer(row[0]),
        order_id=blob(row[1]),
        order_no=text(row[2]),
        epoch=integer(row[3]),
        station=text(row[4]),
        operator=maybe_text(row[5]),
        at_ms=integer(row[6]),
        run=text(row[7]),
        boot_ms=integer(row[8]),
        undone_ms=maybe_integer(row[9]),
        credential=cast("CredentialKind", text(row[10])),
        basis=cast("Basis", text(row[11])),
    )


def units_of(tx: Tx, number: int) -> tuple[UnitKey, ...]:
    """The live units of a hand-over."""
    return tuple((integer(line), integer(unit)) for line, unit in tx.all("redemptions_of", number))


def undo(tx: Tx, done: Handover, *, station: str, operator: str | None, reason: str) -> int:
    """Take a hand-over back; its units are held again. Answers how many units."""
    units = units_of(tx, done.handover)
    assert tx.changed("handover_undo", tx.moment.trusted_ms, done.handover) == 1
    tx.run("redemptions_end", done.handover)
    tx.note("undone", handover=done.handover, order=done.order_no, station=station, why=reason)
    named = tuple((done.order_id, line, unit) for line, unit in units)
    tx.tell(
        "undone",
        Undone(
            handover=done.handover,
            order_id=done.order_id,
            units=named,
            at_ms=tx.moment.trusted_ms,
            station=station,
            operator=operator,
            reason=reason,
        ),
        named,
    )
    return len(units)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveClaim:
    """A claim in full."""

    station: str
    operator: str | None
    credential: CredentialKind
    basis: Basis
    until_ms: int


def claim(tx: Tx, order_id: bytes) -> LiveClaim | None:
    """The claim on an order, over or not."""
    row = tx.one("claim_full", order_id)
    if row is None:
        return None
    return LiveClaim(
        station=text(row[0]),
        operator=maybe_text(row[1]),
        credential=cast("CredentialKind", text(row[2])),
        basis=cast("Basis", text(row[3])),
        until_ms=integer(row[4]),
    )


def take_claim(tx: Tx, order: Order, taken: LiveClaim) -> None:
    """Serve an order from a station until the claim ends."""
    tx.run(
        "claim_take",
        order.order_id,
        taken.station,
        taken.operator,
        taken.credential,
        taken.basis,
        tx.moment.trusted_ms,
        taken.until_ms,
    )
    tx.note("claimed", order=order.order_no, station=taken.station, operator=taken.operator)


def end_claim(tx: Tx, order_id: bytes) -> None:
    """Nobody serves the order any more."""
    tx.run("claim_end", order_id)


def open_case(
    tx: Tx,
    reason: str,
    *,
    order: Order | None = None,
    station: str | None = None,
    operator: str | None = None,
    lookup: bytes | None = None,
    credential: str | None = None,
    tries: int | None = None,
) -> int:
    """Ask a person to decide; answers the case's number."""
    case = tx.run(
        "review_open",
        reason,
        None if order is None else order.order_id,
        None if order is None else order.order_no,
        lookup,
        credential,
        tries,
        station,
        tx.moment.trusted_ms,
        operator,
    )
    tx.note("case_opened", case=case, reason=reason, station=station)
    tx.tell(
        "case_opened",
        CaseOpened(
            case=case,
            reason=reason,
            order_id=None if order is None else order.order_id,
            at_ms=tx.moment.trusted_ms,
            station=station,
        ),
    )
    return case


def close_case(tx: Tx, case: int, *, outcome: str, staff_id: str, note: str) -> bool:
    """Record a person's decision; False when it was closed already."""
    if tx.changed("review_close", tx.moment.trusted_ms, staff_id, outcome, note, case) == 0:
        return False
    tx.note("case_closed", case=case, outcome=outcome, operator=staff_id)
    tx.tell(
        "case_closed",
        CaseClosed(
            case=case, outcome=outcome, at_ms=tx.moment.trusted_ms, operator=staff_id, note=note
        ),
    )
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """Tries counted against a code for one kind of credential."""

    tries: int
    locked: bool
    case: int | None


def lock_of(tx: Tx, lookup: bytes, credential: LockedCredential) -> Lock:
    """How often this credential was wrong."""
    row = tx.one("lockout", lookup, credential)
    if row is None:
        return Lock(tries=0, locked=False, case=None)
    return Lock(tries=integer(row[0]), locked=bool(row[1]), case=maybe_integer(row[2]))


def count_try(
    tx: Tx,
    lookup: bytes,
    credential: LockedCredential,
    *,
    order: Order | None,
    station: str,
    operator: str | None,
) -> Lock:
    """A wrong try on an id that we hold; the third locks that credential of it, with a case."""
    row = tx.one("lockout_count", lookup, credential)
    assert row is not None
    tries = integer(row[0])
    tx.note("wrong_credential", credential=credential, tries=tries, station=station)
    if tries < MAX_TRIES:
        return Lock(tries=tries, locked=False, case=None)
    case = open_case(
        tx,
        "three_tries",
        order=order,
        station=station,
        operator=operator,
        lookup=lookup,
        credential=credential,
        tries=tries,
    )
    tx.run("lockout_lock", case, lookup, credential)
    tx.tell(
        "code_locked",
        CodeLocked(lookup=lookup, credential=credential, at_ms=tx.moment.trusted_ms, case=case),
    )
    return Lock(tries=tries, locked=True, case=case)


def release_lock(tx: Tx, case: int, *, staff_id: str) -> bool:
    """Let a locked code be tried again; False when the case holds no lock."""
    row = tx.one("lockout_of_review", case)
    if row is None:
        return False
    tx.run("lockout_release", case)
    credential = cast("LockedCredential", text(row[1]))
    tx.note("code_released", case=case, operator=staff_id)
    tx.tell(
        "code_released",
        CodeReleased(
            lookup=blob(row[0]),
            credential=credential,
            at_ms=tx.moment.trusted_ms,
            operator=staff_id,
        ),
    )
    return True
