"""Readings that wait for somebody to ask."""

import asyncio

import pytest

from drivers.ports.errors import DeviceGone
from drivers.ports.scanner import Fault, Scan, Spoiled
from drivers.scanner.inbox import LIMIT, Inbox


def scan(number: int) -> Scan:
    return Scan(data=str(number).encode())


async def test_sixty_four_wait_and_beyond_that_the_oldest_go(
    caplog: pytest.LogCaptureFixture,
) -> None:
    inbox = Inbox("gun")
    for number in range(LIMIT + 6):
        inbox.put(scan(number))
    assert await inbox.get() == Spoiled(fault=Fault.OVERFLOW, size=6)
    assert [await inbox.get() for _ in range(LIMIT)] == [scan(n) for n in range(6, LIMIT + 6)]
    assert caplog.text.count("oldest lost") == 1


async def test_what_was_complete_before_the_end_is_still_handed_out() -> None:
    inbox = Inbox("gun")
    inbox.put(scan(1))
    inbox.end(DeviceGone("unplugged"))
    inbox.put(scan(2))
    assert await inbox.get() == scan(1)
    for _ in range(2):
        with pytest.raises(DeviceGone, match="unplugged"):
            await inbox.get()


async def test_the_first_reason_of_the_end_stays() -> None:
    inbox = Inbox("gun")
    inbox.end(DeviceGone("first"))
    inbox.end(DeviceGone("second"))
    with pytest.raises(DeviceGone, match="first"):
        await inbox.get()


async def test_one_who_waits_is_woken_by_a_reading_and_by_the_end() -> None:
    inbox = Inbox("gun")
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.put(scan(1))
    assert await waiting == scan(1)
    waiting = asyncio.create_task(inbox.get())
    await asyncio.sleep(0)
    inbox.end(DeviceGone("unplugged"))
    with pytest.raises(DeviceGone):
        await waiting


async def test_a_spoiled_reading_keeps_its_place_and_its_content_is_not_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    inbox = Inbox("gun")
    spoiled = Spoiled(fault=Fault.GAP, size=12)
    for reading in (scan(1), spoiled, scan(2)):
        inbox.put(reading)
    assert [await inbox.get() for _ in range(3)] == [scan(1), spoiled, scan(2)]
    assert "fault=gap size=12" in caplog.text


async def test_losses_that_go_on_are_told_each_time_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    inbox = Inbox("gun")
    for number in range(LIMIT + 1):
        inbox.put(scan(number))
    assert await inbox.get() == Spoiled(fault=Fault.OVERFLOW, size=1)
    inbox.put(scan(LIMIT + 1))
    assert await inbox.get() == Spoiled(fault=Fault.OVERFLOW, size=1)
    assert await inbox.get() == scan(2)
    assert caplog.text.count("oldest lost") == 1
