"""The picking list as a station sees it: queue, timers, lines, and what lies in which bin."""

from dataclasses import dataclass, replace
from typing import Literal

from edge.domain.facts import Order, Standing
from edge.domain.mask import mask_name
from edge.domain.picking import Pick, Short, count
from edge.domain.pickup import is_gone
from edge.flow.answers import Said
from edge.flow.shop import Shop
from edge.flow.view import unsealed
from edge.store import picks
from edge.store.orders import order_by_id, standing
from edge.store.tx import Tx
from sync.rules.order_life import (
    ALARM_MS,
    REFUND,
    WARN_MS,
    Life,
    Timer,
    life,
    price_text,
    substitute_price,
    timer,
)

MAX_WAITING = 80
_MAX_COUNTED = 2_000
MAX_READY = 60
_CHOICES = {
    "substitute": ("缺货换同类,取低价", "Replace it, at the lower price"),
    "refund_line": ("缺货退这一项", "Refund what is missing"),
    "wait": ("缺货等到货", "Wait until it is there"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SubstituteView:
    """What goes instead of units of a line; unit_minor: the price that is charged a piece."""

    sku: str
    name_zh: str
    name_en: str
    quantity: int
    unit_minor: int
    price: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PickLineView:
    """A line to be picked. open: units still to be given; found + replaced of them are there.

    refunded: units given up because they were not there. waits: the rest is waited for. price: a
    piece, to be read by a person; empty where HQ did not say.
    """

    line: int
    sku: str
    name_zh: str
    name_en: str
    storage: Literal["ambient", "chilled", "frozen"]
    quantity: int
    open: int
    found: int
    replaced: int
    refunded: int
    handed: int
    waits: bool
    unit_minor: int
    price: str
    bundle_of: int | None
    substitutes: tuple[SubstituteView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PickView:
    """An order in picking. queue: 1 is next, None when it is ready. waited_s: since it was placed.

    waited_s and timer: by trusted time; None and `unknown` where that cannot tell.
    """

    order: str
    order_no: str
    name: str | None
    lane: Literal["normal", "priority"]
    life: Life
    queue: int | None
    timer: Timer
    placed_ms: int | None
    waited_s: int | None
    on_short: Said
    started_by: str | None
    ready_ms: int | None
    place: str
    bags: int
    complete: bool
    waits: bool
    lines: tuple[PickLineView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PickList:
    """What is to be picked, the next one first, and what lies ready; warn and alarm in seconds.

    left_out: how many more wait behind those that are told.
    """

    now_ms: int
    clock: Literal["synced", "holdover", "unsure"]
    warn_s: int
    alarm_s: int
    waiting: tuple[PickView, ...]
    ready: tuple[PickView, ...]
    left_out: int = 0


async def pick_list(shop: Shop, station: str) -> PickList:
    """The list of this shop, as of now."""
    shop = shop.at(station)
    enrolled = shop.identity.enrolled
    store = 0 if enrolled is None else enrolled.certificate.store

    def read(tx: Tx) -> PickList:
        todo = picks.waiting_orders(tx, store, _MAX_COUNTED)
        waiting = tuple(
            replace(view, queue=place)
            for place, order_id in enumerate(todo[:MAX_WAITING], start=1)
            if (view := view_of(shop, tx, order_id)) is not None
            and any(line.open for line in view.lines)  # what went elsewhere is not picked here
        )
        seen = [
            view_of(shop, tx, order_id) for order_id in picks.ready_orders(tx, store, MAX_READY)
        ]
        done = tuple(view for view in seen if view is not None)
        return PickList(
            now_ms=tx.moment.trusted_ms,
            clock=tx.moment.clock,
            warn_s=WARN_MS // 1000,
            alarm_s=ALARM_MS // 1000,
            waiting=waiting,
            ready=done,
            left_out=max(0, len(todo) - MAX_WAITING),
        )

    return await shop.writer.do(read, shop.moment())


def view_of(shop: Shop, tx: Tx, order_id: bytes) -> PickView | None:
    """One order, or None when HQ's row of it is not here."""
    order = order_by_id(tx, order_id)
    if order is None:
        return None
    return pick_view(shop, tx, order)


def pick_view(shop: Shop, tx: Tx, order: Order) -> PickView:
    """An order as the picker sees it, read in the deciding unit."""
    now, pick = standing(tx, order.order_id), picks.pick_of(tx, order.order_id)
    lines = tuple(_line(order, now, pick, index) for index in range(len(order.lines)))
    open_units = sum(line.open for line in lines)
    trusted = tx.moment.trusted_ms
    known = pick.placed_ms > 0 and trusted >= pick.placed_ms
    return PickView(
        order=order.order_id.hex(),
        order_no=order.order_no,
        name=_name(shop, order),
        lane=order.lane,
        life=life(
            ready=order.ready,
            started=pick.started_ms is not None,
            open_units=open_units,
            handed_units=len(now.handed),
        ),
        queue=None,
        timer=timer(pick.placed_ms, trusted, clock_sure=tx.moment.clock != "unsure"),
        placed_ms=pick.placed_ms or None,
        waited_s=(trusted - pick.placed_ms) // 1000 if known else None,
        on_short=choice_said(pick),
        started_by=pick.started_by,
        ready_ms=pick.ready_ms,
        place=order.place,
        bags=order.bags,
        complete=bool(open_units)
        and all(line.found + line.replaced == line.open for line in lines),
        waits=any(line.waits for line in lines),
        lines=lines,
    )


def choice_said(pick: Pick) -> Said:
    """What the customer wants when an article is not there, in both languages."""
    zh, en = _CHOICES[pick.on_short]
    return Said(code=pick.on_short, zh=zh, en=en)


def _line(order: Order, now: Standing, pick: Pick, index: int) -> PickLineView:
    line = order.lines[index]
    counted = count(line, order, now, pick)
    refunded = sum(
        gone.destination == REFUND and is_gone(gone, order.epoch)
        for unit, gone in now.gone.items()
        if unit[0] == line.line
    )
    price = pick.prices.get(line.line, 0)
    return PickLineView(
        line=line.line,
        sku=line.sku,
        name_zh=line.name_zh,
        name_en=line.name_en,
        storage=line.storage,
        quantity=line.quantity,
        open=len(counted.open),
        found=counted.found,
        replaced=counted.replaced,
        refunded=refunded,
        handed=sum(unit[0] == line.line for unit in now.handed),
        waits=counted.waits,
        unit_minor=price,
        price=price_text(price) if price else "",
        bundle_of=line.bundle_of,
        substitutes=_substitutes(pick.substitutes(line.line, counted.open), price),
    )


def _substitutes(shorts: tuple[Short, ...], ordered_minor: int) -> tuple[SubstituteView, ...]:
    counted: dict[str, SubstituteView] = {}
    for short in shorts:
        assert short.sub_sku is not None
        charged = substitute_price(ordered_minor, short.sub_minor or 0).charged_minor
        known = counted.get(short.sub_sku)
        counted[short.sub_sku] = SubstituteView(
            sku=short.sub_sku,
            name_zh=short.sub_zh or short.sub_sku,
            name_en=short.sub_en or short.sub_sku,
            quantity=1 if known is None else known.quantity + 1,
            unit_minor=charged,
            price=price_text(charged),
        )
    return tuple(counted.values())


def _name(shop: Shop, order: Order) -> str | None:
    if order.sealed is None:
        return None
    person = unsealed(shop, order.order_id, order.sealed)
    return None if person is None else mask_name(person.get("name", "")) or None
