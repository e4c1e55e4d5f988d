"""Scenes of a hub that was restored behind its boxes (attack 11)."""

import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path

from many_stores import ManyStores

from sync.hub import backup, recovery
from sync.hub.problems import Problem

Scene = Callable[[Path], Coroutine[object, object, None]]
SCENES: dict[str, Scene] = {}


def scene(act: Scene) -> Scene:
    SCENES[act.__name__] = act
    return act


class Restorable(ManyStores):
    """A chain with a copy of its hub's database."""

    def __init__(self, folder: Path) -> None:
        home = folder.parent / "chain"
        home.mkdir(parents=True)
        super().__init__(home, 1, count=3)
        self._copy = home / "copy.db"
        self._file = home / "hub.db"

    def keep(self) -> None:
        backup.make(self.headquarters.hub, str(self._copy))

    def restore(self) -> None:
        self.headquarters.hub.database.close()
        for end in ("", "-wal", "-shm"):
            Path(f"{self._file}{end}").unlink(missing_ok=True)
        shutil.copy(self._copy, self._file)

    def state(self) -> object:
        return recovery.status(self.headquarters.hub)["state"]


def is_refused(act: Callable[[], object]) -> bool:
    try:
        act()
    except Problem as problem:
        return problem.code == "recovering"
    return False


@scene
async def a_restored_hub_hears_every_hand_over_again(folder: Path) -> None:
    chain = Restorable(folder)
    await chain.open()
    order = chain.order(1)
    await chain.settle()
    chain.keep()
    await order.give(chain.box(1))
    await chain.settle()
    chain.restore()
    await chain.settle()
    assert order.states() == ["handed", "handed"]
    await chain.close()


@scene
async def a_cursor_beyond_the_end_begins_a_generation(folder: Path) -> None:
    chain = Restorable(folder)
    await chain.open()
    chain.keep()
    before = chain.headquarters.hub.generation
    chain.order(1)
    await chain.settle()
    chain.restore()
    await chain.settle()
    assert chain.headquarters.hub.generation != before
    order = chain.order(1)
    await chain.settle()
    assert (await order.show(chain.box(1))).verdict == "ok"
    await chain.close()


@scene
async def in_recovery_a_release_waits_for_whom_it_names(folder: Path) -> None:
    chain = Restorable(folder)
    await chain.open()
    order = chain.order(1)
    await chain.settle()
    chain.keep()
    chain.box(2).weather.cut = True
    order.move(2)
    await chain.settle()
    chain.restore()
    await chain.settle()
    assert order.states() == ["released", "released"]
    assert is_refused(lambda: order.move(3))
    await chain.close()


@scene
async def in_recovery_no_money_goes_back(folder: Path) -> None:
    chain = Restorable(folder)
    await chain.open()
    order = chain.order(1)
    await chain.settle()
    chain.keep()
    chain.box(3).weather.cut = True
    made = chain.order(2)
    await chain.settle()
    chain.restore()
    await chain.settle()
    assert made.no != order.no
    assert chain.state() == "recovering"
    assert is_refused(order.refund)
    await chain.close()
