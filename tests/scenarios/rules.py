"""Short scenes, one for each safety rule: `python rules.py NAME FOLDER` ends with 0 if it holds.

They run against whatever copy of the product stands on the path, so that a copy with one rule
switched off can be shown to be noticed (`tests/store/test_mutations.py`).
"""

import asyncio
import json
import sqlite3
import sys
import traceback
from collections.abc import Callable, Coroutine
from pathlib import Path

import made_shop
from books import read_books
from box_rules import SCENES as BOX_SCENES
from gate import one_batch
from hand_clock import HandClock
from made_rotating import SEEN_MS, STEP_MS, Phone, customer
from made_shop import HOUR_MS, ISSUER, MadeShop, order_row, v1
from ownership_rules import SCENES as OWNERSHIP_SCENES
from picking_rules import SCENES as PICKING_SCENES
from reconcile_rules import SCENES as RECONCILE_SCENES
from recovery_rules import SCENES as RECOVERY_SCENES
from risk_rules import SCENES as RISK_SCENES
from stock_rules import SCENES as STOCK_SCENES

from edge.domain.facts import Order
from edge.flow import handover as confirm
from edge.flow.answers import Refusal, ScanAnswer, UndoAnswer
from edge.flow.asks import lapse
from edge.flow.boxes import doubt
from edge.flow.scan import ScanAsk, scan
from edge.flow.settings import Settings
from edge.flow.undo import UndoAsk, undo
from edge.store.effects import effect, queued, step
from edge.store.errors import AlreadyRunning, Unanswered, UnitFailed
from edge.store.handovers import Handing, hand_over
from edge.store.ledger import DataFolder, Done, Failed, Ledger, Unit
from edge.store.tx import Moment, Tx
from sync.rules.verdicts import Verdict
from sync.wire.catalog import AskRow
from sync.wire.signature import Signer
from sync.wire.token import OrderLines, TokenLine, line_digest, lines_text

Scene = Callable[[Path], Coroutine[object, object, None]]
SCENES: dict[str, Scene] = {
    **BOX_SCENES,
    **STOCK_SCENES,
    **PICKING_SCENES,
    **RECONCILE_SCENES,
    **OWNERSHIP_SCENES,
    **RECOVERY_SCENES,
    **RISK_SCENES,
}
NOW = Moment(trusted_ms=1_790_000_000_000, boot_ms=1_000_000, clock="synced")
PIN = "271828"


def scene(act: Scene) -> Scene:
    SCENES[act.__name__] = act
    return act


async def ask(
    made: MadeShop,
    text: str,
    *,
    station: str = "till1",
    key: str | None = None,
    pin: str | None = None,
) -> ScanAnswer:
    answer = await scan(made.shop, made.caller(station, key, "scans"), ScanAsk(text=text, pin=pin))
    assert isinstance(answer, ScanAnswer), answer
    return answer


async def take_back(
    made: MadeShop,
    handover: int | None,
    *,
    station: str = "till1",
    here: bool = True,
    reason: str | None = None,
) -> UndoAnswer | Refusal:
    assert handover is not None
    wish = UndoAsk(handover=handover, goods_still_here=here, reason=reason)
    return await undo(made.shop, made.caller(station), wish)


def release(
    made: MadeShop, number: int, *, destination: str = "hq:cancel", ask_id: int = 1
) -> AskRow:
    return AskRow(
        ask_id=ask_id.to_bytes(16, "big"),
        kind="release",
        order_id=made_shop.order_id(number),
        epoch=1,
        holder=made.shop.identity.incarnation,
        destination=destination,
        units=((1, 1),),
    )


def events(made: MadeShop, kind: str) -> int:
    rows = made.ledger.connection.execute("SELECT count(*) FROM outbox WHERE kind = ?", (kind,))
    count: int = rows.fetchone()[0]
    return count


# ------------------------------------------------------------------ 4: unique per thing


