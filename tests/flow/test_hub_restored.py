"""A hub restored from an older copy, behind its nodes: it learns again, nothing leaves twice."""

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from books import read_books
from hub_databases import Servers
from many_stores import ManyStores, Pickup

from sync.hub import backup, cases, orders, rebuild, recovery
from sync.hub.problems import Problem


class Restorable(ManyStores):
    """A chain whose hub can be copied, and put back to the copy."""

    keep: Callable[[], None]
    restore: Callable[[], None]

    def status(self) -> dict[str, object]:
        return recovery.status(self.headquarters.hub)

    def waits_for(self) -> list[object]:
        waiting = self.status()["waiting_for"]
        assert isinstance(waiting, list)
        return [each["store"] for each in waiting]


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    made = Servers()
    yield made
    made.close()


@pytest_asyncio.fixture(params=["sqlite", "postgresql"])
async def chain(
    request: pytest.FixtureRequest, servers: Servers, tmp_path: Path
) -> AsyncIterator[Restorable]:
    with servers.database(request.param, tmp_path) as url:
        chain = Restorable(tmp_path, 1, count=3, database_url=url)
        database = chain.headquarters.hub.database
        copy = tmp_path / "copy.db"

        def keep_file() -> None:
            copy.unlink(missing_ok=True)
            backup.make(chain.headquarters.hub, str(copy))

        def restore_file() -> None:
            database.close()
            for end in ("", "-wal", "-shm"):
                (tmp_path / f"hub.db{end}").unlink(missing_ok=True)
            shutil.copy(copy, tmp_path / "hub.db")

        def keep_database() -> None:
            database.close()
            servers.server.drop("copy")
            servers.server.copy(name(url), "copy")

        def restore_database() -> None:
            database.close()
            servers.server.drop(name(url))
            servers.server.copy("copy", name(url))

        on_file = request.param == "sqlite"
        chain.keep = keep_file if on_file else keep_database
        chain.restore = restore_file if on_file else restore_database
        await chain.open()
        yield chain
        ledgers = [box.ledger for box in chain.boxes.values()]
        await chain.close()
        for ledger in ledgers:
            assert read_books(ledger).faults == []


def name(url: str) -> str:
    """Of the database in the URL."""
    return url.partition("?")[0].rpartition("/")[2]


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(Problem) as problem:
        act()
    return problem.value.code


async def test_every_hand_over_comes_back_and_nothing_is_handed_twice(chain: Restorable) -> None:
    made = [chain.order(nth) for nth in (1, 1, 2, 3)]
    await chain.settle()
    chain.keep()
    for order, nth in zip(made, (1, 1, 2), strict=False):
        await order.give(chain.box(nth))
    await chain.settle()
    chain.restore()
    assert made[0].states() == ["held", "held"], "the copy does not know"
    await chain.settle()
    assert [order.states() for order in made] == [["handed"] * 2] * 3 + [["held"] * 2]
    assert made[0].told("handed") == ["accepted"]
    status = chain.status()
    assert (status["state"], status["ended_by"]) == ("ended", "every box told everything")
    assert (await made[0].show(chain.box(1))).verdict == "already"
    assert (await made[3].show(chain.box(3))).verdict == "ok"
    assert cases.list_cases(chain.headquarters.hub) == []
    assert [box.unsent() for box in chain.boxes.values()] == [0, 0, 0]


async def test_a_new_generation_begins_once_however_many_nodes_are_ahead(
    chain: Restorable,
) -> None:
    chain.keep()
    before = chain.headquarters.hub.generation
    for nth in (1, 2, 3):
        chain.order(nth)
    await chain.settle()
    chain.restore()
    assert chain.headquarters.hub.generation == before
    await chain.settle()
    first = chain.headquarters.hub.generation
    assert first != before
    await chain.settle()
    assert chain.headquarters.hub.generation == first
    assert chain.status()["past_generations"] == 1


async def test_a_box_that_was_away_during_all_of_it_needs_a_snapshot_and_no_recovery(
    chain: Restorable,
) -> None:
    await chain.settle()
    chain.keep()
    chain.box(3).weather.cut = True
    order = chain.order(1)
    await chain.settle(chain.box(1), chain.box(2))
    await order.give(chain.box(1))
    await chain.settle(chain.box(1), chain.box(2))
    chain.restore()
    await chain.settle(chain.box(1), chain.box(2))
    generation = chain.headquarters.hub.generation
    assert chain.status()["state"] == "recovering"
    assert chain.waits_for() == [103]
    await chain.heal()
    assert chain.status()["state"] == "ended"
    assert chain.headquarters.hub.generation == generation


async def test_ownership_is_rebuilt_from_what_the_boxes_answered_and_accepted(
    chain: Restorable,
) -> None:
    order = chain.order(1)
    await chain.settle()
    chain.keep()
    order.move(2)
    await chain.settle()
    assert (await order.show(chain.box(2))).verdict == "ok"
    chain.restore()
    assert order.at_hq()["store"] == 101, "the copy believes that the first store has it"
    chain.box(2).weather.cut = True
    await chain.settle()
    assert order.states() == ["released", "released"], "the first store gave it up, and says so"
    assert (await order.show(chain.box(1))).verdict != "ok"
    await chain.heal()
    assert order.at_hq()["store"] == 102
    assert (await order.show(chain.box(2))).verdict == "ok"
    await order.give(chain.box(2))
    await chain.settle()
    assert order.states() == ["handed", "handed"]
    assert (await order.show(chain.box(1))).verdict != "ok"
    assert cases.list_cases(chain.headquarters.hub) == []


