"""Which feeds a store reads: the chain's, its region's if it has one, and its own."""

import re
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection, select, update

from sync.hub import feed
from sync.hub.feed import CHAIN, store_scope
from sync.hub.identity import Hub
from sync.hub.stores import Json, store_row
from sync.hub.tables import feed_head, store
from sync.wire.feed import REGION

Region = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}$")]
_REGION = re.compile(REGION + "[a-z0-9-]{1,32}")


def region_scope(region: str) -> str:
    """The scope of what the stores of a region share."""
    return f"{REGION}{region}"


def is_region(scope: str) -> bool:
    """Whether this names a region's scope, known or not."""
    return _REGION.fullmatch(scope) is not None


def scopes_of(connection: Connection, number: int) -> tuple[str, ...]:
    """The scopes of a store now, chain first."""
    region = connection.execute(select(store.c.region).where(store.c.number == number)).scalar_one()
    between = () if region is None else (region_scope(region),)
    return (CHAIN, *between, store_scope(number))


def move_store(hub: Hub, number: int, region: str | None) -> Json:
    """Put a store into a region, or into none; its box takes a snapshot and reads on from there."""
    with hub.database.writing() as connection:
        store_row(connection, number)
        if region is not None:
            scope = region_scope(region)
            known = select(feed_head.c.scope).where(feed_head.c.scope == scope)
            if connection.execute(known).first() is None:
                feed.open_scope(connection, scope)
        connection.execute(update(store).where(store.c.number == number).values(region=region))
    return {"store": number, "region": region}
