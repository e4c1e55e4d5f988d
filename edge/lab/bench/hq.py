"""Headquarters for benches: `storeedge-hub serve` as a process, and its database filled from here.

Boxes and orders are written in a few large transactions, as the hub's own verbs would have left
them; what is measured goes through the process's socket.
"""

import hashlib
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import insert, select

from edge.lab.bench.processes import HOST, answering, free_port
from edge.lab.bench.stock import new_code_id
from edge.lab.children import Child, Nursery, command
from sync.hub import feed, identity
from sync.hub.database import Database
from sync.hub.identity import Hub
from sync.hub.tables import code, node, order_line, pickup_order, product, store, unit
from sync.hub.tables_picking import order_pick
from sync.wire.catalog import CodeRow, LineRow, OrderRow, ProductRow, StoreRow
from sync.wire.credential import code_lookup
from sync.wire.enrol import node_name
from sync.wire.request import sign_request
from sync.wire.signature import Signer
from sync.wire.token import v1_text

_LIFE_MS = 48 * 3_600_000
SKU = "100000"


class SystemTime:
    """The hub's clock."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """An enrolled box, as far as the wire goes."""

    store: int
    signer: Signer
    name: str
    incarnation: bytes

    def ask(self, address: tuple[str, int], method: str, target: str, body: bytes = b"") -> bytes:
        """The bytes of a signed request."""
        signed = sign_request(
            self.signer,
            method=method,
            target=target,
            node=self.name,
            incarnation=self.incarnation,
            body=body,
        )
        head = f"{method} {target} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in signed.items())
        if method == "GET":
            head += "Accept: text/event-stream\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchOrder:
    """An open order with one line of `units` pieces, and its V1."""

    order_id: bytes
    order_no: str
    units: int
    v1: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchHub:
    """The database as the bench sees it. token: an administrator's."""

    hub: Hub
    token: str

    def close(self) -> None:
        """Give connections back."""
        self.hub.database.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """The process."""

    child: Child
    address: tuple[str, int]

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.child.process.pid


def begin(url: str) -> BenchHub:
    """A new chain in an empty database, with one article."""
    database = Database(url)
    token = identity.initialise(database, SystemTime(), name="Bench", demo=True)
    hub = identity.open_hub(database, SystemTime())
    put_products(hub, (ProductRow(sku=SKU, gtin=None, name_zh="牛奶", name_en="Milk"),))
    return BenchHub(hub=hub, token=token)


@asynccontextmanager
async def served(folder: Path, url: str) -> AsyncGenerator[Served]:
    """`storeedge-hub serve` on the loopback, answering, ended with the block."""
    port = free_port()
    nursery = Nursery(folder / "logs")
    try:
        child = await nursery.start(
            "hub",
            (
                *command("storeedge-hub"),
                *("serve", "--database", url, "--listen", f"{HOST}:{port}"),
                *("--data", str(folder / "snapshots")),
            ),
        )
        await answering((HOST, port), nursery)
        yield Served(child=child, address=(HOST, port))
        if nursery.died.done():
            nursery.died.result()
    finally:
        await nursery.end_all()


def put_products(hub: Hub, rows: tuple[ProductRow, ...]) -> None:
    """Write articles down, all at once."""
    names = ProductRow.__struct_fields__
    with hub.database.writing() as connection:
        connection.execute(
            insert(product), [{name: getattr(row, name) for name in names} for row in rows]
        )
        feed.append(connection, feed.CHAIN, rows)


