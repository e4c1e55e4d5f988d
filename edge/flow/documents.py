"""Transfers and purchases in a store: shown, printed, scanned where they leave and arrive.

What arrived is a fact and is taken as it was counted, also before HQ has heard that it left. Each
act is done once; asking again tells what was done.
"""

from dataclasses import dataclass
from typing import Literal

from edge.domain.pick_slip import DocumentFacts, DocumentLine
from edge.flow.answers import Refusal, SlipView
from edge.flow.caller import Caller
from edge.flow.give import add_slip, store_time
from edge.flow.operator import OPERATOR_NEEDED, missing_operator
from edge.flow.scan import NOT_ENROLLED
from edge.flow.serve import operator_of
from edge.flow.shop import Shop
from edge.store import documents as books
from edge.store.documents import Act, Document
from edge.store.row import maybe_text, text
from edge.store.tx import Tx
from sync.rules.order_life import DocumentState

MAX_PIECES = 99_999


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveAsk:
    """What was counted, (line, pieces); None: all that the document says."""

    counts: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLineView:
    """A line of a document. dispatched, received: as counted here, None before."""

    line: int
    sku: str
    name_zh: str
    name_en: str
    quantity: int
    dispatched: int | None
    received: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView:
    """A transfer or purchase. may: what this store can do with it now."""

    document: str
    kind: Literal["transfer", "purchase"]
    state: DocumentState
    from_zh: str
    from_en: str
    to_zh: str
    to_en: str
    order_no: str | None
    created_ms: int
    dispatched_ms: int | None
    received_ms: int | None
    may: Literal["dispatch", "receive"] | None
    lines: tuple[DocumentLineView, ...]


NO_DOCUMENT = Refusal(
    status=404,
    code="no_document",
    zh="本地没有这张单据;断线时它可能比本地资料新",
    en="No such document in our data; while HQ is offline it may be newer than they are",
)
NOT_OURS_TO_MOVE = Refusal(
    status=409,
    code="not_our_document",
    zh="这张单据不由本店办理这一步",
    en="This step of the document is another store's",
)
BAD_COUNTS = Refusal(
    status=422,
    code="bad_counts",
    zh="数量不对,每一项填 0 或以上",
    en="Give every line's count, 0 or more",
)


async def listed(shop: Shop, station: str) -> tuple[DocumentView, ...]:
    """Every document that goes from or to this store, the open ones first."""
    shop = shop.at(station)
    store = _store(shop)

    def read(tx: Tx) -> tuple[DocumentView, ...]:
        return tuple(_view(tx, each, store) for each in books.documents(tx, store))

    return await shop.writer.do(read, shop.moment())


async def dispatch(shop: Shop, caller: Caller, name: str, ask: MoveAsk) -> DocumentView | Refusal:
    """The goods of a transfer leave this store."""
    return await _move(shop, caller, name, ask, "dispatched")


async def receive(shop: Shop, caller: Caller, name: str, ask: MoveAsk) -> DocumentView | Refusal:
    """The goods of a document arrive here, as many as were counted."""
    return await _move(shop, caller, name, ask, "received")


async def print_document(shop: Shop, caller: Caller, name: str) -> SlipView | Refusal:
    """Queue the document's paper."""
    shop = shop.at(caller.station, acts=True)

    def act(tx: Tx) -> SlipView | Refusal:
        this = books.document(tx, name)
        if this is None:
            return NO_DOCUMENT
        tx.note("document_printed", document=name, station=caller.station)
        effect = add_slip(
            tx, caller.station, "document", _facts(shop, tx, this), None, order_no=name
        )
        return SlipView(effect=effect, state="queued")

    answer = await shop.writer.do(act, shop.moment())
    shop.wake_effects()
    return answer


