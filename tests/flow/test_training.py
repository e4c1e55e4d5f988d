"""Training mode: the whole counter to try out, and nothing of it is real."""

import asyncio
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from drivers.ports.document import Code, Document, Mark
from drivers.ports.printer import Confirmed, Printer, PrinterStatus, PrintOutcome
from edge.domain.slip import MARK_TRAINING
from edge.flow import training
from edge.flow.answers import Refusal, ScanAnswer, SlipView, StatusView, UndoAnswer
from edge.flow.claim import put_back
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.operator import Approval, current, sign_in, staff
from edge.flow.perform import Route, Spool
from edge.flow.practice import PracticeKit
from edge.flow.review import cases, release
from edge.flow.slips import SlipEntry, document, preview, recent, reprint
from edge.flow.status import status
from edge.flow.undo import UndoAsk, undo
from edge.store.effects import effect
from edge.store.errors import UnitFailed
from sync.rules.verdicts import Verdict
from sync.wire.catalog import LineRow

if TYPE_CHECKING:
    from tests.flow.conftest import Floor

PLAIN, LINES, EXPIRED, COURIER, NOT_PICKED, PRIORITY = range(6)


def codes(floor: "Floor") -> list[str]:
    return [item.code for item in PracticeKit(floor.shop.mac_key).items()]


async def begin(floor: "Floor", station: str = "till-1") -> StatusView:
    floor.shop.practice_folder = floor.folder / "data"
    await training.restore(floor.shop)
    view = await training.switch(floor.shop, floor.caller(station), True)
    assert isinstance(view, StatusView)
    return view


async def end(floor: "Floor", station: str = "till-1") -> StatusView:
    view = await training.switch(floor.shop, floor.caller(station), False)
    assert isinstance(view, StatusView)
    return view


async def books(floor: "Floor") -> bytes:
    """The real ledger's audit head and its tables, as one hash."""

    def read(ledger: object) -> bytes:
        digest = hashlib.sha256()
        for line in floor.opened.ledger.connection.iterdump():
            digest.update(line.encode())
        return digest.digest()

    return await floor.shop.writer.between(read)


async def test_a_whole_day_of_practice_leaves_the_real_books_and_outbox_untouched(
    floor: "Floor",
) -> None:
    goods = floor.order()
    assert (await begin(floor)).training
    before = await books(floor)
    woken = list(floor.woken)
    sheet = codes(floor)
    first = await floor.scan(sheet[PLAIN])
    assert (first.verdict, first.state, first.training) == (Verdict.OK, "handed", True)
    assert first.order is not None
    assert first.order.name == "练**"
    assert first.handover is not None
    assert (await floor.scan(sheet[PLAIN])).verdict is Verdict.ALREADY
    done = await undo(
        floor.shop, floor.caller(), UndoAsk(handover=first.handover, goods_still_here=True)
    )
    assert isinstance(done, UndoAnswer)
    lines = await floor.scan(sheet[LINES])
    assert lines.state == "claimed"
    assert lines.order is not None
    part = await hand_over(
        floor.shop, floor.caller(), HandOverAsk(order=lines.order.id, units=((1, 1),))
    )
    assert isinstance(part, ScanAnswer)
    assert part.training
    assert (await floor.scan(sheet[EXPIRED])).verdict is Verdict.EXPIRED
    assert (await floor.scan(sheet[NOT_PICKED])).reason.code == "not_picked"
    priority = await floor.scan(sheet[PRIORITY])
    assert priority.order is not None
    assert priority.order.lane == "priority"
    assert (await floor.scan(goods.v1)).reason.code == "not_practice"
    assert await books(floor) == before
    assert [word for word in floor.woken[len(woken) :] if word == "sync"] == []


async def test_a_real_code_in_training_says_so_and_stays_good(floor: "Floor") -> None:
    goods = floor.order()
    platform, serial = floor.order(), floor.order()
    unsynced = floor.order(synced=False)
    await begin(floor)
    before = await books(floor)
    texts = (goods.v1, goods.v2, unsynced.v2, platform.platform, serial.serial)
    for text in texts:
        answer = await floor.scan(text)
        assert (answer.verdict, answer.reason.code) == (Verdict.UNKNOWN, "not_practice"), text
        assert answer.order is None
        assert answer.training
    assert await books(floor) == before
    await end(floor)
    real = await floor.scan(goods.v1)
    assert (real.state, real.training) == ("handed", False)


