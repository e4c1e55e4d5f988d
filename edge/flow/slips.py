"""Slips: from a spooled body to a document, what was printed lately, and reprints marked 副本."""

from dataclasses import dataclass, replace
from typing import Literal

from drivers.ports.document import Document
from edge.domain.mask import mask_name
from edge.domain.pick_slip import (
    BagLabelFacts,
    DocumentFacts,
    PickSlipFacts,
    bag_label,
    document_paper,
    pick_slip,
)
from edge.domain.reconcile_slip import ReconcileFacts, reconcile_slip
from edge.domain.slip import (
    MARK_COPY,
    MARK_TRAINING,
    MARK_VOID,
    NAME_LOCKED,
    EmergencyRow,
    SlipFacts,
    emergency_list,
    pickup_slip,
    void_slip,
)
from edge.flow.answers import Refusal, SlipView
from edge.flow.caller import Caller
from edge.flow.give import add_effect
from edge.flow.practice import PracticeKit
from edge.flow.shop import Shop
from edge.flow.view import unsealed
from edge.store.effects import Effect, EffectState, effect, recent_slips
from edge.store.row import maybe_blob
from edge.store.tx import Tx
from sync.wire.codec import from_json
from sync.wire.errors import RemoteWireError


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which builder a spooled slip wants, and whose order it is (hex id)."""

    layout: Literal[
        "pickup", "void", "emergency", "practice", "pick", "bag", "document", "reconcile"
    ]
    order: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverBody:
    """A pickup or void slip as it is spooled: without the customer's name."""

    facts: SlipFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyFacts:
    """The emergency list as it is spooled; rows name orders, names are filled in at the printer."""

    store_name: str
    at_text: str
    rows: tuple[EmergencyRow, ...]
    orders: tuple[str, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyBody:
    """A spooled emergency list."""

    facts: EmergencyFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeFacts:
    """The practice sheet as it is spooled: its codes are filled in at the printer."""

    store_name: str
    at_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PracticeBody:
    """A spooled practice sheet."""

    facts: PracticeFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class PickBody:
    """A spooled pick slip: without the customer's name."""

    facts: PickSlipFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class BagBody:
    """A spooled bag label: without the customer's name."""

    facts: BagLabelFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentBody:
    """A spooled transfer or purchase."""

    facts: DocumentFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipEntry:
    """A slip on the screen's list."""

    effect: int
    layout: str
    order_no: str | None
    state: EffectState
    trouble: str | None
    printer: str | None
    copy: int
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileBody:
    """A spooled report of a daily reconciliation."""

    facts: ReconcileFacts


NO_SLIP = Refusal(status=404, code="no_slip", zh="没有这张小票", en="No such slip")


def entry(row: Effect) -> SlipEntry:
    """What a list shows of a spooled slip."""
    return SlipEntry(
        effect=row.effect,
        layout=_layout_name(row),
        order_no=row.order_no,
        state=row.state,
        trouble=row.trouble,
        printer=row.printer,
        copy=row.copy,
        at_ms=row.created_ms,
    )


def _layout_name(row: Effect) -> str:
    """A list names even a slip that cannot be read any more."""
    try:
        return from_json(Layout, row.body).layout
    except RemoteWireError:
        return "unreadable"


async def recent(shop: Shop, station: str) -> tuple[SlipEntry, ...]:
    """A station's last slips, newest first."""
    shop = shop.at(station)

    def read(tx: Tx) -> tuple[SlipEntry, ...]:
        return tuple(entry(row) for row in recent_slips(tx, station, 20))

    return await shop.writer.do(read, shop.moment())


async def reprint(shop: Shop, caller: Caller, number: int) -> SlipView | Refusal:
    """Print a slip again, marked as a copy; the first one keeps its state."""
    shop = shop.holding(number)

    def act(tx: Tx) -> SlipView | Refusal:
        row = effect(tx, number)
        if row is None or row.kind != "slip":
            return NO_SLIP
        tx.note("reprinted", effect=number, order=row.order_no, station=caller.station)
        copy = copy_of(tx, row, caller.station)
        return SlipView(effect=copy, state="queued")

    answer = await shop.writer.do(act, shop.moment())
    shop.wake_effects()
    return answer


def copy_of(tx: Tx, row: Effect, station: str) -> int:
    """Queue a COPY of a slip; answers its effect."""
    return add_effect(
        tx,
        "slip",
        station,
        row.body,
        handover=row.handover,
        order_no=row.order_no,
        of_effect=row.of_effect or row.effect,
        copy=row.copy + 1,
    )


async def preview(shop: Shop, number: int) -> bytes | None:
    """The slip as a PNG, the same pixels that the paper gets."""
    shop = shop.holding(number)
    row = await shop.writer.do(lambda tx: effect(tx, number), shop.moment())
    if row is None or row.kind != "slip":
        return None
    return shop.draw(await document(shop, row))


async def document(shop: Shop, row: Effect) -> Document:
    """The document of a spooled slip, with the masked name if its key is here."""
    layout = from_json(Layout, row.body)
    marks: tuple[str, ...] = (MARK_COPY,) if row.copy else ()
    if shop.training:
        marks += (MARK_TRAINING,)
    match layout.layout:
        case "pickup":
            return pickup_slip(await _with_name(shop, layout, row), marks=marks)
        case "void":
            facts = await _with_name(shop, layout, row)
            return void_slip(facts, marks=(MARK_VOID, *marks))
        case "emergency":
            facts_of = from_json(EmergencyBody, row.body).facts
            rows = [
                replace(line, name_masked=await _name_or_lock(shop, bytes.fromhex(order)))
                for line, order in zip(facts_of.rows, facts_of.orders, strict=True)
            ]
            return emergency_list(
                tuple(rows),
                store_name=facts_of.store_name,
                at_text=facts_of.at_text,
                left_out=facts_of.left_out,
                marks=marks,
            )
        case "practice":
            sheet = from_json(PracticeBody, row.body).facts
            return PracticeKit(shop.mac_key).sheet(
                store_name=sheet.store_name, at_text=sheet.at_text
            )
        case "reconcile":
            return reconcile_slip(from_json(ReconcileBody, row.body).facts, marks=marks)
        case "pick" | "bag" | "document":
            return await _picking_paper(shop, layout, row, marks)


async def _picking_paper(
    shop: Shop, layout: Layout, row: Effect, marks: tuple[str, ...]
) -> Document:
    name = None if layout.order is None else await _name(shop, bytes.fromhex(layout.order))
    if layout.layout == "pick":
        slip = from_json(PickBody, row.body).facts
        return pick_slip(replace(slip, name_masked=name), marks=marks)
    if layout.layout == "bag":
        label = from_json(BagBody, row.body).facts
        return bag_label(replace(label, name_masked=name), marks=marks)
    return document_paper(from_json(DocumentBody, row.body).facts, marks=marks)


async def _with_name(shop: Shop, layout: Layout, row: Effect) -> SlipFacts:
    facts = from_json(HandoverBody, row.body).facts
    if layout.order is None:
        return facts
    return replace(facts, name_masked=await _name(shop, bytes.fromhex(layout.order)))


async def _name_or_lock(shop: Shop, order_id: bytes) -> str | None:
    """The masked name; while the key of names is not here, a word that says so."""
    name = await _name(shop, order_id)
    return NAME_LOCKED if name is None and shop.personal_key is None else name


async def _name(shop: Shop, order_id: bytes) -> str | None:
    def read(tx: Tx) -> bytes | None:
        row = tx.one("sealed_of_order", order_id)
        return None if row is None else maybe_blob(row[0])

    sealed = await shop.writer.do(read, shop.moment())
    person = None if sealed is None else unsealed(shop, order_id, sealed)
    return None if person is None else mask_name(person.get("name", "")) or None
