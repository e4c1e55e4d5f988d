"""A pickup at the counter, in every way it goes, on a real ledger."""

from dataclasses import replace
from typing import TYPE_CHECKING

from edge.flow.answers import Refusal, ScanAnswer, UndoAnswer
from edge.flow.caller import Caller
from edge.flow.claim import put_back, take_over
from edge.flow.find import FindAsk, choose, find
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.operator import Approval
from edge.flow.review import cases, release
from edge.flow.scan import ScanAsk, scan
from edge.flow.shown import shown
from edge.flow.undo import UndoAsk, undo
from sync.rules.verdicts import Verdict
from sync.wire.catalog import LineRow

if TYPE_CHECKING:
    from tests.flow.conftest import Floor

TWO_LINES = (LineRow(line=1, sku="MILK", quantity=2), LineRow(line=2, sku="ICE", quantity=1))


async def test_a_plain_order_is_handed_over_at_once_and_never_again(floor: "Floor") -> None:
    goods = floor.order()
    first = await floor.scan(goods.v1)
    assert (first.verdict, first.state) == (Verdict.OK, "handed")
    assert first.order is not None
    assert first.order.name == "张**"
    assert first.slip is not None
    second = await floor.scan(goods.v1, station="till-2")
    assert (second.verdict, second.reason.code) == (Verdict.ALREADY, "just_now")
    assert second.earlier is not None
    assert second.earlier.station == "till-1"
    assert await floor.count("SELECT count(*) FROM redemption WHERE live = 1") == 1


async def test_an_unknown_code_asks_for_a_new_one_only_while_hq_could_have_told(
    floor: "Floor",
) -> None:
    floor.shop.link.state = "online"
    told = await floor.scan(floor.order(synced=False).v1)
    assert (told.verdict, told.reason.code) == (Verdict.UNKNOWN, "no_such_code")
    assert told.next_step.code == "ask_new_code"
    floor.shop.link.state = "offline"
    cut = floor.order(synced=False)
    for text, pin in ((cut.v1, None), (cut.serial, cut.pin), (cut.platform, None)):
        answer = await floor.scan(text, pin=pin)
        assert (answer.verdict, answer.reason.code) == (Verdict.UNKNOWN, "no_such_code_offline")
        assert answer.next_step.code == "try_signed_or_wait"


async def test_the_same_key_gives_the_same_answer_marked_as_a_repeat(floor: "Floor") -> None:
    goods = floor.order()
    first = await floor.scan(goods.v1, key="one")
    again = await floor.scan(goods.v1, key="one")
    assert again == replace(first, repeat_of_ms=first.at_ms, painted=False)
    await shown(floor.shop, floor.caller(), first.id)
    painted = await floor.scan(goods.v1, key="one")
    assert painted.painted
    caller = Caller(station="till-1", key="one", route="POST /scans")
    other = await scan(floor.shop, caller, ScanAsk(text=floor.order().v1))
    assert isinstance(other, Refusal)
    assert other.status == 422


async def test_a_double_trigger_of_a_scanner_changes_nothing(floor: "Floor") -> None:
    goods = floor.order()
    caller = Caller(station="till-1", route="device")
    first = await scan(floor.shop, caller, ScanAsk(text=goods.v1))
    second = await scan(floor.shop, caller, ScanAsk(text=goods.v1))
    assert isinstance(first, ScanAnswer)
    assert isinstance(second, ScanAnswer)
    assert second.debounced
    assert second.verdict is Verdict.ALREADY
    assert [event for _, event, _ in floor.screens.shown] == ["answer", "duplicate"]


async def test_several_lines_are_claimed_then_handed_over_in_parts(floor: "Floor") -> None:
    goods = floor.order(lines=TWO_LINES, bags=2)
    first = await floor.scan(goods.v1)
    assert (first.verdict, first.state) == (Verdict.OK, "claimed")
    assert first.order is not None
    elsewhere = await floor.scan(goods.v1, station="till-2")
    assert (elsewhere.verdict, elsewhere.reason.code) == (Verdict.ALREADY, "at_counter")
    part = await hand_over(
        floor.shop, floor.caller(), HandOverAsk(order=first.order.id, units=((1, 1),))
    )
    assert isinstance(part, ScanAnswer)
    assert part.state == "handed"
    rest = await floor.scan(goods.v1)
    assert rest.reason.code == "rest_ready"
    last = await hand_over(floor.shop, floor.caller(), HandOverAsk(order=first.order.id))
    assert isinstance(last, ScanAnswer)
    assert last.order is not None
    assert all(unit == "handed" for line in last.order.lines for unit in line.units)
    assert (await floor.scan(goods.v1)).verdict is Verdict.ALREADY


