"""A rotating code at the counter: its step, its digits, its clock and its key."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hand_clock import HandClock
from made_rotating import SEEN_MS, STEP_MS, Phone, customer
from made_shop import HOUR_MS, MadeShop, open_shop, prepare, v1

from edge.flow.answers import ScanAnswer, UndoAnswer
from edge.flow.claim import put_back
from edge.flow.review import cases
from edge.flow.scan import ScanAsk, scan
from edge.flow.status import metrics
from edge.flow.undo import UndoAsk, undo
from edge.store.handovers import release_lock
from sync.rules.verdicts import Verdict
from sync.wire.token import v1_text


@pytest.fixture
async def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def made(tmp_path: Path, clock: HandClock) -> AsyncIterator[MadeShop]:
    prepare(tmp_path, orders=1, clock=clock)
    async with open_shop(tmp_path, clock=clock) as opened:
        yield opened


async def ask(made: MadeShop, text: str, station: str = "till1") -> ScanAnswer:
    answer = await scan(made.shop, made.caller(station, route="scans"), ScanAsk(text=text))
    assert isinstance(answer, ScanAnswer), answer
    return answer


async def told(made: MadeShop, text: str, station: str = "till1") -> tuple[Verdict | None, str]:
    answer = await ask(made, text, station)
    assert not answer.debounced
    return answer.verdict, answer.reason.code


async def take_back(made: MadeShop, handover: int | None) -> None:
    assert handover is not None
    wish = UndoAsk(handover=handover, goods_still_here=True)
    assert isinstance(await undo(made.shop, made.caller(), wish), UndoAnswer)


OK = (Verdict.OK, "handed_now")
STALE = (Verdict.EXPIRED, "stale_step")
REPLAYED = (Verdict.ALREADY, "step_replayed")
CLOCK = (Verdict.CLOCK_UNSURE, "clock")


async def test_a_code_of_this_moment_is_handed_over(made: MadeShop) -> None:
    phone = await customer(made, 1, min_grade=3)
    answer = await ask(made, phone.shows())
    assert (answer.verdict, answer.state) == (Verdict.OK, "handed")
    credential = made.ledger.connection.execute("SELECT credential FROM handover").fetchone()
    assert credential == ("v3",)


@pytest.mark.parametrize("ago_ms", [-STEP_MS, STEP_MS])
async def test_a_step_beside_ours_is_of_this_moment(made: MadeShop, ago_ms: int) -> None:
    phone = await customer(made, 1)
    assert await told(made, phone.shows(ago_ms=ago_ms)) == OK


async def test_a_photo_of_what_was_just_used_is_refused_at_every_counter(
    made: MadeShop, clock: HandClock
) -> None:
    phone = await customer(made, 1)
    photo = phone.shows()
    assert await told(made, photo) == OK
    answer = await ask(made, photo, "till2")
    assert (answer.verdict, answer.reason.code) == (Verdict.ALREADY, "just_now")
    assert answer.earlier is not None
    assert answer.earlier.station == "till1"


async def test_a_used_step_is_not_accepted_again_after_an_undo_nor_one_before_it(
    made: MadeShop, clock: HandClock
) -> None:
    phone = await customer(made, 1)
    before, photo = phone.shows(ago_ms=STEP_MS), phone.shows()
    first = await ask(made, photo)
    await take_back(made, first.handover)
    clock.advance(SEEN_MS)
    for station in ("till1", "till2"):
        assert await told(made, photo, station) == REPLAYED
        assert await told(made, before, station) == REPLAYED
    clock.advance(STEP_MS)
    assert await told(made, phone.shows()) == OK


async def test_a_used_step_is_not_accepted_again_after_a_restart(
    tmp_path: Path, clock: HandClock
) -> None:
    prepare(tmp_path, orders=1, clock=clock)
    async with open_shop(tmp_path, clock=clock) as made:
        phone = await customer(made, 1)
        photo = phone.shows()
        await take_back(made, (await ask(made, photo)).handover)
    async with open_shop(tmp_path, clock=clock, run="run-2") as made:
        assert await told(made, photo) == REPLAYED


async def test_a_step_that_began_a_claim_is_used(made: MadeShop, clock: HandClock) -> None:
    phone = await customer(made, 1, quantity=2)
    photo = phone.shows()
    claimed = await ask(made, photo)
    assert claimed.state == "claimed"
    assert (await told(made, photo, "till2"))[1] == "at_counter"
    assert claimed.order is not None
    await put_back(made.shop, made.caller(), claimed.order.id)
    clock.advance(SEEN_MS)
    assert await told(made, photo, "till2") == REPLAYED
    clock.advance(STEP_MS)
    assert (await ask(made, phone.shows(), "till2")).state == "claimed"


async def test_a_refused_code_uses_no_step(made: MadeShop, clock: HandClock) -> None:
    phone = await customer(made, 1, min_grade=4)
    assert (await told(made, phone.shows()))[1] == "grade_too_low"
    await made.feed(phone.order_row(min_grade=3))
    clock.advance(SEEN_MS)
    assert await told(made, phone.shows()) == OK


async def test_a_picture_of_two_minutes_ago_says_refresh_and_counts_nothing(
    made: MadeShop, clock: HandClock
) -> None:
    phone = await customer(made, 1)
    photo = phone.shows()
    clock.advance(4 * STEP_MS)
    for _ in range(5):
        answer = await ask(made, photo)
        assert (answer.verdict, answer.reason.code) == STALE
        assert answer.next_step.code == "refresh_code"
        assert answer.tries_left is None
        clock.advance(SEEN_MS)
    assert await told(made, phone.shows()) == OK


async def test_a_wrong_phone_is_learned_from_its_second_code(
    made: MadeShop, clock: HandClock
) -> None:
    phone = await customer(made, 1, ahead_ms=-2 * STEP_MS - 5_000)
    assert await told(made, phone.shows()) == STALE
    clock.advance(STEP_MS)
    assert await told(made, phone.shows()) == OK
    neighbour = await customer(made, 2, ahead_ms=-2 * STEP_MS - 5_000)
    assert await told(made, neighbour.shows()) == STALE, "learned per code, never per store"


async def test_one_picture_shown_twice_teaches_nothing(made: MadeShop, clock: HandClock) -> None:
    phone = await customer(made, 1)
    photo = phone.shows()
    clock.advance(2 * STEP_MS)
    assert await told(made, photo) == STALE
    clock.advance(STEP_MS)
    assert await told(made, photo) == STALE


@pytest.mark.parametrize("ahead_steps", [-4, 4, 100])
async def test_more_than_ninety_seconds_are_never_learned(
    made: MadeShop, clock: HandClock, ahead_steps: int
) -> None:
    phone = await customer(made, 1, ahead_ms=ahead_steps * STEP_MS)
    for _ in range(5):
        assert await told(made, phone.shows()) == STALE
        clock.advance(STEP_MS)


async def test_wrong_digits_lock_this_code_alone(made: MadeShop, clock: HandClock) -> None:
    phone = await customer(made, 1)
    for left in (2, 1):
        answer = await ask(made, phone.forged())
        assert (answer.verdict, answer.reason.code) == (Verdict.UNKNOWN, "wrong_digits")
        assert answer.tries_left == left
        clock.advance(SEEN_MS)
    locked = await ask(made, phone.forged())
    assert locked.verdict is Verdict.LOCKED
    clock.advance(SEEN_MS)
    assert (await told(made, phone.shows()))[0] is Verdict.LOCKED
    assert await told(made, (await customer(made, 2)).shows()) == OK
    assert await told(made, v1(1)) == OK
    [case] = [each for each in await cases(made.shop) if each.reason.code == "three_tries"]
    assert case.may_release
    await made.shop.writer.do(
        lambda tx: release_lock(tx, case.case, staff_id="s1"), made.shop.moment()
    )
    clock.advance(STEP_MS)
    assert await told(made, phone.shows()) == OK
    kinds = made.ledger.connection.execute("SELECT kind FROM outbox").fetchall()
    assert ("code_locked",) in kinds
    assert ("code_released",) in kinds


async def test_the_id_on_a_rotating_code_is_no_code_by_itself(made: MadeShop) -> None:
    phone = await customer(made, 1)
    assert phone.shows()[3:19] == v1_text(phone.code_id)
    assert (await told(made, phone.shows()[3:19]))[0] is Verdict.UNKNOWN


async def test_a_code_of_an_order_we_do_not_know_is_unknown(made: MadeShop) -> None:
    made.shop.link.state = "online"
    assert await told(made, Phone(made, 1).shows()) == (Verdict.UNKNOWN, "no_such_code")


async def test_without_its_key_a_code_asks_for_another_way(made: MadeShop) -> None:
    phone = Phone(made, 1)
    await made.feed(phone.order_row())
    answer = await ask(made, phone.shows())
    assert (answer.verdict, answer.reason.code) == (Verdict.REVIEW, "key_not_here")
    assert answer.next_step.code == "try_signed_or_wait"
    assert answer.tries_left is None


async def test_a_key_of_another_window_or_code_opens_nothing(made: MadeShop) -> None:
    import msgspec

    phone, other = Phone(made, 1), Phone(made, 2)
    longer = msgspec.structs.replace(phone.key_row(), until_ms=phone.key_row().until_ms + 1)
    swapped = msgspec.structs.replace(other.key_row(), lookup=phone.lookup)
    for row in (longer, swapped):
        await made.feed(phone.order_row(), row)
        made.shop.station("till1").seen.clear()
        assert (await told(made, phone.shows()))[1] == "key_not_here"


async def test_a_key_is_used_and_kept_no_longer_than_its_window(
    made: MadeShop, clock: HandClock
) -> None:
    phone = Phone(made, 1)
    key = phone.key_row(hours=2)
    await made.feed(phone.order_row(hours=100), key)
    clock.advance(2 * HOUR_MS + 1)
    assert (await told(made, phone.shows()))[1] == "key_not_here"
    assert await made.replica.forget_keys() == 1
    assert await made.replica.forget_keys() == 0
    files = b"".join(path.read_bytes() for path in made.folder.glob("catalog-*.db*"))
    assert key.sealed not in files, "not even in free pages"
    await made.feed(phone.key_row(hours=2))
    clock.advance(STEP_MS)
    assert await told(made, phone.shows()) == OK


async def test_a_new_page_clears_old_keys_too(made: MadeShop, clock: HandClock) -> None:
    await made.feed(Phone(made, 1).order_row(), Phone(made, 1).key_row(hours=2))
    clock.advance(3 * HOUR_MS)
    await made.feed(Phone(made, 2).order_row())
    count = made.ledger.connection.execute("SELECT count(*) FROM cat.rotating_key").fetchone()
    assert count == (0,)


async def test_what_was_collected_says_so_even_when_the_key_is_gone(
    made: MadeShop, clock: HandClock
) -> None:
    import msgspec

    phone = await customer(made, 1)
    assert await told(made, phone.shows()) == OK
    await made.feed(msgspec.structs.replace(phone.key_row(), sealed=b""))
    clock.advance(5 * 60_000)
    assert await told(made, phone.shows()) == (Verdict.ALREADY, "handed")


async def test_an_expired_order_says_expired(made: MadeShop, clock: HandClock) -> None:
    phone = await customer(made, 1)
    clock.advance(49 * HOUR_MS)
    assert await told(made, phone.shows()) == (Verdict.EXPIRED, "past_pickup_time")


# ------------------------------------------------------------------ trusted time only (27)


async def test_the_wall_clock_says_nothing(made: MadeShop, clock: HandClock) -> None:
    phone = await customer(made, 1)
    shown = phone.shows()
    for wall_ms in (0, clock.wall_ms() + 70 * 365 * 24 * HOUR_MS):
        clock.jump_wall(wall_ms)
        other = phone.shows()
        assert await told(made, other) == STALE
    assert await told(made, shown) == OK


async def test_after_a_reboot_without_the_line_no_rotating_code_is_believed(
    tmp_path: Path, clock: HandClock
) -> None:
    """A picture of a code that was never used would fit a clock that stands still."""
    prepare(tmp_path, orders=2, clock=clock)
    async with open_shop(tmp_path, clock=clock) as made:
        phone = await customer(made, 1)
        photo = phone.shows()
        await ask(made, v1(2))  # the floor is durable with this act
        now_ms = clock.wall_ms()
    clock.reboot(wall_ms=now_ms + HOUR_MS)
    async with open_shop(tmp_path, clock=clock, run="run-2") as made:
        assert made.shop.moment().clock == "unsure"
        assert await told(made, photo) == CLOCK
        assert (await ask(made, v1(1))).verdict is Verdict.OK, "late, never early: V1 goes on"
        await made.shop.time.heard(
            made.shop.writer,
            now_ms + HOUR_MS,
            asked_boot_ms=clock.boot_ms(),
            answered_boot_ms=clock.boot_ms(),
        )
        made.shop.station("till1").seen.clear()
        assert await told(made, photo) == STALE
        phone.made = made
        assert await told(made, phone.shows()) == OK


async def test_long_alone_a_step_that_is_off_may_be_our_own_fault(
    made: MadeShop, clock: HandClock
) -> None:
    phone = Phone(made, 1)
    await made.feed(*phone.rows(hours=200))
    clock.advance(73 * HOUR_MS)
    assert made.shop.moment().clock == "holdover"
    assert await told(made, phone.shows(ago_ms=3 * STEP_MS)) == CLOCK
    assert await told(made, phone.shows()) == OK


async def test_every_outcome_is_counted(made: MadeShop, clock: HandClock) -> None:
    phone = await customer(made, 1)
    await ask(made, phone.shows(ago_ms=5 * STEP_MS))
    await ask(made, phone.forged())
    await ask(made, phone.shows())
    found = metrics(made.shop)
    for reason in ("stale", "wrong", "accepted"):
        assert found[f"storeedge_rotating_{reason}_total"] == 1