async def test_the_new_holder_tells_first_and_the_old_one_later(chain: Restorable) -> None:
    order = chain.order(1)
    await chain.settle()
    chain.keep()
    order.move(2)
    await chain.settle()
    await order.give(chain.box(2))
    await chain.settle()
    chain.restore()
    chain.box(1).weather.cut = True
    await chain.settle()
    assert order.states() == ["handed", "handed"]
    await chain.heal()
    assert order.states() == ["handed", "handed"]
    assert order.at_hq()["store"] == 102
    assert cases.list_cases(chain.headquarters.hub) == []


async def test_a_move_that_was_released_and_never_taken_goes_to_its_destination_only(
    chain: Restorable,
) -> None:
    order = chain.order(1)
    await chain.settle()
    chain.keep()
    chain.box(2).weather.cut = True
    order.move(2)
    await chain.settle()
    chain.restore()
    await chain.settle()
    assert order.states() == ["released", "released"]
    assert chain.waits_for() == [102]
    for act in (lambda: order.move(3), order.cancel, order.refund):
        assert refused(act) == "recovering"
    await chain.heal()
    assert order.at_hq()["store"] == 102
    assert (await order.show(chain.box(2))).verdict == "ok"
    assert (await order.show(chain.box(1))).verdict != "ok"


async def test_money_waits_until_every_box_has_told(chain: Restorable) -> None:
    order = chain.order(1)
    other = chain.order(1)
    await chain.settle()
    order.cancel()
    chain.box(1).weather.cut = True
    chain.keep()
    chain.box(1).mend()
    await other.give(chain.box(1))
    await chain.settle()
    chain.box(3).weather.cut = True
    chain.restore()
    await chain.settle()
    assert chain.waits_for() == [103]
    assert refused(order.refund) == "recovering"
    assert refused(order.cancel) == "recovering"
    made_since = chain.order(2)
    made_since.cancel()
    await chain.settle()
    assert made_since.states() == ["released", "released"]
    await chain.heal()
    assert order.at_hq()["state"] == "cancelled"
    order.refund()
    assert order.states() == ["refunded", "refunded"]


async def test_a_code_issued_anew_and_forgotten_does_not_outlive_a_later_cancel(
    chain: Restorable,
) -> None:
    order = chain.order(1)
    await chain.settle()
    chain.keep()
    fresh: object = None
    for _ in range(3):
        fresh = orders.reissue(chain.headquarters.hub, order.no)["codes"]
    assert isinstance(fresh, dict)
    lost = Pickup(chain=chain, no=order.no, id=order.id, codes=fresh)
    await chain.settle()
    chain.restore()
    await chain.settle()
    assert chain.status()["state"] == "ended"
    order.cancel()
    await chain.settle()
    assert order.states() == ["released", "released"]
    assert (await lost.show(chain.box(1), "v2")).verdict != "ok", "a higher epoch than the cancel"
    assert (await order.show(chain.box(1))).verdict != "ok"


async def test_a_person_ends_it_without_the_box_that_will_not_come(chain: Restorable) -> None:
    order = chain.order(1)
    await chain.settle()
    chain.keep()
    chain.box(3).weather.cut = True
    order.move(2)
    await chain.settle()
    chain.restore()
    await chain.settle()
    assert refused(lambda: rebuild.finish(chain.headquarters.hub, "  ")) == "invalid"
    ended = rebuild.finish(chain.headquarters.hub, "Li Ping")
    assert (ended["state"], ended["ended_by"]) == ("ended", "Li Ping")
    assert refused(lambda: rebuild.finish(chain.headquarters.hub, "Li Ping")) == "not_recovering"
    order.cancel()
    await chain.settle()
    assert order.at_hq()["state"] == "cancelled"


async def test_a_hub_restored_a_second_time_recovers_again(chain: Restorable) -> None:
    order, later = chain.order(1), chain.order(2)
    await chain.settle()
    chain.keep()
    await order.give(chain.box(1))
    await chain.settle()
    chain.restore()
    await chain.settle()
    await later.give(chain.box(2))
    await chain.settle()
    chain.restore()
    await chain.settle()
    assert [order.states(), later.states()] == [["handed"] * 2] * 2
    assert chain.status()["state"] == "ended"


async def test_an_order_made_before_the_hub_knows_that_it_was_restored_lapses_like_any(
    chain: Restorable,
) -> None:
    chain.keep()
    before = chain.order(1)
    await chain.settle()
    await before.give(chain.box(1))
    await chain.settle()
    chain.restore()
    order = chain.order(3, hours=1)
    await chain.settle(chain.box(3))
    await chain.settle()
    assert chain.status()["state"] == "ended"
    chain.advance(2 * 3_600_000)
    await chain.settle()
    assert order.states() == ["lapsed", "lapsed"], "its store still gave up an epoch left behind"
