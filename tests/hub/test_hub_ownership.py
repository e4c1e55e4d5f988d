"""Moves and refunds at the hub: only what its holder gave up, once, for whom it was given up."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from running_hub import Headquarters
from sqlalchemy import update
from toy_node import Box, Ordered, enrol_box, handed, open_store, order, undone

from sync.engine.verify import start
from sync.hub import (
    cases,
    enrolment,
    feed,
    ingest,
    leases,
    orders,
    ownership,
    replay,
    transfer_desk,
    transfers,
)
from sync.hub.problems import Problem
from sync.hub.refunds import NewRefund, Override
from sync.hub.tables import event as event_table
from sync.hub.transfers import NewTransfer
from sync.wire import codec
from sync.wire.catalog import AskRow, OrderRow, SettingRow
from sync.wire.credential import code_lookup
from sync.wire.events import Accepted, Answered, Lapsed, Tries
from sync.wire.messages import Event, EventBatch
from sync.wire.token import v1_code_id
from sync.wire.transfers import TransferAnswer, TransferQuestion

OTHER = 102
ALL = ((1, 1), (1, 2), (2, 1))


@pytest.fixture
def second(headquarters: Headquarters, box: Box) -> Box:
    open_store(headquarters, OTHER)
    return enrol_box(headquarters, OTHER)


def send(headquarters: Headquarters, box: Box, *events: Event) -> list[tuple[str, str]]:
    sender = enrolment.authorised(headquarters.hub, box.peer.node, box.peer.incarnation)
    batch = EventBatch(incarnation=box.peer.incarnation, nonce=b"n" * 16, events=tuple(events))
    answer = ingest.take(headquarters.hub, sender, batch)
    return [(row.outcome, row.reason) for row in answer.rows]


def rows(headquarters: Headquarters, store: int, kind: str) -> list[bytes]:
    with headquarters.hub.database.reading() as connection:
        found = feed.read(
            connection, start(f"store:{store}"), headquarters.hub.generation, limit=1_000
        )
    assert found is not None
    return [row.body for row in found.rows if row.kind == kind]


def order_rows(headquarters: Headquarters, store: int) -> list[OrderRow]:
    return [codec.unpack(OrderRow, body) for body in rows(headquarters, store, "order")]


def ask_rows(headquarters: Headquarters, store: int) -> list[AskRow]:
    return [codec.unpack(AskRow, body) for body in rows(headquarters, store, "ask")]


def open_ask(headquarters: Headquarters, store: int = 101) -> AskRow:
    asked = {row.ask_id: row for row in ask_rows(headquarters, store)}
    waiting = [row for row in asked.values() if not row.settled]
    assert len(waiting) == 1
    return waiting[0]


def answer(
    box: Box, ask: AskRow, *, kept: Sequence[tuple[int, int]] = (), tries: tuple[Tries, ...] = ()
) -> Event:
    named = [(ask.order_id, line, unit) for line, unit in ask.units]
    return box.event(
        Answered(
            ask_id=ask.ask_id,
            order_id=ask.order_id,
            epoch=ask.epoch,
            destination=ask.destination,
            released=tuple(unit for unit in named if unit[1:] not in kept),
            kept=tuple(unit for unit in named if unit[1:] in kept),
            at_ms=1,
            tries=tries,
        )
    )


def show(headquarters: Headquarters, ordered: Ordered) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(json.dumps(orders.show(headquarters.hub, ordered.order_no)))
    return shown


def states(headquarters: Headquarters, ordered: Ordered) -> list[str]:
    lines = show(headquarters, ordered)["lines"]
    return [unit["state"] for line in lines for unit in line["units"]]


def move(headquarters: Headquarters, ordered: Ordered, store: int = OTHER) -> dict[str, Any]:
    wanted = NewTransfer(order_no=ordered.order_no, to_store=store)
    moved: dict[str, Any] = json.loads(
        json.dumps(ownership.move(headquarters.hub, wanted, by="hq"))
    )
    return moved


def refund(
    headquarters: Headquarters,
    ordered: Ordered,
    *,
    units: tuple[tuple[int, int], ...] | None = None,
    override: Override | None = None,
) -> dict[str, Any]:
    wanted = NewRefund(units=units, override=override)
    done = ownership.refund(headquarters.hub, ordered.order_no, wanted)
    told: dict[str, Any] = json.loads(json.dumps(done))
    return told


def refused(call: Callable[[], object]) -> str:
    with pytest.raises(Problem) as caught:
        call()
    return caught.value.code


def test_an_order_is_granted_only_once_its_holder_released_it(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    asked = move(headquarters, ordered)
    assert (asked["state"], asked["holders"]["state"]) == ("asked", "asked")
    assert states(headquarters, ordered) == ["held"] * 3, "asked is not stopped"
    ask = open_ask(headquarters)
    assert (ask.destination, ask.holder, ask.epoch) == ("store:102", box.peer.incarnation, 1)
    assert send(headquarters, box, answer(box, ask)) == [("accepted", "")]
    [row] = order_rows(headquarters, OTHER)
    assert (row.holder, row.epoch, row.home_store) == (second.peer.incarnation, 2, OTHER)
    assert row.away == ()
    [told] = transfers.list_transfers(headquarters.hub)
    assert (told["state"], told["granted_epoch"]) == ("granted", 2)
    taken = Accepted(order_id=ordered.order_id, units=ordered.units(*ALL), epoch=2, at_ms=5)
    event = second.event(taken)
    assert send(headquarters, second, event) == [("accepted", "")]
    [told] = transfers.list_transfers(headquarters.hub)
    assert told["accepted_ms"] is not None


def test_the_customers_codes_and_name_go_along_under_the_new_stores_keys(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    move(headquarters, ordered)
    send(headquarters, box, answer(box, open_ask(headquarters)))
    [row] = order_rows(headquarters, OTHER)
    lookups = {each.lookup: each for each in row.codes}
    v1 = lookups[code_lookup(second.k_store, id_of(ordered))]
    assert (v1.kind, v1.state, v1.epoch) == ("v1", "live", 2)
    assert {each.kind for each in row.codes} >= {"v1", "v2"}
    assert row.sealed is not None
    assert row.phone_tail is not None
    left = order_rows(headquarters, 101)[-1]
    assert left.home_store == OTHER
    assert (left.sealed, left.phone_tail) == (None, None), "a name leaves with its order"
    assert code_lookup(box.k_store, id_of(ordered)) in {each.lookup for each in left.codes}


def test_a_moved_order_comes_back_and_goes_on_with_the_same_code(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    move(headquarters, ordered)
    send(headquarters, box, answer(box, open_ask(headquarters)))
    move(headquarters, ordered, 101)
    send(headquarters, second, answer(second, open_ask(headquarters, OTHER)))
    row = order_rows(headquarters, 101)[-1]
    assert (row.home_store, row.holder, row.epoch) == (101, box.peer.incarnation, 3)
    found = {each.lookup: each for each in row.codes}
    assert found[code_lookup(box.k_store, id_of(ordered))].epoch == 3


def test_what_was_handed_over_meanwhile_stays_and_nothing_is_granted(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    move(headquarters, ordered)
    ask = open_ask(headquarters)
    events = (box.event(handed(ordered, *ALL)), answer(box, ask, kept=ALL))
    assert send(headquarters, box, *events) == [("accepted", "")] * 2
    [told] = transfers.list_transfers(headquarters.hub)
    assert told["state"] == "kept"
    assert order_rows(headquarters, OTHER) == []
    assert show(headquarters, ordered)["store"] == 101


def test_of_a_partly_collected_order_only_the_released_units_move(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    move(headquarters, ordered)
    ask = open_ask(headquarters)
    told = (box.event(handed(ordered, (1, 1))), answer(box, ask, kept=((1, 1),)))
    send(headquarters, box, *told)
    [row] = order_rows(headquarters, OTHER)
    assert row.away == ((1, 1),), "the new store must not hand over what is gone"
    assert states(headquarters, ordered) == ["handed", "held", "held"]
    assert refused(lambda: transfers.fresh_codes(headquarters.hub, ordered.order_no)) == (
        "not_whole"
    ), "a token names no units"


def test_one_question_at_a_time(headquarters: Headquarters, box: Box, second: Box) -> None:
    open_store(headquarters, 103)
    enrol_box(headquarters, 103)
    hub = headquarters.hub
    ordered = order(headquarters)
    first = move(headquarters, ordered)
    assert move(headquarters, ordered)["transfer_id"] == first["transfer_id"]
    assert len(ask_rows(headquarters, 101)) == 1
    assert refused(lambda: move(headquarters, ordered, 103)) == "asked"
    assert refused(lambda: ownership.cancel(hub, ordered.order_no)) == "asked"
    assert refused(lambda: refund(headquarters, ordered)) == "asked"
    assert refused(lambda: orders.extend(hub, ordered.order_no, 24)) == "asked", (
        "a higher epoch would clear the tombstone of the release"
    )
    assert refused(lambda: orders.reissue(hub, ordered.order_no)) == "asked"


def test_only_the_asked_incarnation_may_release(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    move(headquarters, ordered)
    ask = open_ask(headquarters)
    assert send(headquarters, second, answer(second, ask)) == [("refused", "not_holder")]
    newer = enrol_box(headquarters, replace=True)
    assert send(headquarters, newer, answer(newer, ask)) == [("refused", "not_holder")]
    assert states(headquarters, ordered) == ["held"] * 3
    assert order_rows(headquarters, OTHER) == []


def test_a_grant_goes_to_the_box_that_the_store_has_at_that_moment(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    move(headquarters, ordered)
    newer = enrol_box(headquarters, OTHER, replace=True)
    send(headquarters, box, answer(box, open_ask(headquarters)))
    assert order_rows(headquarters, OTHER)[-1].holder == newer.peer.incarnation


def test_nothing_is_granted_while_a_unit_has_a_parked_row(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    move(headquarters, ordered)
    ask = open_ask(headquarters)
    newer = box.event(handed(ordered, (1, 1)), kind="handed_by_robot")
    assert send(headquarters, box, newer, answer(box, ask)) == [
        ("later", "newer"),
        ("accepted", ""),
    ]
    assert order_rows(headquarters, OTHER) == []
    [told] = transfers.list_transfers(headquarters.hub)
    assert told["state"] == "asked"
    assert refused(lambda: refund(headquarters, ordered, units=((1, 1),))) == "parked"


def test_tries_counted_at_home_go_along(headquarters: Headquarters, box: Box, second: Box) -> None:
    ordered = order(headquarters)
    move(headquarters, ordered)
    v2 = next(each for each in order_rows(headquarters, 101)[0].codes if each.kind == "v2")
    counted = Tries(lookup=v2.lookup, credential="signature", tries=2)
    send(headquarters, box, answer(box, open_ask(headquarters), tries=(counted,)))
    [row] = order_rows(headquarters, OTHER)
    assert [each.tries for each in row.codes if each.kind == "v2"] == [2]


def id_of(ordered: Ordered) -> bytes:
    return v1_code_id(ordered.v1.replace("-", ""))


def question(ordered: Ordered, *, ask: bool = True, wait: bool = False) -> TransferQuestion:
    return TransferQuestion(code_id=id_of(ordered), ask=ask, wait=wait)


def asks_as(headquarters: Headquarters, box: Box, wanted: TransferQuestion) -> TransferAnswer:
    sender = enrolment.authorised(headquarters.hub, box.peer.node, box.peer.incarnation)
    return transfer_desk.answer(headquarters.hub, sender, wanted)


def hear(headquarters: Headquarters, box: Box) -> None:
    key = (box.peer.node, box.peer.incarnation)
    enrolment.seen(headquarters.hub, {key: headquarters.clock.now_ms()})


def test_a_store_that_is_shown_a_code_learns_where_it_is_and_gets_it(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    assert asks_as(headquarters, second, TransferQuestion(code_id=b"x" * 10)).state == "unknown"
    headquarters.clock.advance(3_600_000)
    told = asks_as(headquarters, second, question(ordered))
    assert (told.state, told.store, told.store_code) == ("unreachable", 101, "S101")
    assert ask_rows(headquarters, 101) == [], "a holder that is not heard is not asked unmeant"
    hear(headquarters, box)
    assert asks_as(headquarters, second, question(ordered, ask=False)).asked_ms is None
    told = asks_as(headquarters, second, question(ordered))
    assert told.state == "asked"
    assert told.asked_ms is not None
    assert asks_as(headquarters, second, question(ordered)) == told, "asking again changes nothing"
    send(headquarters, box, answer(box, open_ask(headquarters)))
    assert asks_as(headquarters, second, question(ordered)).state == "here"
    send(headquarters, second, second.event(handed(ordered, *ALL, epoch=2)))
    told = asks_as(headquarters, box, question(ordered))
    assert (told.state, told.store, told.handed_station) == ("handed", OTHER, "till-1")


def test_an_unheard_holder_is_asked_only_by_who_means_to_wait(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    headquarters.clock.advance(3_600_000)
    told = asks_as(headquarters, second, question(ordered, wait=True))
    assert told.state == "unreachable"
    assert told.asked_ms is not None
    assert states(headquarters, ordered) == ["held"] * 3
    assert open_ask(headquarters).destination == "store:102"


def test_a_cancel_is_refunded_once_after_its_release_and_not_before(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    ownership.cancel(headquarters.hub, ordered.order_no)
    assert refused(lambda: refund(headquarters, ordered)) == "asked"
    send(headquarters, box, answer(box, open_ask(headquarters)))
    first = refund(headquarters, ordered)
    assert [each["state"] for each in first["refunds"]] == ["refunded"] * 3
    headquarters.clock.advance(1_000)
    assert refund(headquarters, ordered)["refunds"] == first["refunds"], (
        "the same rows, unpaid anew"
    )
    assert states(headquarters, ordered) == ["refunded"] * 3
    assert show(headquarters, ordered)["refundable"] == []


def test_a_refund_of_what_is_held_asks_and_follows_by_itself(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    asked = refund(headquarters, ordered, units=((1, 1),))
    assert (asked["asked"]["state"], asked["refunds"][0]["state"]) == ("asked", "asked")
    assert refund(headquarters, ordered, units=((1, 1),))["refunds"] == asked["refunds"]
    assert len(ask_rows(headquarters, 101)) == 1
    send(headquarters, box, answer(box, open_ask(headquarters)))
    assert states(headquarters, ordered) == ["refunded", "held", "held"]
    shown = show(headquarters, ordered)
    assert (shown["state"], shown["refunds"][0]["state"]) == ("open", "refunded")
    assert order_rows(headquarters, 101)[-1].away == ((1, 1),)


def test_what_was_handed_over_is_kept_and_not_refunded(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    refund(headquarters, ordered)
    events = (box.event(handed(ordered, *ALL)), answer(box, open_ask(headquarters), kept=ALL))
    send(headquarters, box, *events)
    shown = show(headquarters, ordered)
    assert [each["state"] for each in shown["refunds"]] == ["kept"] * 3
    assert refused(lambda: refund(headquarters, ordered)) == "handed"
    send(headquarters, box, box.event(undone(ordered, *ALL)))
    refund(headquarters, ordered)
    send(headquarters, box, answer(box, open_ask(headquarters)))
    assert states(headquarters, ordered) == ["refunded"] * 3, "undone, it is held again"


def test_neither_extending_nor_issuing_anew_brings_a_refunded_unit_back(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    hub = headquarters.hub
    gone = Lapsed(order_id=ordered.order_id, units=ordered.units(*ALL), epoch=1, at_ms=1)
    send(headquarters, box, box.event(gone))
    refund(headquarters, ordered, units=((1, 1),))
    extended = json.loads(json.dumps(orders.extend(hub, ordered.order_no, 24)))
    assert states(headquarters, ordered) == ["refunded", "held", "held"]
    assert extended["codes"]["v2"] is None, "a signed code names no units"
    row = order_rows(headquarters, 101)[-1]
    assert (row.epoch, row.away) == (2, ((1, 1),))
    orders.reissue(hub, ordered.order_no)
    assert states(headquarters, ordered) == ["refunded", "held", "held"]
    assert order_rows(headquarters, 101)[-1].away == ((1, 1),)


def test_a_named_person_may_refund_what_is_held_and_the_loss_is_in_the_books(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    override = Override(by="Li", reason="the box burned")
    done = refund(headquarters, ordered, units=((1, 1), (1, 2)), override=override)
    assert [(e["state"], e["loss"], e["override_by"]) for e in done["refunds"]] == [
        ("refunded", True, "Li")
    ] * 2
    event = box.event(handed(ordered, (1, 1)))
    assert send(headquarters, box, event) == [("conflict", "after_refund")]
    [case] = cases.list_cases(headquarters.hub)
    assert case["reason"] == "after_refund"
    assert "loss" in str(case["detail"])
    assert "1.1" in str(case["detail"])
    gone = Lapsed(order_id=ordered.order_id, units=ordered.units((1, 2)), epoch=1, at_ms=1)
    assert send(headquarters, box, box.event(gone)) == [("accepted", "")]
    losses = [each["loss"] for each in show(headquarters, ordered)["refunds"]]
    assert losses == [True, False], "what the box gave up after all was no loss"


def test_what_was_given_up_and_handed_over_all_the_same_is_not_refunded(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    gone = Lapsed(order_id=ordered.order_id, units=ordered.units(*ALL), epoch=1, at_ms=1)
    send(headquarters, box, box.event(gone), box.event(handed(ordered, (1, 1))))
    assert refused(lambda: refund(headquarters, ordered, units=((1, 1),))) == "handed"
    refund(headquarters, ordered, units=((1, 2),))
    assert states(headquarters, ordered) == ["handed", "refunded", "lapsed"]


def test_a_grant_that_nobody_made_is_a_conflict(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    taken = Accepted(order_id=ordered.order_id, units=ordered.units(*ALL), epoch=2, at_ms=5)
    event = second.event(taken)
    assert send(headquarters, second, event) == [("conflict", "not_granted")]
    assert states(headquarters, ordered) == ["held"] * 3


def test_a_symbol_of_a_code_is_never_kept_in_clear(headquarters: Headquarters, box: Box) -> None:
    ordered = order(headquarters)
    symbols = ordered.v1.replace("-", "")
    raw = id_of(ordered)
    assert headquarters.hub.database.file is None or all(
        part not in headquarters.hub.database.file.read_bytes() for part in (symbols.encode(), raw)
    )


def test_what_an_older_hub_kept_for_later_is_read_and_frees_what_waited(
    headquarters: Headquarters, box: Box, second: Box
) -> None:
    ordered = order(headquarters)
    move(headquarters, ordered)
    given = handed(ordered, (1, 1))
    newer = box.event(given, kind="handed_by_robot")
    send(headquarters, box, newer, answer(box, open_ask(headquarters), kept=((1, 1),)))
    assert replay.take_later(headquarters.hub) == 0, "it is still not known"
    assert order_rows(headquarters, OTHER) == []
    with headquarters.hub.database.writing() as connection:  # the upgrade knows the kind
        connection.execute(
            update(event_table).where(event_table.c.kind == "handed_by_robot").values(kind="handed")
        )
    assert replay.take_later(headquarters.hub) == 1
    assert replay.take_later(headquarters.hub) == 0
    assert states(headquarters, ordered) == ["handed", "held", "held"]
    [row] = order_rows(headquarters, OTHER)
    assert row.away == ((1, 1),)


def test_a_lease_goes_to_its_store_as_a_setting(headquarters: Headquarters, box: Box) -> None:
    leases.put_lease(headquarters.hub, 101, leases.Lease(hours=6))
    [row] = [codec.unpack(SettingRow, body) for body in rows(headquarters, 101, "setting")]
    assert (row.key, row.value) == ("lease_hours", "6")


def test_an_order_is_closed_when_all_of_it_went_back_and_not_before(
    headquarters: Headquarters, box: Box
) -> None:
    ordered = order(headquarters)
    gone = Lapsed(order_id=ordered.order_id, units=ordered.units(*ALL), epoch=1, at_ms=1)
    send(headquarters, box, box.event(gone))
    assert refund(headquarters, ordered, units=((1, 1),))["state"] == "open"
    assert refund(headquarters, ordered)["state"] == "cancelled"
    assert order_rows(headquarters, 101)[-1].state == "cancelled"
