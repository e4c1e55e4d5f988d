"""What a box tells that nobody foresaw: it becomes a case, and stops nothing that follows it."""

from collections.abc import Sequence

import msgspec
import pytest
from running_hub import Headquarters
from sqlalchemy import insert, select
from sqlalchemy.exc import DBAPIError
from toy_node import Box, handed, order

from sync.hub import cases, ingest, ownership
from sync.hub.enrolment import authorised
from sync.hub.refunds import NewRefund, Override
from sync.hub.tables import store
from sync.wire.events import CaseClosed, CaseOpened
from sync.wire.messages import Event, EventBatch


def send(headquarters: Headquarters, box: Box, events: Sequence[Event]) -> list[tuple[str, str]]:
    sender = authorised(headquarters.hub, box.peer.node, box.peer.incarnation)
    batch = EventBatch(incarnation=box.peer.incarnation, nonce=b"n" * 16, events=tuple(events))
    answer = headquarters.hub.database.again(lambda: ingest.take(headquarters.hub, sender, batch))
    return [(row.outcome, row.reason) for row in answer.rows]


def reasons(headquarters: Headquarters) -> list[object]:
    return [each["reason"] for each in cases.list_cases(headquarters.hub)]


def test_a_note_that_a_database_cannot_hold_stops_no_upload(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    opened = CaseOpened(case=1, order_id=ordered.order_id, reason="fenced", at_ms=1, station="t")
    closed = CaseClosed(case=1, at_ms=2, outcome="handed", operator="c", note="a\0b")
    told = send(
        headquarters,
        box,
        [box.event(opened), box.event(closed), box.event(handed(ordered, (1, 1)))],
    )
    assert [outcome for outcome, _ in told][::2] == ["accepted", "accepted"]
    after = send(headquarters, box, [box.event(handed(ordered, (1, 2), handover=2))])
    assert after == [("accepted", "")]


def test_a_number_that_a_database_cannot_hold_stops_no_upload(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    told = send(
        headquarters,
        box,
        [
            box.event(handed(ordered, (2**40, 1))),
            box.event(handed(ordered, (1, 1), handover=2)),
        ],
    )
    assert told[1] == ("accepted", "")
    assert told[0][0] in ("refused", "conflict")


def test_a_hand_over_of_two_orders_one_of_them_refunded_stops_no_upload(
    headquarters: Headquarters, box: Box
) -> None:
    first, second = order(headquarters), order(headquarters)
    ownership.refund(
        headquarters.hub,
        second.order_no,
        NewRefund(units=((1, 1),), override=Override(by="Li", reason="fire")),
    )
    both = handed(first, (1, 1))
    both = msgspec.structs.replace(both, units=(*both.units, *second.units((1, 1))))
    told = send(headquarters, box, [box.event(both), box.event(handed(first, (1, 2), handover=2))])
    assert told == [("conflict", "after_refund"), ("accepted", "")]
    assert "after_refund" in reasons(headquarters)


def test_an_error_of_the_database_tells_no_key(headquarters: Headquarters) -> None:
    with headquarters.hub.database.writing() as connection:
        row = connection.execute(select(store)).mappings().one()
        with pytest.raises(DBAPIError) as caught:
            connection.execute(insert(store).values(**{**row, "k_store": b"the-store-key"}))
    assert "the-store-key" not in str(caught.value)
