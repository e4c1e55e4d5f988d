"""The power goes: a list on paper, and its entries afterwards, with what collides."""

from dataclasses import replace
from typing import TYPE_CHECKING

from drivers.ports.document import Document, Row, Text
from edge.domain.slip import NAME_LOCKED
from edge.flow import emergency
from edge.flow.answers import Refusal, ScanAnswer, SlipView
from edge.flow.emergency import LateAsk, enter_later, print_list
from edge.flow.find import FindAsk, find
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.review import cases
from edge.flow.slips import document
from edge.store.effects import effect
from edge.store.tx import Tx
from sync.rules.verdicts import Verdict
from sync.wire.catalog import LineRow, OrderRow
from sync.wire.codec import from_json
from sync.wire.events import Handed

if TYPE_CHECKING:
    from tests.flow.conftest import Floor, Goods

MINUTE_MS = 60_000
TWO_LINES = (LineRow(line=1, sku="MILK", quantity=2), LineRow(line=2, sku="ICE", quantity=1))


def now_ms(floor: "Floor") -> int:
    return floor.shop.moment().trusted_ms


def changed(floor: "Floor", goods: "Goods", **fields: object) -> OrderRow:
    """The order as HQ sends it again with other fields."""
    from msgspec.structs import replace as changed_struct

    row = changed_struct(goods.row, **fields)
    floor.sync(row)
    return row


async def listed(floor: "Floor") -> Document:
    """Print the list and draw its paper."""
    view = await print_list(floor.shop, floor.caller())
    assert isinstance(view, SlipView)
    row = await floor.shop.writer.do(lambda tx: effect(tx, view.effect), floor.shop.moment())
    assert row is not None
    return await document(floor.shop, row)


def lines_of(paper: Document) -> list[tuple[str, str]]:
    return [
        (block.left, block.right)
        for block in paper.blocks
        if isinstance(block, Row) and block.left.startswith("□")
    ]


def words_of(paper: Document) -> str:
    return "\n".join(
        block.text if isinstance(block, Text) else f"{block.left} {block.right}"
        for block in paper.blocks
        if isinstance(block, Text | Row)
    )


async def late(
    floor: "Floor", order: str, *, at_ms: int | None = None, clerk: str = "c1"
) -> ScanAnswer | Refusal:
    at = now_ms(floor) - 30 * MINUTE_MS if at_ms is None else at_ms
    ask = LateAsk(order_tail_or_no=order, at_ms=at, clerk=clerk)
    return await enter_later(floor.shop, floor.caller(), ask)


async def reasons(floor: "Floor") -> list[str]:
    return [one.reason.code for one in await cases(floor.shop)]


async def audited(floor: "Floor") -> list[str]:
    def read(tx: Tx) -> list[str]:
        return [row[1].decode() for row in tx.all("audit_rows", 0, 1_000) if type(row[1]) is bytes]

    return await floor.shop.writer.do(read, floor.shop.moment())


# -- the list


async def test_the_list_names_open_orders_by_tail_masked_name_items_and_place(
    floor: "Floor",
) -> None:
    goods = floor.order(lines=TWO_LINES, bags=2)
    paper = await listed(floor)
    assert lines_of(paper) == [(f"□ {goods.row.order_no[-4:]}  张**", "A3 · 2 袋")]
    words = words_of(paper)
    assert "牛奶×2、雪糕×1" in words
    assert "张三丰" not in words
    assert "13800001234" not in words
    assert "1234" not in words


async def test_the_priority_lane_comes_first_on_the_list_and_when_finding(
    floor: "Floor",
) -> None:
    first, second = floor.order(), floor.order()
    changed(floor, second, lane="priority")
    rows = lines_of(await listed(floor))
    assert [left.split()[1] for left, _ in rows] == [
        second.row.order_no[-4:],
        first.row.order_no[-4:],
    ]
    assert rows[0][1].startswith("优先")
    hits = await find(floor.shop, floor.caller(), FindAsk(phone_tail="1234", item="牛奶"))
    assert not isinstance(hits, Refusal)
    assert [hit.lane for hit in hits] == ["priority", "normal"]


