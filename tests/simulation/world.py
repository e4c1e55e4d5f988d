"""A chain in one process: a hub, the boxes of some stores, bad lines, and one truth beside them.

The truth is what people saw: goods that left a shop, goods that were put back, pieces on a shelf.
No code of the product reads it; the promises compare the product's books with it.
"""

import asyncio
import random
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from running_hub import NOON_MS, Headquarters, HubClock
from store_box import StoreBox
from toy_node import open_store, stock_up

from edge.flow.settings import Settings
from sync.hub import identity, stores
from sync.hub.database import Database
from sync.hub.desk import NodeDesk
from sync.hub.snapshots import Snapshots

STORES = (101, 102, 103)
STOCKED = (101, 102)
EGGS = "EGGS"
PIN = "830274"
DAY_MS = 86_400_000
PARTS = ("stock", "rotating", "risk", "recall", "boxes", "copy", "hub")
"""What a day may have beside orders and bad lines; each seed has some of them."""

UnitName = tuple[str, int, int]
"""(order number, line, unit)."""
GivenKey = tuple[int, str, int]
"""(store, incarnation, hand-over)."""


class Broken(AssertionError):
    """A promise does not hold."""


@dataclass(slots=True)
class Ordered:
    """An order as its customer and HQ's staff know it. latest: the newest code of each kind."""

    no: str
    id: bytes
    home: int
    skus: dict[int, str]
    units: tuple[tuple[int, int], ...]
    texts: list[str] = field(default_factory=list)
    latest: dict[str, str] = field(default_factory=dict)
    rotating: tuple[bytes, bytes] | None = None

    def names(self, sku: str | None = None) -> tuple[UnitName, ...]:
        """Its units, of one article or all."""
        return tuple(
            (self.no, line, unit)
            for line, unit in self.units
            if sku is None or self.skus[line] == sku
        )


@dataclass(slots=True)
class Truth:
    """What people saw. away: units that left a shop and did not come back, and how.

    risked: hand-overs on HQ's budget. unpromised: those of a copy that no witness had met yet.
    shelf: pieces of the counted article in each store; locks: what lies apart there.
    """

    away: dict[UnitName, list[GivenKey]] = field(default_factory=dict)
    given: dict[GivenKey, tuple[UnitName, ...]] = field(default_factory=dict)
    risked: set[GivenKey] = field(default_factory=set)
    unpromised: set[GivenKey] = field(default_factory=set)
    refunded: set[UnitName] = field(default_factory=set)
    shelf: dict[int, int] = field(default_factory=dict)
    locks: dict[tuple[int, str, int], int] = field(default_factory=dict)

    def leave(self, key: GivenKey, units: tuple[UnitName, ...]) -> bool:
        """A customer walks out with these; False when it is the same answer told again."""
        if key in self.given:
            return False
        self.given[key] = units
        for unit in units:
            self.away.setdefault(unit, []).append(key)
        return True

    def come_back(self, key: GivenKey) -> tuple[UnitName, ...]:
        """The goods of a hand-over lie behind the counter again; answers which."""
        units = self.given[key]
        for unit in units:
            self.away[unit].remove(key)
        self.given[key] = ()
        return units