async def test_a_practice_code_at_a_real_counter_is_named_and_opens_nothing(
    floor: "Floor",
) -> None:
    await begin(floor, "till-2")
    sheet = codes(floor)
    assert (await floor.scan(sheet[PLAIN], station="till-1")).reason.code == "practice_code"
    assert (await floor.scan(sheet[COURIER], station="till-1")).reason.code == "practice_code"
    assert (await floor.scan(sheet[PLAIN], station="till-2")).state == "handed"


async def test_one_station_trains_while_another_serves(floor: "Floor") -> None:
    goods = floor.order()
    await begin(floor, "till-2")
    assert (await floor.scan(goods.v1, station="till-2")).reason.code == "not_practice"
    assert (await floor.scan(goods.v1, station="till-1")).state == "handed"
    assert (await status(floor.shop, "till-2")).training
    assert not (await status(floor.shop, "till-1")).training


async def test_people_and_pins_of_training_are_those_of_the_sheet(floor: "Floor") -> None:
    await begin(floor)
    people = await staff(floor.shop, "till-1")
    assert [one.name for one in people] == ["练习店员", "练习店长"]
    refused = await sign_in(floor.shop, floor.caller(), "s1", "246810")
    assert isinstance(refused, Refusal)
    kit = PracticeKit(floor.shop.mac_key)
    pins = {one.name: one.pin for one in kit.people()}
    signed = await sign_in(floor.shop, floor.caller(), "practice-1", pins["练习店员"])
    assert not isinstance(signed, Refusal)
    assert signed.name == "练习店员"
    await end(floor)
    assert (await current(floor.shop, "till-1")).staff_id is None


async def test_a_locked_serial_is_practised_to_its_release(floor: "Floor") -> None:
    await begin(floor)
    sheet = PracticeKit(floor.shop.mac_key)
    item = sheet.items()[COURIER]
    tries = [await floor.scan(item.code, pin="000000") for _ in range(3)]
    assert tries[-1].verdict is Verdict.LOCKED
    assert await cases(floor.shop) == ()
    case = (await cases(floor.shop, "till-1"))[0]
    supervisor = Approval(staff_id="practice-2", pin=sheet.people()[1].pin)
    await release(floor.shop, floor.caller(), case.case, supervisor, "")
    assert item.pin is not None
    assert (await floor.scan(item.code, pin=item.pin)).state == "handed"


async def test_what_a_stale_page_asks_after_the_switch_touches_nothing_real(
    floor: "Floor",
) -> None:
    real = await floor.scan(floor.order().v1)
    await begin(floor)
    practised = await floor.scan(codes(floor)[PLAIN])
    assert practised.handover is not None
    assert real.handover is not None
    wrong_way = UndoAsk(handover=real.handover, goods_still_here=True)
    assert isinstance(await undo(floor.shop, floor.caller(), wrong_way), Refusal)
    await end(floor)
    stale = UndoAsk(handover=practised.handover, goods_still_here=True)
    assert isinstance(await undo(floor.shop, floor.caller(), stale), Refusal)
    assert await floor.count("SELECT count(*) FROM redemption WHERE live = 1") == 1
    assert practised.slip is not None
    assert real.slip is not None
    assert practised.slip.effect != real.slip.effect


async def test_training_waits_until_the_served_order_is_done(floor: "Floor") -> None:
    await begin(floor, "till-2")
    goods = floor.order(lines=(LineRow(line=1, sku="MILK", quantity=2),), bags=2)
    claimed = await floor.scan(goods.v1)
    assert claimed.order is not None
    refused = await training.switch(floor.shop, floor.caller(), True)
    assert isinstance(refused, Refusal)
    assert refused.code == "serving"
    await put_back(floor.shop, floor.caller(), claimed.order.id)
    assert not isinstance(await training.switch(floor.shop, floor.caller(), True), Refusal)


