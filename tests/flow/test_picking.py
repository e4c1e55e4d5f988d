"""Picking at a store: begun, counted, short items settled by the customer's choice, ready."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import pytest
from msgspec import structs

from edge.flow import pick
from edge.flow.answers import Refusal, ScanAnswer
from edge.flow.asks import answer_asks
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.operator import sign_in
from edge.flow.pick import FoundAsk, ReadyAsk, ShortAsk
from edge.flow.pick_view import PickView, pick_list
from edge.flow.reading import read
from edge.flow.scan import ScanAsk
from edge.store.catalog import put
from edge.store.row import text
from edge.store.tx import Tx
from sync.rules.order_life import ALARM_MS, WARN_MS, OnShort
from sync.wire.catalog import AskRow, LineRow

if TYPE_CHECKING:
    from tests.flow.conftest import Floor, Goods

T = TypeVar("T")
START_MS = 1_800_000_000_000
THREE = (LineRow(line=1, sku="MILK", quantity=3, unit_minor=1_290),)


def made(answer: T | Refusal) -> T:
    assert not isinstance(answer, Refusal), answer
    return answer


def refused(answer: object) -> str:
    assert isinstance(answer, Refusal), answer
    return answer.code


@pytest.fixture
async def shelf(floor: "Floor") -> "Floor":
    made(await sign_in(floor.shop, floor.caller(), "c1", "1357"))
    return floor


def placed(floor: "Floor") -> "Goods":
    """Three of one article that nobody picked yet, ordered when the shop began."""
    goods = floor.order(ready=False, lines=THREE)
    row = structs.replace(goods.row, placed_ms=START_MS, place="", bags=1)
    floor.sync(row)
    return replace(goods, row=row)


def key(goods: "Goods") -> str:
    return goods.row.order_id.hex()


async def events(floor: "Floor", kind: str) -> int:
    sql = f"SELECT count(*) FROM outbox WHERE kind = '{kind}'"  # noqa: S608 - our own kinds
    return await floor.count(sql)


async def picked(floor: "Floor", goods: "Goods", *, place: str = "B2", bags: int = 1) -> PickView:
    for line in goods.row.lines:
        made(
            await pick.found(
                floor.shop,
                floor.caller(),
                key(goods),
                FoundAsk(line=line.line, found=line.quantity),
            )
        )
    return made(
        await pick.put_ready(
            floor.shop, floor.caller(), key(goods), ReadyAsk(place=place, bags=bags)
        )
    )


async def test_an_order_goes_from_placed_over_picking_to_its_bin_and_the_counter_shows_the_bin(
    shelf: "Floor",
) -> None:
    goods = placed(shelf)
    first = (await pick_list(shelf.shop, "till-1")).waiting[0]
    assert (first.life, first.queue, first.lines[0].open) == ("placed", 1, 3)
    begun = made(await pick.begin(shelf.shop, shelf.caller(), key(goods)))
    assert (begun.life, begun.started_by) == ("picking", "c1")
    after = await picked(shelf, goods, place="B2 冷藏", bags=2)
    assert (after.life, after.place, after.bags) == ("ready", "B2 冷藏", 2)
    answer = await shelf.scan(goods.v1)
    assert answer.order is not None
    assert answer.reason.code == "ready"
    assert (answer.order.ready, answer.order.place, answer.order.bags) == (True, "B2 冷藏", 2)
    told = [await events(shelf, kind) for kind in ("pick_started", "picked", "order_ready")]
    assert told == [1, 1, 1]


async def test_a_scan_of_an_order_not_picked_says_so_with_its_place_in_the_queue(
    shelf: "Floor",
) -> None:
    placed(shelf)
    behind = placed(shelf)
    hurried = placed(shelf)
    shelf.sync(structs.replace(hurried.row, lane="priority"))
    answer = await shelf.scan(behind.v1)
    assert (answer.reason.code, answer.queue) == ("not_picked", 3)
    assert (await shelf.scan(hurried.v1, station="till-2")).queue == 1


async def test_three_ordered_two_found_and_a_refund_gives_up_one_unit_once(shelf: "Floor") -> None:
    goods = placed(shelf)
    ask = ShortAsk(line=1, found=2, choice="refund_line")
    after = made(await pick.short(shelf.shop, shelf.caller(), key(goods), ask))
    assert (after.lines[0].open, after.lines[0].found, after.lines[0].refunded) == (2, 2, 1)
    again = made(await pick.short(shelf.shop, shelf.caller(), key(goods), ask))
    assert again.lines[0].refunded == 1
    assert await events(shelf, "short_picked") == 1
    gone = await shelf.count(
        "SELECT count(*) FROM tombstone WHERE reason = 'released' AND destination = 'hq:refund'"
    )
    assert gone == 1
    made(await pick.put_ready(shelf.shop, shelf.caller(), key(goods), ReadyAsk(place="A1", bags=1)))
    answer = await shelf.scan(goods.v1)
    given = made(
        await hand_over(shelf.shop, shelf.caller(), HandOverAsk(order=key(goods)))
        if answer.state == "claimed"
        else answer
    )
    assert given.state == "handed"
    assert await shelf.count("SELECT count(*) FROM redemption WHERE live = 1") == 2
    last = await shelf.scan(goods.v1, station="till-2")
    assert last.verdict == "already"


async def test_a_unit_that_is_refunded_is_not_handed_over_by_asking_for_it(
    shelf: "Floor",
) -> None:
    goods = placed(shelf)
    ask = ShortAsk(line=1, found=2, choice="refund_line")
    made(await pick.short(shelf.shop, shelf.caller(), key(goods), ask))
    await shelf.scan(goods.v1)
    wanted = HandOverAsk(order=key(goods), units=((1, 1), (1, 2), (1, 3)))
    assert refused(await hand_over(shelf.shop, shelf.caller(), wanted)) == "bad_units"


async def test_when_all_of_it_is_refunded_the_counter_says_so(shelf: "Floor") -> None:
    goods = placed(shelf)
    ask = ShortAsk(line=1, found=0, choice="refund_line")
    after = made(await pick.short(shelf.shop, shelf.caller(), key(goods), ask))
    assert after.life == "closed"
    assert (await pick_list(shelf.shop, "till-1")).waiting == ()
    answer = await shelf.scan(goods.v1)
    assert (answer.verdict, answer.reason.code) == ("revoked", "refunded")


@pytest.mark.parametrize(
    ("recorded", "done", "code"),
    [
        ("refund_line", "wait", "not_chosen"),
        ("refund_line", "substitute", "not_chosen"),
        ("wait", "refund_line", "not_chosen"),
        ("substitute", "wait", "not_chosen"),
        ("substitute", "substitute", "no_substitute"),
    ],
)
async def test_what_is_short_is_settled_by_the_customers_choice_alone(
    shelf: "Floor", recorded: str, done: OnShort, code: str
) -> None:
    goods = placed(shelf)
    shelf.sync(structs.replace(goods.row, on_short=recorded))
    ask = ShortAsk(line=1, found=2, choice=done)
    assert refused(await pick.short(shelf.shop, shelf.caller(), key(goods), ask)) == code
    assert await events(shelf, "short_picked") == 0


async def test_a_substitute_goes_at_the_lower_price_and_completes_the_order(
    shelf: "Floor",
) -> None:
    goods = placed(shelf)
    shelf.sync(structs.replace(goods.row, on_short="substitute"))
    ask = ShortAsk(
        line=1, found=2, choice="substitute", substitute_sku="ICE", substitute_minor=2_000
    )
    after = made(await pick.short(shelf.shop, shelf.caller(), key(goods), ask))
    line = after.lines[0]
    assert (line.open, line.found, line.replaced, after.complete) == (3, 2, 1, True)
    assert [(sub.sku, sub.quantity, sub.unit_minor) for sub in line.substitutes] == [
        ("ICE", 1, 1_290)
    ]
    again = made(await pick.short(shelf.shop, shelf.caller(), key(goods), ask))
    assert (again.lines[0].replaced, await events(shelf, "short_picked")) == (1, 1)


async def test_who_waits_keeps_the_units_and_the_order_is_not_ready_without_them(
    shelf: "Floor",
) -> None:
    goods = placed(shelf)
    shelf.sync(structs.replace(goods.row, on_short="wait"))
    ask = ShortAsk(line=1, found=2, choice="wait")
    after = made(await pick.short(shelf.shop, shelf.caller(), key(goods), ask))
    assert (after.waits, after.lines[0].open, after.complete) == (True, 3, False)
    lies = ReadyAsk(place="A1", bags=1)
    early = await pick.put_ready(shelf.shop, shelf.caller(), key(goods), lies)
    assert refused(early) == "not_complete"
    found = made(
        await pick.found(shelf.shop, shelf.caller(), key(goods), FoundAsk(line=1, found=3))
    )
    assert (found.waits, found.complete) == (False, True)
    made(await pick.put_ready(shelf.shop, shelf.caller(), key(goods), lies))


async def test_while_a_counter_serves_the_order_nothing_of_it_is_given_up(shelf: "Floor") -> None:
    goods = placed(shelf)
    await shelf.scan(goods.v1, station="till-2")
    ask = ShortAsk(line=1, found=2, choice="refund_line")
    assert refused(await pick.short(shelf.shop, shelf.caller(), key(goods), ask)) == "at_counter"


async def test_timers_warn_at_half_an_hour_and_alarm_at_one_by_trusted_time(shelf: "Floor") -> None:
    placed(shelf)
    assert (await pick_list(shelf.shop, "till-1")).waiting[0].timer == "unknown", "no sure clock"
    await shelf.hub_says(START_MS)
    seen = []
    for ms in (0, WARN_MS, ALARM_MS - WARN_MS):
        shelf.advance(ms)
        seen.append((await pick_list(shelf.shop, "till-1")).waiting[0].timer)
    assert seen == ["ok", "warn", "alarm"]


@pytest.mark.parametrize("act", ["begin", "found", "short", "ready"])
async def test_no_act_of_picking_is_done_by_nobody(floor: "Floor", act: str) -> None:
    goods = placed(floor)
    acts: dict[str, Callable[[], Awaitable[object]]] = {
        "begin": lambda: pick.begin(floor.shop, floor.caller(), key(goods)),
        "found": lambda: pick.found(
            floor.shop, floor.caller(), key(goods), FoundAsk(line=1, found=1)
        ),
        "short": lambda: pick.short(
            floor.shop,
            floor.caller(),
            key(goods),
            ShortAsk(line=1, found=1, choice="refund_line"),
        ),
        "ready": lambda: pick.put_ready(
            floor.shop, floor.caller(), key(goods), ReadyAsk(place="A1", bags=1)
        ),
    }
    assert refused(await acts[act]()) == "operator_needed"


async def test_a_fenced_box_gives_nothing_up(shelf: "Floor") -> None:
    goods = placed(shelf)

    def fence(tx: Tx) -> None:
        tx.connection.execute("UPDATE identity SET fenced = 1")

    await shelf.shop.writer.do(fence, shelf.shop.moment())
    ask = ShortAsk(line=1, found=2, choice="refund_line")
    assert refused(await pick.short(shelf.shop, shelf.caller(), key(goods), ask)) == "fenced"


async def test_bag_labels_confirm_the_order_that_this_counter_serves_when_all_were_held_up(
    shelf: "Floor",
) -> None:
    goods = placed(shelf)
    await picked(shelf, goods, bags=2)
    number = goods.row.order_no

    async def hold(bag: int, station: str = "till-1") -> ScanAnswer:
        return made(
            await read(shelf.shop, shelf.caller(station), ScanAsk(text=f"BAG:{number}/{bag}/2"))
        )

    assert (await hold(1)).reason.code == "bag_label"
    claimed = await shelf.scan(goods.v1)
    assert claimed.state == "claimed"
    assert (await hold(1)).reason.code == "bag_counted"
    assert (await hold(1)).reason.code == "bag_counted"
    assert (await hold(2, "till-2")).reason.code == "bag_label"
    assert await events(shelf, "handed") == 0
    assert (await hold(2)).state == "handed"
    assert await events(shelf, "handed") == 1


async def test_papers_are_spooled_without_the_customers_name(shelf: "Floor") -> None:
    goods = placed(shelf)
    slip = made(await pick.print_papers(shelf.shop, shelf.caller(), key(goods)))
    assert len(slip) == 1
    await picked(shelf, goods, bags=3)
    labels = made(await pick.print_papers(shelf.shop, shelf.caller(), key(goods)))
    assert len(labels) == 3

    def bodies(tx: Tx) -> list[str]:
        return [
            text(row[0])
            for row in tx.connection.execute("SELECT CAST(body AS TEXT) FROM effect").fetchall()
        ]

    spooled = await shelf.shop.writer.do(bodies, shelf.shop.moment())
    assert spooled
    assert not any("张三" in body for body in spooled)


async def test_an_order_that_went_to_another_store_lies_in_no_bin_here(shelf: "Floor") -> None:
    goods = placed(shelf)
    await picked(shelf, goods)
    asked = AskRow(
        ask_id=b"a" * 16,
        kind="release",
        order_id=goods.row.order_id,
        epoch=1,
        holder=goods.row.holder,
        destination="store:9",
        units=((1, 1), (1, 2), (1, 3)),
    )
    put(shelf.opened.catalog._connection, asked)
    assert await answer_asks(shelf.shop) == 1
    assert await shelf.count("SELECT count(*) FROM pick") == 0


async def test_what_was_picked_stands_after_a_restart(shelf: "Floor") -> None:
    goods = placed(shelf)
    ask = ShortAsk(line=1, found=2, choice="refund_line")
    made(await pick.short(shelf.shop, shelf.caller(), key(goods), ask))
    await shelf.stop()
    await shelf.start(run="run-2")
    again = (await pick_list(shelf.shop, "till-1")).waiting[0]
    assert (again.life, again.lines[0].open, again.lines[0].refunded) == ("picking", 2, 1)
