"""What the hub makes of events: once, idempotent, in order, and never silently."""

import json
from collections.abc import Sequence

import pytest
from running_hub import Headquarters
from toy_node import Box, Ordered, enrol_box, handed, order, undone

from sync.engine.verify import start
from sync.hub import cases, enrolment, feed, ingest, orders, ownership
from sync.hub.problems import Problem
from sync.wire import codec
from sync.wire.catalog import AskRow
from sync.wire.events import Answered, CaseClosed, CaseOpened, CodeLocked, CodeReleased, Lapsed
from sync.wire.feed import is_genuine_time
from sync.wire.messages import BatchAnswer, Event, EventBatch, FeedQuestion, FeedRow, RowAnswer
from sync.wire.request import sign_request

NONCE = b"n" * 16


def send(headquarters: Headquarters, box: Box, events: Sequence[Event]) -> BatchAnswer:
    sender = enrolment.authorised(headquarters.hub, box.peer.node, box.peer.incarnation)
    batch = EventBatch(incarnation=box.peer.incarnation, nonce=NONCE, events=tuple(events))
    return ingest.take(headquarters.hub, sender, batch)


def outcomes(answer: BatchAnswer) -> list[tuple[str, str]]:
    return [(row.outcome, row.reason) for row in answer.rows]


def unit(headquarters: Headquarters, ordered: Ordered, line: int, number: int) -> dict[str, object]:
    shown = json.loads(json.dumps(orders.show(headquarters.hub, ordered.order_no)))
    found = shown["lines"][line - 1]["units"][number - 1]
    assert isinstance(found, dict)
    return found


def reasons(headquarters: Headquarters) -> list[object]:
    return [each["reason"] for each in cases.list_cases(headquarters.hub)]


def asks_in_feed(headquarters: Headquarters, box: Box) -> list[AskRow]:
    with headquarters.hub.database.reading() as connection:
        found = feed.read(connection, start("store:101"), headquarters.hub.generation, limit=1_000)
    assert found is not None
    rows: list[FeedRow] = [row for row in found.rows if row.kind == "ask"]
    return [codec.unpack(AskRow, row.body) for row in rows]