async def test_what_is_gone_expired_cancelled_or_another_store_s_is_not_listed(
    floor: "Floor",
) -> None:
    await floor.scan(floor.order().v1)
    floor.order(hours=-1)
    floor.order(home=8)
    changed(floor, floor.order(), state="cancelled")
    partly = floor.order(lines=TWO_LINES)
    claimed = await floor.scan(partly.v1)
    assert claimed.order is not None
    ask = HandOverAsk(order=claimed.order.id, units=((1, 1),))
    await hand_over(floor.shop, floor.caller(), ask)
    rows = lines_of(await listed(floor))
    assert [left.split()[1] for left, _ in rows] == [partly.row.order_no[-4:]]


async def test_orders_that_were_handed_over_do_not_push_open_ones_off_the_paper(
    floor: "Floor",
) -> None:
    for _ in range(emergency.MAX_ROWS):
        await floor.scan(floor.order().v1)
    last = floor.order()
    rows = lines_of(await listed(floor))
    assert [left.split()[1] for left, _ in rows] == [last.row.order_no[-4:]]


async def test_a_list_that_is_too_long_says_how_many_are_left_out(floor: "Floor") -> None:
    for _ in range(emergency.MAX_ROWS + 3):
        floor.order()
    paper = await listed(floor)
    assert len(lines_of(paper)) == emergency.MAX_ROWS
    assert "另有 3 单未列出 3 more not listed" in words_of(paper)


async def test_without_the_key_of_names_the_list_says_locked(floor: "Floor") -> None:
    floor.order()
    floor.shop.personal_key = None
    rows = lines_of(await listed(floor))
    assert NAME_LOCKED in rows[0][0]


async def test_names_are_filled_in_at_the_printer_and_not_spooled(floor: "Floor") -> None:
    floor.order()
    view = await print_list(floor.shop, floor.caller())
    assert isinstance(view, SlipView)
    row = await floor.shop.writer.do(lambda tx: effect(tx, view.effect), floor.shop.moment())
    assert row is not None
    assert "张" not in row.body.decode()


# -- entries afterwards


async def test_a_late_entry_keeps_its_own_time_and_clerk_and_prints_nothing(
    floor: "Floor",
) -> None:
    goods = floor.order(lines=TWO_LINES)
    at_ms = now_ms(floor) - 45 * MINUTE_MS
    done = await late(floor, goods.row.order_no[-4:], at_ms=at_ms)
    assert isinstance(done, ScanAnswer)
    assert (done.verdict, done.state, done.undo_s) == (Verdict.OK, "handed", None)
    assert await floor.count("SELECT count(*) FROM effect") == 0

    def told(tx: Tx) -> Handed:
        row = tx.connection.execute("SELECT body FROM outbox WHERE kind = 'handed'").fetchone()
        return from_json(Handed, row[0])

    event = await floor.shop.writer.do(told, floor.shop.moment())
    assert (event.at_ms, event.operator, event.credential) == (at_ms, "c1", "list")
    assert event.recorded_later
    assert len(event.units) == 3
    after = await floor.scan(goods.v1)
    assert after.verdict is Verdict.ALREADY
    assert after.earlier is not None
    assert after.earlier.at_ms == at_ms


async def test_what_the_books_gave_already_is_a_case_with_both_times_and_no_second_hand_over(
    floor: "Floor",
) -> None:
    goods = floor.order()
    first = await floor.scan(goods.v1)
    floor.advance(10 * MINUTE_MS)
    paper_ms = now_ms(floor) - MINUTE_MS
    answer = await late(floor, goods.row.order_no, at_ms=paper_ms)
    assert isinstance(answer, ScanAnswer)
    assert (answer.verdict, answer.reason.code) == (Verdict.REVIEW, "case_open")
    assert answer.case is not None
    assert answer.earlier is not None
    assert answer.earlier.at_ms == first.at_ms
    assert await reasons(floor) == ["late_collision"]
    assert await floor.count("SELECT count(*) FROM redemption WHERE live = 1") == 1
    noted = [body for body in await audited(floor) if "late_collision" in body]
    assert any(f":{paper_ms}," in body and f":{first.at_ms}," in body for body in noted)


