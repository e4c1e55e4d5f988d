"""What leaves the box after each commit, off the redeem path: witnesses, and a second copy.

Both look once a second. What they write is late by at most that, and never holds up a hand-over.
"""

import asyncio
import logging
import os
from collections.abc import Coroutine
from pathlib import Path

from config.schema import Config
from edge.flow import boxes
from edge.flow.boxes import WitnessStand
from edge.flow.shop import Shop
from edge.main.lan import keep_telling
from edge.store.incarnation import event_of
from edge.store.second_copy import NEW_FILE_BYTES, SecondCopy
from edge.store.tx import Tx
from sync.wire.enrol import node_name
from sync.wire.messages import Event
from sync.wire.takeover import Author

logger = logging.getLogger(__name__)
LOOK_EVERY_MS = 1_000
_MOST_EVENTS = 500


async def hear_file(stand: WitnessStand, file: Path) -> None:
    """Listen to the stick before anything is served; one that is not there says nothing."""
    try:
        text = await asyncio.to_thread(file.read_text, encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        logger.warning("no witness could be read file=%s error=%s", file, error)
        return
    await stand.hear(text.strip(), source="file")


async def keep_witness(shop: Shop, stand: WitnessStand, file: Path | None) -> None:
    """Tell the counters, and the stick, how far the ledger has come; for ever."""
    said = ""
    while True:
        text = await stand.renew()
        if text != said and shop.identity.fenced_why != "superseded":
            said = text
            shop.screens.publish(None, "witness", {"witness": text})
            if file is not None:
                try:
                    await asyncio.to_thread(_write, file, text)
                except OSError as error:
                    shop.count("witness_file_failed")
                    logger.warning("the witness could not be written error=%s", error)
        await shop.clock.until(shop.clock.boot_ms() + LOOK_EVERY_MS)


def _write(file: Path, text: str) -> None:
    fresh = file.with_name(f"{file.name}.new")
    with fresh.open("w", encoding="ascii") as target:
        target.write(text + "\n")
        target.flush()
        os.fsync(target.fileno())
    fresh.replace(file)


async def keep_second_copy(shop: Shop, folder: Path) -> None:
    """Keep what HQ has not got in another folder as well; for ever."""
    copy: SecondCopy | None = None
    incarnation = b""
    complained = False
    while True:
        known = shop.identity.enrolled
        if known is not None and shop.identity.is_certified and not shop.identity.fenced:
            if copy is None or incarnation != shop.identity.incarnation:
                copy, incarnation = None, shop.identity.incarnation
            try:
                copy = await look_once(shop, folder, copy, known.k_store)
                complained = False
            except OSError as error:
                copy = None
                shop.count("second_copy_failed")
                if not complained:
                    logger.error("no second copy is being kept folder=%s error=%s", folder, error)
                complained = True
        await shop.clock.until(shop.clock.boot_ms() + LOOK_EVERY_MS)


async def look_once(
    shop: Shop, folder: Path, copy: SecondCopy | None, k_store: bytes
) -> SecondCopy:
    """Copy what is new; a copy of None begins one. Answers the copy to go on with.

    Raises:
        OSError: the medium is gone or full; go on with None.
    """
    ends = await shop.writer.do(boxes.heads, shop.moment())
    fresh = copy is None
    if copy is None:
        signer = shop.identity.signer()
        author = Author(
            node=node_name(signer.public), incarnation=shop.identity.incarnation, signer=signer
        )
        copy = SecondCopy(folder, author, k_store)
    done = copy.last_seq <= ends.outbox_acked and copy.size > NEW_FILE_BYTES
    after = ends.outbox_acked if fresh or done else copy.last_seq
    while True:
        events = await _since(shop, after)
        if fresh or done:
            await asyncio.to_thread(copy.begin, events, after=after)
            fresh = done = False
        elif events:
            await asyncio.to_thread(copy.append, events)
        if len(events) < _MOST_EVENTS:
            return copy
        after = copy.last_seq


async def _since(shop: Shop, after: int) -> tuple[Event, ...]:
    def read(tx: Tx) -> tuple[Event, ...]:
        return tuple(event_of(row) for row in tx.all("outbox_since", after, _MOST_EVENTS))

    return await shop.writer.do(read, shop.moment())


def keepers(
    config: Config, shop: Shop, stand: WitnessStand
) -> tuple[Coroutine[None, None, None], ...]:
    """What runs beside the shop for ever, as this box is set."""
    box = config.box
    chosen = [keep_witness(shop, stand, box.witness_file)]
    if box.second_copy is not None:
        chosen.append(keep_second_copy(shop, box.second_copy))
    if box.lan and not config.web.listen.loopback:
        chosen.append(keep_telling(shop))
    return tuple(chosen)
