"""Stores, products and people: what HQ writes down and the stores learn from the feed."""

import re
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Literal

from argon2 import PasswordHasher
from pydantic import Field
from sqlalchemy import Connection, Row, delete, insert, select

from sync.hub import feed
from sync.hub.identity import Hub
from sync.hub.problems import invalid, missing, refused
from sync.hub.tables import product, staff, store
from sync.rules import crockford
from sync.wire.catalog import ProductRow, Role, StaffRow, StoreRow
from sync.wire.credential import badge_lookup

Json = dict[str, object]
NOBODY = bytes(8)
MAX_STORE = 2**24 - 1
_PINS = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStore:
    """A store to be opened. `number` is what tokens carry: 3 bytes."""

    number: Annotated[int, Field(ge=1, le=MAX_STORE)]
    code: Annotated[str, Field(min_length=1, max_length=20)]
    name_zh: Annotated[str, Field(min_length=1, max_length=80)]
    name_en: Annotated[str, Field(min_length=1, max_length=80)]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProduct:
    """An article, new or changed; `sku` at most 8 bytes, `gtin` 8, 12, 13 or 14 digits."""

    sku: Annotated[str, Field(min_length=1, max_length=8)]
    name_zh: Annotated[str, Field(min_length=1, max_length=120)]
    name_en: Annotated[str, Field(min_length=1, max_length=120)]
    gtin: Annotated[str, Field(pattern=r"^(\d{8}|\d{12,14})$")] | None = None
    storage: Literal["ambient", "chilled", "frozen"] = "ambient"
    min_grade: Annotated[int, Field(ge=1, le=5)] = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """A person of a store, new or changed; `badge` and `pin` are kept as hashes only."""

    store: int
    staff_id: Annotated[str, Field(min_length=1, max_length=40)]
    name: Annotated[str, Field(min_length=1, max_length=80)]
    role: Role
    badge: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    pin: str | None = None
    active: bool = True


def store_row(connection: Connection, number: int) -> Row[tuple[object, ...]]:
    """The store with this number (404: there is none)."""
    row = connection.execute(select(store).where(store.c.number == number)).first()
    if row is None:
        raise missing(f"store {number}")
    return row


def add_store(hub: Hub, new: NewStore) -> Json:
    """Open a store with its own keys and its own feed."""
    with hub.database.writing() as connection:
        taken = select(store.c.number).where(
            (store.c.number == new.number) | (store.c.code == new.code)
        )
        if connection.execute(taken).first() is not None:
            raise refused("exists", "A store with this number or code exists.")
        connection.execute(
            insert(store).values(
                **asdict(new),
                k_store=secrets.token_bytes(32),
                k_personal=secrets.token_bytes(32),
                node=None,
                incarnation=NOBODY,
            )
        )
        feed.append(connection, feed.CHAIN, [StoreRow(**asdict(new))])
        feed.open_scope(connection, feed.store_scope(new.number))
    return {**asdict(new), "node": None}


def list_stores(hub: Hub) -> list[Json]:
    """Every store with the node it has."""
    with hub.database.reading() as connection:
        rows = connection.execute(select(store).order_by(store.c.number)).all()
    return [
        {
            "number": row.number,
            "code": row.code,
            "name_zh": row.name_zh,
            "name_en": row.name_en,
            "node": row.node,
        }
        for row in rows
    ]


def put_product(hub: Hub, new: NewProduct) -> Json:
    """Write an article down; the same SKU again changes it."""
    if len(new.sku.encode()) > 8:
        raise invalid("A SKU is at most 8 bytes.")
    row = ProductRow(
        sku=new.sku,
        gtin=new.gtin.zfill(14) if new.gtin else None,
        name_zh=new.name_zh,
        name_en=new.name_en,
        storage=new.storage,
        min_grade=new.min_grade,
    )
    values: Json = {name: getattr(row, name) for name in ProductRow.__struct_fields__}
    with hub.database.writing() as connection:
        connection.execute(delete(product).where(product.c.sku == new.sku))
        connection.execute(insert(product).values(**values))
        feed.append(connection, feed.CHAIN, [row])
    return values


def _weak(pin: str) -> bool:
    steps = {(int(b) - int(a)) % 10 for a, b in pairwise(pin)}
    if steps in ({0}, {1}, {9}):  # 1111, 1234, 4321
        return True
    if len(pin) != 6:
        return False
    for layout in ("%y%m%d", "%d%m%y"):
        try:
            datetime.strptime(pin, layout)  # noqa: DTZ007  # a birthday has no time zone
        except ValueError:
            continue
        return True
    return False


def _badge(k_store: bytes, text: str | None) -> bytes | None:
    """The look-up of what a badge's code says: its symbols without prefix, as a box reads them."""
    if text is None:
        return None
    symbols = crockford.normalise(text.strip().upper().removeprefix("SB:"))
    return badge_lookup(k_store, symbols)


def put_person(hub: Hub, new: NewPerson) -> Json:
    """Write a person down; the same store and id again changes them."""
    if new.pin is not None and (not re.fullmatch(r"[0-9]{4,6}", new.pin) or _weak(new.pin)):
        raise invalid("A PIN is 4 to 6 digits, not a row like 1234, nor a date like a birthday.")
    pin_hash = _PINS.hash(new.pin) if new.pin is not None else None
    with hub.database.writing() as connection:
        home = store_row(connection, new.store)
        badge = _badge(home.k_store, new.badge)
        row = StaffRow(
            staff_id=new.staff_id,
            name=new.name,
            role=new.role,
            badge=badge,
            pin_hash=pin_hash,
            active=new.active,
        )
        connection.execute(
            delete(staff).where(staff.c.store == new.store, staff.c.staff_id == new.staff_id)
        )
        connection.execute(
            insert(staff).values(
                store=new.store,
                staff_id=row.staff_id,
                name=row.name,
                role=row.role,
                badge=row.badge,
                pin_hash=row.pin_hash,
                active=row.active,
            )
        )
        feed.append(connection, feed.store_scope(new.store), [row])
    return {
        "store": new.store,
        "staff_id": new.staff_id,
        "name": new.name,
        "role": new.role,
        "has_badge": badge is not None,
        "has_pin": pin_hash is not None,
        "active": new.active,
    }
