"""A chain in one process: a hub, the boxes of some stores, bad lines, and one truth beside them.

The truth is what people saw: goods that left a shop and goods that were put back. No code of the
product reads it; the invariants compare the product's books with it.
"""

import asyncio
import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from running_hub import NOON_MS, Headquarters, open_headquarters, reopen_headquarters
from store_box import StoreBox
from toy_node import open_store, stock_up

from edge.flow.settings import Settings

STORES = (101, 102, 103)
DAY_MS = 86_400_000
UnitName = tuple[str, int, int]
"""(order number, line, unit)."""


class Broken(AssertionError):
    """A promise does not hold."""


@dataclass(slots=True)
class Ordered:
    """An order as its customer and HQ's staff know it: number, id, units, every code ever told."""

    no: str
    id: bytes
    home: int
    units: tuple[tuple[int, int], ...]
    texts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Truth:
    """What people saw. away: units that left a shop and did not come back, and from which store."""

    away: dict[UnitName, list[int]] = field(default_factory=dict)
    given: dict[tuple[int, str, int], tuple[UnitName, ...]] = field(default_factory=dict)

    def leave(self, key: tuple[int, str, int], units: tuple[UnitName, ...]) -> None:
        """A customer walks out with these; key: (store, incarnation, hand-over)."""
        if key in self.given:
            return  # the same answer told again
        self.given[key] = units
        for unit in units:
            self.away.setdefault(unit, []).append(key[0])

    def come_back(self, key: tuple[int, str, int]) -> None:
        """The goods of a hand-over lie behind the counter again."""
        for unit in self.given[key]:
            self.away[unit].remove(key[0])
        self.given[key] = ()


class World:
    """Everything of one run; `dice` decides all of it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.seed = seed
        self.dice = random.Random(seed)  # noqa: S311 - a seed decides
        self.headquarters: Headquarters = (
            reopen_headquarters(folder)
            if (folder / "hub.db").exists()
            else open_headquarters(folder)
        )
        self.boxes = {number: self._box(number) for number in STORES}
        self.orders: list[Ordered] = []
        self.truth = Truth()
        self.keys = 0
        self.story: list[str] = []
        self.seen: Counter[str] = Counter()

    def _box(self, number: int) -> StoreBox:
        return StoreBox(
            self.headquarters,
            number=number,
            data=self.folder / f"s{number}",
            dice=self.dice,
            passes=self.advance,
            settings=Settings(),
        )

    def replace_box(self, number: int, data: Path) -> StoreBox:
        """Another box stands in the store from now on."""
        box = self._box(number)
        box.data = data
        box.clock = self.boxes[number].clock
        self.boxes[number] = box
        return box

    # -- time ------------------------------------------------------------------------------------

    def advance(self, by_ms: int) -> None:
        """Time passes for everybody."""
        self.headquarters.clock.advance(by_ms)
        for box in self.boxes.values():
            box.clock.advance(by_ms)

    @property
    def now_ms(self) -> int:
        """True time, which HQ has."""
        return self.headquarters.clock.now_ms()

    # -- from outside ----------------------------------------------------------------------------

    def tell(self, text: str) -> None:
        """A line of the story that a failing seed prints."""
        self.story.append(text)

    def key(self) -> str:
        """A fresh Idempotency-Key."""
        self.keys += 1
        return f"key-{self.keys}"

    def incarnation(self, box: StoreBox) -> str:
        """Which life of a box this is."""
        return box.node.shop.identity.incarnation.hex()

    def units_of_handover(self, box: StoreBox, number: int) -> tuple[UnitName, ...]:
        """What a hand-over gave away, by the box's own books."""
        with closing(sqlite3.connect(box.ledger)) as connection:
            rows = connection.execute(
                "SELECT h.order_no, h.order_id, r.line, r.unit FROM handover h"
                " JOIN redemption r ON r.handover = h.handover WHERE h.handover = ?",
                (number,),
            ).fetchall()
        numbers = {order.id: order.no for order in self.orders}
        return tuple((numbers[order_id], line, unit) for _, order_id, line, unit in rows)

    async def open(self) -> None:
        """Every shop opens: the power was off since the first morning."""
        for box in self.boxes.values():
            box.clock.reboot(wall_ms=self.now_ms)
            await box.open()
            await box.pull()

    async def close(self) -> None:
        """The end of the run."""
        for box in self.boxes.values():
            if box.running:
                await box.stop()
        self.headquarters.hub.database.close()


def make_template(folder: Path) -> None:
    """A chain on its first morning: stores, articles, boxes enrolled and synced once."""
    folder.mkdir(parents=True)
    world = World(folder, seed=0)
    for number in STORES:
        open_store(world.headquarters, number)
    stock_up(world.headquarters)
    for box in world.boxes.values():
        box.enrol()

    async def first_morning() -> None:
        await world.open()
        for box in world.boxes.values():
            await box.push()
        await world.close()

    asyncio.run(first_morning())


def begin(template: Path, folder: Path, seed: int) -> World:
    """A run of its own over a copy of the template."""
    shutil.copytree(template, folder)
    world = World(folder, seed)
    world.headquarters.clock.value_ms = NOON_MS + DAY_MS
    return world
