"""The shop without sockets: the parts that the node wires, its event loop and its collector."""

import hashlib
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from drivers.host.clock import SystemClock
from drivers.ports.document import Document
from edge.flow import timekeeper
from edge.flow.receive import refresh
from edge.flow.settings import Settings
from edge.flow.shop import Shop
from edge.flow.timekeeper import Timekeeper
from edge.main import memory
from edge.main.opening import open_store
from edge.store.errors import StoreError
from edge.store.tx import Moment
from edge.store.writer import Writer
from edge.web.screens import ScreenHub

logger = logging.getLogger(__name__)


@asynccontextmanager
async def opened_shop(data: Path) -> AsyncGenerator[Shop]:
    """A shop over a stocked folder: writer's thread, screens that nobody watches, a slip each."""
    clock = SystemClock()
    opened = open_store(data, boot_ms=clock.boot_ms())
    writer = Writer(opened.ledger, on_fatal=_fatal)
    unsure = Moment(trusted_ms=0, boot_ms=clock.boot_ms(), clock="unsure")
    known = await writer.do(lambda tx: timekeeper.load(tx, clock=clock), unsure)
    shop = Shop(
        writer=writer,
        clock=clock,
        time=Timekeeper(clock, known),
        settings=Settings(slip_pickup="always", store_name="Bench"),
        identity=opened.identity,
        screens=ScreenHub(run="bench"),
        wake_sync=_nobody,
        wake_effects=_nobody,
        draw=_no_picture,
        run="bench",
        mac_key=hashlib.sha256(b"bench").digest(),
    )
    await refresh(shop)
    memory.settle()
    try:
        yield shop
    finally:
        await writer.close()
        opened.catalog.close()
        opened.ledger.close()
        opened.folder.close()


def _fatal(error: StoreError) -> None:
    logger.critical("the ledger failed code=%s error=%s", error.code, error)


def _nobody() -> None:
    return


def _no_picture(_: Document) -> bytes:
    return b""
