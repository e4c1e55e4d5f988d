"""Transfers and purchases: HQ's row, and what was done with it here, once each."""

from dataclasses import dataclass
from typing import Literal, cast

from edge.store.row import blob, integer, maybe_integer, maybe_text, text
from edge.store.stock import Movement, level, move
from edge.store.tx import Tx
from sync.rules.order_life import DocumentState, document_state
from sync.wire.codec import pack, unpack
from sync.wire.picking_events import DocumentMoved

Act = Literal["dispatched", "received"]
MAX_LISTED = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Goods of a document left, or arrived, here. counts: pieces by line, as they were counted."""

    at_ms: int
    operator: str | None
    counts: dict[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A transfer or a purchase. lines: (line, SKU, pieces). state: as far as this box knows."""

    document: str
    kind: Literal["transfer", "purchase"]
    from_store: int | None
    to_store: int
    supplier: str
    order_no: str | None
    state: DocumentState
    created_ms: int
    lines: tuple[tuple[int, str, int], ...]
    dispatched: Done | None
    received: Done | None


def documents(tx: Tx, store: int) -> list[Document]:
    """What goes from or to a store: the open ones first, the newest first."""
    return [_document(tx, row) for row in tx.all("documents", store, MAX_LISTED)]


def document(tx: Tx, name: str) -> Document | None:
    """One document, or None when HQ's row of it is not here."""
    row = tx.one("document", name)
    return None if row is None else _document(tx, row)


def _document(tx: Tx, row: tuple[object, ...]) -> Document:
    name, told = text(row[0]), text(row[6])
    lines = unpack(tuple[tuple[int, str, int], ...], blob(row[8]))
    done = {
        text(act): Done(
            at_ms=integer(at_ms),
            operator=maybe_text(operator),
            counts=dict(unpack(tuple[tuple[int, int], ...], blob(counts))),
        )
        for act, at_ms, operator, counts in tx.all("document_acts", name)
    }
    received = done.get("received")
    state = document_state(
        dispatched="dispatched" in done or told == "dispatched",
        received=received is not None,
        ordered=sum(quantity for _, _, quantity in lines),
        arrived=0 if received is None else sum(received.counts.values()),
    )
    if received is None and told in ("received", "short"):
        state = cast("DocumentState", told)
    return Document(
        document=name,
        kind=cast("Literal['transfer', 'purchase']", text(row[1])),
        from_store=maybe_integer(row[2]),
        to_store=integer(row[3]),
        supplier=text(row[4]),
        order_no=maybe_text(row[5]),
        state=state,
        created_ms=integer(row[7]),
        lines=lines,
        dispatched=done.get("dispatched"),
        received=received,
    )


def record(
    tx: Tx, this: Document, act: Act, counts: dict[int, int], *, station: str, operator: str | None
) -> None:
    """Goods left, or arrived: the books, the stock and HQ hear of it in one commit."""
    now = tx.moment.trusted_ms
    counted = tuple(sorted(counts.items()))
    tx.run("document_act_add", this.document, act, now, station, operator, pack(counted))
    arrival: Literal["transfer_in", "receipt"] = (
        "transfer_in" if this.kind == "transfer" else "receipt"
    )
    for line, sku, _ in this.lines:
        pieces = counts.get(line, 0)
        # An article that nobody counted here has no level to move: the document itself keeps what
        # came, and the first count begins with it.
        if pieces and level(tx, sku) is not None:
            move(
                tx,
                Movement(
                    sku=sku,
                    kind="transfer_out" if act == "dispatched" else arrival,
                    quantity=pieces,
                    document=this.document,
                    station=station,
                    operator=operator,
                ),
            )
    tx.note(f"document_{act}", document=this.document, counts=counted, operator=operator)
    tx.tell(
        "document_moved",
        DocumentMoved(
            document=this.document,
            act=act,
            counts=counted,
            at_ms=now,
            station=station,
            operator=operator,
        ),
    )
