"""What HQ makes of picking: a life with times, refunds once, differences, documents."""

import json
from collections.abc import Sequence
from typing import Any, Literal

import pytest
from running_hub import Headquarters
from sqlalchemy import select
from toy_node import STORE, Box, Ordered, enrol_box, handed, open_store, read_order

from sync.hub import asks, documents, enrolment, ingest, obligations, orders, ownership, picking
from sync.hub.documents import NewDocument, NewDocumentLine
from sync.hub.orders import NewLine, NewOrder
from sync.hub.problems import Problem
from sync.hub.refunds import NewRefund
from sync.hub.tables import ask
from sync.rules.order_life import OnShort
from sync.wire.events import Answered
from sync.wire.messages import BatchAnswer, Event, EventBatch
from sync.wire.picking_events import (
    DocumentMoved,
    OrderReady,
    Picked,
    PickStarted,
    ShortPicked,
)

DocumentAct = Literal["dispatched", "received"]
NONCE = b"n" * 16
AT_MS = 1_790_000_100_000


def send(headquarters: Headquarters, box: Box, events: Sequence[Event]) -> BatchAnswer:
    sender = enrolment.authorised(headquarters.hub, box.peer.node, box.peer.incarnation)
    batch = EventBatch(incarnation=box.peer.incarnation, nonce=NONCE, events=tuple(events))
    return ingest.take(headquarters.hub, sender, batch)


def outcomes(answer: BatchAnswer) -> list[tuple[str, str]]:
    return [(row.outcome, row.reason) for row in answer.rows]


def three(headquarters: Headquarters, *, on_short: OnShort = "refund_line") -> Ordered:
    new = NewOrder(
        store=STORE,
        lines=(NewLine(sku="MILK1", quantity=3, unit_minor=1_290),),
        ready=False,
        on_short=on_short,
    )
    return read_order(orders.create(headquarters.hub, new))


def short(
    ordered: Ordered,
    *units: int,
    choice: OnShort = "refund_line",
    epoch: int = 1,
    sub_sku: str | None = None,
    sub_minor: int | None = None,
) -> ShortPicked:
    return ShortPicked(
        order_id=ordered.order_id,
        units=ordered.units(*((1, unit) for unit in units)),
        epoch=epoch,
        choice=choice,
        at_ms=AT_MS,
        station="till-1",
        operator="c1",
        sub_sku=sub_sku,
        sub_minor=sub_minor,
    )


def shown(headquarters: Headquarters, ordered: Ordered) -> dict[str, Any]:
    order: dict[str, Any] = json.loads(json.dumps(orders.show(headquarters.hub, ordered.order_no)))
    return order


def states(headquarters: Headquarters, ordered: Ordered) -> list[str]:
    line = shown(headquarters, ordered)["lines"][0]
    return [unit["state"] for unit in line["units"]]


def owed(headquarters: Headquarters, ordered: Ordered) -> list[tuple[object, object, object]]:
    return [
        (each["kind"], each["unit"], each["amount_minor"])
        for each in obligations.listed(headquarters.hub, ordered.order_no)
    ]


def test_an_order_shows_its_life_with_times(headquarters: Headquarters, box: Box) -> None:
    ordered = three(headquarters)
    assert shown(headquarters, ordered)["life"]["now"] == "placed"
    who = {"at_ms": AT_MS, "station": "till-1", "operator": "c1"}
    started = PickStarted(order_id=ordered.order_id, **who)  # type: ignore[arg-type]  # as told
    send(headquarters, box, [box.event(started)])
    assert shown(headquarters, ordered)["life"]["now"] == "picking"
    found = Picked(order_id=ordered.order_id, line=1, found=3, **who)  # type: ignore[arg-type]
    ready = OrderReady(order_id=ordered.order_id, place="B2", bags=2, **who)  # type: ignore[arg-type]
    send(headquarters, box, [box.event(found), box.event(ready)])
    order = shown(headquarters, ordered)
    life = order["life"]
    assert (life["now"], life["picking_ms"], life["ready_ms"]) == ("ready", AT_MS, AT_MS)
    assert (order["ready"], order["place"], order["bags"]) == (True, "B2", 2)
    assert [each["kind"] for each in order["events"]] == ["pick_started", "picked", "order_ready"]
    send(headquarters, box, [box.event(handed(ordered, (1, 1), (1, 2), (1, 3)))])
    assert shown(headquarters, ordered)["life"]["now"] == "handed"


