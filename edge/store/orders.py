"""Reading: what catalog and ledger hold about a code and its order, inside the deciding unit."""

from dataclasses import dataclass
from typing import Literal, cast

from edge.domain.facts import (
    Claim,
    Code,
    CredentialKind,
    Gone,
    Handed,
    Line,
    Order,
    Standing,
    Storage,
)
from edge.store.row import blob, integer, maybe_blob, maybe_integer, maybe_text, text
from edge.store.tx import Tx
from sync.wire.token import TokenLine


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCode:
    """A row of the code table: whose it is, its worth, and the PIN verifier if it has one."""

    order_id: bytes
    code: Code
    pin: bytes | None


def codes_by_lookup(tx: Tx, lookup: bytes) -> list[FoundCode]:
    """Codes under a look-up, the longest-lived first (a platform's daily number returns)."""
    return [
        FoundCode(
            order_id=blob(order_id),
            code=Code(
                kind=cast("CredentialKind", text(kind)),
                grade=integer(grade),
                epoch=integer(epoch),
                not_after_ms=integer(not_after),
                state=cast("Literal['live', 'reissued', 'revoked']", text(state)),
            ),
            pin=maybe_blob(pin),
        )
        for order_id, kind, grade, epoch, not_after, state, pin in tx.all("code_by_lookup", lookup)
    ]


def order_by_id(tx: Tx, order_id: bytes) -> Order | None:
    """The synced order, or None when the catalog has no row of it."""
    row = tx.one("order_by_id", order_id)
    if row is None:
        return None
    return Order(
        order_id=order_id,
        order_no=text(row[1]),
        home_store=integer(row[2]),
        holder=blob(row[3]),
        epoch=integer(row[4]),
        cancelled=row[5] == "cancelled",
        not_after_ms=integer(row[6]),
        ready=bool(row[7]),
        place=text(row[8]),
        bags=integer(row[9]),
        lane=cast("Literal['normal', 'priority']", text(row[10])),
        value_minor=integer(row[11]),
        min_grade=integer(row[12]),
        lines=_lines(tx, "lines_of_order", order_id),
        sealed=maybe_blob(row[13]),
    )


def phone_tail(tx: Tx, order_id: bytes) -> bytes | None:
    """The keyed hash of the phone's last four digits, if the order has one."""
    row = tx.one("order_by_id", order_id)
    return None if row is None else maybe_blob(row[14])


def _lines(tx: Tx, name: str, order_id: bytes) -> tuple[Line, ...]:
    return tuple(
        Line(
            line=integer(line),
            sku=text(sku),
            quantity=integer(quantity),
            bundle_of=maybe_integer(bundle_of),
            name_zh=maybe_text(name_zh) or text(sku),
            name_en=maybe_text(name_en) or text(sku),
            storage=cast("Storage", maybe_text(storage) or "ambient"),
            min_grade=maybe_integer(min_grade) or 1,
        )
        for line, sku, quantity, bundle_of, name_zh, name_en, storage, min_grade in tx.all(
            name, order_id
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


def standing(tx: Tx, order_id: bytes) -> Standing:
    """What the ledger holds about an order's units and who serves it."""
    claim = tx.one("claim_of_order", order_id)
    return Standing(
        handed={
            (integer(line), integer(unit)): Handed(
                handover=integer(handover), station=text(station), at_ms=integer(at_ms)
            )
            for line, unit, handover, station, at_ms in tx.all("handed_units", order_id)
        },
        gone={
            (integer(line), integer(unit)): Gone(
                reason=cast("Literal['released', 'lapsed']", text(reason)),
                destination=text(destination),
                epoch=integer(epoch),
            )
            for line, unit, reason, destination, epoch in tx.all("gone_units", order_id)
        },
        claim=None if claim is None else Claim(station=text(claim[0]), until_ms=integer(claim[1])),
    )


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
