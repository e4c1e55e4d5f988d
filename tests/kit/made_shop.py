"""A shop made by hand: ledger, catalog, orders and codes, wired as the daemon wires them.

Nothing here stands in for product code: the parts are the product's, only what HQ would have sent
is written down directly.
"""

import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from hand_clock import HandClock

from drivers.ports.clock import Clock
from drivers.ports.document import Document
from edge.flow.caller import Caller
from edge.flow.receive import CatalogReplica, catalog_path, refresh
from edge.flow.settings import Settings
from edge.flow.shop import Shop
from edge.flow.timekeeper import Timekeeper, load
from edge.store import catalog as catalogs
from edge.store import identity as identities
from edge.store.catalog import Catalog
from edge.store.errors import StoreError
from edge.store.identity import Identity
from edge.store.ledger import DataFolder, Done, Ledger, Unit
from edge.store.tx import Moment, Tx
from edge.store.writer import Writer
from sync.wire import codec, enrol, feed
from sync.wire.catalog import (
    ROW_TYPES,
    CatalogRow,
    CodeRow,
    IssuerKeyRow,
    LineRow,
    OrderRow,
    ProductRow,
    StoreRow,
)
from sync.wire.credential import code_lookup, pin_verifier, serial_lookup
from sync.wire.messages import Certificate, Cursor, FeedPage, FeedRow
from sync.wire.signature import Signer
from sync.wire.token import PickupToken, issue, v1_text

STORE = 101
K_STORE = bytes(range(32))
HUB = Signer(hashlib.sha256(b"hub").digest())
ISSUER = Signer(hashlib.sha256(b"issuer").digest())
MAC_KEY = hashlib.sha256(b"mac").digest()
HOUR_MS = 3_600_000
GENERATION = b"gen-0001"
_KINDS = {kind: name for name, kind in ROW_TYPES.items()}

SHOP_ROWS: tuple[CatalogRow, ...] = (
    StoreRow(number=STORE, code="S101", name_zh="一店", name_en="Store 1"),
    IssuerKeyRow(key_id=1, public=ISSUER.public),
    ProductRow(sku="MILK1", gtin=None, name_zh="牛奶", name_en="Milk"),
    ProductRow(sku="ICE1", gtin=None, name_zh="冰淇淋", name_en="Ice cream", storage="frozen"),
)


def code_id(number: int) -> bytes:
    """The code id of order `number`: 75 bits."""
    return hashlib.sha256(b"code-%d" % number).digest()[:10][1:].rjust(10, b"\0")


def order_id(number: int) -> bytes:
    return b"order" + number.to_bytes(5, "big")


def v1(number: int) -> str:
    """What the customer of order `number` shows."""
    return v1_text(code_id(number))


def serial(number: int) -> str:
    return f"{number:08d}".replace("8", "B").replace("0", "C")


def order_row(
    number: int,
    *,
    holder: bytes,
    not_after_ms: int,
    quantity: int = 1,
    epoch: int = 1,
    state: Literal["open", "cancelled"] = "open",
    code_state: Literal["live", "reissued", "revoked"] = "live",
    home_store: int = STORE,
    ready: bool = True,
    sku: str = "MILK1",
    pin: str | None = None,
    grade: int = 1,
) -> OrderRow:
    """An order of one line with a V1 code, and a courier serial when it has a PIN."""
    codes = [
        CodeRow(
            lookup=code_lookup(K_STORE, code_id(number)),
            kind="v1",
            grade=grade,
            epoch=epoch,
            not_after_ms=not_after_ms,
            state=code_state,
        )
    ]
    if pin is not None:
        codes.append(
            CodeRow(
                lookup=serial_lookup(K_STORE, serial(number)),
                kind="serial",
                grade=2,
                epoch=epoch,
                not_after_ms=not_after_ms,
                pin=pin_verifier(K_STORE, serial(number), pin),
            )
        )
    return OrderRow(
        order_id=order_id(number),
        order_no=f"SE{number:06d}",
        home_store=home_store,
        holder=holder,
        epoch=epoch,
        state=state,
        not_after_ms=not_after_ms,
        last_not_after_ms=not_after_ms,
        lines=(LineRow(line=1, sku=sku, quantity=quantity),),
        codes=tuple(codes),
        ready=ready,
        place="A1",
        value_minor=1_990,
    )


