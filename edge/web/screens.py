"""Server-sent events to the screens of each station; the state lives here, never in a browser.

A connection first gets `state` (all there is to show), then what happens. It holds at most
`QUEUE_EVENTS`; a screen too slow for that loses the queue and gets `state` anew, so the newest
always wins and nothing is ever half shown. An event with a station goes to that station alone.
"""

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

from edge.flow.ports import Screens
from sync.wire.codec import to_json

QUEUE_EVENTS = 32
RECENT_ACTS = 8
CONNECTIONS_PER_STATION = 6
LOOK_S = 2.0
SOON_S = 0.3
BEAT_S = 15.0

_REMEMBERED = frozenset({"answer", "undone", "put_back", "taken_over"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something for a station's panel; `event` and `value` as they were published.

    painted: a screen said that it painted it.
    """

    event: str
    value: object
    painted: bool = False


class ScreenHub:
    """Every open screen, and what each station showed last."""

    def __init__(self, *, run: str, look_s: float = LOOK_S, beat_s: float = BEAT_S) -> None:
        """Hold nothing yet; `run` makes event ids unique across restarts.

        look_s: how often the status bar is looked after. beat_s: the silence after which a screen
        is told that the line lives. Both in real seconds.
        """
        self._run = run
        self._look_s = look_s
        self._beat_s = beat_s
        self._number = itertools.count(1)
        self._open: dict[str, list[_Connection]] = {}
        self._recent: dict[str, deque[Act]] = {}
        self._closed = False

    def publish(self, station: str | None, event: str, value: object) -> None:
        """Hand an event to the screens of `station`, or of all; from the loop, never waits.

        `training` begins another day for its station: what was shown is forgotten, its screens
        are told everything anew.
        """
        if station is not None and event == "training":
            self._recent.pop(station, None)
            for connection in self._open.get(station, []):
                connection.fall_behind()
            return
        if station is not None and event in _REMEMBERED:
            acts = self._recent.setdefault(station, deque(maxlen=RECENT_ACTS))
            acts.appendleft(Act(event=event, value=value))
        if station is None:
            targets = [one for group in self._open.values() for one in group]
        else:
            targets = self._open.get(station, [])
        if targets:
            frame = self._frame(event, to_json(value))
            for connection in targets:
                connection.offer(frame)

    def recent(self, station: str) -> tuple[Act, ...]:
        """What the station's panel showed, newest first."""
        return tuple(self._recent.get(station, ()))

    def painted(self, station: str, answer: str) -> None:
        """Remember that a screen painted an answer, so that a reload need not say it again."""
        acts = self._recent.get(station, deque())
        for index, act in enumerate(acts):
            if getattr(act.value, "id", None) == answer:
                acts[index] = replace(act, painted=True)

    def connected(self, station: str | None = None) -> int:
        """How many screens are open, of one station or of all."""
        if station is not None:
            return len(self._open.get(station, ()))
        return sum(len(group) for group in self._open.values())

    async def stream(
        self,
        station: str,
        state: Callable[[], Awaitable[object]],
        status: Callable[[], Awaitable[object | None]],
        still_allowed: Callable[[], bool],
    ) -> AsyncIterator[bytes]:
        """The bytes of one connection until it is closed, replaced or no longer allowed.

        state: composes everything to show. status: what the bar should say now, None when that is
        nothing new; asked every `look_s` and soon after every event, as is still_allowed.
        """
        connection = _Connection()
        group = self._open.setdefault(station, [])
        if len(group) >= CONNECTIONS_PER_STATION:
            group.pop(0).close()  # most often a screen that was reloaded and not yet noticed
        group.append(connection)
        if self._closed:
            connection.close()
        try:
            yield b"retry: 1000\n\n"
            clock = asyncio.get_running_loop().time
            look, beat = clock() + self._look_s, clock() + self._beat_s
            while not connection.closed:
                if connection.take_behind():
                    yield self._frame("state", to_json(await state()))
                elif clock() >= look:
                    if not still_allowed():
                        return
                    look = clock() + self._look_s
                    news = await status()
                    if news is not None:
                        yield self._frame("status", to_json(news))
                        beat = clock() + self._beat_s
                    elif clock() >= beat:
                        yield b": beat\nevent: beat\ndata: 1\n\n"
                        beat = clock() + self._beat_s
                elif frames := connection.take():
                    yield frames
                    look = min(look, clock() + SOON_S)
                else:
                    await connection.wait(look - clock())
        finally:
            if connection in group:
                group.remove(connection)
            if not group and self._open.get(station) is group:
                del self._open[station]

    def close(self) -> None:
        """End every stream, so that a server can stop; later ones end at once."""
        self._closed = True
        for group in self._open.values():
            for connection in group:
                connection.close()

    def _frame(self, event: str, data: bytes) -> bytes:
        head = f"id: {self._run}-{next(self._number)}\nevent: {event}\ndata: ".encode()
        return head + data + b"\n\n"


class _Connection:
    """One open screen: a bounded queue, and whether it must be told everything anew."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._behind = True
        self.closed = False

    def offer(self, frame: bytes) -> None:
        """Queue a frame; when full, drop all of them in favour of a new `state`."""
        if len(self._frames) >= QUEUE_EVENTS:
            self._frames.clear()
            self._behind = True
        else:
            self._frames.append(frame)
        self._wake.set()

    def fall_behind(self) -> None:
        """Owe it a new `state`; what is queued until then is part of that."""
        self._behind = True
        self._wake.set()

    def take_behind(self) -> bool:
        """Whether `state` is due; what is queued until now is part of it."""
        behind, self._behind = self._behind, False
        if behind:
            self._frames.clear()
        return behind

    def take(self) -> bytes:
        """All queued frames at once."""
        frames = b"".join(self._frames)
        self._frames.clear()
        return frames

    async def wait(self, timeout_s: float) -> None:
        """Wait for something to say, or for the time to pass."""
        self._wake.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()

    def close(self) -> None:
        """End the stream at its next turn."""
        self.closed = True
        self._wake.set()


_: type[Screens] = ScreenHub
