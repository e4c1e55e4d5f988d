"""Reading: what catalog and ledger hold about a code and its order, inside the deciding unit."""

from dataclasses import dataclass
from typing import Literal, cast

from edge.domain.facts import (
    Claim,
    Code,
    CodeState,
    CredentialKind,
    Gone,
    Handed,
    Lane,
    Line,
    Order,
    Standing,
    Storage,
    UnitKey,
)
from edge.store.row import blob, integer, maybe_blob, text
from edge.store.tx import Tx
from sync.wire.token import TokenLine


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCode:
    """A code that we hold: its worth, its PIN verifier if it has one, its order if that is here.

    order: None when the catalog has the code without its order.
    """

    code: Code
    pin: bytes | None
    order: Order | None


# What STRICT columns hold, in the order of the statements; said once a row, not once a value.
_CodeColumns = tuple[bytes, CredentialKind, int, int, int, CodeState, bytes | None]
_OrderColumns = tuple[
    bytes, str, int, bytes, int, str, int, int, str, int, Lane, int, int, bytes | None, int
]
_LineColumns = tuple[int, str, int, int | None, str | None, str | None, Storage | None, int | None]


_NOTHING: frozenset[UnitKey] = frozenset()


def codes_by_lookup(tx: Tx, lookup: bytes) -> list[FoundCode]:
    """Codes under a look-up, the longest-lived first (a platform's daily number returns)."""
    found: list[FoundCode] = []
    for row in tx.all("code_by_lookup", lookup):
        order_id, kind, grade, epoch, not_after_ms, state, pin = cast("_CodeColumns", row[:7])
        code = Code(kind=kind, grade=grade, epoch=epoch, not_after_ms=not_after_ms, state=state)
        order = None if row[7] is None else _order(tx, (order_id, *row[7:]))
        found.append(FoundCode(code=code, pin=pin, order=order))
    return found


def order_by_id(tx: Tx, order_id: bytes) -> Order | None:
    """The synced order, or None when the catalog has no row of it."""
    row = tx.one("order_by_id", order_id)
    return None if row is None else _order(tx, row)


def _order(tx: Tx, row: tuple[object, ...]) -> Order:
    (
        order_id,
        order_no,
        home_store,
        holder,
        epoch,
        state,
        not_after_ms,
        ready,
        place,
        bags,
        lane,
        value_minor,
        min_grade,
        sealed,
        away,
    ) = cast("_OrderColumns", row)
    return Order(
        order_id=order_id,
        order_no=order_no,
        home_store=home_store,
        holder=holder,
        epoch=epoch,
        cancelled=state == "cancelled",
        not_after_ms=not_after_ms,
        ready=ready == 1,
        place=place,
        bags=bags,
        lane=lane,
        value_minor=value_minor,
        min_grade=min_grade,
        lines=_lines(tx, "lines_of_order", order_id),
        sealed=sealed,
        away=away_of(tx, order_id) if away else _NOTHING,
    )


def away_of(tx: Tx, order_id: bytes) -> frozenset[UnitKey]:
    """The units of an order that its row says are not ours."""
    return frozenset(cast("list[UnitKey]", tx.all("away_of_order", order_id)))


def phone_tail(tx: Tx, order_id: bytes) -> bytes | None:
    """The keyed hash of the phone's last four digits, if the order has one."""
    row = tx.one("phone_tail_of_order", order_id)
    return None if row is None else maybe_blob(row[0])


def _lines(tx: Tx, name: str, order_id: bytes) -> tuple[Line, ...]:
    return tuple(
        Line(
            line=line,
            sku=sku,
            quantity=quantity,
            bundle_of=bundle_of,
            name_zh=name_zh or sku,
            name_en=name_en or sku,
            storage=storage or "ambient",
            min_grade=min_grade or 1,
        )
        for line, sku, quantity, bundle_of, name_zh, name_en, storage, min_grade in cast(
            "list[_LineColumns]", tx.all(name, order_id)
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOrder:
    """An order known from a signed token and its lines alone."""

    order_id: bytes
    lookup: bytes
    epoch: int
    not_after_ms: int
    grade: int


def token_order(tx: Tx, lookup: bytes) -> TokenOrder | None:
    """What an earlier PL told of this code."""
    row = tx.one("token_order_by_lookup", lookup)
    if row is None:
        return None
    return TokenOrder(
        order_id=blob(row[0]),
        lookup=lookup,
        epoch=integer(row[1]),
        not_after_ms=integer(row[2]),
        grade=integer(row[3]),
    )


def keep_token_order(tx: Tx, known: TokenOrder, lines: tuple[TokenLine, ...]) -> None:
    """Keep a token's lines for the rest of the order; what was kept first stays."""
    tx.run(
        "token_order_keep",
        known.order_id,
        known.lookup,
        known.epoch,
        known.not_after_ms,
        known.grade,
    )
    for line in lines:
        tx.run("token_line_keep", known.order_id, line.line, line.sku, line.quantity)


def order_of_token(tx: Tx, known: TokenOrder, *, store: int, incarnation: bytes) -> Order:
    """The order as a signed token tells it: no place, no name, one bag until somebody looks."""
    return Order(
        order_id=known.order_id,
        order_no=known.order_id.hex().upper()[-8:],
        home_store=store,
        holder=incarnation,
        epoch=known.epoch,
        cancelled=False,
        not_after_ms=known.not_after_ms,
        ready=True,
        place="",
        bags=1,
        lane="normal",
        value_minor=0,
        min_grade=1,
        lines=_lines(tx, "lines_of_token", known.order_id),
    )


_StandingColumns = tuple[str, int, int, int, str, int | str | None]


def standing(tx: Tx, order_id: bytes) -> Standing:
    """What the ledger holds about an order's units and who serves it."""
    handed: dict[UnitKey, Handed] = {}
    gone: dict[UnitKey, Gone] = {}
    claim = None
    for what, line, unit, number, word, more in cast(
        "list[_StandingColumns]", tx.all("standing", order_id)
    ):
        if what == "handed":
            at_ms = integer(more)
            handed[line, unit] = Handed(handover=number, station=word, at_ms=at_ms)
        elif what == "gone":
            reason = cast("Literal['released', 'lapsed']", word)
            gone[line, unit] = Gone(reason=reason, destination=text(more), epoch=number)
        else:
            claim = Claim(station=word, until_ms=number)
    return Standing(handed=handed, gone=gone, claim=claim)


def token_order_by_id(tx: Tx, order_id: bytes) -> TokenOrder | None:
    """What an earlier PL told, by order."""
    row = tx.one("token_order_by_id", order_id)
    if row is None:
        return None
    return TokenOrder(
        order_id=order_id,
        lookup=blob(row[0]),
        epoch=integer(row[1]),
        not_after_ms=integer(row[2]),
        grade=integer(row[3]),
    )