def _handing(number: int = 1) -> Handing:
    order = Order(
        order_id=made_shop.order_id(number),
        order_no=f"SE{number}",
        home_store=101,
        holder=bytes(8),
        epoch=1,
        cancelled=False,
        not_after_ms=0,
        ready=True,
        place="",
        bags=1,
        lane="normal",
        value_minor=0,
        min_grade=1,
        lines=(),
    )
    return Handing(
        order=order,
        units=((1, 1),),
        station="till1",
        operator=None,
        credential="v1",
        basis="replica",
        run="run-1",
        at_ms=1,
    )


@scene
async def a_unit_is_given_once_even_if_nobody_looks(folder: Path) -> None:
    ledger = Ledger(folder / "alone.db")
    give = Unit(lambda tx: hand_over(tx, _handing()), NOW)
    first, second = ledger.run_batch([give, give])
    assert isinstance(first, Done)
    assert isinstance(second, Failed)
    assert isinstance(second.error, UnitFailed)


@scene
async def what_was_released_is_not_given(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        await made.feed(release(made, 1))
        assert events(made, "answered") == 1
        assert (await ask(made, v1(1))).verdict is not Verdict.OK


@scene
async def what_lapsed_is_not_given_by_a_later_row_of_the_same_epoch(folder: Path) -> None:
    clock = HandClock()
    async with made_shop.open_shop(folder, clock=clock) as made:
        clock.advance(49 * HOUR_MS)
        await made.shop.time.heard(
            made.shop.writer,
            clock.wall_ms(),
            asked_boot_ms=clock.boot_ms(),
            answered_boot_ms=clock.boot_ms(),
        )
        assert await lapse(made.shop) == 5
        later = clock.wall_ms() + HOUR_MS
        holder = made.shop.identity.incarnation
        await made.feed(order_row(1, holder=holder, not_after_ms=later))
        assert (await ask(made, v1(1))).verdict is Verdict.EXPIRED
        await made.feed(order_row(1, holder=holder, not_after_ms=later, epoch=2))
        made.shop.station("till1").seen.clear()
        assert (await ask(made, v1(1))).state == "handed"


@scene
async def a_release_is_promised_to_one_destination(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        await made.feed(release(made, 1))
        await made.feed(release(made, 1, destination="store:202", ask_id=2))
        kept = made.ledger.connection.execute("SELECT released FROM ask_answer ORDER BY ask_id")
        assert kept.fetchall() == [(1,), (0,)]


@scene
async def a_tombstone_keeps_its_epoch(folder: Path) -> None:
    ledger = Ledger(folder / "alone.db")

    def bury(tx: Tx) -> None:
        for epoch in (3, 2):
            tx.run("tombstone_add", bytes(10), 1, 1, epoch, "released", "hq:cancel", 1)

    ledger.run_batch([Unit(bury, NOW)])
    assert ledger.connection.execute("SELECT epoch FROM tombstone").fetchall() == [(3,)]


@scene
async def the_code_of_an_earlier_epoch_is_refused(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        row = order_row(1, holder=made.shop.identity.incarnation, not_after_ms=NOW.trusted_ms * 2)
        await made.feed(
            type(row)(
                **{field: getattr(row, field) for field in row.__struct_fields__} | {"epoch": 2}
            )
        )
        assert (await ask(made, v1(1))).verdict is Verdict.REVOKED


# ------------------------------------------------------------------ 5: a copy of the box


@scene
async def a_copy_on_another_machine_gives_nothing(folder: Path) -> None:
    async with made_shop.open_shop(folder, machine="box-2") as made:
        assert (await ask(made, v1(1))).verdict is Verdict.REVIEW
        assert events(made, "handed") == 0


@scene
async def a_box_in_doubt_gives_nothing_that_it_holds(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        await doubt(made.shop, "witness", "a scene")
        assert (await ask(made, v1(1))).verdict is Verdict.REVIEW
        assert events(made, "handed") == 0


@scene
async def a_box_in_doubt_confirms_nothing_that_it_began(folder: Path) -> None:
    settings = Settings(policy=type(Settings().policy)(confirm="tap"))
    async with made_shop.open_shop(folder, settings=settings) as made:
        assert (await ask(made, v1(1))).state == "claimed"
        await doubt(made.shop, "witness", "a scene")
        wish = confirm.HandOverAsk(order=made_shop.order_id(1).hex())
        await confirm.hand_over(made.shop, made.caller(), wish)
        assert events(made, "handed") == 0


# ------------------------------------------------------------------ 7: two tills, one key


@scene
async def a_double_trigger_is_named_as_one(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        assert (await ask(made, v1(1))).state == "handed"
        again = await ask(made, v1(1))
        assert again.debounced
        assert again.verdict is Verdict.ALREADY
        assert not (await ask(made, v1(1), station="till2")).debounced


@scene
async def a_key_is_good_for_one_question(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        await ask(made, v1(1), key="k")
        other = await scan(made.shop, made.caller("till1", "k", "scans"), ScanAsk(text=v1(2)))
        assert isinstance(other, Refusal)
        assert other.status == 422


@scene
async def the_same_question_has_the_same_answer_and_says_so(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        first = await ask(made, v1(1), key="k")
        again = await ask(made, v1(1), key="k")
        assert again.handover == first.handover is not None
        assert again.repeat_of_ms is not None
        assert events(made, "handed") == 1


@scene
async def an_answer_is_its_own_stations_alone(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        await ask(made, v1(1), key="k")
        assert (await ask(made, v1(1), key="k", station="till2")).verdict is Verdict.ALREADY


@scene
async def a_second_counter_is_told_who_serves(folder: Path) -> None:
    settings = Settings(policy=type(Settings().policy)(confirm="tap"))
    async with made_shop.open_shop(folder, settings=settings) as made:
        assert (await ask(made, v1(1))).state == "claimed"
        other = await ask(made, v1(1), station="till2")
        assert other.verdict is Verdict.ALREADY
        assert other.reason.code == "at_counter"


# ------------------------------------------------------------------ 8: undo


@scene
async def goods_that_left_are_not_taken_back(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        handover = (await ask(made, v1(1))).handover
        assert isinstance(await take_back(made, handover, here=False), Refusal)
        assert isinstance(await take_back(made, handover), UndoAnswer)


@scene
async def another_counter_takes_nothing_back(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        handover = (await ask(made, v1(1))).handover
        assert isinstance(await take_back(made, handover, station="till2"), Refusal)


@scene
async def after_the_window_a_reason_is_needed(folder: Path) -> None:
    clock = HandClock()
    async with made_shop.open_shop(folder, clock=clock) as made:
        handover = (await ask(made, v1(1))).handover
        clock.advance(31_000)
        assert isinstance(await take_back(made, handover), Refusal)
        assert isinstance(await take_back(made, handover, reason="wrong bag"), UndoAnswer)


@scene
async def a_restart_ends_the_window(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        handover = (await ask(made, v1(1))).handover
    async with made_shop.open_shop(folder, run="run-2") as made:
        assert isinstance(await take_back(made, handover), Refusal)


@scene
async def a_hand_over_is_taken_back_once(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        handover = (await ask(made, v1(1))).handover
        assert isinstance(await take_back(made, handover), UndoAnswer)
        again = await take_back(made, handover)
        assert isinstance(again, Refusal)
        assert events(made, "undone") == 1


@scene
async def undo_leaves_the_books_and_a_void_slip(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        handover = (await ask(made, v1(1))).handover
        await take_back(made, handover)
        slips = made.ledger.connection.execute("SELECT body FROM effect WHERE kind = 'slip'")
        assert sum(b'"void"' in row[0] for row in slips) == 1
    books = read_books(folder / "ledger.db")
    assert books.faults == []
    assert (books.handovers, books.undone) == ({handover}, {handover})


# ------------------------------------------------------------------ 10, 5e: signed codes


def _lines(number: int, quantity: int) -> OrderLines:
    return OrderLines(
        code_id=made_shop.code_id(number),
        order_id=made_shop.order_id(number),
        lines=(TokenLine(line=1, sku="MILK1", quantity=quantity),),
    )


def _signed(number: int, *, issued_after_s: int, signer: Signer = ISSUER) -> str:
    lines = _lines(number, 1)
    now_s = NOW.trusted_ms // 1000
    return made_shop.signed_code(
        number,
        issued_at_s=now_s + issued_after_s,
        not_after_s=now_s + 3_600,
        line_digest=line_digest(lines.code_id, lines.order_id, lines.lines),
        signer=signer,
    )


@scene
async def lines_must_be_those_that_were_signed(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        code = _signed(900, issued_after_s=60)
        assert (await ask(made, code)).reason.code == "lines_needed"
        wrong = await ask(made, lines_text(_lines(900, 5)))
        assert wrong.reason.code == "lines_mismatch"
        right = await ask(made, lines_text(_lines(900, 1)))
        assert right.verdict is Verdict.OK


@scene
async def a_forged_code_is_unknown(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        await ask(made, lines_text(_lines(900, 1)))
        answer = await ask(made, _signed(900, issued_after_s=60, signer=Signer.generate()))
        assert answer.reason.code == "bad_signature"
        assert events(made, "handed") == 0


@scene
async def a_forged_code_of_an_order_that_we_hold_locks_at_the_third_try(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        forged = [_signed(1, issued_after_s=60, signer=Signer.generate()) for _ in range(3)]
        seen = [(await ask(made, code)).reason.code for code in forged]
        assert seen == ["bad_signature", "bad_signature", "three_tries"]
        assert events(made, "code_locked") == 1
        assert events(made, "handed") == 0


@scene
async def a_code_older_than_this_box_is_not_believed_unsynced(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        await ask(made, lines_text(_lines(900, 1)))
        answer = await ask(made, _signed(900, issued_after_s=-60))
        assert answer.reason.code == "issued_too_early"


# ------------------------------------------------------------------ 13: savepoints


def note(tx: Tx) -> None:
    tx.note("noted")


def throws(tx: Tx) -> None:
    tx.note("thrown away")
    raise LookupError


def fills_the_disk(tx: Tx) -> None:
    tx.connection.execute("PRAGMA max_page_count = 1")
    for _ in range(50):
        tx.note("long", text="x" * 4_000)


def _rows(path: Path) -> int:
    outside = sqlite3.connect(path)
    count: int = outside.execute("SELECT count(*) FROM audit").fetchone()[0]
    outside.close()
    return count


@scene
async def a_full_disk_leaves_nothing_of_its_batch(folder: Path) -> None:
    ledger = Ledger(folder / "alone.db")
    acts = (note, fills_the_disk, note, note)
    results = ledger.run_batch([Unit(act, NOW) for act in acts])
    assert all(isinstance(one, Failed) and isinstance(one.error, Unanswered) for one in results)
    assert _rows(ledger.path) == 0


@scene
async def a_rolled_back_transaction_leaves_nothing_of_its_batch(folder: Path) -> None:
    def rolls_back(tx: Tx) -> None:
        tx.connection.execute("ROLLBACK")
        raise LookupError

    ledger = Ledger(folder / "alone.db")
    results = ledger.run_batch([Unit(act, NOW) for act in (note, rolls_back, note)])
    assert all(isinstance(one, Failed) and isinstance(one.error, Unanswered) for one in results)
    assert _rows(ledger.path) == 0


@scene
async def after_an_unknown_batch_nothing_is_written(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        writer, now = made.shop.writer, made.shop.moment()
        try:
            await writer.do(lambda tx: tx.connection.execute("ROLLBACK"), now)
        except Unanswered:
            pass
        else:
            raise AssertionError("a batch without its transaction was answered")
        try:
            await writer.do(note, now)
        except Unanswered:
            return
        raise AssertionError("it went on")


@scene
async def an_answer_means_durable(folder: Path) -> None:
    ledger = Ledger(folder / "alone.db")
    [result] = ledger.run_batch([Unit(note, NOW)])
    assert isinstance(result, Done)
    assert _rows(ledger.path) == 1


@scene
async def a_thrown_unit_leaves_nothing(folder: Path) -> None:
    ledger = Ledger(folder / "alone.db")
    ledger.run_batch([Unit(act, NOW) for act in (note, throws, note)])
    ledger.close()
    books = read_books(ledger.path)
    assert books.faults == []
    assert books.audit_rows == 2


@scene
async def the_ledger_is_flushed_at_every_commit(folder: Path) -> None:
    ledger = Ledger(folder / "alone.db")
    assert ledger.connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert ledger.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@scene
async def memory_that_ran_out_is_unknown(folder: Path) -> None:
    def starves(_: Tx) -> None:
        raise MemoryError

    ledger = Ledger(folder / "alone.db")
    results = ledger.run_batch([Unit(act, NOW) for act in (note, starves)])
    assert all(isinstance(one, Failed) and isinstance(one.error, Unanswered) for one in results)


# ------------------------------------------------------------------ 14: work lost inside a unit


@scene
async def three_wrong_pins_lock(folder: Path) -> None:
    clock = HandClock()
    async with made_shop.open_shop(folder, clock=clock) as made:
        seen: list[str] = []
        for guess in ("111222", "333444", "555666"):
            seen.append((await ask(made, made_shop.serial(1), pin=guess)).reason.code)
            clock.advance(3_000)
        assert seen == ["wrong_pin", "wrong_pin", "three_tries"]
        assert (await ask(made, made_shop.serial(1), pin=PIN)).verdict is Verdict.LOCKED
    async with made_shop.open_shop(folder, clock=clock, run="run-2") as made:
        assert (await ask(made, made_shop.serial(1), pin=PIN)).verdict is Verdict.LOCKED


@scene
async def wrong_pins_beside_a_throwing_neighbour_are_counted(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        async with one_batch(made.shop.writer, made.shop.moment()):
            wrong = [
                asyncio.create_task(ask(made, made_shop.serial(1), pin=guess))
                for guess in ("111222", "333444", "555666")
            ]
            bad = asyncio.create_task(made.shop.writer.do(throws, made.shop.moment()))
        await asyncio.gather(*wrong, bad, return_exceptions=True)
        assert (await ask(made, made_shop.serial(1), pin=PIN)).verdict is Verdict.LOCKED


@scene
async def the_chain_holds_after_a_rollback(folder: Path) -> None:
    ledger = Ledger(folder / "alone.db")
    for _ in range(3):
        ledger.run_batch([Unit(act, NOW) for act in (note, throws, note)])
    ledger.close()
    again = Ledger(ledger.path)
    again.run_batch([Unit(note, NOW)])
    again.close()
    assert read_books(ledger.path).faults == []


@scene
async def a_constraint_fails_its_own_unit_alone(folder: Path) -> None:
    ledger = Ledger(folder / "alone.db")

    def orphan(tx: Tx) -> None:
        tx.run("redemption_add", bytes(10), 1, 1, 999)

    results = ledger.run_batch([Unit(act, NOW) for act in (note, orphan, note)])
    assert [type(one) for one in results] == [Done, Failed, Done]
    assert _rows(ledger.path) == 2


@scene
async def a_folder_has_one_daemon(folder: Path) -> None:
    held = DataFolder(folder)
    try:
        DataFolder(folder)
    except AlreadyRunning:
        held.close()
        return
    raise AssertionError("two daemons on one folder")


@scene
async def a_decision_sees_what_was_just_done(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        async with one_batch(made.shop.writer, made.shop.moment()):
            tasks = [
                asyncio.create_task(ask(made, v1(1), station=f"till{number}"))
                for number in range(4)
            ]
        answers = await asyncio.gather(*tasks)
        assert sorted(str(answer.verdict) for answer in answers) == [
            "already", "already", "already", "ok",
        ]  # fmt: skip


# ------------------------------------------------------------------ 12, 27: files and time


@scene
async def a_page_and_its_cursor_are_one(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        before = made_shop.cursor_of(made.catalog).seq
        row = order_row(50, holder=made.shop.identity.incarnation, not_after_ms=NOW.trusted_ms * 2)
        statements: list[str] = []
        made.catalog._connection.set_trace_callback(statements.append)
        await made.feed(row)
        made.catalog._connection.set_trace_callback(None)
        assert made_shop.cursor_of(made.catalog).seq == before + 1
        commits = [place for place, text in enumerate(statements) if text.startswith("COMMIT")]
        cursor = next(i for i, text in enumerate(statements) if "INTO cursor" in text)
        assert len(commits) == 1
        assert commits[0] > cursor
        assert any("BEGIN" in text for text in statements[:cursor])


@scene
async def the_wall_clock_expires_nothing(folder: Path) -> None:
    clock = HandClock()
    async with made_shop.open_shop(folder, clock=clock) as made:
        clock.jump_wall(4_070_908_800_000)
        assert (await ask(made, v1(1))).state == "handed"


# ------------------------------------------------------------------ 16, 17: paper


@scene
async def a_slip_in_doubt_is_unknown_and_followed_by_a_copy(folder: Path) -> None:
    from edge.flow.perform import recover

    async with made_shop.open_shop(folder) as made:
        await ask(made, v1(1))
        [slip] = await made.shop.writer.do(
            lambda tx: queued(tx, ("till1",), 10), made.shop.moment()
        )
        await made.shop.writer.do(
            lambda tx: step(tx, slip.effect, was="queued", becomes="sent", printer="p1"),
            made.shop.moment(),
        )
    async with made_shop.open_shop(folder, run="run-2") as made:
        await recover(made.shop)
        now = await made.shop.writer.do(lambda tx: effect(tx, slip.effect), made.shop.moment())
        assert now is not None
        assert now.state == "unknown"
        [copy] = await made.shop.writer.do(
            lambda tx: queued(tx, ("till1",), 10), made.shop.moment()
        )
        assert (copy.copy, copy.of_effect) == (1, slip.effect)


@scene
async def a_second_status_answer_proves_nothing(folder: Path) -> None:
    """The printer answers DLE EOT, which overtakes, and has dropped its buffer."""
    from drivers.host.clock import open_clock
    from drivers.ports.document import Document, Text
    from drivers.ports.printer import Unknown
    from drivers.printer.conversation import Patience
    from drivers.printer.network import open_tcp
    from drivers.sim.printer import VirtualPrinter

    device = VirtualPrinter("printer1", paper_dir=folder / "paper")
    await device.start()
    _, host, port = device.address().split(":")
    printer = open_tcp(
        host,
        int(port),
        width_dots=576,
        profile="raster",
        clock=open_clock("system:"),
        patience=Patience(answer_s=1.2, status_s=0.6, probe_s=0.4),
    )
    await device.do("drop_buffer", {})
    outcome = await printer.send(Document(blocks=(Text(text="取货单"),) * 40), job=1)
    await printer.close()
    await device.stop()
    assert isinstance(outcome, Unknown), outcome


# ------------------------------------------------------------------ rotating codes (27, 32, 35)


@scene
async def a_used_step_is_never_used_again(folder: Path) -> None:
    clock = HandClock()
    async with made_shop.open_shop(folder, clock=clock) as made:
        phone = await customer(made, 1)
        picture = phone.shows()
        first = await ask(made, picture)
        assert first.verdict is Verdict.OK
        assert isinstance(await take_back(made, first.handover), UndoAnswer)
    async with made_shop.open_shop(folder, clock=clock, run="run-2") as made:
        assert (await ask(made, picture)).verdict is Verdict.ALREADY


@scene
async def an_old_picture_is_refused_and_counts_nothing(folder: Path) -> None:
    clock = HandClock()
    async with made_shop.open_shop(folder, clock=clock) as made:
        phone = await customer(made, 1)
        picture = phone.shows()
        clock.advance(2 * STEP_MS)
        for _ in range(4):
            assert (await ask(made, picture)).reason.code == "stale_step"
            clock.advance(SEEN_MS)
        assert (await ask(made, phone.shows())).verdict is Verdict.OK


@scene
async def more_than_ninety_seconds_are_never_learned(folder: Path) -> None:
    clock = HandClock()
    async with made_shop.open_shop(folder, clock=clock) as made:
        phone = await customer(made, 1, ahead_ms=-5 * STEP_MS)
        for _ in range(3):
            assert (await ask(made, phone.shows())).verdict is Verdict.EXPIRED
            clock.advance(STEP_MS)


@scene
async def skew_is_learned_per_code(folder: Path) -> None:
    clock = HandClock()
    async with made_shop.open_shop(folder, clock=clock) as made:
        late, other = [await customer(made, n, ahead_ms=-2 * STEP_MS) for n in (1, 2)]
        assert (await ask(made, late.shows())).verdict is Verdict.EXPIRED
        clock.advance(STEP_MS)
        assert (await ask(made, late.shows())).verdict is Verdict.OK
        clock.advance(STEP_MS)
        assert (await ask(made, other.shows())).verdict is Verdict.EXPIRED


@scene
async def a_clock_that_stood_still_believes_no_rotating_code(folder: Path) -> None:
    clock = HandClock()
    async with made_shop.open_shop(folder, clock=clock) as made:
        phone = await customer(made, 1)
        picture = phone.shows()
        await ask(made, v1(1))
    clock.reboot(wall_ms=clock.wall_ms() + HOUR_MS)
    async with made_shop.open_shop(folder, clock=clock, run="run-2") as made:
        assert (await ask(made, picture)).verdict is Verdict.CLOCK_UNSURE


@scene
async def three_wrong_digits_lock_the_rotating_code(folder: Path) -> None:
    clock = HandClock()
    async with made_shop.open_shop(folder, clock=clock) as made:
        phone = await customer(made, 1)
        for verdict in (Verdict.UNKNOWN, Verdict.UNKNOWN, Verdict.LOCKED):
            assert (await ask(made, phone.forged())).verdict is verdict
            clock.advance(SEEN_MS)
        assert (await ask(made, phone.shows())).verdict is Verdict.LOCKED
        assert (await ask(made, v1(1))).verdict is Verdict.OK


@scene
async def the_id_of_a_rotating_code_is_no_code(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        phone = await customer(made, 1)
        assert (await ask(made, phone.shows()[3:19])).verdict is Verdict.UNKNOWN


@scene
async def a_key_is_used_and_kept_no_longer_than_its_window(folder: Path) -> None:
    clock = HandClock()
    async with made_shop.open_shop(folder, clock=clock) as made:
        phone = Phone(made, 1)
        await made.feed(phone.order_row(hours=100), phone.key_row(hours=1))
        clock.advance(HOUR_MS + 1)
        assert (await ask(made, phone.shows())).reason.code == "key_not_here"
        await made.replica.forget_keys()
        kept = made.ledger.connection.execute("SELECT count(*) FROM cat.rotating_key").fetchone()
        assert kept == (0,)


def play(name: str, folder: Path) -> None:
    made_shop.prepare(folder / "data", orders=5, pin=PIN)
    asyncio.run(SCENES[name](folder / "data"))


def main() -> None:
    """One scene, or with `every` all that are named behind the folder, a line for each."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    if name != "every":
        play(name, folder)
        return
    for each in sys.argv[3:]:
        (folder / each).mkdir()
        try:
            play(each, folder / each)
        except Exception:  # noqa: BLE001 - the other scenes are played all the same
            trouble = traceback.format_exc()
        else:
            trouble = ""
        sys.stdout.write(json.dumps([each, trouble]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