class World:
    """Everything of one run; `dice` decides all of it."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.seed = seed
        self.dice = random.Random(seed)  # noqa: S311 - a seed decides
        self.parts = frozenset(part for part in PARTS if self.dice.random() < 0.3)
        self.headquarters = _headquarters(folder)
        self.boxes = {number: self._box(number, folder / f"s{number}") for number in STORES}
        self.gone: list[StoreBox] = []
        self.orders: list[Ordered] = []
        self.truth = Truth()
        self.dead: set[str] = set()
        self.uncertain: set[int] = set()
        self.witness: dict[int, str] = {}
        self.granted_minor = 0
        self.recall: tuple[str, str] | None = None
        self.saved: dict[int, Path] = {}
        self.hub_copy: Path | None = None
        self.keys = 0
        self.story: list[str] = []
        self.seen: Counter[str] = Counter()

    def _box(self, number: int, data: Path) -> StoreBox:
        return StoreBox(
            self.headquarters,
            number=number,
            data=data,
            dice=self.dice,
            passes=self.advance,
            settings=Settings(),
        )

    def another_box(self, number: int, name: str) -> StoreBox:
        """A box that does not stand in the store (yet), with a folder of its own."""
        box = self._box(number, self.folder / f"s{number}-{name}")
        box.clock.reboot(wall_ms=self.now_ms)
        return box

    # -- time ------------------------------------------------------------------------------------

    def advance(self, by_ms: int) -> None:
        """Time passes for everybody."""
        self.headquarters.clock.advance(by_ms)
        for box in (*self.boxes.values(), *self.gone):
            box.clock.advance(by_ms)

    @property
    def now_ms(self) -> int:
        """True time, which HQ has."""
        return self.headquarters.clock.now_ms()

    # -- from outside ----------------------------------------------------------------------------

    def tell(self, text: str) -> None:
        """A line of the story that a failing seed prints."""
        self.story.append(text)

    def saw(self, what: str) -> None:
        """Something happened, as `HAPPENS` in the suite names it."""
        self.seen[what] += 1

    def key(self) -> str:
        """A fresh Idempotency-Key."""
        self.keys += 1
        return f"key-{self.keys}"

    def incarnation(self, box: StoreBox) -> str:
        """Which life of a box this is."""
        return box.node.shop.identity.incarnation.hex()

    def order_of(self, unit: UnitName) -> Ordered:
        """The order that a unit is of."""
        return next(order for order in self.orders if order.no == unit[0])

    def units_of_handover(self, box: StoreBox, number: int) -> tuple[UnitName, ...]:
        """What a hand-over gave away, by the box's own books."""
        with closing(sqlite3.connect(box.ledger)) as connection:
            rows = connection.execute(
                "SELECT h.order_id, r.line, r.unit FROM handover h"
                " JOIN redemption r ON r.handover = h.handover WHERE h.handover = ?",
                (number,),
            ).fetchall()
        numbers = {order.id: order.no for order in self.orders}
        return tuple((numbers[order_id], line, unit) for order_id, line, unit in rows)

    def is_here(self, units: tuple[UnitName, ...]) -> bool:
        """Whether none of these left a shop, whatever the books say."""
        return not any(self.truth.away.get(unit) for unit in units)

    async def open(self) -> None:
        """Every shop opens: the power was off since the first morning."""
        for box in self.boxes.values():
            box.clock.reboot(wall_ms=self.now_ms)
            await box.open()
            await box.pull()

    async def close(self) -> None:
        """The end of the run."""
        for box in (*self.boxes.values(), *self.gone):
            if box.running:
                await box.stop()
        self.headquarters.hub.database.close()


_databases: dict[Path, Database] = {}


def _headquarters(folder: Path) -> Headquarters:
    """The hub of this folder. A process that lives many days in one folder keeps the statements

    that its database compiled: making them anew is half of a day's cost.
    """
    clock = HubClock()
    is_new = not (folder / "hub.db").exists()
    database = _databases.get(folder)
    if database is None:
        database = _databases[folder] = Database(f"sqlite:///{folder / 'hub.db'}")
    token = identity.initialise(database, clock, name="Test", demo=True) if is_new else ""
    hub = identity.open_hub(database, clock)
    desk = NodeDesk(hub, Snapshots(hub, folder / "desk-snapshots"))
    return Headquarters(hub=hub, clock=clock, desk=desk, token=token, folder=folder)


def make_template(folder: Path) -> None:
    """A chain on its first morning: stores, articles, people, boxes enrolled and synced once."""
    folder.mkdir(parents=True)
    world = World(folder, seed=0)
    hub = world.headquarters.hub
    for number in STORES:
        open_store(world.headquarters, number)
        staff = stores.NewPerson(
            store=number, staff_id=f"p{number}", name="Li", role="supervisor", pin=PIN
        )
        stores.put_person(hub, staff)
    stock_up(world.headquarters)
    stores.put_product(hub, stores.NewProduct(sku=EGGS, name_zh="鸡蛋", name_en="Eggs"))
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
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)
    world = World(folder, seed)
    world.headquarters.clock.value_ms = NOON_MS + DAY_MS
    return world
