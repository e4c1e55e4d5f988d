"""A shop without sockets: real ledger, writer and catalog in a folder, a clock that is a file."""

import itertools
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from drivers.host.clock import OffsetClock
from drivers.ports.document import Document
from edge.flow import timekeeper
from edge.flow.answers import ScanAnswer
from edge.flow.caller import Caller
from edge.flow.receive import CatalogReplica, refresh
from edge.flow.scan import ScanAsk, scan
from edge.flow.settings import Settings
from edge.flow.shop import Shop
from edge.flow.timekeeper import Timekeeper
from edge.main.opening import Opened, open_store
from edge.store import identity
from edge.store.catalog import put
from edge.store.errors import StoreError
from edge.store.row import blob
from edge.store.tx import Moment, Tx
from edge.store.writer import Writer
from sync.wire.catalog import (
    CatalogRow,
    CodeRow,
    IssuerKeyRow,
    LineRow,
    OrderRow,
    ProductRow,
    StaffRow,
    StoreRow,
)
from sync.wire.codec import pack, to_json
from sync.wire.credential import (
    code_lookup,
    phone_tail_lookup,
    pin_verifier,
    platform_lookup,
    serial_lookup,
)
from sync.wire.messages import Certificate
from sync.wire.sealing import seal
from sync.wire.signature import Signer
from sync.wire.token import (
    OrderLines,
    PickupToken,
    TokenLine,
    issue,
    line_digest,
    lines_text,
    v1_text,
)

STORE = 7
HOUR_MS = 3_600_000
START_MS = 1_800_000_000_000
K_STORE = bytes(range(32))
PERSONAL = bytes(range(32, 64))
PIN_HASH = "$argon2id$v=19$m=19456,t=2,p=1$"


@dataclass
class Screens:
    """What was published, in order."""

    shown: list[tuple[str | None, str, object]] = field(default_factory=list)

    def publish(self, station: str | None, event: str, value: object) -> None:
        self.shown.append((station, event, value))


@dataclass(frozen=True, kw_only=True)
class Goods:
    """An order with every way in."""

    row: OrderRow
    v1: str
    v2: str
    lines: str
    serial: str
    pin: str
    platform: str


