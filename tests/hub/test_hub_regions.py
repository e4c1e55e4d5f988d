"""A region's feed: written once for the stores of a region, read by their boxes only."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from many_stores import ManyStores

from sync.hub import feed, scopes
from sync.hub.scopes import region_scope
from sync.wire.catalog import ProductRow


@pytest_asyncio.fixture
async def chain(tmp_path: Path, database_url: str) -> AsyncIterator[ManyStores]:
    chain = ManyStores(tmp_path, 1, database_url=database_url)
    await chain.open()
    yield chain
    await chain.close()


def share(chain: ManyStores, region: str, sku: str) -> None:
    with chain.headquarters.hub.database.writing() as connection:
        row = ProductRow(sku=sku, gtin=None, name_zh="货", name_en=sku)
        feed.append(connection, region_scope(region), [row])


def read_by(chain: ManyStores, nth: int) -> set[str]:
    rows = chain.box(nth).node.opened.ledger.connection.execute("SELECT sku FROM cat.product")
    return {row[0] for row in rows} - {"MILK1", "CUP"}


async def scopes_read(chain: ManyStores, nth: int) -> set[str]:
    return {cursor.scope for cursor in await chain.box(nth).node.replica.cursors()}


async def test_what_a_region_shares_reaches_its_stores_and_no_other(chain: ManyStores) -> None:
    scopes.move_store(chain.headquarters.hub, 101, "south")
    await chain.settle()
    assert await scopes_read(chain, 1) == {"chain", "region:south", "store:101"}
    share(chain, "south", "PALM")
    await chain.settle()
    assert (read_by(chain, 1), read_by(chain, 2)) == ({"PALM"}, set())
    with chain.headquarters.hub.database.reading() as connection:
        assert feed.all_heads(connection)["region:south"] == 1, "one row, however many stores"


async def test_a_store_that_changes_its_region_reads_the_new_one_only(chain: ManyStores) -> None:
    for number in (101, 102):
        scopes.move_store(chain.headquarters.hub, number, "south")
    share(chain, "south", "PALM")
    await chain.settle()
    scopes.move_store(chain.headquarters.hub, 101, "north")
    share(chain, "north", "FIR")
    await chain.settle()
    share(chain, "north", "SNOW")
    share(chain, "south", "SAND")
    await chain.settle()
    assert await scopes_read(chain, 1) == {"chain", "region:north", "store:101"}
    assert (read_by(chain, 1), read_by(chain, 2)) == ({"FIR", "SNOW"}, {"PALM", "SAND"})


async def test_a_store_that_leaves_its_region_goes_on_without(chain: ManyStores) -> None:
    scopes.move_store(chain.headquarters.hub, 101, "south")
    await chain.settle()
    scopes.move_store(chain.headquarters.hub, 101, None)
    await chain.settle()
    order = chain.order(1)
    await chain.settle()
    assert await scopes_read(chain, 1) == {"chain", "store:101"}
    assert (await order.show(chain.box(1))).verdict == "ok"
