"""Rights of orders that move: a promise takes a right where there is one to take."""

import json
from typing import Any

from running_hub import Headquarters
from toy_node import Box, enrol_box, open_store, order

from sync.hub import enrolment, ingest, ownership, stock_api, stock_rows
from sync.hub.transfers import NewTransfer
from sync.wire.events import Lapsed
from sync.wire.messages import EventBatch


def rights(headquarters: Headquarters, store: int) -> tuple[int, int]:
    """Free ones, and those of orders."""
    shown: dict[str, Any] = json.loads(
        json.dumps(stock_api.show_stock(headquarters.hub, store, "MILK1"))
    )
    [found] = shown["stock"]
    return found["online"], found["of_orders"]


def test_what_lapsed_takes_rights_again_in_the_store_that_it_moves_to(
    headquarters: Headquarters, box: Box
) -> None:
    hub = headquarters.hub
    open_store(headquarters, 102)
    enrol_box(headquarters, 102)
    with hub.database.writing() as connection:
        for store in (101, 102):
            stock_rows.ensure(connection, store, "MILK1")
            stock_rows.change(connection, store, "MILK1", managed=True, online=5)
    ordered = order(headquarters)
    assert rights(headquarters, 101) == (3, 2)
    units = ordered.units((1, 1), (1, 2), (2, 1))
    gone = box.event(Lapsed(order_id=ordered.order_id, units=units, epoch=1, at_ms=1))
    sender = enrolment.authorised(hub, box.peer.node, box.peer.incarnation)
    batch = EventBatch(incarnation=box.peer.incarnation, nonce=b"n" * 16, events=(gone,))
    ingest.take(hub, sender, batch)
    assert rights(headquarters, 101) == (5, 0)
    ownership.move(hub, NewTransfer(order_no=ordered.order_no, to_store=102), by="hq")
    assert rights(headquarters, 101) == (5, 0)
    assert rights(headquarters, 102) == (3, 2), "nobody else is promised these two"
