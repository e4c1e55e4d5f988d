"""Picking in the ledger: who picks what, what was found, what was short, which bin it lies in.

A unit that is given up because it is not there is a tombstone to `hq:refund`: the same index and
epoch rule as any release, so it can be handed over no more, here or by a replayed row (attacks 4).
"""

from dataclasses import dataclass
from typing import cast

from edge.domain.facts import Order
from edge.domain.picking import Missing, Pick, Short
from edge.store.row import blob, integer, maybe_integer, maybe_text, text
from edge.store.tx import Tx
from sync.rules.order_life import REFUND, OnShort
from sync.wire.picking_events import OrderReady, Picked, PickStarted, ShortPicked


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Where an act of picking is done, and by whom."""

    station: str
    operator: str | None


def waiting_orders(tx: Tx, store: int, limit: int) -> list[bytes]:
    """Orders to be picked, in the order of their queue: priority first, then the oldest."""
    return [blob(row[0]) for row in tx.all("picks_waiting", store, tx.moment.trusted_ms, limit)]


def ready_orders(tx: Tx, store: int, limit: int) -> list[bytes]:
    """Orders picked here that wait for their customer, the newest first."""
    return [blob(row[0]) for row in tx.all("picks_ready", store, tx.moment.trusted_ms, limit)]


def place_in_queue(tx: Tx, order: Order) -> int:
    """How many orders are picked up to and with this one; 1 is next."""
    row = tx.one("picks_ahead", order.home_store, tx.moment.trusted_ms, order.order_id)
    assert row is not None
    return integer(row[0]) + 1


def pick_of(tx: Tx, order_id: bytes) -> Pick:
    """How far an order is picked, read in the deciding unit."""
    placed = tx.one("pick_placed", order_id)
    row = tx.one("pick", order_id)
    return Pick(
        placed_ms=0 if placed is None else integer(placed[0]),
        on_short="refund_line" if placed is None else cast("OnShort", text(placed[1])),
        started_ms=None if row is None else integer(row[0]),
        started_by=None if row is None else maybe_text(row[1]),
        ready_ms=None if row is None else maybe_integer(row[3]),
        found={integer(line): integer(found) for line, found in tx.all("pick_lines", order_id)},
        shorts=tuple(
            Short(
                line=integer(line),
                unit=integer(unit),
                epoch=integer(epoch),
                choice=cast("OnShort", text(choice)),
                sub_sku=maybe_text(sku),
                sub_minor=maybe_integer(minor),
                sub_zh=maybe_text(name_zh),
                sub_en=maybe_text(name_en),
            )
            for line, unit, epoch, choice, sku, minor, name_zh, name_en in tx.all(
                "pick_shorts", order_id
            )
        ),
        prices={integer(line): integer(minor) for line, minor in tx.all("pick_prices", order_id)},
    )


def start(tx: Tx, order: Order, who: Who) -> None:
    """Somebody begins to pick; the first one stands."""
    begun = tx.changed(
        "pick_start", order.order_id, order.order_no, tx.moment.trusted_ms, who.operator
    )
    if not begun:
        return
    tx.note("pick_started", order=order.order_no, station=who.station, operator=who.operator)
    tx.tell(
        "pick_started",
        PickStarted(
            order_id=order.order_id,
            at_ms=tx.moment.trusted_ms,
            station=who.station,
            operator=who.operator,
        ),
    )


def found(tx: Tx, order: Order, line: int, count: int, who: Who) -> None:
    """So many pieces of a line lie in the basket now."""
    tx.run("pick_line_set", order.order_id, line, count)
    tx.note("picked", order=order.order_no, line=line, found=count, operator=who.operator)
    tx.tell(
        "picked",
        Picked(
            order_id=order.order_id,
            line=line,
            found=count,
            at_ms=tx.moment.trusted_ms,
            station=who.station,
            operator=who.operator,
        ),
    )


def short(tx: Tx, order: Order, missing: Missing, who: Who) -> None:
    """Record what was short; `refund_line` gives the units up, durably, before anybody is told."""
    now = tx.moment.trusted_ms
    for line, unit in missing.units:
        if missing.choice == "refund_line":
            tx.run(
                "tombstone_add", order.order_id, line, unit, order.epoch, "released", REFUND, now
            )
        tx.run(
            "pick_short_set",
            order.order_id,
            line,
            unit,
            order.epoch,
            missing.choice,
            missing.sub_sku,
            missing.sub_minor,
            now,
            who.operator,
        )
    tx.note(
        "short_picked",
        order=order.order_no,
        units=missing.units,
        choice=missing.choice,
        substitute=missing.sub_sku,
        station=who.station,
        operator=who.operator,
    )
    units = tuple((order.order_id, line, unit) for line, unit in missing.units)
    tx.tell(
        "short_picked",
        ShortPicked(
            order_id=order.order_id,
            units=units,
            epoch=order.epoch,
            choice=missing.choice,
            at_ms=now,
            station=who.station,
            operator=who.operator,
            sub_sku=missing.sub_sku,
            sub_minor=missing.sub_minor,
        ),
        units,
    )


def no_longer_waits(tx: Tx, order: Order, line: int) -> None:
    """The goods that a line waited for are there."""
    tx.run("pick_short_end", order.order_id, line)


def ready(tx: Tx, order: Order, *, place: str, bags: int, who: Who) -> None:
    """The order lies packed in its bin; told again when it moves."""
    now = tx.moment.trusted_ms
    tx.run("pick_ready", now, who.operator, place, bags, order.order_id)
    tx.note(
        "order_ready",
        order=order.order_no,
        place=place,
        bags=bags,
        station=who.station,
        operator=who.operator,
    )
    tx.tell(
        "order_ready",
        OrderReady(
            order_id=order.order_id,
            place=place,
            bags=bags,
            at_ms=now,
            station=who.station,
            operator=who.operator,
        ),
    )


def forget(tx: Tx, order_id: bytes) -> None:
    """The order goes to another store: nothing of it lies here any more."""
    for name in ("pick_forget", "pick_lines_forget", "pick_shorts_forget"):
        tx.run(name, order_id)
