"""Rights at the hub, on both databases: sold once by however many at the same time."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import msgspec
import pytest
from running_hub import Headquarters
from toy_node import Box, enrol_box, open_store

from sync.engine.verify import start
from sync.hub import cases, enrolment, feed, ingest, orders, stock_api
from sync.hub.problems import Problem
from sync.wire import codec
from sync.wire.budgets import Provisional
from sync.wire.catalog import RightGrantRow, RightRecallRow
from sync.wire.events import (
    Body,
    RightAcknowledged,
    RightMoved,
    StockCounted,
    StockLevel,
    StockMoved,
    TierChanged,
)
from sync.wire.messages import Event, EventBatch, Unit

STORE, SKU = 101, "MILK1"


def level(**parts: int) -> StockLevel:
    owned = {
        owner: parts.get(owner, 0)
        for owner in ("counter", "kiosk", "safety", "online", "in_transit", "locked", "shortage")
    }
    on_hand = sum(owned.values()) - 2 * owned["shortage"]
    return StockLevel(sku=SKU, state="based", on_hand=on_hand, quarantine=0, **owned)


def send(headquarters: Headquarters, box: Box, bodies: Sequence[Body]) -> list[Event]:
    events = [box.event(body) for body in bodies]
    sender = enrolment.authorised(headquarters.hub, box.peer.node, box.peer.incarnation)
    batch = EventBatch(incarnation=box.peer.incarnation, nonce=b"n" * 16, events=tuple(events))
    answer = ingest.take(headquarters.hub, sender, batch)
    assert [row.outcome for row in answer.rows] == ["accepted"] * len(events), answer.rows
    return events


def rows(headquarters: Headquarters, store: int = STORE) -> list[RightGrantRow | RightRecallRow]:
    """Moves of the store's feed that are not settled."""
    with headquarters.hub.database.reading() as connection:
        cursor = start(f"store:{store}")
        found = feed.read(connection, cursor, headquarters.hub.generation, limit=1_000)
    assert found is not None
    newest: dict[bytes, RightGrantRow | RightRecallRow] = {}
    for row in found.rows:
        if row.kind == "right_grant":
            grant = codec.unpack(RightGrantRow, row.body)
            newest[grant.move_id] = grant
        elif row.kind == "right_recall":
            recall = codec.unpack(RightRecallRow, row.body)
            newest[recall.move_id] = recall
    return [move for move in newest.values() if not move.settled]


def counted(headquarters: Headquarters, box: Box, pieces: int, store: int = STORE) -> None:
    """A first count, HQ's answer to it, and half of the pieces given to HQ."""
    first = StockCounted(
        base_seq=0, counted=pieces, delta=pieces, first=True, at_ms=1, station=None,
        operator=None, level=level(in_transit=pieces),
    )  # fmt: skip
    send(headquarters, box, [first])
    [base] = rows(headquarters, store)
    assert isinstance(base, RightGrantRow)
    assert (base.why, base.quantity) == ("base", 0)
    taken = RightAcknowledged(move_id=base.move_id, at_ms=2, level=level(counter=pieces))
    send(headquarters, box, [taken])
    [recall] = rows(headquarters, store)
    assert isinstance(recall, RightRecallRow)
    given = recall.quantity
    gone = level(counter=pieces - given, in_transit=given)
    moved = RightMoved(move_id=recall.move_id, quantity=given, at_ms=3, level=gone)
    send(headquarters, box, [moved])


def at_hq(headquarters: Headquarters, store: int = STORE) -> dict[str, int]:
    found = stock_api.show_stock(headquarters.hub, store, SKU)["stock"]
    assert isinstance(found, list)
    return cast("dict[str, int]", found[0])


def buy(headquarters: Headquarters, store: int = STORE) -> str:
    new = orders.NewOrder(store=store, lines=(orders.NewLine(sku=SKU),))
    try:
        headquarters.hub.database.again(lambda: orders.create(headquarters.hub, new))
    except Problem as problem:
        return problem.code
    return "ok"


def reserve(headquarters: Headquarters) -> str:
    new = stock_api.NewReservation(store=STORE, sku=SKU)
    try:
        headquarters.hub.database.again(lambda: stock_api.reserve(headquarters.hub, new))
    except Problem as problem:
        return problem.code
    return "ok"


def test_many_customers_at_once_buy_no_more_than_headquarters_holds(
    headquarters: Headquarters, box: Box
) -> None:
    counted(headquarters, box, 10)
    held = at_hq(headquarters)["online"]
    assert held == 5
    with ThreadPoolExecutor(8) as pool:
        acts = [pool.submit(buy if n % 3 else reserve, headquarters) for n in range(16)]
        told = [act.result() for act in acts]
    assert told.count("ok") == held
    assert set(told) == {"ok", "sold_out"}
    now = at_hq(headquarters)
    assert now["online"] == 0
    assert now["of_orders"] + now["reserved"] == held


def test_a_recall_is_credited_once_and_by_the_box_that_was_asked(
    headquarters: Headquarters, box: Box
) -> None:
    counted(headquarters, box, 10)
    with headquarters.hub.database.reading() as connection:
        moves = json.loads(json.dumps(at_hq(headquarters)["moves"]))
        assert connection is not None
    assert moves == []
    before = at_hq(headquarters)["online"]
    stranger = RightMoved(move_id=b"x" * 16, quantity=4, at_ms=4, level=level(counter=5, online=5))
    send(headquarters, box, [stranger])
    assert at_hq(headquarters)["online"] == before


