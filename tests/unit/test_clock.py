"""Clocks: the machine's, and the machine's moved ahead by a file."""

import asyncio
import time
from pathlib import Path

import pytest

from drivers.host.clock import OffsetClock, SystemClock, open_clock
from drivers.ports.errors import AddressError
from drivers.sim.clock import advance, duration_words, parse_duration_ms

HOUR_MS = 3_600_000


def put(path: Path, text: str) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.rename(path)


async def seen(clock: OffsetClock, least_ms: int) -> None:
    """Wait until the clock has looked at its file again."""
    async with asyncio.timeout(5):
        while clock.boot_ms() < least_ms:  # noqa: ASYNC110  # a file tells
            await asyncio.sleep(0.005)


def test_the_system_clock_reads_the_machine() -> None:
    clock = SystemClock()
    assert abs(clock.wall_ms() - time.time_ns() // 1_000_000) < 5000
    assert 0 <= time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000 - clock.boot_ms() < 5000
    assert len(clock.boot_id()) == 36


def test_an_absent_file_adds_nothing(tmp_path: Path) -> None:
    clock = OffsetClock(tmp_path / "offset")
    assert abs(clock.boot_ms() - SystemClock().boot_ms()) < 5000
    assert abs(clock.wall_ms() - SystemClock().wall_ms()) < 5000


async def test_an_advance_moves_wall_and_boot_time_alike_and_keeps_the_boot(tmp_path: Path) -> None:
    path = tmp_path / "offset"
    clock = OffsetClock(path)
    wall_ms, boot_ms, boot = clock.wall_ms(), clock.boot_ms(), clock.boot_id()
    assert advance(path, 49 * HOUR_MS) == 49 * HOUR_MS
    await seen(clock, boot_ms + 49 * HOUR_MS)
    assert 49 * HOUR_MS <= clock.wall_ms() - wall_ms < 49 * HOUR_MS + 10_000
    assert 49 * HOUR_MS <= clock.boot_ms() - boot_ms < 49 * HOUR_MS + 10_000
    assert clock.boot_id() == boot


async def test_a_deadline_hours_away_passes_when_the_clock_is_advanced(tmp_path: Path) -> None:
    path = tmp_path / "offset"
    clock = OffsetClock(path)
    waiting = asyncio.create_task(clock.until(clock.boot_ms() + 48 * HOUR_MS))
    done, _ = await asyncio.wait((waiting,), timeout=0.2)
    assert not done
    advance(path, 48 * HOUR_MS)
    started = time.monotonic()
    async with asyncio.timeout(5):
        await waiting
    assert time.monotonic() - started < 2


async def test_a_deadline_that_has_passed_returns_at_once() -> None:
    clock = SystemClock()
    await clock.until(clock.boot_ms() - 1)


async def test_a_file_that_goes_back_or_away_never_takes_boot_time_back(tmp_path: Path) -> None:
    path = tmp_path / "offset"
    clock = OffsetClock(path)
    before_ms = clock.boot_ms()
    put(path, "7200000")
    await seen(clock, before_ms + 2 * HOUR_MS)
    put(path, "0")
    system = SystemClock()
    async with asyncio.timeout(5):
        while clock.wall_ms() - system.wall_ms() > HOUR_MS:  # noqa: ASYNC110  # a file tells
            await asyncio.sleep(0.005)
    assert clock.boot_ms() >= before_ms + 2 * HOUR_MS
    path.unlink()
    await asyncio.sleep(0.03)
    assert clock.boot_ms() >= before_ms + 2 * HOUR_MS


async def test_a_file_that_is_no_number_changes_nothing_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "offset"
    clock = OffsetClock(path)
    before_ms = clock.boot_ms()
    put(path, "3600000")
    await seen(clock, before_ms + HOUR_MS)
    put(path, "soon")
    for _ in range(4):
        await asyncio.sleep(0.03)
        assert clock.wall_ms() - SystemClock().wall_ms() >= HOUR_MS - 1000
    assert caplog.text.count("clock offset unreadable") == 1
    put(path, "7200000")
    await seen(clock, before_ms + 2 * HOUR_MS)


def test_the_address_says_which_clock(tmp_path: Path) -> None:
    assert isinstance(open_clock("system:"), SystemClock)
    assert isinstance(open_clock(f"offset:{tmp_path}/f"), OffsetClock)


@pytest.mark.parametrize("address", ["", "system", "system:x", "offset:", "offset:rel", "ntp:x"])
def test_another_address_is_refused(address: str) -> None:
    with pytest.raises(AddressError):
        open_clock(address)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2s", 2000),
        ("15m", 900_000),
        ("49h", 49 * HOUR_MS),
        ("1h30m", 5_400_000),
        ("500ms", 500),
        ("2d", 48 * HOUR_MS),
    ],
)
def test_durations_are_read(text: str, ms: int) -> None:
    assert parse_duration_ms(text) == ms


@pytest.mark.parametrize("text", ["", "5", "0s", "-5m", "5 m", "m", "5x", "1h5"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"clock|duration"):
        parse_duration_ms(text)


async def test_advances_at_the_same_time_all_count(tmp_path: Path) -> None:
    path = tmp_path / "offset"
    await asyncio.gather(*(asyncio.to_thread(advance, path, 1000) for _ in range(20)))
    assert path.read_text() == "20000\n"


def test_time_is_never_set_back(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only be advanced"):
        advance(tmp_path / "offset", -1)


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (49 * HOUR_MS, "49 h"),
        (HOUR_MS + 1_800_000, "1 h 30 min"),
        (63_000, "1 min 3 s"),
        (1_500, "1.5 s"),
        (0, "0 s"),
    ],
)
def test_how_far_the_clock_is_ahead_is_said_in_hours(ms: int, words: str) -> None:
    assert duration_words(ms) == words
