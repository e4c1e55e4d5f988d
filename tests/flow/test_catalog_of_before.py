"""A catalog that an earlier release made is left behind, as a damaged one is."""

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from edge.flow.status import ready
from sync.rules.verdicts import Verdict

if TYPE_CHECKING:
    from tests.flow.conftest import Floor


async def test_a_catalog_of_another_schema_gives_way_to_an_empty_one(floor: "Floor") -> None:
    goods = floor.order()
    before = floor.opened.catalog.path
    await floor.stop()
    with closing(sqlite3.connect(before)) as connection:
        connection.execute("DROP TABLE rotating_key")
        connection.commit()
    await floor.start(run="run-2")
    assert floor.opened.catalog.path != before
    assert await ready(floor.shop) == (False, "no_catalog")
    assert (await floor.scan(goods.v1)).verdict is Verdict.UNKNOWN
    assert await floor.replica.forget_keys() == 0