def test_what_was_short_is_refunded_once_and_the_rest_handed_over(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = three(headquarters)
    event = box.event(short(ordered, 3))
    assert outcomes(send(headquarters, box, [event])) == [("accepted", "")]
    assert outcomes(send(headquarters, box, [event])) == [("known", "")]
    assert states(headquarters, ordered) == ["held", "held", "refunded"]
    assert owed(headquarters, ordered) == [("refund", 3, 1_290)]
    again = ownership.refund(headquarters.hub, ordered.order_no, NewRefund(units=((1, 3),)))
    assert len(json.loads(json.dumps(again))["refunds"]) == 1
    send(headquarters, box, [box.event(handed(ordered, (1, 1), (1, 2)))])
    assert states(headquarters, ordered) == ["handed", "handed", "refunded"]
    assert owed(headquarters, ordered) == [("refund", 3, 1_290)]


def test_a_refunded_unit_that_is_handed_over_all_the_same_is_a_conflict(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = three(headquarters)
    send(headquarters, box, [box.event(short(ordered, 3))])
    answer = send(headquarters, box, [box.event(handed(ordered, (1, 3)))])
    assert answer.rows[0].outcome == "conflict"
    assert states(headquarters, ordered)[2] == "refunded"


def test_a_short_pick_told_before_a_newer_grant_was_read_refunds_nothing(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = three(headquarters)
    orders.reissue(headquarters.hub, ordered.order_no)
    send(headquarters, box, [box.event(short(ordered, 3, epoch=1))])
    assert states(headquarters, ordered) == ["held"] * 3
    assert owed(headquarters, ordered) == []


def test_a_short_pick_of_who_does_not_hold_the_order_refunds_nothing(
    headquarters: Headquarters, box: Box
) -> None:
    open_store(headquarters, 102)
    other = enrol_box(headquarters, 102)
    ordered = three(headquarters)
    answer = send(headquarters, other, [other.event(short(ordered, 3))])
    assert outcomes(answer) == [("conflict", "not_holder")]
    assert states(headquarters, ordered) == ["held"] * 3


def test_a_short_pick_that_names_units_of_another_order_is_refused(
    headquarters: Headquarters, box: Box
) -> None:
    first, second = three(headquarters), three(headquarters)
    mixed = ShortPicked(
        order_id=first.order_id,
        units=second.units((1, 1)),
        epoch=1,
        choice="refund_line",
        at_ms=AT_MS,
        station="till-1",
        operator="c1",
    )
    assert outcomes(send(headquarters, box, [box.event(mixed)]))[0][0] == "refused"
    assert states(headquarters, second) == ["held"] * 3


def test_a_cancel_and_a_short_pick_cross_and_each_unit_has_one_end(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = three(headquarters)
    ownership.cancel(headquarters.hub, ordered.order_no)
    asked = shown(headquarters, ordered)["cancel"]["ask_ids"][0]
    answer = Answered(
        ask_id=bytes.fromhex(asked),
        order_id=ordered.order_id,
        epoch=1,
        destination="hq:cancel",
        released=ordered.units((1, 1), (1, 2)),
        kept=ordered.units((1, 3)),
        at_ms=AT_MS,
    )
    told = send(headquarters, box, [box.event(short(ordered, 3)), box.event(answer)])
    assert [row.outcome for row in told.rows] == ["accepted", "accepted"]
    assert states(headquarters, ordered) == ["released", "released", "refunded"]
    assert shown(headquarters, ordered)["state"] == "cancelled"
    assert owed(headquarters, ordered) == [("refund", 3, 1_290)]


def test_a_refund_asked_for_and_a_short_pick_that_cross_are_one_refund_and_no_case(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = three(headquarters)
    ownership.refund(headquarters.hub, ordered.order_no, NewRefund(units=((1, 3),)))
    with headquarters.hub.database.reading() as connection:
        asked = connection.execute(select(ask.c.ask_id)).scalar_one()
    rows = [box.event(short(ordered, 3))]
    assert outcomes(send(headquarters, box, rows)) == [("accepted", "")]
    assert states(headquarters, ordered)[2] == "released", "a question is open"
    answer = Answered(
        ask_id=asked,
        order_id=ordered.order_id,
        epoch=1,
        destination="hq:refund",
        released=ordered.units((1, 3)),
        kept=(),
        at_ms=AT_MS,
    )
    assert outcomes(send(headquarters, box, [box.event(answer)])) == [("accepted", "")]
    assert states(headquarters, ordered) == ["held", "held", "refunded"]
    assert owed(headquarters, ordered) == [("refund", 3, 1_290)]


@pytest.mark.parametrize(("on_shelf", "owes"), [(990, [("difference", 3, 300)]), (1_500, [])])
def test_the_lower_of_both_prices_is_charged_for_a_substitute(
    headquarters: Headquarters, box: Box, on_shelf: int, owes: list[object]
) -> None:
    ordered = three(headquarters, on_short="substitute")
    instead = short(ordered, 3, choice="substitute", sub_sku="CUP", sub_minor=on_shelf)
    assert outcomes(send(headquarters, box, [box.event(instead)])) == [("accepted", "")]
    assert states(headquarters, ordered) == ["held"] * 3
    assert owed(headquarters, ordered) == owes
    [told] = shown(headquarters, ordered)["life"]["short"]
    assert told["charged_minor"] == min(on_shelf, 1_290)


def test_what_is_refunded_after_a_substitute_never_exceeds_the_price(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = three(headquarters, on_short="substitute")
    instead = short(ordered, 3, choice="substitute", sub_sku="CUP", sub_minor=990)
    send(headquarters, box, [box.event(instead), box.event(short(ordered, 3))])
    amounts = [row[2] for row in owed(headquarters, ordered)]
    assert sorted(str(amount) for amount in amounts) == ["300", "990"]


def test_who_waits_is_shown_waiting_and_may_choose_otherwise(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = three(headquarters, on_short="wait")
    send(headquarters, box, [box.event(short(ordered, 3, choice="wait"))])
    assert shown(headquarters, ordered)["life"]["waiting_ms"] == AT_MS
    picking.change_choice(headquarters.hub, ordered.order_no, "refund_line")
    assert shown(headquarters, ordered)["life"]["on_short"] == "refund_line"
    send(headquarters, box, [box.event(short(ordered, 3))])
    assert owed(headquarters, ordered) == [("refund", 3, 1_290)]


def moved(
    name: object, act: Literal["dispatched", "received"], *counts: tuple[int, int]
) -> DocumentMoved:
    return DocumentMoved(
        document=str(name), act=act, counts=counts, at_ms=AT_MS, station="till-1", operator="c1"
    )


def test_a_transfer_is_drafted_dispatched_and_received_short(
    headquarters: Headquarters, box: Box
) -> None:
    open_store(headquarters, 102)
    other = enrol_box(headquarters, 102)
    made = documents.create(
        headquarters.hub,
        NewDocument(
            kind="transfer",
            from_store=STORE,
            to_store=102,
            lines=(NewDocumentLine(sku="MILK1", quantity=12),),
        ),
    )
    name = str(made["document"])
    assert made["state"] == "draft"
    send(headquarters, box, [box.event(moved(name, "dispatched", (1, 12)))])
    assert documents.show(headquarters.hub, name)["state"] == "dispatched"
    send(headquarters, other, [other.event(moved(name, "received", (1, 11)))])
    last = documents.show(headquarters.hub, name)
    assert (last["state"], last["received_ms"]) == ("short", AT_MS)


def test_goods_that_arrived_before_hq_heard_that_they_left_end_in_the_same_state(
    headquarters: Headquarters, box: Box
) -> None:
    open_store(headquarters, 102)
    other = enrol_box(headquarters, 102)
    new = NewDocument(
        kind="transfer",
        from_store=STORE,
        to_store=102,
        lines=(NewDocumentLine(sku="MILK1", quantity=2),),
    )
    name = documents.create(headquarters.hub, new)["document"]
    send(headquarters, other, [other.event(moved(name, "received", (1, 2)))])
    send(headquarters, box, [box.event(moved(name, "dispatched", (1, 2)))])
    assert documents.show(headquarters.hub, str(name))["state"] == "received"


def test_a_store_that_a_document_does_not_concern_moves_nothing(
    headquarters: Headquarters, box: Box
) -> None:
    new = NewDocument(
        kind="purchase",
        to_store=STORE,
        supplier="乳业公司",
        lines=(NewDocumentLine(sku="MILK1", quantity=2),),
    )
    name = str(documents.create(headquarters.hub, new)["document"])
    send(headquarters, box, [box.event(moved(name, "dispatched", (1, 2)))])
    assert documents.show(headquarters.hub, name)["state"] == "draft"
    send(headquarters, box, [box.event(moved(name, "received", (1, 2)))])
    assert documents.show(headquarters.hub, name)["state"] == "received"


def test_a_transfer_that_carries_an_order_asks_its_holder_for_it(
    headquarters: Headquarters, box: Box
) -> None:
    open_store(headquarters, 102)
    enrol_box(headquarters, 102)
    ordered = three(headquarters)
    new = NewDocument(kind="transfer", from_store=STORE, to_store=102, order_no=ordered.order_no)
    made = json.loads(json.dumps(documents.create(headquarters.hub, new)))
    assert [(line["sku"], line["quantity"]) for line in made["lines"]] == [("MILK1", 3)]
    with headquarters.hub.database.reading() as connection:
        assert asks.unanswered(connection, ordered.order_id)


@pytest.mark.parametrize(
    "new",
    [
        NewDocument(kind="purchase", to_store=STORE),
        NewDocument(kind="transfer", to_store=STORE, from_store=STORE),
        NewDocument(kind="transfer", to_store=STORE),
        NewDocument(kind="purchase", to_store=STORE, supplier="x", order_no="SE1234"),
    ],
)
def test_a_document_that_does_not_fit_together_is_refused(
    headquarters: Headquarters, new: NewDocument
) -> None:
    with pytest.raises(Problem) as caught:
        documents.create(headquarters.hub, new)
    assert caught.value.code == "invalid"