async def _move(
    shop: Shop, caller: Caller, name: str, ask: MoveAsk, act: Act
) -> DocumentView | Refusal:
    shop = shop.at(caller.station, acts=True)
    if shop.identity.enrolled is None:
        return NOT_ENROLLED
    store = _store(shop)

    def unit(tx: Tx) -> DocumentView | Refusal:
        operator = operator_of(tx, caller.station)
        if operator is None:
            return OPERATOR_NEEDED
        missing = missing_operator(shop, tx, operator)
        if missing is not None:
            return missing
        this = books.document(tx, name)
        if this is None:
            return NO_DOCUMENT
        done = this.dispatched if act == "dispatched" else this.received
        if done is not None:
            return _view(tx, this, store)
        allowed = "dispatch" if act == "dispatched" else "receive"
        if _may(this, store) != allowed:
            return NOT_OURS_TO_MOVE
        counts = {line: quantity for line, _, quantity in this.lines}
        if ask.counts is not None:
            if {line for line, _ in ask.counts} != counts.keys() or any(
                not 0 <= pieces <= MAX_PIECES for _, pieces in ask.counts
            ):
                return BAD_COUNTS
            counts = dict(ask.counts)
        books.record(tx, this, act, counts, station=caller.station, operator=operator)
        shop.count(f"document_{act}")
        after = books.document(tx, name)
        assert after is not None
        return _view(tx, after, store)

    answer = await shop.writer.do(unit, shop.moment())
    if isinstance(answer, DocumentView):
        moved = {line.sku for line in answer.lines}
        shop.stock_stale |= shop.stock_managed & moved
        shop.screens.publish(None, "documents", {"document": name})
        shop.wake_sync()
    return answer


def _store(shop: Shop) -> int:
    return 0 if shop.identity.enrolled is None else shop.identity.enrolled.certificate.store


def _may(this: Document, store: int) -> Literal["dispatch", "receive"] | None:
    if this.from_store == store and this.dispatched is None and this.state == "draft":
        return "dispatch"
    if this.to_store == store and this.received is None and this.state in ("draft", "dispatched"):
        return "receive"
    return None


def _side(tx: Tx, number: int | None, supplier: str) -> tuple[str, str]:
    if number is None:
        return supplier, supplier
    row = tx.one("store_name", number)
    if row is None:
        return str(number), str(number)
    return f"{number} {text(row[1])}", f"{number} {text(row[2])}"


def _names(tx: Tx, sku: str) -> tuple[str, str]:
    row = tx.one("product", sku)
    if row is None:
        return sku, sku
    return maybe_text(row[2]) or sku, maybe_text(row[3]) or sku


def _view(tx: Tx, this: Document, store: int) -> DocumentView:
    from_zh, from_en = _side(tx, this.from_store, this.supplier)
    to_zh, to_en = _side(tx, this.to_store, "")
    out, came = this.dispatched, this.received
    lines: list[DocumentLineView] = []
    for line, sku, quantity in this.lines:
        name_zh, name_en = _names(tx, sku)
        lines.append(
            DocumentLineView(
                line=line,
                sku=sku,
                name_zh=name_zh,
                name_en=name_en,
                quantity=quantity,
                dispatched=None if out is None else out.counts.get(line, 0),
                received=None if came is None else came.counts.get(line, 0),
            )
        )
    return DocumentView(
        document=this.document,
        kind=this.kind,
        state=this.state,
        from_zh=from_zh,
        from_en=from_en,
        to_zh=to_zh,
        to_en=to_en,
        order_no=this.order_no,
        created_ms=this.created_ms,
        dispatched_ms=None if out is None else out.at_ms,
        received_ms=None if came is None else came.at_ms,
        may=_may(this, store),
        lines=tuple(lines),
    )


def _facts(shop: Shop, tx: Tx, this: Document) -> DocumentFacts:
    view = _view(tx, this, _store(shop))
    return DocumentFacts(
        store_name=shop.settings.store_name,
        document=view.document,
        kind=view.kind,
        from_text=view.from_zh,
        to_text=view.to_zh,
        state=view.state,
        at_text=store_time(shop, tx.moment.trusted_ms),
        lines=tuple(
            DocumentLine(
                sku=line.sku,
                name_zh=line.name_zh,
                name_en=line.name_en,
                quantity=line.quantity,
                counted=line.dispatched if line.received is None else line.received,
            )
            for line in view.lines
        ),
        order_no=view.order_no,
    )