def put_boxes(hub: Hub, count: int, *, first: int = 1) -> tuple[Box, ...]:
    """So many stores, numbered from `first`, each with its enrolled box."""
    now_ms = hub.clock.now_ms()
    boxes = tuple(_new_box(number) for number in range(first, first + count))
    stores = [
        StoreRow(number=box.store, code=f"B{box.store}", name_zh="门店", name_en="Store")
        for box in boxes
    ]
    with hub.database.writing() as connection:
        connection.execute(
            insert(store),
            [
                {
                    "number": row.number,
                    "code": row.code,
                    "name_zh": row.name_zh,
                    "name_en": row.name_en,
                    "k_store": secrets.token_bytes(32),
                    "k_personal": secrets.token_bytes(32),
                    "node": box.name,
                    "incarnation": box.incarnation,
                }
                for row, box in zip(stores, boxes, strict=True)
            ],
        )
        connection.execute(
            insert(node),
            [
                {
                    "node": box.name,
                    "incarnation": box.incarnation,
                    "store": box.store,
                    "public": box.signer.public,
                    "pairing_id": "bench",
                    "state": "enrolled",
                    "certificate": b"",
                    "signature": b"",
                    "asked_ms": now_ms,
                    "enrolled_ms": now_ms,
                    "seen_ms": now_ms,
                    "acked_seq": 0,
                    "backed_up_seq": 0,
                    "audit_seq": 0,
                    "audit_hash": b"",
                }
                for box in boxes
            ],
        )
        for row in stores:
            feed.open_scope(connection, feed.store_scope(row.number))
        feed.append(connection, feed.CHAIN, stores)
    return boxes


def _new_box(number: int) -> Box:
    signer = Signer.generate()
    return Box(
        store=number,
        signer=signer,
        name=node_name(signer.public),
        incarnation=secrets.token_bytes(8),
    )


def put_orders(
    hub: Hub, number: int, *, count: int, units: int = 1, sku: str = SKU
) -> list[BenchOrder]:
    """So many open orders for a store's present box, each of `units` pieces with one V1."""
    now_ms = hub.clock.now_ms()
    not_after_ms = now_ms + _LIFE_MS
    made: list[BenchOrder] = []
    rows: list[OrderRow] = []
    with hub.database.writing() as connection:
        home = connection.execute(select(store).where(store.c.number == number)).one()
        for _ in range(count):
            code_id = new_code_id()
            order_id = secrets.token_bytes(10)
            found = CodeRow(
                lookup=code_lookup(home.k_store, code_id),
                kind="v1",
                grade=2,
                epoch=1,
                not_after_ms=not_after_ms,
            )
            rows.append(
                OrderRow(
                    order_id=order_id,
                    order_no=f"SE{order_id.hex().upper()}",
                    home_store=number,
                    holder=home.incarnation,
                    epoch=1,
                    state="open",
                    not_after_ms=not_after_ms,
                    last_not_after_ms=not_after_ms,
                    lines=(LineRow(line=1, sku=sku, quantity=units),),
                    codes=(found,),
                    place="A3",
                )
            )
            made.append(
                BenchOrder(
                    order_id=order_id,
                    order_no=rows[-1].order_no,
                    units=units,
                    v1=v1_text(code_id),
                )
            )
        connection.execute(
            insert(pickup_order),
            [
                {
                    **{name: getattr(row, name) for name in _ORDER_COLUMNS},
                    "created_ms": now_ms,
                }
                for row in rows
            ],
        )
        connection.execute(
            insert(order_line),
            [{"order_id": row.order_id, "line": 1, "sku": sku, "quantity": units} for row in rows],
        )
        connection.execute(
            insert(unit),
            [
                {
                    "order_id": row.order_id,
                    "line": 1,
                    "unit": each,
                    "holder": row.holder,
                    "epoch": 1,
                    "state": "held",
                    "destination": "",
                    "parked": 0,
                }
                for row in rows
                for each in range(1, units + 1)
            ],
        )
        connection.execute(
            insert(order_pick),
            [
                {"order_id": row.order_id, "on_short": row.on_short, "state": "ready"}
                for row in rows
            ],
        )
        connection.execute(
            insert(code),
            [
                {
                    "order_id": row.order_id,
                    "lookup": row.codes[0].lookup,
                    "kind": "v1",
                    "store": number,
                    "grade": 2,
                    "epoch": 1,
                    "not_after_ms": not_after_ms,
                    "state": "live",
                }
                for row in rows
            ],
        )
        feed.append(connection, feed.store_scope(number), rows)
    return made


_ORDER_COLUMNS = (
    *("order_id", "order_no", "home_store", "epoch", "state", "not_after_ms", "last_not_after_ms"),
    *("lane", "ready", "place", "bags", "value_minor", "currency", "min_grade", "sealed"),
    "phone_tail",
)


def audit_hash(number: int) -> bytes:
    """Some hash, another for each number."""
    return hashlib.sha256(number.to_bytes(8, "big")).digest()