async def test_the_person_at_the_till_is_signed_out_when_training_begins(floor: "Floor") -> None:
    await sign_in(floor.shop, floor.caller(), "c1", "1357")
    await begin(floor)
    assert (await current(floor.shop, "till-1")).staff_id is None
    await end(floor)
    assert (await current(floor.shop, "till-1")).staff_id is None


async def test_a_restart_leaves_the_trainee_in_training_with_the_day_s_books(
    floor: "Floor",
) -> None:
    await begin(floor)
    sheet = codes(floor)
    assert (await floor.scan(sheet[PLAIN])).state == "handed"
    await training.close(floor.shop)
    await floor.stop()
    await floor.start(run="run-2")
    floor.shop.practice_folder = floor.folder / "data"
    await training.restore(floor.shop)
    assert (await status(floor.shop, "till-1")).training
    assert (await floor.scan(sheet[PLAIN])).verdict is Verdict.ALREADY
    goods = floor.order()
    assert (await floor.scan(goods.v1)).reason.code == "not_practice"


async def test_without_its_room_a_training_station_gets_no_answer_rather_than_a_real_one(
    floor: "Floor",
) -> None:
    await begin(floor)
    await training.close(floor.shop)
    goods = floor.order()
    with pytest.raises(UnitFailed):
        await floor.scan(goods.v1)
    assert (await status(floor.shop, "till-1")).training
    await training.keep(floor.shop)
    assert (await floor.scan(goods.v1)).reason.code == "not_practice"


async def test_the_next_day_begins_anew_and_yesterday_is_deleted(floor: "Floor") -> None:
    await begin(floor)
    sheet = codes(floor)
    assert (await floor.scan(sheet[PLAIN])).state == "handed"
    files = sorted(path.name for path in (floor.folder / "data").glob("training-*.db"))
    floor.advance(24 * 3_600_000)
    await training.keep(floor.shop)
    later = sorted(path.name for path in (floor.folder / "data").glob("training-*"))
    assert not set(files) & set(later)
    assert (await floor.scan(sheet[PLAIN])).state == "handed"
    await end(floor)
    floor.advance(24 * 3_600_000)
    await training.keep(floor.shop)
    assert list((floor.folder / "data").glob("training-*")) == []


async def test_the_day_is_the_shop_s_day(floor: "Floor") -> None:
    await begin(floor)
    # 2027-01-15 08:00 UTC is the 15th in Shanghai; eight hours on it is the 16th there.
    assert [p.name for p in (floor.folder / "data").glob("training-????????.db")] == [
        "training-20270115.db"
    ]
    floor.advance(9 * 3_600_000)
    await training.keep(floor.shop)
    assert [p.name for p in (floor.folder / "data").glob("training-????????.db")] == [
        "training-20270116.db"
    ]


async def test_half_a_room_and_a_damaged_one_are_made_anew(floor: "Floor") -> None:
    await begin(floor)
    await training.close(floor.shop)
    data = floor.folder / "data"
    (data / "training-20270115-catalog.db").unlink()
    await training.keep(floor.shop)
    assert (await floor.scan(codes(floor)[PLAIN])).state == "handed"
    await training.close(floor.shop)
    for path in data.glob("training-20270115.db-*"):
        path.unlink()
    (data / "training-20270115.db").write_bytes(b"x" * 9_000)
    await training.keep(floor.shop)
    assert (await floor.scan(codes(floor)[PLAIN])).state == "handed"


class Paper:
    """A printer that keeps what it was given."""

    def __init__(self) -> None:
        self.slips: list[tuple[Document, int]] = []
        self.width_dots = 576

    async def status(self) -> PrinterStatus:
        return PrinterStatus(trouble=None)

    async def send(
        self, document: Document, *, job: int, after_doubt: bool = False
    ) -> PrintOutcome:
        self.slips.append((document, job))
        return Confirmed(proof="GS r")

    async def open_drawer(self) -> bool:
        raise AssertionError("the drawer stays shut in training")

    async def buzz(self) -> bool:
        return True

    async def close(self) -> None:
        """Nothing to give back."""


_: type[Printer] = Paper


