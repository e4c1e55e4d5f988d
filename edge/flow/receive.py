"""What HQ sends takes the same road as a scan: decide, commit, then act on it.

The engine has verified signatures and chains; here rows reach the catalog with their cursor, what
the shop keeps in memory is refreshed after COMMIT, and asks are answered.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from edge.flow import recalls, stock_keeping
from edge.flow.asks import answer_asks
from edge.flow.grants import accept_grants
from edge.flow.leases import lease_ms
from edge.flow.provisional_offer import verified
from edge.flow.shop import Shop
from edge.store import budgets
from edge.store import catalog as catalogs
from edge.store.budgets import Signed
from edge.store.catalog import Catalog
from edge.store.handovers import open_case
from edge.store.ledger import Ledger
from edge.store.row import blob, integer
from edge.store.tx import Tx
from sync.wire.errors import RemoteWireError
from sync.wire.feed import GENESIS, REGION
from sync.wire.messages import Cursor, FeedPage, FeedRow, Manifest
from sync.wire.ports import Replica


def catalog_path(folder: Path, number: int) -> Path:
    """Where catalog `number` lies; a number is never used twice."""
    return folder / f"catalog-{number}.db"


class CatalogReplica:
    """HQ's data on this node, as the engine sees it."""

    def __init__(self, shop: Shop, folder: Path, catalog: Catalog) -> None:
        self._shop = shop
        self._folder = folder
        self._catalog = catalog
        self._busy = asyncio.Lock()

    async def cursors(self) -> Sequence[Cursor]:
        """How far each scope was applied; one never read stands at zero."""
        enrolled = self._shop.identity.enrolled
        known = {cursor.scope: cursor for cursor in self._catalog.cursors()}
        scopes = (
            ("chain",) if enrolled is None else ("chain", f"store:{enrolled.certificate.store}")
        )
        regions = sorted(scope for scope in known if scope.startswith(REGION))
        return tuple(known.get(scope, _unread(scope)) for scope in (*scopes, *regions))

    async def apply(self, page: FeedPage) -> None:
        """Apply a page durably, then answer what it asked."""
        async with self._busy:
            at_ms = self._shop.moment().trusted_ms
            unknown = await asyncio.to_thread(self._catalog.apply, page, applied_ms=at_ms)
        if unknown:
            await self._shop.writer.do(
                lambda tx: _tell_unknown(tx, page.scope, unknown), self._shop.moment()
            )
        if page.rows:
            await refresh(self._shop)
            await recalls.answer_recalls(self._shop)
            await answer_asks(self._shop)
            await accept_grants(self._shop)
            await stock_keeping.after_page(self._shop, page.rows)
            if any(row.kind in ("order", "document") for row in page.rows):
                self._shop.screens.publish(None, "picks", {"order": None})

    async def install(self, file: Path, manifest: Manifest) -> None:
        """Make a verified snapshot the catalog: new number, pointer durable, swap, old one away."""
        async with self._busy:
            cursors = await asyncio.to_thread(catalogs.check, file)
            self._refuse_older(cursors, manifest)
            number = await self._shop.writer.do(_take_number, self._shop.moment())
            path = catalog_path(self._folder, number)
            await asyncio.to_thread(_move, file, path)
            fresh = await asyncio.to_thread(Catalog, path)

            def point(tx: Tx) -> None:
                tx.run("catalog_point", number)
                tx.note("catalog_swapped", number=number)

            await self._shop.writer.do(point, self._shop.moment())

            def swap(ledger: Ledger) -> None:
                ledger.attach_catalog(path)

            await self._shop.writer.between(swap)
            old, self._catalog = self._catalog, fresh
            await asyncio.to_thread(_discard, old)
        await refresh(self._shop)
        await recalls.answer_recalls(self._shop)
        await answer_asks(self._shop)
        await accept_grants(self._shop)
        await stock_keeping.after_swap(self._shop)

    def _refuse_older(self, cursors: Sequence[Cursor], manifest: Manifest) -> None:
        offered = {cursor.scope: cursor for cursor in cursors}
        for mine in self._catalog.cursors():
            theirs = offered.get(mine.scope)
            same = theirs is not None and theirs.generation == mine.generation
            if theirs is None and mine.scope.startswith(REGION):
                continue  # the store is in another region now
            if mine.generation == manifest.generation and (
                not same or theirs is None or theirs.seq < mine.seq
            ):
                raise RemoteWireError("the snapshot is behind what was applied")

    async def hub_time(self, time_ms: int, *, asked_boot_ms: int, answered_boot_ms: int) -> None:
        """Take a verified hub time over."""
        await self._shop.time.heard(
            self._shop.writer,
            time_ms,
            asked_boot_ms=asked_boot_ms,
            answered_boot_ms=answered_boot_ms,
        )

    async def forget_keys(self) -> int:
        """Clear away secrets of rotating codes whose window is over, by trusted time."""
        async with self._busy:
            now_ms = self._shop.moment().trusted_ms
            return await asyncio.to_thread(self._catalog.forget_keys, now_ms=now_ms)

    def close(self) -> None:
        """Close the catalog's file."""
        self._catalog.close()


_: type[Replica] = CatalogReplica


def _tell_unknown(tx: Tx, scope: str, rows: Sequence[FeedRow]) -> None:
    """One case a page: HQ sent what this version cannot read."""
    tx.note("not_understood", scope=scope, rows=[(row.seq, row.kind) for row in rows])
    open_case(tx, "not_understood")


def _unread(scope: str) -> Cursor:
    return Cursor(scope=scope, generation=bytes(8), seq=0, row_hash=GENESIS)


async def refresh(shop: Shop) -> None:
    """Bring what is kept in memory up to the catalog as it is now."""
    if not shop.has_replica:
        await stock_keeping.load(shop)

    def read(tx: Tx) -> tuple[dict[int, bytes], bool, list[Signed]]:
        shop.recalls = recalls.read(tx)
        shop.lease_ms = lease_ms(tx)
        keys = {
            integer(key_id): blob(public)
            for key_id, public, revoked in tx.all("issuer_keys")
            if not revoked
        }
        scopes = tx.one("cursor_count")
        known = scopes is not None and integer(scopes[0]) > 0
        return keys, known, budgets.granted(tx)

    shop.issuer_keys, shop.has_replica, grants = await shop.writer.do(read, shop.moment())
    shop.budgets = verified(grants, shop.identity.enrolled)


def _take_number(tx: Tx) -> int:
    row = tx.one("catalog_number_take")
    assert row is not None
    return integer(row[0])


def _move(file: Path, path: Path) -> None:
    with file.open("rb") as handle:
        os.fsync(handle.fileno())
    file.rename(path)
    path.chmod(0o600)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _discard(old: Catalog) -> None:
    old.close()
    for suffix in ("", "-wal", "-shm"):
        Path(f"{old.path}{suffix}").unlink(missing_ok=True)