def test_a_hand_over_is_known_at_hq_with_place_and_time(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    answer = send(headquarters, box, [box.event(handed(ordered, (1, 1), (2, 1)))])
    assert answer.rows == (RowAnswer(seq=1, outcome="accepted"),)
    assert answer.acked_seq == 1
    assert is_genuine_time(answer.time.time_ms, NONCE, box.peer.hub_public, answer.time.signature)
    seen = unit(headquarters, ordered, 1, 1)
    assert (seen["state"], seen["handed_total"]) == ("handed", 1)
    assert unit(headquarters, ordered, 1, 2)["state"] == "held"


def test_a_batch_whose_answer_was_lost_changes_nothing_when_sent_again(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    first = box.event(handed(ordered, (1, 1)))
    twice = box.event(handed(ordered, (1, 1), handover=2))
    assert outcomes(send(headquarters, box, [first, twice])) == [
        ("accepted", ""),
        ("conflict", "handed_twice"),
    ]
    third = box.event(handed(ordered, (1, 2), handover=3))
    again = send(headquarters, box, [first, twice, third])
    assert outcomes(again) == [("known", ""), ("conflict", "handed_twice"), ("accepted", "")]
    assert unit(headquarters, ordered, 1, 1)["handed_total"] == 2
    assert unit(headquarters, ordered, 1, 1)["conflicts"] == 1
    assert reasons(headquarters) == ["handed_twice"]


def test_a_gap_refuses_the_batch_and_names_the_seq(headquarters: Headquarters, box: Box) -> None:
    ordered = order(headquarters)
    box.event(handed(ordered, (1, 1)))
    second = box.event(handed(ordered, (1, 2), handover=2))
    with pytest.raises(Problem) as caught:
        send(headquarters, box, [second])
    assert (caught.value.code, caught.value.extra) == ("gap", {"expected_seq": 1})


def test_a_copy_of_the_box_is_noticed_at_its_first_event(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    copy = Box(signer=box.signer, peer=box.peer, k_store=box.k_store, chain=list(box.chain))
    send(headquarters, box, [box.event(handed(ordered, (1, 1)))])
    forked = copy.event(handed(ordered, (1, 2)))
    assert outcomes(send(headquarters, copy, [forked])) == [("refused", "fork")]
    assert outcomes(send(headquarters, copy, [forked])) == [("refused", "fork")]
    assert reasons(headquarters) == ["fork"], "one case, however often it is sent"
    assert unit(headquarters, ordered, 1, 2)["state"] == "held"


def test_an_undone_hand_over_leaves_the_unit_with_its_node(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    events = [
        box.event(handed(ordered, (1, 1))),
        box.event(undone(ordered, (1, 1))),
        box.event(handed(ordered, (1, 1), handover=2)),
    ]
    assert outcomes(send(headquarters, box, events)) == [("accepted", "")] * 3
    seen = unit(headquarters, ordered, 1, 1)
    assert (seen["state"], seen["handed_total"], seen["undone_total"]) == ("handed", 2, 1)
    assert seen["holder"] == box.peer.incarnation.hex()


def test_the_same_units_undone_in_a_later_batch(headquarters: Headquarters, box: Box) -> None:
    ordered = order(headquarters)
    send(headquarters, box, [box.event(handed(ordered, (1, 1)))])
    assert outcomes(send(headquarters, box, [box.event(undone(ordered, (1, 1)))])) == [
        ("accepted", "")
    ]
    assert unit(headquarters, ordered, 1, 1)["state"] == "held"
    assert outcomes(send(headquarters, box, [box.event(undone(ordered, (1, 1)))])) == [
        ("conflict", "unknown_handover")
    ]


def test_an_unknown_kind_is_kept_raw_and_blocks_only_its_units(
    headquarters: Headquarters, box: Box
) -> None:
    ordered, other = order(headquarters), order(headquarters)
    newer = box.event(handed(ordered, (1, 1)), kind="weighed", raw=b'{"grams": 3}')
    after = box.event(handed(other, (1, 1), handover=2))
    assert outcomes(send(headquarters, box, [newer, after])) == [
        ("later", "newer"),
        ("accepted", ""),
    ]
    shown = orders.show(headquarters.hub, ordered.order_no)["events"]
    assert isinstance(shown, list)
    assert shown[0]["body"] == {"grams": 3}
    with pytest.raises(Problem, match="newer box"):
        ownership.cancel(headquarters.hub, ordered.order_no)


@pytest.mark.parametrize("raw", [b"", b"{}", b"[1]", b"\xff", b'{"handover": "x"}'])
def test_a_body_that_cannot_be_read_becomes_a_case_and_blocks_nothing(
    headquarters: Headquarters, box: Box, raw: bytes
) -> None:
    ordered = order(headquarters)
    bad = box.event(handed(ordered, (1, 1)), raw=raw)
    good = box.event(handed(ordered, (1, 1), handover=2))
    assert outcomes(send(headquarters, box, [bad, good])) == [
        ("refused", "bad_body"),
        ("accepted", ""),
    ]
    assert reasons(headquarters) == ["bad_body"]


def test_numbers_beyond_the_database_are_refused(headquarters: Headquarters, box: Box) -> None:
    ordered = order(headquarters)
    huge = box.event(handed(ordered, (1, 1), handover=2**63))
    assert outcomes(send(headquarters, box, [huge])) == [("refused", "bad_body")]


def test_a_body_that_names_other_units_than_its_envelope_is_refused(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    both = codec.to_json(handed(ordered, (1, 1), (1, 2)))
    sly = box.event(handed(ordered, (1, 1)), raw=both)
    doubled = box.event(handed(ordered, (1, 1), (1, 1)))
    assert outcomes(send(headquarters, box, [sly, doubled])) == [("refused", "units_mismatch")] * 2


def test_an_event_above_its_size_is_refused_and_blocks_nothing(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    fat = box.event(handed(ordered, (1, 1)), raw=b" " * 17_000)
    good = box.event(handed(ordered, (1, 1)))
    assert outcomes(send(headquarters, box, [fat, good])) == [
        ("refused", "too_large"),
        ("accepted", ""),
    ]


def test_a_unit_that_hq_does_not_know_is_a_case(headquarters: Headquarters, box: Box) -> None:
    ordered = order(headquarters)
    strange = box.event(handed(ordered, (9, 1)))
    assert outcomes(send(headquarters, box, [strange])) == [("conflict", "unknown_unit")]


def test_the_new_box_handing_over_what_the_old_one_holds_is_a_conflict_and_counts(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    new = enrol_box(headquarters, replace=True)
    assert outcomes(send(headquarters, new, [new.event(handed(ordered, (1, 1)))])) == [
        ("conflict", "not_holder")
    ]
    assert unit(headquarters, ordered, 1, 1)["state"] == "handed", "the goods are gone"


def test_cancel_refunds_nothing_before_the_store_has_stopped(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters, quantity=1)
    asked = ownership.cancel(headquarters.hub, ordered.order_no)
    assert (asked["state"], asked["refundable"]) == ("cancel_pending", [])
    (ask,) = asks_in_feed(headquarters, box)
    assert (ask.kind, ask.destination, ask.holder) == (
        "release",
        "hq:cancel",
        box.peer.incarnation,
    )
    answer = Answered(
        ask_id=ask.ask_id,
        order_id=ordered.order_id,
        epoch=ask.epoch,
        destination="hq:cancel",
        released=ordered.units((1, 1), (2, 1)),
        kept=(),
        at_ms=1,
    )
    assert outcomes(send(headquarters, box, [box.event(answer)])) == [("accepted", "")]
    stopped = json.loads(json.dumps(orders.show(headquarters.hub, ordered.order_no)))
    assert (stopped["state"], stopped["cancel"]["state"]) == ("cancelled", "stopped")
    assert stopped["refundable"] == [[1, 1], [2, 1]]
    assert asks_in_feed(headquarters, box)[-1].settled
    late = box.event(handed(ordered, (1, 1)))
    assert outcomes(send(headquarters, box, [late])) == [("conflict", "after_release")]
    assert unit(headquarters, ordered, 1, 1)["state"] == "handed", "it is gone all the same"
    disputed = orders.show(headquarters.hub, ordered.order_no)
    assert disputed["refundable"] == [[2, 1]], "a person decides about the other"


def test_what_was_handed_over_before_the_ask_arrived_is_not_refundable(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters, quantity=1)
    ownership.cancel(headquarters.hub, ordered.order_no)
    (ask,) = asks_in_feed(headquarters, box)
    kept = Answered(
        ask_id=ask.ask_id,
        order_id=ordered.order_id,
        epoch=1,
        destination="hq:cancel",
        released=ordered.units((2, 1)),
        kept=ordered.units((1, 1)),
        at_ms=1,
    )
    events = [box.event(handed(ordered, (1, 1))), box.event(kept)]
    assert outcomes(send(headquarters, box, events)) == [("accepted", "")] * 2
    shown = json.loads(json.dumps(orders.show(headquarters.hub, ordered.order_no)))
    assert shown["cancel"]["state"] == "partly"
    assert shown["refundable"] == [[2, 1]]


@pytest.mark.parametrize("wrong", ["ask", "units", "destination", "incarnation", "again"])
def test_only_the_holder_answers_only_what_was_asked(
    headquarters: Headquarters, box: Box, wrong: str
) -> None:
    ordered = order(headquarters, quantity=1)
    ownership.cancel(headquarters.hub, ordered.order_no)
    (ask,) = asks_in_feed(headquarters, box)
    sender = enrol_box(headquarters, replace=True) if wrong == "incarnation" else box
    answer = Answered(
        ask_id=bytes(16) if wrong == "ask" else ask.ask_id,
        order_id=ordered.order_id,
        epoch=1,
        destination="store:7" if wrong == "destination" else "hq:cancel",
        released=ordered.units((1, 1)) if wrong == "units" else ordered.units((1, 1), (2, 1)),
        kept=(),
        at_ms=1,
    )
    if wrong == "again":
        send(headquarters, sender, [sender.event(answer)])
    outcome, reason = outcomes(send(headquarters, sender, [sender.event(answer)]))[0]
    expected = {
        "ask": "unknown_ask",
        "units": "not_what_was_asked",
        "destination": "not_what_was_asked",
        "incarnation": "not_holder",
        "again": "answered_before",
    }
    assert (outcome, reason) == ("refused", expected[wrong])
    if wrong != "again":
        assert orders.show(headquarters.hub, ordered.order_no)["refundable"] == []


def test_an_order_that_no_box_ever_held_is_cancelled_at_once(headquarters: Headquarters) -> None:
    ordered = order(headquarters, quantity=1)
    done = ownership.cancel(headquarters.hub, ordered.order_no)
    assert (done["state"], done["refundable"]) == ("cancelled", [[1, 1], [2, 1]])


def test_what_is_all_handed_over_cannot_be_cancelled(headquarters: Headquarters, box: Box) -> None:
    ordered = order(headquarters, quantity=1)
    send(headquarters, box, [box.event(handed(ordered, (1, 1), (2, 1)))])
    with pytest.raises(Problem, match="return"):
        ownership.cancel(headquarters.hub, ordered.order_no)


def test_lapsed_units_are_refundable_or_granted_again_at_the_next_epoch(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters, quantity=1)
    lapsed = Lapsed(
        order_id=ordered.order_id, units=ordered.units((1, 1), (2, 1)), epoch=1, at_ms=5
    )
    assert outcomes(send(headquarters, box, [box.event(lapsed)])) == [("accepted", "")]
    shown = orders.show(headquarters.hub, ordered.order_no)
    assert shown["refundable"] == [[1, 1], [2, 1]]
    longer = orders.extend(headquarters.hub, ordered.order_no, 24)
    assert (longer["epoch"], longer["refundable"]) == (2, [])
    assert outcomes(send(headquarters, box, [box.event(lapsed)])) == [("accepted", "")]
    assert unit(headquarters, ordered, 1, 1)["state"] == "held", "the newer grant stands"


def test_a_lapse_of_another_incarnation_counts_for_nothing(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters, quantity=1)
    new = enrol_box(headquarters, replace=True)
    lapsed = Lapsed(
        order_id=ordered.order_id, units=ordered.units((1, 1), (2, 1)), epoch=1, at_ms=5
    )
    assert outcomes(send(headquarters, new, [new.event(lapsed)])) == [("conflict", "not_holder")]
    assert orders.show(headquarters.hub, ordered.order_no)["refundable"] == []


def test_cases_and_locks_of_the_node_are_seen_at_hq(headquarters: Headquarters, box: Box) -> None:
    opened = CaseOpened(case=3, reason="three_tries", order_id=None, at_ms=5, station="till-1")
    locked = CodeLocked(lookup=b"l" * 16, credential="pin", at_ms=5, case=3)
    released = CodeReleased(lookup=b"l" * 16, credential="pin", at_ms=6, operator="s1")
    closed = CaseClosed(case=3, outcome="released", at_ms=6, operator="s1", note="")
    events = [box.event(body) for body in (opened, locked, released, locked, closed)]
    assert outcomes(send(headquarters, box, events)) == [("accepted", "")] * 5
    (case,) = cases.list_cases(headquarters.hub)
    assert (case["reason"], case["state"], case["operator"]) == ("three_tries", "closed", "s1")
    assert cases.list_cases(headquarters.hub, only_open=True) == []


def test_the_audit_head_of_the_box_is_kept_at_hq(headquarters: Headquarters, box: Box) -> None:
    ordered = order(headquarters)
    send(headquarters, box, [box.event(handed(ordered, (1, 1)))])
    nodes = json.loads(json.dumps(enrolment.fleet(headquarters.hub)))["nodes"]
    assert (nodes[0]["acked_seq"], nodes[0]["audit_seq"]) == (1, 1)
    assert nodes[0]["audit_hash"] == box.chain[-1].hex()


def test_a_question_for_another_stores_scope_is_refused(
    headquarters: Headquarters, box: Box
) -> None:
    question = FeedQuestion(cursors=(start("store:102"),), nonce=NONCE)
    body = codec.to_body(question)
    headers = sign_request(
        box.signer,
        method="POST",
        target="/v1/feed",
        node=box.peer.node,
        incarnation=box.peer.incarnation,
        body=body,
    )
    status, _ = headquarters.desk.exchange(
        method="POST", target="/v1/feed", headers=headers, body=body
    )
    assert status == 403


def test_only_enrolled_boxes_are_senders(headquarters: Headquarters) -> None:
    with pytest.raises(Problem, match="not enrolled"):
        enrolment.authorised(headquarters.hub, "NOBODY", bytes(8))


def test_when_everything_is_kept_the_order_stays_open(headquarters: Headquarters, box: Box) -> None:
    ordered = order(headquarters, quantity=1)
    ownership.cancel(headquarters.hub, ordered.order_no)
    with pytest.raises(Problem, match="cancel pending"):
        orders.extend(headquarters.hub, ordered.order_no, 1)
    (ask,) = asks_in_feed(headquarters, box)
    kept = Answered(
        ask_id=ask.ask_id,
        order_id=ordered.order_id,
        epoch=1,
        destination="hq:cancel",
        released=(),
        kept=ordered.units((1, 1), (2, 1)),
        at_ms=1,
    )
    assert outcomes(send(headquarters, box, [box.event(kept)])) == [("accepted", "")]
    shown = json.loads(json.dumps(orders.show(headquarters.hub, ordered.order_no)))
    assert (shown["state"], shown["cancel"]["state"]) == ("open", "kept")
    assert shown["refundable"] == []
    orders.extend(headquarters.hub, ordered.order_no, 1)
