"""Screens: the whole state first, the newest always, each station's own."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from edge.web.acts import PutBack
from edge.web.screens import CONNECTIONS_PER_STATION, QUEUE_EVENTS, ScreenHub


@dataclass(frozen=True)
class Numbered:
    id: str


async def nothing_else() -> object:
    return {"all": True}


def opened(
    hub: ScreenHub, station: str = "till1", allowed: Callable[[], bool] = lambda: True
) -> AsyncIterator[bytes]:
    return hub.stream(station, nothing_else, nothing_new, allowed)


async def nothing_new() -> None:
    return None


async def told(stream: AsyncIterator[bytes]) -> list[tuple[str, object]]:
    """The events of the next piece of a stream."""
    async with asyncio.timeout(5):
        piece = (await anext(stream)).decode()
    found: list[tuple[str, object]] = []
    for block in piece.strip().split("\n\n"):
        fields = dict(
            line.split(": ", 1) for line in block.splitlines() if not line.startswith(":")
        )
        if "event" in fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found


async def joined(stream: AsyncIterator[bytes]) -> None:
    assert await told(stream) == []
    assert await told(stream) == [("state", {"all": True})]


async def test_a_screen_hears_the_whole_state_first_then_what_happens() -> None:
    hub = ScreenHub(run="r")
    stream = opened(hub)
    await joined(stream)
    hub.publish("till1", "answer", {"id": "1"})
    hub.publish(None, "status", {"unsynced": 2})
    assert await told(stream) == [("answer", {"id": "1"}), ("status", {"unsynced": 2})]


async def test_a_verdict_goes_to_its_own_station_alone() -> None:
    hub = ScreenHub(run="r")
    mine, other = opened(hub, "till1"), opened(hub, "till2")
    await joined(mine)
    await joined(other)
    hub.publish("till1", "answer", {"id": "1"})
    hub.publish(None, "cases", {"case": 3})
    assert [event for event, _ in await told(mine)] == ["answer", "cases"]
    assert [event for event, _ in await told(other)] == ["cases"]


async def test_a_slow_screen_loses_the_queue_and_is_told_everything_anew() -> None:
    hub = ScreenHub(run="r")
    stream = opened(hub)
    await joined(stream)
    for number in range(QUEUE_EVENTS + 1):
        hub.publish("till1", "answer", {"id": str(number)})
    assert await told(stream) == [("state", {"all": True})]
    hub.publish("till1", "answer", {"id": "after"})
    assert await told(stream) == [("answer", {"id": "after"})]


async def test_what_happened_while_the_state_was_composed_is_not_lost() -> None:
    hub = ScreenHub(run="r")

    async def composing() -> object:
        hub.publish("till1", "answer", {"id": "meanwhile"})
        return {"all": True}

    stream = hub.stream("till1", composing, nothing_new, lambda: True)
    await joined(stream)
    assert await told(stream) == [("answer", {"id": "meanwhile"})]


async def test_every_event_has_its_own_number_with_the_run_in_it() -> None:
    hub = ScreenHub(run="boot7")
    stream = opened(hub)
    await anext(stream)
    first = (await anext(stream)).decode().splitlines()[0]
    hub.publish("till1", "answer", {})
    second = (await anext(stream)).decode().splitlines()[0]
    assert first.startswith("id: boot7-")
    assert second.startswith("id: boot7-")
    assert first != second


async def test_what_a_station_showed_is_kept_for_a_reload_newest_first() -> None:
    hub = ScreenHub(run="r")
    hub.publish("till1", "answer", {"id": "1"})
    hub.publish("till1", "status", {})
    hub.publish("till1", "undone", {"id": "2"})
    assert [act.event for act in hub.recent("till1")] == ["undone", "answer"]
    assert hub.recent("till2") == ()


async def test_one_screen_too_many_ends_the_oldest() -> None:
    hub = ScreenHub(run="r")
    streams = [opened(hub) for _ in range(CONNECTIONS_PER_STATION + 1)]
    for stream in streams:
        await joined(stream)
    assert hub.connected("till1") == CONNECTIONS_PER_STATION
    assert [piece async for piece in streams[0]] == []
    hub.publish("till1", "answer", {"id": "1"})
    assert await told(streams[-1]) == [("answer", {"id": "1"})]


async def test_a_closed_hub_ends_every_stream_and_begins_none() -> None:
    hub = ScreenHub(run="r")
    stream = opened(hub)
    await joined(stream)
    hub.close()
    assert [piece async for piece in stream] == []
    assert [piece async for piece in opened(hub)] == [b"retry: 1000\n\n"]
    assert hub.connected() == 0


async def test_a_heartbeat_comes_when_nothing_happens_and_ends_when_the_token_does() -> None:
    hub = ScreenHub(run="r", look_s=0.01, beat_s=0.02)
    allowed = True
    stream = opened(hub, allowed=lambda: allowed)
    await joined(stream)
    assert await told(stream) == [("beat", 1)]
    allowed = False
    assert [piece async for piece in stream] == []


async def test_the_status_bar_is_looked_after_soon_after_an_act_and_told_only_news() -> None:
    hub = ScreenHub(run="r", look_s=30)
    news: list[object] = [{"unsynced": 1}]

    async def status() -> object | None:
        return news.pop() if news else None

    stream = hub.stream("till1", nothing_else, status, lambda: True)
    await joined(stream)
    hub.publish("till1", "answer", {"id": "1"})
    assert await told(stream) == [("answer", {"id": "1"})]
    assert await told(stream) == [("status", {"unsynced": 1})]
    hub.publish("till1", "answer", {"id": "2"})
    assert await told(stream) == [("answer", {"id": "2"})]
    assert news == []


async def test_a_counter_that_never_rests_still_hears_of_the_status() -> None:
    hub = ScreenHub(run="r", look_s=0.05)

    async def status() -> object:
        return {"unsynced": 1}

    stream = hub.stream("till1", nothing_else, status, lambda: True)
    await joined(stream)
    events: list[str] = []
    async with asyncio.timeout(5):
        while "status" not in events:
            hub.publish("till1", "answer", {"id": "1"})
            events += [event for event, _ in await told(stream)]
            await asyncio.sleep(0.005)
    assert events.count("answer") > 1


async def test_training_makes_a_screen_forget_what_it_showed_and_asks_anew() -> None:
    hub = ScreenHub(run="r")
    mine, other = opened(hub, "till1"), opened(hub, "till2")
    await joined(mine)
    await joined(other)
    hub.publish("till1", "answer", {"id": "1"})
    hub.publish("till1", "training", {"training": True})
    hub.publish(None, "cases", {"case": 3})
    assert await told(mine) == [("state", {"all": True})]
    assert hub.recent("till1") == ()
    assert [event for event, _ in await told(other)] == ["cases"]


async def test_what_was_painted_is_remembered_as_painted() -> None:
    hub = ScreenHub(run="r")
    hub.publish("till1", "answer", PutBack(order="a"))
    hub.publish("till1", "answer", Numbered(id="7"))
    hub.painted("till2", "7")
    assert [act.painted for act in hub.recent("till1")] == [False, False]
    hub.painted("till1", "7")
    assert [act.painted for act in hub.recent("till1")] == [True, False]
