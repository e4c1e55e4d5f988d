"""Performing effects: slips, drawer, buzzer; after commit, with durable states.

One worker a printer. A worker takes the oldest effect that is its own, or that waits for a printer
in trouble whose backup it is. `sent` is committed before the first byte leaves: whatever dies in
between is found in doubt at the next start and called `unknown`, never printed again as an
original. An unknown slip is followed by a COPY, at most two in a row; drawer and buzzer are never
repeated (attacks 16, 17). Slips of a training room go to the same printers, behind the real ones.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from drivers.ports.errors import DeviceRefused
from drivers.ports.printer import (
    Confirmed,
    NotStarted,
    Printer,
    PrintOutcome,
    Sent,
    Trouble,
    Unknown,
)
from edge.flow.shop import FIRST_PRACTICE_NUMBER, Shop
from edge.flow.slips import copy_of, document, entry
from edge.store.effects import Effect, EffectState, effect, homeless, in_doubt, queued, step
from edge.store.errors import StoreError
from edge.store.tx import Tx
from sync.wire.errors import RemoteWireError

logger = logging.getLogger(__name__)
T = TypeVar("T")
MAX_COPIES_UNASKED = 2
_LOOK_EVERY_MS = 1_000
_TROUBLE_EVERY_MS = 400
_LOOK_AT_IDLE_EVERY_MS = 5_000
_FAIL_OVER_AFTER_MS = 5_000
_BATCH = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where a station's effects go: its printers, the first one first."""

    printers: tuple[str, ...]


