"""A training room: a shop of its own on a ledger that is thrown away with the day.

It shares clock, screens and printers with the real shop and nothing that counts: ledger, outbox,
catalog, incarnation and keys are its own, nobody wakes the line to HQ, and its drawer stays shut.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar, cast
from zoneinfo import ZoneInfo

from edge.flow.perform import recover
from edge.flow.practice import PracticeKit
from edge.flow.shop import FIRST_PRACTICE_NUMBER, Room, Shop
from edge.store import catalog as catalogs
from edge.store import identity
from edge.store.catalog import Catalog
from edge.store.errors import Corrupt, SchemaTooNew, StoreError
from edge.store.identity import Enrolled, Identity
from edge.store.ledger import Done, Ledger, Unit
from edge.store.tx import Moment, Tx
from edge.store.writer import Writer
from sync.wire.messages import Certificate

logger = logging.getLogger(__name__)
T = TypeVar("T")
_PREFIX = "training-"
_NUMBERED = ("effect", "answer", "handover", "review")


def today(shop: Shop) -> str:
    """The shop's day by trusted time, YYYYMMDD; 19700101 while time was never heard."""
    zone = ZoneInfo(shop.settings.time_zone)
    at = datetime.fromtimestamp(shop.moment().trusted_ms / 1000, UTC)
    return at.astimezone(zone).strftime("%Y%m%d")


def sweep(folder: Path, *, keep_day: str | None) -> None:
    """Delete what training left behind, but for one day."""
    for file in folder.glob(f"{_PREFIX}*"):
        if keep_day is None or not file.name.startswith(f"{_PREFIX}{keep_day}"):
            file.unlink(missing_ok=True)


async def open_room(shop: Shop, folder: Path) -> Room:
    """Today's room, found again or made anew; older ones are deleted.

    Raises:
        StoreError: no room can be had; the real ledger is not touched.
    """
    day = today(shop)
    moment = shop.moment()
    kit = PracticeKit(shop.mac_key)
    number = 0
    if shop.identity.enrolled is not None:
        number = shop.identity.enrolled.certificate.store
    opened = await asyncio.to_thread(_open, folder, day, kit, number, moment)
    loop = asyncio.get_running_loop()

    def lost(error: StoreError) -> None:
        logger.error("training ledger failed code=%s", error.code)
        loop.call_soon_threadsafe(_leave, shop, day)

    writer = Writer(opened.ledger, on_fatal=lost)
    room = Room(
        day=day,
        shop=_shop(shop, writer, opened.identity, kit, number),
        close=lambda: _close(writer, opened),
    )
    await recover(room.shop)
    return room


def _leave(shop: Shop, day: str) -> None:
    if shop.room is not None and shop.room.day == day:
        shop.room = None


def _shop(shop: Shop, writer: Writer, found: Identity, kit: PracticeKit, number: int) -> Shop:
    demo = shop.identity.enrolled is not None and shop.identity.enrolled.certificate.demo
    certificate = Certificate(
        chain="practice",
        store=number,
        store_code="",
        node="practice",
        node_public=found.signer().public,
        incarnation=found.incarnation,
        hub_public=bytes(32),
        demo=demo,
        issued_ms=0,
    )
    enrolled = Enrolled(
        certificate=certificate, k_store=kit.k_store, hub_public=bytes(32), acknowledged_from_ms=0
    )
    return replace(
        shop,
        writer=writer,
        settings=replace(
            shop.settings, slip_pickup="always", drawer=False, second_person="on_site"
        ),
        identity=replace(found, enrolled=enrolled),
        wake_sync=_nobody,
        training=True,
        room=None,
        practice_folder=None,
        practice_codes=frozenset(),
        issuer_keys={},
        has_replica=True,
        personal_key=kit.k_personal,
        memory={},
        counts={},
    )


def _nobody() -> None:
    """Nothing of training is ever sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    ledger: Ledger
    catalog: Catalog
    identity: Identity


def _open(folder: Path, day: str, kit: PracticeKit, store: int, moment: Moment) -> _Opened:
    sweep(folder, keep_day=day)
    try:
        return _open_day(folder, day, kit, store, moment)
    except (Corrupt, SchemaTooNew):
        sweep(folder, keep_day=None)
        return _open_day(folder, day, kit, store, moment)


def _open_day(folder: Path, day: str, kit: PracticeKit, store: int, moment: Moment) -> _Opened:
    path = folder / f"{_PREFIX}{day}.db"
    catalog_path = folder / f"{_PREFIX}{day}-catalog.db"
    if not path.exists() or not catalog_path.exists():  # one without the other is half a room
        sweep(folder, keep_day=None)
    fresh = not path.exists()
    ledger = Ledger(path)
    try:
        found = _do(ledger, moment, _identity)
        if fresh:
            _do(ledger, moment, _number)
            rows = kit.rows(store=store, holder=found.incarnation, opened_ms=moment.trusted_ms)
            half = catalog_path.with_suffix(".new")
            catalogs.create(half, rows)
            half.rename(catalog_path)
        catalog = Catalog(catalog_path)
        ledger.attach_catalog(catalog_path)
    except BaseException:
        ledger.close()
        raise
    return _Opened(ledger=ledger, catalog=catalog, identity=found)


def _identity(tx: Tx) -> Identity:
    return identity.load(tx, machine="practice", is_same=lambda _made_on, _now: True)


def _number(tx: Tx) -> None:
    for name in _NUMBERED:
        tx.run(f"numbers_from_{name}", FIRST_PRACTICE_NUMBER)


def _do(ledger: Ledger, moment: Moment, act: Callable[[Tx], T]) -> T:
    result = ledger.run_batch([Unit(act, moment)])[0]
    if not isinstance(result, Done):
        raise result.error
    return cast("T", result.value)


async def _close(writer: Writer, opened: _Opened) -> None:
    await writer.close()
    opened.ledger.close()
    opened.catalog.close()