def test_a_new_boxes_first_count_is_answered_with_what_headquarters_holds(
    headquarters: Headquarters, box: Box
) -> None:
    counted(headquarters, box, 10)
    assert buy(headquarters) == "ok"
    fresh = enrol_box(headquarters, replace=True)
    first = StockCounted(
        base_seq=0, counted=7, delta=7, first=True, at_ms=9, station=None, operator=None,
        level=level(in_transit=7),
    )  # fmt: skip
    send(headquarters, fresh, [first])
    [base] = rows(headquarters)
    assert isinstance(base, RightGrantRow)
    assert (base.why, base.quantity, base.holder) == ("base", 5, fresh.peer.incarnation)


def test_pieces_handed_over_beyond_every_right_are_a_debt_and_a_case(
    headquarters: Headquarters, box: Box
) -> None:
    new = orders.NewOrder(store=STORE, lines=(orders.NewLine(sku=SKU, quantity=7),))
    early = json.loads(json.dumps(orders.create(headquarters.hub, new)))
    counted(headquarters, box, 10)
    from toy_node import handed, read_order

    ordered = read_order(early)
    gone = handed(ordered, *((1, unit) for unit in range(1, 8)))
    unowned = StockMoved(
        movement=9, kind="handed", quantity=-7, document="", at_ms=5, station=None, operator=None,
        level=level(counter=3), unowned=2,
    )  # fmt: skip
    send(headquarters, box, [gone, unowned])
    now = at_hq(headquarters)
    assert (now["online"], now["debt"]) == (0, 0)
    reasons = [each["reason"] for each in cases.list_cases(headquarters.hub)]
    assert "stock_promised_twice" in reasons


def test_goods_given_on_a_budget_spend_the_giving_stores_rights(
    headquarters: Headquarters, box: Box
) -> None:
    open_store(headquarters, 102)
    far = json.loads(
        json.dumps(
            orders.create(
                headquarters.hub,
                orders.NewOrder(store=102, lines=(orders.NewLine(sku=SKU, quantity=2),)),
            )
        )
    )
    counted(headquarters, box, 10)
    order_id = bytes.fromhex(far["order_id"])
    gone = Provisional(
        handover=1, order_id=order_id, order_no=far["order_no"],
        units=((order_id, 1, 1), (order_id, 1, 2)), epoch=1, home_store=102, at_ms=4,
        station="till-1", operator="c1", budget_id=b"b" * 16, amount_minor=0,
    )  # fmt: skip
    event = box.event(gone)
    event = replace_units(event, gone.units)
    sender = enrolment.authorised(headquarters.hub, box.peer.node, box.peer.incarnation)
    batch = EventBatch(incarnation=box.peer.incarnation, nonce=b"n" * 16, events=(event,))
    ingest.take(headquarters.hub, sender, batch)
    assert at_hq(headquarters)["online"] == 3


def replace_units(event: Event, units: tuple[Unit, ...]) -> Event:
    return msgspec.structs.replace(event, units=units)


def test_an_emergency_is_answered_by_the_nearest_store_that_can_spare_some(
    headquarters: Headquarters, box: Box
) -> None:
    for number in (102, 140):
        open_store(headquarters, number)
        counted(headquarters, enrol_box(headquarters, number), 30, number)
    counted(headquarters, box, 10)
    for store in (STORE, 102, 140):
        plan = stock_api.NewPlan(store=store, sku=SKU, par=10)
        stock_api.put_plan(headquarters.hub, plan)
    low = TierChanged(
        before="normal", now="emergency", available=1, par=10, at_ms=6, level=level(online=5)
    )
    send(headquarters, box, [low])
    told = stock_api.show_tiers(headquarters.hub, STORE)
    proposals = cast("list[dict[str, object]]", told["proposals"])
    assert [(one["from_store"], one["quantity"]) for one in proposals] == [(102, 9)]
    assert at_hq(headquarters)["closed"]
    assert buy(headquarters) == "online_closed"
    again = TierChanged(
        before="emergency", now="emergency", available=0, par=10, at_ms=7, level=level(online=5)
    )
    send(headquarters, box, [again])
    tiers = cast("list[dict[str, list[dict[str, object]]]]", told["tiers"])
    actions = [one["action"] for one in tiers[0]["actions"]]
    assert len(actions) == len(set(actions)) == 6


@pytest.mark.parametrize("way", ["release", "expire"])
def test_a_reservation_gives_its_rights_back_once(
    headquarters: Headquarters, box: Box, way: str
) -> None:
    counted(headquarters, box, 10)
    new = stock_api.NewReservation(store=STORE, sku=SKU, quantity=3)
    number = str(stock_api.reserve(headquarters.hub, new)["reservation"])
    assert at_hq(headquarters)["online"] == 2
    if way == "expire":
        headquarters.clock.advance(15 * 60_000)
    for _ in range(2):
        stock_api.tick(headquarters.hub)
        stock_api.release(headquarters.hub, number)
    assert at_hq(headquarters)["online"] == 5