def signed_code(
    number: int,
    *,
    issued_at_s: int,
    not_after_s: int,
    epoch: int = 1,
    line_digest: bytes = bytes(8),
    signer: Signer = ISSUER,
) -> str:
    """A V2 that the chain signed, or that `signer` forged."""
    token = PickupToken(
        key_id=1,
        code_id=code_id(number),
        home_store=STORE,
        epoch=epoch,
        issued_at_s=issued_at_s,
        not_after_s=not_after_s,
        grade=2,
        line_digest=line_digest,
    )
    return issue(token, signer)


def page(after: Cursor, rows: Sequence[CatalogRow], *, signer: Signer = HUB) -> FeedPage:
    """The page that HQ would send behind a cursor."""
    changes: list[FeedRow] = []
    row_hash = after.row_hash
    for seq, row in enumerate(rows, start=after.seq + 1):
        change = FeedRow(seq=seq, kind=_KINDS[type(row)], body=codec.pack(row))
        row_hash = feed.row_hash(row_hash, after.scope, change)
        changes.append(change)
    head = Cursor(
        scope=after.scope,
        generation=GENERATION,
        seq=after.seq + len(changes),
        row_hash=row_hash,
    )
    return FeedPage(
        scope=after.scope,
        generation=GENERATION,
        rows=tuple(changes),
        head=head,
        signature=feed.sign_head(head, signer),
        more=False,
    )


def unread(scope: str = f"store:{STORE}") -> Cursor:
    return Cursor(scope=scope, generation=bytes(8), seq=0, row_hash=bytes(32))


def cursor_of(catalog: Catalog, scope: str = f"store:{STORE}") -> Cursor:
    return next((one for one in catalog.cursors() if one.scope == scope), unread(scope))


def inline(ledger: Ledger, act: object, moment: Moment) -> object:
    """Run one unit without a writer's thread; its failure is raised."""
    assert callable(act)
    [result] = ledger.run_batch([Unit(act, moment)])
    if isinstance(result, Done):
        return result.value
    raise result.error


def moment_of(clock: Clock) -> Moment:
    return Moment(trusted_ms=clock.wall_ms(), boot_ms=clock.boot_ms(), clock="synced")


def enrol_ledger(ledger: Ledger, *, machine: str, now: Moment) -> Identity:
    """Make the ledger's box the node of our store."""

    def act(tx: Tx) -> Identity:
        fresh = identities.load(tx, machine=machine, is_same=str.__eq__)
        public = fresh.signer().public
        certificate = Certificate(
            chain="c" * 16,
            store=STORE,
            store_code="S101",
            node=enrol.node_name(public),
            node_public=public,
            incarnation=fresh.incarnation,
            hub_public=HUB.public,
            demo=True,
            issued_ms=now.trusted_ms,
        )
        data, _ = enrol.sign_certificate(certificate, HUB)
        identities.enrol(tx, data, K_STORE, HUB.public, now.trusted_ms)
        tx.run("time_anchor_write", now.trusted_ms, now.boot_ms, "boot-1")
        return identities.load(tx, machine=machine, is_same=str.__eq__)

    identity = inline(ledger, act, now)
    assert isinstance(identity, Identity)
    return identity


def make_catalog(folder: Path, ledger: Ledger, rows: Sequence[CatalogRow], now: Moment) -> None:
    """Give the ledger a new catalog that holds `rows`, as after a snapshot."""

    def take(tx: Tx) -> int:
        row = tx.one("catalog_number_take")
        assert row is not None
        number = row[0]
        assert isinstance(number, int)
        tx.run("catalog_point", number)
        return number

    number = inline(ledger, take, now)
    assert isinstance(number, int)
    path = catalog_path(folder, number)
    catalogs.create(path)
    catalog = Catalog(path)
    catalog.apply(page(unread(), rows), applied_ms=now.trusted_ms)
    catalog.close()