class Spool:
    """The workers' shared view: who serves whom, and which printer is in trouble since when."""

    def __init__(
        self,
        shop: Shop,
        routes: Mapping[str, Route],
        *,
        on_trouble: Callable[[str, Trouble | None], None],
    ) -> None:
        self._shop = shop
        self._routes = routes
        self._on_trouble = on_trouble
        self._trouble_since: dict[str, int] = {}
        self._doubtful: set[str] = set()
        self._look_again_ms: dict[str, int] = {}
        self._wakes: list[asyncio.Event] = []

    def wake(self) -> None:
        """New effects are durable."""
        for event in self._wakes:
            event.set()

    def waker(self) -> asyncio.Event:
        """An event that `wake` sets; the worker clears it."""
        event = asyncio.Event()
        self._wakes.append(event)
        return event

    async def recover(self) -> int:
        """What was being printed when the process ended is unknown now; answers how many."""
        found = await recover(self._shop)
        self._doubtful.update(row.printer for row in found if row.printer is not None)
        return len(found)

    async def fail_homeless(self) -> None:
        """Effects of a station without any printer end as `failed`, and say so."""
        await self._fail_homeless(self._shop)
        if self._shop.room is not None:
            with suppress(StoreError):  # a training room that was just closed
                await self._fail_homeless(self._shop.room.shop)

    async def _fail_homeless(self, shop: Shop) -> None:

        def act(tx: Tx) -> list[Effect]:
            served = [name for name, route in self._routes.items() if route.printers]
            lost = homeless(tx, served, _BATCH)
            for row in lost:
                step(tx, row.effect, was="queued", becomes="failed", trouble="no_printer")
            return lost

        for row in await shop.writer.do(act, shop.moment()):
            await self._publish(row)

    async def run(self, name: str, printer: Printer) -> None:
        """Work for one printer until cancelled."""
        wake = self.waker()
        while True:
            wake.clear()
            row = await self._next(name)
            if row is None:
                await self._look_at(name, printer)
                await self._pause(wake, _LOOK_EVERY_MS)
                continue
            try:
                if await self._is_ready(name, printer, row):
                    await self._perform(name, printer, row)
                    continue
            except StoreError:
                if row.effect < FIRST_PRACTICE_NUMBER:
                    raise
                # The training room was closed under its slip: nobody misses that.
            await self._pause(wake, _TROUBLE_EVERY_MS)

    async def _pause(self, wake: asyncio.Event, ms: int) -> None:
        clock = self._shop.clock
        deadline = asyncio.ensure_future(clock.until(clock.boot_ms() + ms))
        woken = asyncio.ensure_future(wake.wait())
        try:
            await asyncio.wait({deadline, woken}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            deadline.cancel()
            woken.cancel()

    def _printers(self, row: Effect) -> tuple[str, ...]:
        route = self._routes.get(row.station)
        return () if route is None else route.printers

    async def _next(self, name: str) -> Effect | None:
        await self.fail_homeless()
        mine = [station for station, route in self._routes.items() if name in route.printers]
        waiting = await self._queued(self._shop, mine)
        if self._shop.room is not None:
            with suppress(StoreError):
                waiting += await self._queued(self._shop.room.shop, mine)
        now = self._shop.clock.boot_ms()
        for row in waiting:
            for printer in self._printers(row):
                if printer == name:
                    return row
                since = self._trouble_since.get(printer)
                if since is None or now - since < _FAIL_OVER_AFTER_MS:
                    break
        return None

    async def _queued(self, shop: Shop, stations: list[str]) -> list[Effect]:
        return await shop.writer.do(lambda tx: queued(tx, stations, _BATCH), shop.moment())

    async def _look_at(self, name: str, printer: Printer) -> None:
        """An idle printer is asked now and then, so that trouble shows before it matters."""
        now = self._shop.clock.boot_ms()
        if now < self._look_again_ms.get(name, 0):
            return
        self._look_again_ms[name] = now + _LOOK_AT_IDLE_EVERY_MS
        self._on_trouble(name, (await printer.status()).trouble)

    async def _is_ready(self, name: str, printer: Printer, row: Effect) -> bool:
        status = await printer.status()
        self._on_trouble(name, status.trouble)
        if status.trouble is None:
            self._trouble_since.pop(name, None)
            return True
        self._trouble_since.setdefault(name, self._shop.clock.boot_ms())
        await self._note_trouble(row, status.trouble)
        if row.kind != "slip":
            await self._finish(row, "queued", "failed", name, trouble=status.trouble.value)
        return False

    async def _note_trouble(self, row: Effect, trouble: Trouble) -> None:
        if row.trouble == trouble.value:
            return

        def act(tx: Tx) -> None:
            tx.run("effect_trouble", trouble.value, tx.moment.trusted_ms, row.effect)

        await self._do(row, act)
        await self._publish(row)

    async def _perform(self, name: str, printer: Printer, row: Effect) -> None:
        try:
            paper = (
                await document(self._shop.holding(row.effect), row) if row.kind == "slip" else None
            )
        except (RemoteWireError, ValueError, LookupError) as error:
            logger.error("slip cannot be made effect=%s error=%s", row.effect, type(error))
            await self._finish(row, "queued", "failed", name, trouble="not_drawable")
            return
        if not await self._finish(row, "queued", "sent", name):
            return
        match row.kind:
            case "slip":
                assert paper is not None
                try:
                    doubt = name in self._doubtful
                    outcome = await printer.send(paper, job=row.effect, after_doubt=doubt)
                except DeviceRefused as error:  # before its first byte: it cannot be drawn
                    await self._finish(row, "sent", "failed", name, trouble=error.code)
                else:
                    await self._settle(row, name, outcome)
            case "drawer":
                await self._settle_pulse(row, name, accepted=await printer.open_drawer())
            case "buzzer":
                await self._settle_pulse(row, name, accepted=await printer.buzz())

    async def _settle_pulse(self, row: Effect, name: str, *, accepted: bool) -> None:
        if accepted:
            await self._finish(row, "sent", "sent", name, proof="accepted")
        else:
            await self._finish(row, "sent", "failed", name, trouble="not accepted")

    async def _settle(self, row: Effect, name: str, outcome: PrintOutcome) -> None:
        self._shop.count(f"print_{type(outcome).__name__.lower()}")
        if not isinstance(outcome, NotStarted):
            self._doubtful.discard(name)
        match outcome:
            case Confirmed():
                await self._finish(row, "sent", "confirmed", name, proof=outcome.proof)
            case Sent():
                await self._finish(row, "sent", "sent", name, proof="accepted")
            case NotStarted():
                self._trouble_since.setdefault(name, self._shop.clock.boot_ms())
                await self._finish(row, "sent", "queued", name, trouble=outcome.trouble.value)
            case Unknown():
                self._trouble_since.setdefault(name, self._shop.clock.boot_ms())
                logger.warning("slip unknown effect=%s printer=%s", row.effect, name)
                self._doubtful.add(name)
                await self._unknown(row, name, outcome.reason)

    async def _unknown(self, row: Effect, name: str, why: str) -> None:
        row = replace(row, printer=name)
        await self._do(row, lambda tx: _now_unknown(tx, row, why))
        await self._publish(row)

    async def _finish(
        self,
        row: Effect,
        was: EffectState,
        becomes: EffectState,
        name: str,
        *,
        trouble: str | None = None,
        proof: str | None = None,
    ) -> bool:
        def act(tx: Tx) -> bool:
            return step(
                tx,
                row.effect,
                was=was,
                becomes=becomes,
                printer=name,
                trouble=trouble,
                proof=proof,
            )

        moved = await self._do(row, act)
        await self._publish(row)
        return moved

    async def _publish(self, row: Effect) -> None:
        now = await self._do(row, lambda tx: effect(tx, row.effect))
        if now is not None and now.kind == "slip":
            self._shop.screens.publish(now.station, "slip", entry(now))

    async def _do(self, row: Effect, act: Callable[[Tx], T]) -> T:
        """Run `act` on the ledger that holds the effect."""
        shop = self._shop.holding(row.effect)
        return await shop.writer.do(act, shop.moment())


async def recover(shop: Shop) -> list[Effect]:
    """Call unknown what was being printed when a ledger's process ended; answers those effects."""

    def act(tx: Tx) -> list[Effect]:
        found = in_doubt(tx)
        for row in found:
            _now_unknown(tx, row, "restart")
        return found

    return await shop.writer.do(act, shop.moment())


def _now_unknown(tx: Tx, row: Effect, why: str) -> None:
    if not step(tx, row.effect, was="sent", becomes="unknown", printer=row.printer, trouble=why):
        return
    tx.note("slip_unknown", effect=row.effect, order=row.order_no, why=why)
    if row.kind == "slip" and row.copy < MAX_COPIES_UNASKED:
        copy_of(tx, row, row.station)