async def test_a_part_that_went_later_than_the_paper_says_is_a_collision_too(
    floor: "Floor",
) -> None:
    goods = floor.order(lines=TWO_LINES)
    claimed = await floor.scan(goods.v1)
    assert claimed.order is not None
    ask = HandOverAsk(order=claimed.order.id, units=((2, 1),))
    await hand_over(floor.shop, floor.caller(), ask)
    answer = await late(floor, goods.row.order_no, at_ms=now_ms(floor) - 20 * MINUTE_MS)
    assert isinstance(answer, ScanAnswer)
    assert answer.state == "handed"
    assert answer.case is not None
    assert await reasons(floor) == ["late_collision"]
    assert await floor.count("SELECT count(*) FROM redemption WHERE live = 1") == 3


async def test_an_expired_or_cancelled_order_that_went_by_paper_is_still_recorded(
    floor: "Floor",
) -> None:
    goods, called_off = floor.order(hours=1), floor.order()
    floor.advance(2 * 60 * MINUTE_MS)
    assert (await floor.scan(goods.v1)).verdict is Verdict.EXPIRED
    done = await late(floor, goods.row.order_no, at_ms=now_ms(floor) - 90 * MINUTE_MS)
    assert isinstance(done, ScanAnswer)
    assert done.state == "handed"
    changed(floor, called_off, state="cancelled")
    kept = await late(floor, called_off.row.order_no)
    assert isinstance(kept, ScanAnswer)
    assert kept.state == "handed"


async def test_an_order_of_another_store_is_a_case_and_no_hand_over(floor: "Floor") -> None:
    goods = floor.order(home=8)
    answer = await late(floor, goods.row.order_no)
    assert isinstance(answer, ScanAnswer)
    assert answer.reason.code == "case_open"
    assert await floor.count("SELECT count(*) FROM redemption") == 0


async def test_a_tail_that_comes_back_with_the_months_means_the_open_order(
    floor: "Floor",
) -> None:
    old, new = floor.order(), floor.order()
    changed(floor, old, order_no="2025-77-88")
    changed(floor, new, order_no="2026-77-88")
    ambiguous = await late(floor, "7788")
    assert isinstance(ambiguous, Refusal)
    assert ambiguous.code == "not_unique"
    await floor.scan(old.v1)
    done = await late(floor, "7788")
    assert isinstance(done, ScanAnswer)
    assert done.order is not None
    assert done.order.no == "2026-77-88"


async def test_a_time_in_the_future_and_an_unknown_clerk_are_refused(floor: "Floor") -> None:
    goods = floor.order()
    future = await late(floor, goods.row.order_no, at_ms=now_ms(floor) + MINUTE_MS)
    assert isinstance(future, Refusal)
    assert future.code == "in_future"
    nobody = await late(floor, goods.row.order_no, clerk="nobody")
    assert isinstance(nobody, Refusal)
    assert nobody.code == "no_clerk"
    unknown = await late(floor, "NO-SUCH-ORDER")
    assert isinstance(unknown, Refusal)
    assert unknown.code == "no_order"


async def test_the_same_entry_twice_under_one_key_is_one_hand_over(floor: "Floor") -> None:
    goods = floor.order()
    caller = floor.caller()
    ask = LateAsk(order_tail_or_no=goods.row.order_no, at_ms=now_ms(floor) - MINUTE_MS, clerk="c1")
    first = await enter_later(floor.shop, caller, ask)
    again = await enter_later(floor.shop, caller, ask)
    assert isinstance(first, ScanAnswer)
    assert again == replace(first, repeat_of_ms=first.at_ms, painted=False)
    assert await reasons(floor) == []