class Floor:
    """A shop that can be stocked, scanned at, stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.offset = folder / "offset"
        self.clock = OffsetClock(self.offset)
        self.screens = Screens()
        self.issuer = Signer.generate()
        self.settings = Settings(store_name="人民路店", slip_pickup="always")
        self.numbers = itertools.count(1)
        self.fatal: list[StoreError] = []
        self.woken: list[str] = []
        self.shop: Shop
        self.replica: CatalogReplica
        self.opened: Opened

    async def start(self, *, run: str = "run-1") -> None:
        data = self.folder / "data"
        opened = open_store(data, boot_ms=self.clock.boot_ms())
        self.opened = opened
        writer = Writer(opened.ledger, on_fatal=self.fatal.append)
        if opened.identity.enrolled is None:
            opened = await self._enrol(opened, writer)
        unsure = Moment(trusted_ms=0, boot_ms=self.clock.boot_ms(), clock="unsure")
        known = await writer.do(lambda tx: timekeeper.load(tx, clock=self.clock), unsure)
        self.shop = Shop(
            writer=writer,
            clock=self.clock,
            time=Timekeeper(self.clock, known),
            settings=self.settings,
            identity=opened.identity,
            screens=self.screens,
            wake_sync=lambda: self.woken.append("sync"),
            wake_effects=lambda: self.woken.append("effects"),
            draw=_no_picture,
            run=run,
            personal_key=PERSONAL,
            mac_key=b"m" * 32,
        )
        if known.floor_ms == 0:
            await self.hub_says(START_MS)
        self.replica = CatalogReplica(self.shop, data, opened.catalog)
        await refresh(self.shop)

    async def _enrol(self, opened: Opened, writer: Writer) -> Opened:
        moment = Moment(trusted_ms=START_MS, boot_ms=0, clock="synced")
        certificate = Certificate(
            chain="demo",
            store=STORE,
            store_code="S7",
            node="node",
            node_public=opened.identity.signer().public,
            incarnation=opened.identity.incarnation,
            hub_public=bytes(32),
            demo=True,
            issued_ms=START_MS,
        )

        def act(tx: Tx) -> identity.Identity:
            identity.enrol(tx, pack(certificate), K_STORE, bytes(32), START_MS)
            return identity.load(tx, machine="", is_same=lambda _a, _b: True)

        now = await writer.do(act, moment)
        catalog = opened.catalog
        stocked = replace(opened, identity=now)
        self.opened = stocked
        rows: tuple[CatalogRow, ...] = (
            StoreRow(number=STORE, code="S7", name_zh="人民路店", name_en="Renmin Road"),
            ProductRow(sku="MILK", gtin="06901234567892", name_zh="牛奶", name_en="Milk"),
            ProductRow(sku="ICE", gtin=None, name_zh="雪糕", name_en="Ice cream", storage="frozen"),
            IssuerKeyRow(key_id=1, public=self.issuer.public),
            *self.staff(),
        )
        for row in rows:
            put(catalog._connection, row)
        return stocked

    def staff(self) -> tuple[StaffRow, ...]:
        from argon2 import PasswordHasher

        hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        return (
            StaffRow(
                staff_id="c1", name="小王", role="cashier", badge=None, pin_hash=hasher.hash("1357")
            ),
            StaffRow(
                staff_id="s1",
                name="李店长",
                role="supervisor",
                badge=None,
                pin_hash=hasher.hash("246810"),
            ),
        )

    async def hub_says(self, time_ms: int) -> None:
        boot = self.clock.boot_ms()
        await self.shop.time.heard(
            self.shop.writer, time_ms, asked_boot_ms=boot, answered_boot_ms=boot
        )

    async def stop(self) -> None:
        await self.shop.writer.close()
        self.replica.close()
        self.opened.ledger.close()
        self.opened.folder.close()

    def advance(self, ms: int) -> None:
        before = int(self.offset.read_text()) if self.offset.exists() else 0
        started = self.clock.boot_ms()
        fresh = self.offset.with_suffix(".new")
        fresh.write_text(str(before + ms))
        fresh.replace(self.offset)
        while self.clock.boot_ms() < started + ms:
            pass  # the clock looks at its file at most every 20 ms

    def order(
        self,
        *,
        lines: tuple[LineRow, ...] = (LineRow(line=1, sku="MILK", quantity=1),),
        home: int = STORE,
        epoch: int = 1,
        synced: bool = True,
        hours: int = 48,
        order_id: bytes | None = None,
        issued_ms: int = START_MS + 1_000,
        bags: int = 1,
        value_minor: int = 1_000,
        min_grade: int = 1,
        ready: bool = True,
    ) -> Goods:
        number = next(self.numbers)
        order_id = order_id or os.urandom(10)
        code_id = (int.from_bytes(os.urandom(10), "big") >> 5).to_bytes(10, "big")
        not_after = START_MS + hours * HOUR_MS
        token_lines = tuple(
            TokenLine(line=line.line, sku=line.sku, quantity=line.quantity) for line in lines
        )
        token = PickupToken(
            key_id=1,
            code_id=code_id,
            home_store=home,
            epoch=epoch,
            issued_at_s=issued_ms // 1000,
            not_after_s=not_after // 1000,
            grade=2,
            line_digest=line_digest(code_id, order_id, token_lines),
        )
        serial, pin = f"ABCD{number:04}", "314159"
        tail = f"{number:04}"
        row = OrderRow(
            order_id=order_id,
            order_no=f"SO-{number:08}",
            home_store=home,
            holder=self.shop.identity.incarnation,
            epoch=epoch,
            state="open",
            not_after_ms=not_after,
            last_not_after_ms=not_after,
            lines=lines,
            codes=(
                CodeRow(
                    lookup=code_lookup(K_STORE, code_id),
                    kind="v1",
                    grade=1,
                    epoch=epoch,
                    not_after_ms=not_after,
                ),
                CodeRow(
                    lookup=serial_lookup(K_STORE, serial),
                    kind="serial",
                    grade=2,
                    pin=pin_verifier(K_STORE, serial, pin),
                    epoch=epoch,
                    not_after_ms=not_after,
                ),
                CodeRow(
                    lookup=platform_lookup(K_STORE, "MT", str(number), tail),
                    kind="platform",
                    grade=1,
                    epoch=epoch,
                    not_after_ms=not_after,
                ),
            ),
            place="A3",
            sealed=seal(
                PERSONAL, to_json({"name": "张三丰", "phone": "13800001234"}), bound_to=order_id
            ),
            phone_tail=phone_tail_lookup(PERSONAL, "1234"),
            bags=bags,
            value_minor=value_minor,
            min_grade=min_grade,
            ready=ready,
        )
        if synced:
            self.sync(row)
        return Goods(
            row=row,
            v1=v1_text(code_id),
            v2=issue(token, self.issuer),
            lines=lines_text(OrderLines(code_id=code_id, order_id=order_id, lines=token_lines)),
            serial=serial,
            pin=pin,
            platform=f"MT#{number}-{tail}",
        )

    def sync(self, *rows: OrderRow) -> None:
        catalog = self.opened.catalog
        for row in rows:
            put(catalog._connection, row)

    async def scan(
        self, text: str, *, station: str = "till-1", key: str | None = None, pin: str | None = None
    ) -> ScanAnswer:
        """A scan over HTTP with a fresh key unless one is given."""
        caller = Caller(station=station, key=key or f"k{next(self.numbers)}", route="POST /scans")
        answer = await scan(self.shop, caller, ScanAsk(text=text, pin=pin))
        assert isinstance(answer, ScanAnswer), answer
        return answer

    def caller(self, station: str = "till-1") -> Caller:
        return Caller(station=station, key=f"k{next(self.numbers)}", route="test")

    async def count(self, sql: str) -> int:
        """One number, read by the writer's connection."""

        def read(tx: Tx) -> int:
            value = tx.connection.execute(sql).fetchone()[0]
            assert isinstance(value, int)
            return value

        return await self.shop.writer.do(read, self.shop.moment())

    async def first_order_id(self) -> bytes:
        return await self.shop.writer.do(
            lambda tx: blob(tx.connection.execute("SELECT order_id FROM handover").fetchone()[0]),
            self.shop.moment(),
        )


def _no_picture(document: Document) -> bytes:
    assert document.blocks
    return b""


@pytest.fixture
async def floor(tmp_path: Path) -> AsyncIterator[Floor]:
    """A stocked, enrolled shop that heard the hub just now."""
    made = Floor(tmp_path)
    await made.start()
    yield made
    if not made.fatal:
        await made.stop()
