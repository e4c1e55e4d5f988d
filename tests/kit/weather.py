"""Chaos over real processes: people who scan, and somebody who breaks things meanwhile.

One seed decides who does what in which order; how the processes interleave, it does not.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from edge.lab.branch import Branch
from edge.lab.counter import Refused
from edge.lab.floor import Floor
from edge.lab.headquarters import HubSaidNo
from edge.lab.hq_views import Order
from sync.wire.errors import RemoteWireError

STORES = (2, 3, 4)
LEAST_TROUBLES = 3
"""Of each who breaks things, however slow the machine is."""
# What somebody outside sees when the other end is gone in the middle of it.
GONE = (httpx.HTTPError, RemoteWireError)


@dataclass(slots=True)
class Ticket:
    """An order, and what its customer was told. acked: hand-overs that a counter said it made."""

    order: Order
    store: int
    acked: set[tuple[int, int]] = field(default_factory=set)


class Weather:
    """A chain of three stores in bad weather."""

    def __init__(self, floor: Floor, branches: dict[int, Branch], seed: int) -> None:
        self.floor = floor
        self.branches = branches
        self.tickets: list[Ticket] = []
        self.done: dict[str, int] = {}
        self._seed = seed
        self._hub_turn = asyncio.Lock()
        self._turns = {number: asyncio.Lock() for number in branches}

    async def blow(self, for_s: float) -> None:
        """Everybody does what they do for this long, all at once; then nobody does."""
        acts: list[Callable[[random.Random], Awaitable[None]]] = [
            *(self._buys for _ in range(4)),
            *(self._scans for _ in range(6)),
            self._cancels,
            self._moves,
            self._breaks,
            self._breaks,
        ]
        ends_at = asyncio.get_running_loop().time() + for_s

        async def live(act: Callable[[random.Random], Awaitable[None]], number: int) -> None:
            dice = random.Random(f"{self._seed}/{number}")  # noqa: S311  # a seed decides
            acts_left = LEAST_TROUBLES if act == self._breaks else 0
            while acts_left > 0 or asyncio.get_running_loop().time() < ends_at:
                await act(dice)
                acts_left -= 1
                await asyncio.sleep(dice.uniform(0.02, 0.25))

        async with asyncio.TaskGroup() as people:
            for number, act in enumerate(acts):
                people.create_task(live(act, number), name=f"{act.__name__} {number}")

    def _count(self, what: str) -> None:
        self.done[what] = self.done.get(what, 0) + 1

    # -- people ---------------------------------------------------------------------------------

    async def open_shops(self, orders: int) -> None:
        """While the weather is fine still: so many orders, and every store has heard of its own."""
        dice = random.Random(self._seed)  # noqa: S311  # a seed decides
        for _ in range(orders):
            await self._buys(dice)
        await asyncio.gather(*(branch.heard() for branch in self.branches.values()))

    async def _buys(self, dice: random.Random) -> None:
        store = dice.choice(STORES)
        body = {
            "store": store,
            "lines": [{"sku": dice.choice(("BREAD", "COFFEE")), "quantity": dice.choice((1, 2))}],
            "hours": 24 * 30,
            "place": "A1",
        }
        try:
            order = await self.floor.hq.create_order(body)
        except GONE:
            self._count("order unanswered")
            return
        except HubSaidNo as error:
            if not str(error).startswith("503"):
                raise
            self._count("order unanswered")
            return
        self.tickets.append(Ticket(order=order, store=store))
        self._count("order")

    async def _scans(self, dice: random.Random) -> None:
        if not self.tickets:
            return
        ticket = dice.choice(self.tickets[-40:])
        at_home = dice.random() < 0.6
        store = ticket.store if at_home else dice.choice(STORES)
        text = dice.choice((ticket.order.v1, ticket.order.v2 or ticket.order.v1))
        await self.scan(ticket, store, dice.choice((1, 2)), text)

    async def scan(self, ticket: Ticket, store: int, station: int, text: str) -> bool:
        """Scan, and confirm where that is asked; whether it was handed over now."""
        counter = self.branches[store].counter(station)
        try:
            answer = await counter.scan(text)
            if answer.state == "claimed" and answer.order is not None:
                answer = await counter.hand_over(answer.order.id)
        except Refused:
            self._count("scan refused")
            return False
        except GONE:
            self._count("scan unanswered")
            return False
        self._count(f"scan {answer.verdict}")
        if answer.state != "handed" or answer.handover is None:
            return False
        ticket.acked.add((store, answer.handover))
        return True

    async def _cancels(self, dice: random.Random) -> None:
        await asyncio.sleep(dice.uniform(0.2, 0.6))
        if not self.tickets:
            return
        ticket = dice.choice(self.tickets)
        try:
            await self.floor.hq.cancel(ticket.order.order_no)
        except (*GONE, HubSaidNo):
            self._count("cancel unanswered")
            return
        self._count("cancel")

    async def _moves(self, dice: random.Random) -> None:
        await asyncio.sleep(dice.uniform(0.1, 0.4))
        if not self.tickets:
            return
        ticket = dice.choice(self.tickets)
        try:
            await self.floor.hq.move(ticket.order.order_no, dice.choice(STORES))
        except (*GONE, HubSaidNo):
            self._count("move unanswered or refused")
            return
        self._count("move")

    # -- somebody who breaks things -------------------------------------------------------------

    async def _breaks(self, dice: random.Random) -> None:
        await asyncio.sleep(dice.uniform(0.1, 0.5))
        number = dice.choice(STORES)
        branch = self.branches[number]
        match dice.choice(("node", "node", "hub", "cut", "silent", "slow", "short", "short")):
            case "node":
                async with self._turns[number]:
                    await branch.kill()
                    await asyncio.sleep(dice.uniform(0, 0.5))
                    await branch.start()
                self._count("node killed")
            case "hub":
                async with self._hub_turn:
                    await self.floor.stop_hub()
                    await asyncio.sleep(dice.uniform(0, 0.5))
                    await self.floor.start_hub()
                self._count("hub killed")
            case "cut":
                async with self._turns[number]:
                    await branch.line.cut()
                    await asyncio.sleep(dice.uniform(0.1, 1.5))
                    await branch.line.mend()
                self._count("line cut")
            case "silent":
                branch.line.silence()
                await asyncio.sleep(dice.uniform(0.1, 1.5))
                await branch.line.mend()
                self._count("line silent")
            case "slow":
                branch.line.delay(dice.randint(20, 300))
                await asyncio.sleep(dice.uniform(0.1, 1.5))
                branch.line.delay(0)
                self._count("line slow")
            case _:
                branch.line.truncate(dice.randint(0, 20_000))
                self._count("line cut short")
        # Nodes wait longer after each failure; nobody wants to wait for that here.
        self.floor.advance("10s")

    async def clear(self) -> None:
        """Everything stands again, and every store has told headquarters everything."""
        for branch in self.branches.values():
            await branch.mend()
        for branch in self.branches.values():
            await branch.all_sent(within_s=30)

        async def nothing_is_moving() -> bool:
            return not await self.floor.hq.moving()

        await self.floor.until(nothing_is_moving, "every move that was asked for is answered")
        await asyncio.gather(*(branch.heard() for branch in self.branches.values()))
        for branch in self.branches.values():
            await branch.all_sent(within_s=30)
