"""From facts to what a station sees: words, order, basis."""

from dataclasses import replace
from functools import cache
from typing import Literal

from edge.domain.facts import Order, Standing
from edge.domain.mask import mask_name
from edge.domain.pickup import is_gone
from edge.flow.answers import Basis, LineView, Next, OrderView, Said, ScanAnswer, SlipView
from edge.flow.shop import Shop
from edge.store.row import maybe_blob
from edge.store.tx import Tx
from sync.rules.verdicts import Verdict, next_step, reason
from sync.wire.codec import from_json
from sync.wire.errors import RemoteWireError
from sync.wire.sealing import unseal

Source = Literal["replica", "token", "hub"]
UnitState = Literal["open", "handed", "gone", "recalled"]


@cache
def said(code: str) -> Said:
    """A reason in both languages."""
    words = reason(code)
    return Said(code=words.code, zh=words.zh, en=words.en)


@cache
def next_of(code: str) -> Next:
    """What follows from a reason."""
    step = next_step(code)
    return Next(code=step.words.code, zh=step.words.zh, en=step.words.en, who=step.who)


def basis(shop: Shop, tx: Tx, source: Source) -> Basis:
    """What an answer rests on, and how old that is."""
    return Basis(source=source, age_s=shop.time.heard_ago_s(), clock=tx.moment.clock)


def pickup_answer(
    shop: Shop,
    tx: Tx,
    *,
    station: str,
    verdict: Verdict,
    why: str,
    source: Source = "replica",
    order: OrderView | None = None,
    state: Literal["handed", "claimed"] | None = None,
    handover: int | None = None,
    undo_s: int | None = None,
    case: int | None = None,
    slip: SlipView | None = None,
) -> ScanAnswer:
    """The frame of an answer to a pickup code; callers `replace` what else they know."""
    why = _without_line(shop, why)
    return ScanAnswer(
        id="",
        kind="pickup",
        verdict=verdict,
        reason=said(why),
        next_step=next_of(why),
        basis=basis(shop, tx, source),
        station=station,
        at_ms=tx.moment.trusted_ms,
        order=order,
        state=state,
        handover=handover,
        undo_s=undo_s,
        case=case,
        slip=slip,
        training=shop.training,
    )


def _without_line(shop: Shop, why: str) -> str:
    """A code that is not in our data may be newer than they are while HQ cannot be asked.

    The audit keeps what was decided (`no_such_code`); this is what to do about it.
    """
    if why == "no_such_code" and shop.link.state != "online":
        return "no_such_code_offline"
    return why


def order_view(order: Order, standing: Standing) -> OrderView:
    """An order without its customer's name; main items first, each followed by its bundle."""

    def state(line: int, unit: int) -> UnitState:
        if (line, unit) in standing.handed:
            return "handed"
        if (line, unit) in standing.held_back:
            return "recalled"
        if (line, unit) in order.away:
            return "gone"
        return "gone" if is_gone(standing.gone.get((line, unit)), order.epoch) else "open"

    ordered = sorted(
        order.lines, key=lambda line: (line.bundle_of or line.line, line.bundle_of is not None)
    )
    return OrderView(
        id=order.order_id.hex(),
        no=order.order_no,
        name=None,
        name_locked=False,
        lane=order.lane,
        ready=order.ready,
        place=order.place,
        bags=order.bags,
        lines=tuple(
            LineView(
                line=line.line,
                sku=line.sku,
                name_zh=line.name_zh,
                name_en=line.name_en,
                storage=line.storage,
                quantity=line.quantity,
                bundle_of=line.bundle_of,
                units=tuple(state(line.line, unit) for unit in range(1, line.quantity + 1)),
            )
            for line in ordered
        ),
    )


def named(shop: Shop, tx: Tx, view: OrderView) -> OrderView:
    """The view with the masked name, or with the news that the name is locked."""
    row = tx.one("sealed_of_order", bytes.fromhex(view.id))
    sealed = None if row is None else maybe_blob(row[0])
    if sealed is None:
        return view
    person = unsealed(shop, bytes.fromhex(view.id), sealed)
    if person is None:
        return replace(view, name_locked=True)
    return replace(view, name=mask_name(person.get("name", "")) or None)


def unsealed(shop: Shop, order_id: bytes, sealed: bytes) -> dict[str, str] | None:
    """{name, phone} of an order, or None while the key is not here (or not this row's)."""
    if shop.personal_key is None:
        return None
    try:
        return from_json(dict[str, str], unseal(shop.personal_key, sealed, bound_to=order_id))
    except (ValueError, RemoteWireError):
        return None
