"""Holding the writer's thread, so that what is asked meanwhile waits for one batch."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edge.store.tx import Moment, Tx
from edge.store.writer import Writer


@asynccontextmanager
async def one_batch(writer: Writer, moment: Moment) -> AsyncIterator[None]:
    """What is put into the queue within this block runs as one batch, once the block ends."""
    entered, opened = threading.Event(), threading.Event()

    def hold(_: Tx) -> None:
        entered.set()
        assert opened.wait(30)

    task = asyncio.create_task(writer.do(hold, moment))
    await asyncio.to_thread(entered.wait, 30)
    try:
        yield
        await asyncio.sleep(0)
    finally:
        opened.set()
        await task