async def test_a_missing_part_stays_open_with_a_case(floor: "Floor") -> None:
    goods = floor.order(lines=TWO_LINES)
    first = await floor.scan(goods.v1)
    assert first.order is not None
    ask = HandOverAsk(order=first.order.id, missing=((2, 1),))
    part = await hand_over(floor.shop, floor.caller(), ask)
    assert isinstance(part, ScanAnswer)
    assert part.case is not None
    assert (await floor.scan(goods.v1)).reason.code == "rest_ready"


async def test_another_counter_can_take_over_and_put_back(floor: "Floor") -> None:
    goods = floor.order(lines=TWO_LINES)
    first = await floor.scan(goods.v1)
    assert first.order is not None
    taken = await take_over(floor.shop, floor.caller("till-2"), first.order.id)
    assert isinstance(taken, ScanAnswer)
    late = await hand_over(floor.shop, floor.caller(), HandOverAsk(order=first.order.id))
    assert isinstance(late, ScanAnswer)
    assert late.reason.code == "at_counter"
    await put_back(floor.shop, floor.caller("till-2"), first.order.id)
    assert (await floor.scan(goods.v1)).state == "claimed"


async def test_undo_voids_and_the_code_works_again(floor: "Floor") -> None:
    goods = floor.order()
    first = await floor.scan(goods.v1)
    assert first.handover is not None
    refused = await undo(
        floor.shop, floor.caller(), UndoAsk(handover=first.handover, goods_still_here=False)
    )
    assert isinstance(refused, Refusal)
    done = await undo(
        floor.shop, floor.caller(), UndoAsk(handover=first.handover, goods_still_here=True)
    )
    assert isinstance(done, UndoAnswer)
    assert done.slip is not None
    again = await floor.scan(goods.v1)
    assert again.state == "handed"
    late = await undo(
        floor.shop, floor.caller(), UndoAsk(handover=first.handover, goods_still_here=True)
    )
    assert isinstance(late, Refusal)
    assert late.code == "already_undone"


async def test_undo_needs_a_reason_after_the_window_and_after_a_restart(floor: "Floor") -> None:
    first = await floor.scan(floor.order().v1)
    assert first.handover is not None
    floor.advance(31_000)
    ask = UndoAsk(handover=first.handover, goods_still_here=True)
    late = await undo(floor.shop, floor.caller(), ask)
    assert isinstance(late, Refusal)
    assert late.code == "undo_late"
    with_reason = await undo(floor.shop, floor.caller(), replace(ask, reason="顾客不要了"))
    assert isinstance(with_reason, UndoAnswer)


async def test_three_wrong_pins_lock_the_serial_and_another_person_releases_it(
    floor: "Floor",
) -> None:
    goods = floor.order()
    needs = await floor.scan(goods.serial)
    assert needs.needs == ("pin",)
    tries = [await floor.scan(goods.serial, pin="000000") for _ in range(3)]
    assert [answer.tries_left for answer in tries] == [2, 1, 0]
    assert tries[2].verdict is Verdict.LOCKED
    assert (await floor.scan(goods.serial, pin=goods.pin)).verdict is Verdict.LOCKED
    case = (await cases(floor.shop))[0]
    assert case.may_release
    by_cashier = await release(
        floor.shop, floor.caller(), case.case, Approval(staff_id="c1", pin="1357"), ""
    )
    assert isinstance(by_cashier, Refusal)
    await release(floor.shop, floor.caller(), case.case, Approval(staff_id="s1", pin="246810"), "")
    assert (await floor.scan(goods.serial, pin=goods.pin)).state == "handed"


async def test_a_locked_serial_stays_usable_by_its_code(floor: "Floor") -> None:
    goods = floor.order()
    for _ in range(3):
        await floor.scan(goods.serial, pin="000000")
    assert (await floor.scan(goods.v1)).state == "handed"