async def print_all(floor: "Floor", paper: Paper, *, confirmed: int) -> None:
    """Run a printer's worker until so many slips were confirmed in all."""

    def count() -> int:
        slips = [value for _, event, value in floor.screens.shown if event == "slip"]
        assert all(isinstance(slip, SlipEntry) for slip in slips)
        return sum(isinstance(slip, SlipEntry) and slip.state == "confirmed" for slip in slips)

    spool = Spool(
        floor.shop,
        {name: Route(printers=("p",)) for name in ("till-1", "till-2")},
        on_trouble=lambda _name, _trouble: None,
    )
    worker = asyncio.ensure_future(spool.run("p", paper))
    try:
        async with asyncio.timeout(10):
            while count() < confirmed and not worker.done():  # noqa: ASYNC110 - no event says so
                await asyncio.sleep(0.01)
        if worker.done():
            worker.result()
    finally:
        worker.cancel()


def marks(document: Document) -> list[str]:
    return [block.text for block in document.blocks if isinstance(block, Mark)]


async def test_slips_of_both_shops_print_on_one_printer_and_practice_is_marked(
    floor: "Floor",
) -> None:
    await begin(floor, "till-2")
    await floor.scan(floor.order().v1, station="till-1")
    practised = await floor.scan(codes(floor)[PLAIN], station="till-2")
    paper = Paper()
    await print_all(floor, paper, confirmed=2)
    assert [marks(slip) for slip, _ in paper.slips] == [[], [MARK_TRAINING]]
    assert practised.slip is not None
    assert practised.slip.effect == paper.slips[1][1]
    real_list = await recent(floor.shop, "till-1")
    assert [one.state for one in real_list] == ["confirmed"]
    training_list = await recent(floor.shop, "till-2")
    assert [(one.effect, one.state) for one in training_list] == [
        (practised.slip.effect, "confirmed")
    ]
    copy = await reprint(floor.shop, floor.caller("till-2"), practised.slip.effect)
    assert isinstance(copy, SlipView)
    await print_all(floor, paper, confirmed=3)
    assert MARK_TRAINING in marks(paper.slips[2][0])
    assert "副本 COPY" in marks(paper.slips[2][0])


async def test_the_sheet_prints_and_carries_every_code_and_no_code_is_spooled(
    floor: "Floor",
) -> None:
    floor.shop.practice_folder = floor.folder / "data"
    view = await training.print_sheet(floor.shop, floor.caller())
    assert isinstance(view, SlipView)
    room = floor.shop.room
    assert room is not None
    row = await room.shop.writer.do(lambda tx: effect(tx, view.effect), room.shop.moment())
    assert row is not None
    paper = await document(room.shop, row)
    shown = [block.data for block in paper.blocks if isinstance(block, Code)]
    assert shown == codes(floor)
    assert marks(paper) == [MARK_TRAINING]
    assert not any(code.encode() in row.body for code in codes(floor))
    assert await preview(floor.shop, view.effect) is not None
    assert training.sheet_png(floor.shop) is not None
    assert await floor.count("SELECT count(*) FROM effect") == 0


async def test_a_box_without_a_folder_for_it_offers_no_training(floor: "Floor") -> None:
    answer = await training.switch(floor.shop, floor.caller(), True)
    assert isinstance(answer, Refusal)
    assert answer.code == "no_training"
    assert training.sheet_png(floor.shop) is None


def test_practice_codes_are_the_same_each_day_and_differ_between_boxes() -> None:
    one, again, other = PracticeKit(b"a" * 32), PracticeKit(b"a" * 32), PracticeKit(b"b" * 32)
    assert one.items() == again.items()
    assert {item.code for item in one.items()}.isdisjoint(item.code for item in other.items())


async def test_a_folder_that_cannot_be_written_refuses_training_and_serves_on(
    floor: "Floor", tmp_path: Path
) -> None:
    floor.shop.practice_folder = tmp_path / "data" / "not-there"
    answer = await training.switch(floor.shop, floor.caller(), True)
    assert isinstance(answer, Refusal)
    assert answer.code == "no_practice_ledger"
    assert (await floor.scan(floor.order().v1)).state == "handed"
