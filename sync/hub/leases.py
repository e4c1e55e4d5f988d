"""A store's lease: how long its box may give orders after it last heard HQ. 0: as long as it is.

It only stops the store from spending. HQ infers nothing from it: a move or a refund still needs the
box's own word.
"""

import json
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from sqlalchemy import delete, insert

from sync.hub.feed import append, store_scope
from sync.hub.identity import Hub
from sync.hub.stores import Json, store_row
from sync.hub.tables import setting
from sync.wire.catalog import SettingRow

KEY = "lease_hours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Hours, 0 for none."""

    hours: Annotated[float, Field(ge=0, le=24 * 365)]


def put_lease(hub: Hub, number: int, lease: Lease) -> Json:
    """Set a store's lease; its box learns it by the feed."""
    value = json.dumps(lease.hours)
    with hub.database.writing() as connection:
        store_row(connection, number)
        connection.execute(delete(setting).where(setting.c.store == number, setting.c.key == KEY))
        connection.execute(insert(setting).values(store=number, key=KEY, value=value))
        append(connection, store_scope(number), [SettingRow(key=KEY, value=value)])
    return {"store": number, "lease_hours": lease.hours}