async def test_a_platform_number_is_claimed_and_needs_a_tap(floor: "Floor") -> None:
    goods = floor.order()
    answer = await floor.scan(goods.platform)
    assert (answer.verdict, answer.state) == (Verdict.OK, "claimed")


async def test_a_code_expires_after_48_hours_even_without_any_line(floor: "Floor") -> None:
    goods = floor.order()
    floor.advance(49 * 3_600_000)
    answer = await floor.scan(goods.v1)
    assert answer.verdict is Verdict.EXPIRED


async def test_a_signed_code_that_was_never_synced_needs_its_lines(floor: "Floor") -> None:
    goods = floor.order(synced=False)
    first = await floor.scan(goods.v2)
    assert (first.verdict, first.reason.code) == (Verdict.REVIEW, "lines_needed")
    assert first.case is None
    wrong = await floor.scan(floor.order(synced=False).lines)
    assert wrong.kind == "lines"
    done = await floor.scan(goods.lines)
    assert (done.verdict, done.state) == (Verdict.OK, "handed")
    assert done.basis.source == "token"
    assert (await floor.scan(goods.v2)).verdict is Verdict.ALREADY


async def test_lines_may_come_before_their_code(floor: "Floor") -> None:
    goods = floor.order(synced=False)
    assert (await floor.scan(goods.lines)).reason.code == "lines_kept"
    assert (await floor.scan(goods.v2)).state == "handed"


async def test_a_token_older_than_this_box_waits_for_hq(floor: "Floor") -> None:
    goods = floor.order(synced=False, issued_ms=1_799_999_000_000)
    assert (await floor.scan(goods.v2)).reason.code == "issued_too_early"


async def test_a_token_of_another_store_is_not_here(floor: "Floor") -> None:
    goods = floor.order(synced=False, home=8)
    assert (await floor.scan(goods.v2)).verdict is Verdict.NOT_HERE


async def test_a_reissued_code_redeems_nothing_twice(floor: "Floor") -> None:
    goods = floor.order()
    await floor.scan(goods.v1)
    again = floor.order(order_id=goods.row.order_id, epoch=2)
    answer = await floor.scan(again.v1)
    assert answer.verdict is Verdict.ALREADY


async def test_what_is_not_known_is_unknown_and_what_is_mistyped_says_so(floor: "Floor") -> None:
    goods = floor.order(synced=False)
    assert (await floor.scan(goods.v1)).verdict is Verdict.UNKNOWN
    typo = goods.v1[:-1] + ("0" if goods.v1[-1] != "0" else "1")
    mistyped = await floor.scan(typo)
    assert mistyped.kind == "unreadable"


async def test_found_without_a_code_it_needs_a_second_fact(floor: "Floor") -> None:
    goods = floor.order()
    hits = await find(floor.shop, floor.caller(), FindAsk(phone_tail="1234", item="牛奶"))
    assert not isinstance(hits, Refusal)
    assert [hit.name for hit in hits] == ["张**"]
    chosen = await choose(floor.shop, floor.caller(), hits[0].order_id)
    assert isinstance(chosen, ScanAnswer)
    assert chosen.needs == ("second_fact",)
    ask = HandOverAsk(order=hits[0].order_id)
    refused = await hand_over(floor.shop, floor.caller(), ask)
    assert isinstance(refused, Refusal)
    fact = replace(ask, second_fact=goods.row.order_no[-4:])
    done = await hand_over(floor.shop, floor.caller(), fact)
    assert isinstance(done, ScanAnswer)
    assert done.state == "handed"


async def test_books_survive_a_restart(floor: "Floor") -> None:
    goods = floor.order()
    first = await floor.scan(goods.v1, key="before")
    await floor.stop()
    await floor.start(run="run-2")
    again = await floor.scan(goods.v1, key="before")
    assert again.handover == first.handover
    assert again.repeat_of_ms is not None
    assert (await floor.scan(goods.v1)).verdict is Verdict.ALREADY


async def test_the_short_spelling_of_a_signed_code_is_worth_no_more_than_v1(floor: "Floor") -> None:
    goods = floor.order(min_grade=2)
    answer = await floor.scan(goods.v1)
    assert (answer.verdict, answer.reason.code) == (Verdict.REVIEW, "grade_too_low")
    assert answer.tries_left is None
