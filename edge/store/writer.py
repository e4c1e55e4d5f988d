"""The one writer: acts wait in a queue, a thread drains it, one commit answers all of them.

An idle writer takes a lone act at once: it never waits for a batch to fill. Answers go back in one
hop to the event loop per batch. When a batch ends unknown, `on_fatal` is called on the writer's
thread after the clients were told; the daemon ends there and clients ask again by key.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TypeVar, cast

from edge.store.errors import StoreError, Unanswered
from edge.store.ledger import Done, Failed, Ledger, Result, Unit
from edge.store.tx import Moment, Tx

T = TypeVar("T")
MAX_BATCH = 256


@dataclass(frozen=True, slots=True)
class _Waiting:
    unit: Unit
    future: "asyncio.Future[object]"


@dataclass(frozen=True, slots=True)
class _Between:
    work: Callable[[Ledger], object]
    future: "asyncio.Future[object]"


class Writer:
    """Runs acts on the ledger from the event loop's side.

    The queue is bounded by the callers: each waits for its answer. Past `limit` waiting acts the
    newest is refused with `Unanswered` at once (nothing was done).
    """

    def __init__(
        self, ledger: Ledger, *, on_fatal: Callable[[StoreError], None], limit: int = 4_096
    ) -> None:
        self._ledger = ledger
        self._loop = asyncio.get_running_loop()
        self._on_fatal = on_fatal
        self._limit = limit
        self._waiting: SimpleQueue[_Waiting | _Between | None] = SimpleQueue()
        self._between: _Between | None = None
        self._closing = False
        self.batches = 0
        self.acts = 0
        self._thread = threading.Thread(target=self._work, name="ledger-writer", daemon=True)
        self._thread.start()

    async def do(self, act: Callable[[Tx], T], moment: Moment) -> T:
        """Run `act` and answer once it is durable.

        Raises:
            UnitFailed: it threw; nothing of it stayed.
            Unanswered: it may or may not be durable; ask again under the same key.
        """
        future: asyncio.Future[object] = self._loop.create_future()
        self._put(_Waiting(Unit(act, moment), future))
        return cast("T", await future)

    async def between(self, work: Callable[[Ledger], T]) -> T:
        """Run `work` between batches, outside any transaction; a failure there is fatal."""
        future: asyncio.Future[object] = self._loop.create_future()
        self._put(_Between(work, future))
        return cast("T", await future)

    async def close(self) -> None:
        """Finish what waits, then stop the thread."""
        self._closing = True
        self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)

    def _put(self, item: _Waiting | _Between) -> None:
        if self._closing or self._ledger.broken or self._waiting.qsize() >= self._limit:
            raise Unanswered("the ledger takes no more acts now; nothing was done")
        self._waiting.put(item)

    def _take(self) -> list[_Waiting] | _Between | None:
        """What to do next: acts that wait, or what must stand between two batches, alone."""
        if self._between is not None:
            between, self._between = self._between, None
            return between
        item = self._waiting.get()
        batch: list[_Waiting] = []
        while isinstance(item, _Waiting):
            batch.append(item)
            if len(batch) == MAX_BATCH:
                return batch
            try:
                item = self._waiting.get_nowait()
            except Empty:
                return batch
        if not batch:
            return item
        if item is None:
            self._waiting.put(None)  # to be met again behind this batch
        else:
            self._between = item
        return batch

    def _work(self) -> None:
        while (batch := self._take()) is not None:
            if isinstance(batch, _Between):
                if not self._run_between(batch):
                    return
                continue
            results = self._ledger.run_batch([item.unit for item in batch])
            self.batches += 1
            self.acts += len(batch)
            self._answer(
                [(item.future, result) for item, result in zip(batch, results, strict=True)]
            )
            if self._ledger.broken:
                last = results[-1]
                assert isinstance(last, Failed)
                self._give_up(last.error)
                return

    def _run_between(self, item: _Between) -> bool:
        try:
            value = item.work(self._ledger)
        except Exception as error:  # noqa: BLE001 - whatever it is, the two files may disagree
            failure = Unanswered(f"between batches: {error}")
            failure.__cause__ = error
            self._answer([(item.future, Failed(failure))])
            self._give_up(failure)
            return False
        self._answer([(item.future, Done(value))])
        return True

    def _give_up(self, error: StoreError) -> None:
        self._closing = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            # On the loop, where everything is put: what was put before this is refused by it, what
            # comes later sees that we are closing.
            self._loop.call_soon_threadsafe(self._refuse_left, str(error))
        self._on_fatal(error)

    def _refuse_left(self, why: str) -> None:
        left: list[_Waiting | _Between] = [] if self._between is None else [self._between]
        while not self._waiting.empty():
            item = self._waiting.get_nowait()
            if item is not None:
                left.append(item)
        _resolve([(item.future, Failed(Unanswered(why))) for item in left])

    def _answer(self, pairs: Sequence[tuple["asyncio.Future[object]", Result]]) -> None:
        try:
            self._loop.call_soon_threadsafe(_resolve, pairs)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return


def _resolve(pairs: Sequence[tuple["asyncio.Future[object]", Result]]) -> None:
    for future, result in pairs:
        if future.done():
            continue
        match result:
            case Done(value):
                future.set_result(value)
            case Failed(error):
                future.set_exception(error)