def prepare(
    folder: Path,
    *,
    orders: int,
    clock: Clock | None = None,
    hours: int = 48,
    pin: str | None = None,
    quantity: int = 1,
) -> None:
    """A data folder of an enrolled box with open orders 1..n, closed again."""
    clock = clock or HandClock()
    data = DataFolder(folder)
    ledger = Ledger(folder / "ledger.db")
    now = moment_of(clock)
    identity = enrol_ledger(ledger, machine="box-1", now=now)
    rows = SHOP_ROWS + tuple(
        order_row(
            number,
            holder=identity.incarnation,
            not_after_ms=now.trusted_ms + hours * HOUR_MS,
            pin=pin,
            quantity=quantity,
        )
        for number in range(1, orders + 1)
    )
    make_catalog(folder, ledger, rows, now)
    ledger.close()
    data.close()


class SilentScreens:
    """Nobody looks; what was published is kept for who asks."""

    def __init__(self) -> None:
        self.published: list[tuple[str | None, str, object]] = []

    def publish(self, station: str | None, event: str, value: object) -> None:
        self.published.append((station, event, value))


@dataclass(slots=True)
class MadeShop:
    """An open shop and its parts."""

    shop: Shop
    ledger: Ledger
    replica: CatalogReplica
    catalog: Catalog
    screens: SilentScreens
    folder: Path
    fatal: list[StoreError] = field(default_factory=list)

    def caller(self, station: str = "till1", key: str | None = None, route: str = "") -> Caller:
        return Caller(station=station, key=key, route=route)

    async def feed(self, *rows: CatalogRow) -> None:
        """HQ sends rows."""
        await self.replica.apply(page(cursor_of(self.catalog), rows))


def _no_drawing(_: Document) -> bytes:
    return b""


def _nothing() -> None:
    return


@asynccontextmanager
async def open_shop(
    folder: Path,
    *,
    clock: Clock | None = None,
    settings: Settings | None = None,
    run: str = "run-1",
    machine: str = "box-1",
) -> AsyncIterator[MadeShop]:
    """Open a prepared folder as the daemon does: lock, ledger, identity, catalog, time, writer."""
    clock = clock or HandClock()
    data = DataFolder(folder)
    ledger = Ledger(folder / "ledger.db")
    start = Moment(trusted_ms=0, boot_ms=clock.boot_ms(), clock="unsure")
    identity = inline(
        ledger, lambda tx: identities.load(tx, machine=machine, is_same=str.__eq__), start
    )
    assert isinstance(identity, Identity)
    path = catalog_path(folder, identity.catalog_number)
    catalog = Catalog(path)
    ledger.attach_catalog(path)
    known = inline(ledger, lambda tx: load(tx, clock=clock), start)
    fatal: list[StoreError] = []
    writer = Writer(ledger, on_fatal=fatal.append)
    screens = SilentScreens()
    shop = Shop(
        writer=writer,
        clock=clock,
        time=Timekeeper(clock, known),  # type: ignore[arg-type]  # `inline` answers an object
        settings=settings or Settings(),
        identity=identity,
        screens=screens,
        wake_sync=_nothing,
        wake_effects=_nothing,
        draw=_no_drawing,
        run=run,
        mac_key=MAC_KEY,
    )
    replica = CatalogReplica(shop, folder, catalog)
    await refresh(shop)
    try:
        yield MadeShop(
            shop=shop,
            ledger=ledger,
            replica=replica,
            catalog=catalog,
            screens=screens,
            folder=folder,
            fatal=fatal,
        )
    finally:
        await writer.close()
        ledger.close()
        catalog.close()
        data.close()
