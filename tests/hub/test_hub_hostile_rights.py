"""Units of which more was told than should have happened: nobody gets them a second time."""

import secrets
from collections.abc import Sequence

import msgspec
import pytest
from running_hub import Headquarters
from toy_node import Box, Ordered, enrol_box, handed, open_store, order, undone

from sync.hub import enrolment, ingest, orders, ownership, rebuild
from sync.hub.problems import Problem
from sync.hub.refunds import NewRefund
from sync.hub.transfers import NewTransfer
from sync.wire.budgets import Provisional
from sync.wire.events import Accepted, Answered, Lapsed
from sync.wire.messages import Event, EventBatch

OTHER = 102
ALL = ((1, 1), (1, 2), (2, 1))


@pytest.fixture
def second(headquarters: Headquarters, box: Box) -> Box:
    open_store(headquarters, OTHER)
    return enrol_box(headquarters, OTHER)


def send(
    headquarters: Headquarters, box: Box, *events: Event, last: int = -1
) -> list[tuple[str, str]]:
    sender = enrolment.authorised(headquarters.hub, box.peer.node, box.peer.incarnation)
    batch = EventBatch(
        incarnation=box.peer.incarnation, nonce=b"n" * 16, events=events, last_seq=last
    )
    answer = ingest.take(headquarters.hub, sender, batch)
    return [(row.outcome, row.reason) for row in answer.rows]


def units(headquarters: Headquarters, ordered: Ordered) -> list[dict[str, object]]:
    lines = orders.show(headquarters.hub, ordered.order_no)["lines"]
    assert isinstance(lines, list)
    return [unit for line in lines for unit in line["units"]]


def states(headquarters: Headquarters, ordered: Ordered) -> list[object]:
    return [unit["state"] for unit in units(headquarters, ordered)]


def release(
    box: Box, ordered: Ordered, ask_id: bytes, destination: str, epoch: int = 1,
    which: Sequence[tuple[int, int]] = ALL,
) -> Event:  # fmt: skip
    return box.event(
        Answered(
            ask_id=ask_id,
            order_id=ordered.order_id,
            epoch=epoch,
            destination=destination,
            released=ordered.units(*which),
            kept=(),
            at_ms=1,
        )
    )


def test_what_lapsed_and_was_handed_over_all_the_same_is_granted_to_nobody(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    gone = Lapsed(order_id=ordered.order_id, units=ordered.units(*ALL), epoch=1, at_ms=1)
    send(headquarters, box, box.event(gone), box.event(handed(ordered, (1, 1))))
    wanted = NewTransfer(order_no=ordered.order_no, to_store=OTHER)
    ownership.move(headquarters.hub, wanted, by="hq")
    assert states(headquarters, ordered)[0] != "held"
    assert states(headquarters, ordered)[1:] == ["held", "held"]


def test_what_lapsed_and_was_handed_over_all_the_same_is_not_extended(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    gone = Lapsed(order_id=ordered.order_id, units=ordered.units(*ALL), epoch=1, at_ms=1)
    send(headquarters, box, box.event(gone), box.event(handed(ordered, (1, 1))))
    orders.extend(headquarters.hub, ordered.order_no, 24)
    assert states(headquarters, ordered)[0] != "held"


def test_what_a_recovering_hub_hears_was_handed_over_is_not_refunded_at_its_end(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    rebuild.begin(headquarters.hub, "Li")
    send(headquarters, box, release(box, ordered, secrets.token_bytes(16), "hq:refund"))
    assert states(headquarters, ordered) == ["released"] * 3
    send(headquarters, box, box.event(handed(ordered, (1, 1))))
    rebuild.finish(headquarters.hub, "Li")
    assert states(headquarters, ordered)[1:] == ["refunded", "refunded"]
    assert states(headquarters, ordered)[0] != "refunded"


def test_an_old_undo_told_late_takes_nothing_from_who_holds_it_now(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    send(headquarters, box, box.event(handed(ordered, (1, 1), (1, 2), (2, 1))))
    rebuild.begin(headquarters.hub, "Li")  # what followed was forgotten: undone, moved, handed
    taken = Accepted(order_id=ordered.order_id, units=ordered.units(*ALL), epoch=2, at_ms=5)
    there = handed(ordered, *ALL, handover=1, epoch=2)
    send(headquarters, second, second.event(taken), second.event(there))
    undo = box.event(undone(ordered, *ALL))
    gave = release(box, ordered, secrets.token_bytes(16), f"store:{OTHER}")
    send(headquarters, box, undo, gave)
    held_by = {unit["state"] for unit in units(headquarters, ordered)}
    assert held_by == {"handed"}, "it was handed over once, in the second store"
    rebuild.finish(headquarters.hub, "Li")
    with pytest.raises(Problem):
        ownership.refund(headquarters.hub, ordered.order_no, NewRefund())


def test_a_unit_that_two_boxes_gave_is_gone_until_both_take_it_back(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    send(headquarters, box, box.event(handed(ordered, (1, 1))))
    twice = second.event(handed(ordered, (1, 1), handover=7))
    assert send(headquarters, second, twice) == [("conflict", "handed_twice")]
    send(headquarters, box, box.event(undone(ordered, (1, 1))))
    assert states(headquarters, ordered)[0] == "handed", "the other customer has it"
    again = box.event(handed(ordered, (1, 1), handover=2))
    assert send(headquarters, box, again) == [("conflict", "handed_twice")]
    send(headquarters, box, box.event(undone(ordered, (1, 1), handover=2)))
    send(headquarters, second, second.event(undone(ordered, (1, 1), handover=7)))
    first = units(headquarters, ordered)[0]
    assert first["state"] == "held"
    assert first["holder"] == box.peer.incarnation.hex()


def test_what_was_given_on_a_budget_while_the_hub_recovered_is_settled_at_its_end(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    gone = Lapsed(order_id=ordered.order_id, units=ordered.units(*ALL), epoch=1, at_ms=1)
    send(headquarters, box, box.event(gone))
    rebuild.begin(headquarters.hub, "Li")
    given = Provisional(
        handover=1, order_id=ordered.order_id, order_no=ordered.order_no, units=ordered.units(*ALL),
        epoch=1, home_store=101, at_ms=4, station="till-1", operator="c1", budget_id=b"b" * 16,
        amount_minor=0,
    )  # fmt: skip
    event = second.event(given)
    event = msgspec.structs.replace(event, units=given.units)
    assert send(headquarters, second, event) == [("accepted", "")]
    rebuild.finish(headquarters.hub, "Li")
    assert states(headquarters, ordered) == ["handed"] * 3
