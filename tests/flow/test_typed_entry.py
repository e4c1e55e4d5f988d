"""Typing slows after mistakes; scanning never does. A scanned serial waits for its PIN."""

from typing import TYPE_CHECKING

from edge.flow.answers import Refusal, ScanAnswer
from edge.flow.scan import ScanAsk, scan
from sync.rules.verdicts import Verdict

if TYPE_CHECKING:
    from tests.flow.conftest import Floor


async def typed(
    floor: "Floor", text: str, *, pin: str | None = None, station: str = "till-1"
) -> ScanAnswer | Refusal:
    ask = ScanAsk(text=text, pin=pin, typed=True)
    return await scan(floor.shop, floor.caller(station), ask)


async def wait_of(floor: "Floor", text: str) -> int | None:
    """Type it; the seconds it must wait, or None when it was answered."""
    answer = await typed(floor, text)
    if isinstance(answer, ScanAnswer):
        return None
    assert (answer.status, answer.code) == (429, "typed_wait")
    assert answer.wait_s is not None
    assert str(answer.wait_s) in answer.zh
    assert str(answer.wait_s) in answer.en
    return answer.wait_s


async def test_two_mistakes_are_free_then_typing_waits_5_15_and_30_seconds(
    floor: "Floor",
) -> None:
    assert [await wait_of(floor, "NOTACODE?") for _ in range(3)] == [None, None, None]
    for seconds in (5, 15, 30, 30):
        assert await wait_of(floor, "NOTACODE?") == seconds
        floor.advance(seconds * 1_000 - 100)
        assert await wait_of(floor, "NOTACODE?") == 1
        floor.advance(200)
        assert await wait_of(floor, "NOTACODE?") is None


async def test_a_scan_is_answered_while_typing_waits(floor: "Floor") -> None:
    for _ in range(3):
        await typed(floor, "NOTACODE?")
    goods = floor.order()
    assert isinstance(await typed(floor, goods.v1), Refusal)
    assert (await floor.scan(goods.v1)).state == "handed"
    assert await floor.count("SELECT count(*) FROM redemption WHERE live = 1") == 1


async def test_scanning_rubbish_never_stops_anything(floor: "Floor") -> None:
    for _ in range(10):
        assert (await floor.scan("NOTACODE?")).kind == "unreadable"
    assert (await floor.scan(floor.order().v1)).state == "handed"
    assert isinstance(await typed(floor, floor.order().v1), ScanAnswer)


async def test_unknown_codes_and_wrong_pins_count_and_other_refusals_do_not(
    floor: "Floor",
) -> None:
    goods = floor.order()
    done = floor.order()
    await floor.scan(done.v1)
    unknown = floor.order(synced=False)
    for text in (done.v1, unknown.v1, done.v1):
        assert isinstance(await typed(floor, text), ScanAnswer)
    wrong = await typed(floor, goods.serial, pin="000000")
    assert isinstance(wrong, ScanAnswer)
    assert wrong.reason.code == "wrong_pin"
    assert isinstance(await typed(floor, "NOTACODE?"), ScanAnswer)
    assert await wait_of(floor, done.v1) == 5


async def test_a_good_code_ends_the_slowness_and_so_do_ten_quiet_minutes(floor: "Floor") -> None:
    for _ in range(2):
        await typed(floor, "NOTACODE?")
    good = await typed(floor, floor.order().v1)
    assert isinstance(good, ScanAnswer)
    assert [await wait_of(floor, "NOTACODE?") for _ in range(2)] == [None, None]
    floor.advance(601_000)
    assert [await wait_of(floor, "NOTACODE?") for _ in range(3)] == [None, None, None]


async def test_each_station_has_its_own_slowness_and_a_repeat_counts_nothing(
    floor: "Floor",
) -> None:
    for _ in range(3):
        await typed(floor, "NOTACODE?")
    assert isinstance(await typed(floor, "NOTACODE?", station="till-2"), ScanAnswer)
    unknown = floor.order(synced=False)
    caller = floor.caller("till-3")
    for _ in range(6):
        answer = await scan(floor.shop, caller, ScanAsk(text=unknown.v1, typed=True))
        assert isinstance(answer, ScanAnswer)


# -- a serial from the scanner, its PIN from the keyboard


async def test_a_scanned_serial_takes_its_pin_alone(floor: "Floor") -> None:
    goods = floor.order()
    assert (await floor.scan(goods.serial)).needs == ("pin",)
    done = await typed(floor, "", pin=goods.pin)
    assert isinstance(done, ScanAnswer)
    assert (done.verdict, done.state) == (Verdict.OK, "handed")
    again = await typed(floor, "", pin=goods.pin)
    assert isinstance(again, Refusal)
    assert again.code == "no_serial"


async def test_a_wrong_pin_keeps_the_serial_waiting_until_it_locks(floor: "Floor") -> None:
    goods = floor.order()
    await floor.scan(goods.serial)
    left: list[int | None] = []
    for _ in range(3):
        answer = await typed(floor, "", pin="000000")
        assert isinstance(answer, ScanAnswer)
        left.append(answer.tries_left)
    assert left == [2, 1, 0]
    floor.advance(6_000)
    over = await typed(floor, "", pin=goods.pin)
    assert isinstance(over, Refusal)
    assert (await floor.scan(goods.serial, pin=goods.pin)).verdict is Verdict.LOCKED


async def test_a_serial_waits_two_minutes_at_its_own_station_and_for_no_other_scan(
    floor: "Floor",
) -> None:
    goods = floor.order()
    await floor.scan(goods.serial)
    elsewhere = await typed(floor, "", pin=goods.pin, station="till-2")
    assert isinstance(elsewhere, Refusal)
    floor.advance(121_000)
    late = await typed(floor, "", pin=goods.pin)
    assert isinstance(late, Refusal)
    await floor.scan(goods.serial)
    await floor.scan(floor.order().v1)
    other = await typed(floor, "", pin=goods.pin)
    assert isinstance(other, Refusal), "the last scan is what a PIN would be for"
    assert await floor.count("SELECT count(*) FROM handover") == 1
