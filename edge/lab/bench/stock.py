"""A box for benches: an enrolled ledger and a catalog of open orders, made without headquarters.

Codes, tokens and rows are as in a shop, random but for the store's key. Names are not sealed: a
bench holds no personal data.
"""

import os
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from drivers.host.clock import SystemClock
from edge.lab.bench.progress import Progress
from edge.main.opening import Opened, open_store
from edge.store import identity
from edge.store.catalog import put
from edge.store.ledger import Done, Unit
from edge.store.tx import Moment, Tx
from sync.rules import crockford
from sync.wire.catalog import (
    CatalogRow,
    CodeKind,
    CodeRow,
    IssuerKeyRow,
    LineRow,
    OrderRow,
    ProductRow,
    StaffRow,
    StoreRow,
)
from sync.wire.codec import pack
from sync.wire.credential import badge_lookup, code_lookup, pin_verifier, serial_lookup
from sync.wire.enrol import node_name
from sync.wire.messages import Certificate
from sync.wire.signature import Signer
from sync.wire.token import PickupToken, TokenLine, issue, line_digest, v1_text

STORE = 1
K_STORE = bytes(range(32))
GTIN = "06901234567892"
_BADGE_HEAD = "BENCHBADGE"
BADGE = _BADGE_HEAD + crockford.check_character(_BADGE_HEAD)
ISSUER_KEY = 1
PIN = "314159"
_LIFE_MS = 48 * 3_600_000
_LINES = (LineRow(line=1, sku="MILK", quantity=1),)
_TOKEN_LINES = (TokenLine(line=1, sku="MILK", quantity=1),)
_SERIAL_SYMBOLS = "ABCDEFGHJKMNPQRS"
_TOLD_EVERY = 500


@dataclass(slots=True, kw_only=True)
class Stock:
    """A data folder and the codes of its open orders; each code is the only one of its order.

    v1, v2: what a customer shows. serials: courier serials, all with `PIN`. issuer: who signed V2.
    """

    data: Path
    issuer: Signer
    v1: list[str] = field(default_factory=list[str])
    v2: list[str] = field(default_factory=list[str])
    serials: list[str] = field(default_factory=list[str])

    @property
    def catalog(self) -> Path:
        """The catalog's file."""
        return self.data / "catalog-1.db"


def stock(data: Path, progress: Progress, *, v1: int = 0, v2: int = 0, serials: int = 0) -> Stock:
    """Make `data` the folder of an enrolled box with so many open orders, closed again."""
    clock = SystemClock()
    now_ms, boot_ms = clock.wall_ms(), clock.boot_ms()
    opened = open_store(data, boot_ms=boot_ms)
    holder = opened.identity.incarnation
    try:
        _enrol(opened, now_ms=now_ms, boot_ms=boot_ms, boot_id=clock.boot_id())
    finally:
        opened.catalog.close()
        opened.ledger.close()
        opened.folder.close()
    made = Stock(data=data, issuer=Signer.generate())
    with bulk(made.catalog) as catalog:
        for row in _furniture(made.issuer):
            put(catalog, row)
        wanted = v1 + v2 + serials
        rows = _orders(made, holder, now_ms, v1=v1, v2=v2, serials=serials)
        for number, row in enumerate(rows, start=1):
            put(catalog, row)
            if number % _TOLD_EVERY == 0 or number == wanted:
                progress("stocking the box", number, wanted)
        catalog.execute("INSERT INTO cursor VALUES ('bench', zeroblob(8), 1, zeroblob(32), 0)")
    return made


@contextmanager
def bulk(path: Path) -> Generator[sqlite3.Connection]:
    """A catalog to fill at once: one transaction, flushed by nobody until it is all in."""
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -64000")
        connection.execute("BEGIN")
        yield connection
        connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def _enrol(opened: Opened, *, now_ms: int, boot_ms: int, boot_id: str) -> None:
    public = opened.identity.signer().public
    certificate = Certificate(
        chain="bench",
        store=STORE,
        store_code="S1",
        node=node_name(public),
        node_public=public,
        incarnation=opened.identity.incarnation,
        hub_public=bytes(32),
        demo=True,
        issued_ms=now_ms,
    )

    def act(tx: Tx) -> None:
        identity.enrol(tx, pack(certificate), K_STORE, bytes(32), now_ms)
        tx.run("time_anchor_write", now_ms, boot_ms, boot_id)
        tx.run("time_floor_raise", now_ms)

    moment = Moment(trusted_ms=now_ms, boot_ms=boot_ms, clock="synced")
    result = opened.ledger.run_batch([Unit(act, moment)])[0]
    assert isinstance(result, Done), result


def _furniture(issuer: Signer) -> tuple[CatalogRow, ...]:
    return (
        StoreRow(number=STORE, code="S1", name_zh="测量门店", name_en="Bench store"),
        ProductRow(sku="MILK", gtin=GTIN, name_zh="牛奶", name_en="Milk"),
        IssuerKeyRow(key_id=ISSUER_KEY, public=issuer.public),
        StaffRow(
            staff_id="b1",
            name="Bench",
            role="cashier",
            badge=badge_lookup(K_STORE, BADGE),
            pin_hash=None,
        ),
    )


def _orders(
    made: Stock, holder: bytes, now_ms: int, *, v1: int, v2: int, serials: int
) -> Iterator[OrderRow]:
    """Rows of orders; what opens each is appended to `made`."""
    not_after_ms = now_ms + _LIFE_MS

    def row(number: int, lookup: bytes, kind: CodeKind, pin: bytes | None = None) -> OrderRow:
        code = CodeRow(
            lookup=lookup, kind=kind, grade=2, epoch=1, not_after_ms=not_after_ms, pin=pin
        )
        return OrderRow(
            order_id=os.urandom(10),
            order_no=f"SO-{number:08}",
            home_store=STORE,
            holder=holder,
            epoch=1,
            state="open",
            not_after_ms=not_after_ms,
            last_not_after_ms=not_after_ms,
            lines=_LINES,
            codes=(code,),
            place="A3",
            value_minor=1_990,
        )

    for number in range(v1):
        code_id = new_code_id()
        made.v1.append(v1_text(code_id))
        yield row(number, code_lookup(K_STORE, code_id), "v1")
    for number in range(v1, v1 + v2):
        code_id = new_code_id()
        order = row(number, code_lookup(K_STORE, code_id), "v2")
        token = PickupToken(
            key_id=ISSUER_KEY,
            code_id=code_id,
            home_store=STORE,
            epoch=1,
            issued_at_s=now_ms // 1000,
            not_after_s=not_after_ms // 1000,
            grade=2,
            line_digest=line_digest(code_id, order.order_id, _TOKEN_LINES),
        )
        made.v2.append(issue(token, made.issuer))
        yield order
    for number in range(v1 + v2, v1 + v2 + serials):
        serial = "".join(_SERIAL_SYMBOLS[byte & 15] for byte in os.urandom(8))
        made.serials.append(serial)
        lookup = serial_lookup(K_STORE, serial)
        yield row(number, lookup, "serial", pin_verifier(K_STORE, serial, PIN))


def new_code_id() -> bytes:
    """75 random bits, as headquarters draws them."""
    return (int.from_bytes(os.urandom(10), "big") >> 5).to_bytes(10, "big")
