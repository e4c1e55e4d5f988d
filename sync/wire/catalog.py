"""The catalog's schema as text, and the rows that feed and snapshot put into it.

A feed row carries one of these values as MessagePack. Applying a row is an upsert by key; the
same row twice changes nothing. `ROW_TYPES` is the closed list of kinds; an unknown kind is not an
error on the wire (a newer hub), see `messages.FeedRow.must_understand`.
"""

from importlib.resources import files
from typing import Literal

import msgspec

from sync.rules.order_life import DocumentState, OnShort

SCHEMA_VERSION = 2
SCHEMA_SQL = files("sync.wire").joinpath("catalog.sql").read_text(encoding="utf-8")

CodeKind = Literal["v1", "v2", "v3", "serial", "platform"]
Role = Literal["cashier", "supervisor", "manager", "technician"]


class StoreRow(msgspec.Struct, frozen=True, kw_only=True):
    """A store of the chain: enough to say where an order waits."""

    number: int
    code: str
    name_zh: str
    name_en: str


class ProductRow(msgspec.Struct, frozen=True, kw_only=True):
    """An article. `gtin` has 14 digits or is absent; `sku` at most 8 bytes for use in tokens."""

    sku: str
    gtin: str | None
    name_zh: str
    name_en: str
    storage: Literal["ambient", "chilled", "frozen"] = "ambient"
    min_grade: int = 1


class LineRow(msgspec.Struct, frozen=True, kw_only=True):
    """An order line of `quantity` units; `bundle_of` is the line of the main item it belongs to.

    unit_minor: what the customer pays for a piece; 0 where HQ did not say.
    """

    line: int
    sku: str
    quantity: int
    bundle_of: int | None = None
    unit_minor: int = 0


class CodeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A way to claim an order: keyed look-up, never the code itself (see `credential`).

    tries: wrong ones counted at the stores that held the order before; 3 is locked.
    """

    lookup: bytes
    kind: CodeKind
    grade: int
    epoch: int
    not_after_ms: int
    pin: bytes | None = None
    state: Literal["live", "reissued", "revoked"] = "live"
    tries: int = 0


class OrderRow(msgspec.Struct, frozen=True, kw_only=True):
    """An order with all its lines and codes; replaces what the node had of it.

    holder: the 8-byte incarnation that may redeem (all zero: none yet enrolled). last_not_after_ms:
    the latest not-after ever put into a row or token of it. sealed: JSON {name, phone} under the
    personal-data key, bound to order_id. placed_ms: when the customer ordered, 0 if not known.
    on_short: what the customer wants when an article is not there. away: units (line, unit) that
    are not the holder's: handed over elsewhere, cancelled, refunded; no epoch makes them its own.
    """

    order_id: bytes
    order_no: str
    home_store: int
    holder: bytes
    epoch: int
    state: Literal["open", "cancelled"]
    not_after_ms: int
    last_not_after_ms: int
    lines: tuple[LineRow, ...]
    codes: tuple[CodeRow, ...]
    lane: Literal["normal", "priority"] = "normal"
    ready: bool = True
    place: str = ""
    bags: int = 1
    value_minor: int = 0
    currency: str = "CNY"
    min_grade: int = 1
    sealed: bytes | None = None
    phone_tail: bytes | None = None
    placed_ms: int = 0
    on_short: OnShort = "refund_line"
    away: tuple[tuple[int, int], ...] = ()


class StaffRow(msgspec.Struct, frozen=True, kw_only=True):
    """A person of this store. `pin_hash` is an argon2id string."""

    staff_id: str
    name: str
    role: Role
    badge: bytes | None
    pin_hash: str | None
    active: bool = True


class IssuerKeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A public key that signs V2 tokens."""

    key_id: int
    public: bytes
    revoked: bool = False


class AskRow(msgspec.Struct, frozen=True, kw_only=True):
    """Something HQ asks of the holder of units; answered once by its id.

    kind: `release` (give the units up for `destination`: `hq:cancel`, `hq:refund`, `store:N`).
    units: (line, unit) pairs. epoch: the order's number at asking. settled: the hub has its answer.
    """

    ask_id: bytes
    kind: str
    order_id: bytes
    epoch: int
    holder: bytes
    destination: str
    units: tuple[tuple[int, int], ...]
    settled: bool = False


class SettingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A setting that HQ decides for this store; `value` is JSON."""

    key: str
    value: str


class DocumentRow(msgspec.Struct, frozen=True, kw_only=True):
    """Goods on their way: from a store, or from a supplier (`from_store` None), to a store.

    lines: (line, SKU, pieces). order_no: the customer's order that goes along.
    """

    document: str
    kind: Literal["transfer", "purchase"]
    to_store: int
    lines: tuple[tuple[int, str, int], ...]
    state: DocumentState
    created_ms: int
    from_store: int | None = None
    supplier: str = ""
    order_no: str | None = None


class RotatingKeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """The secret of a V3a, pushed ahead to its home store for a window (`wire.rotating`).

    sealed: empty when the store must forget the code.
    """

    lookup: bytes
    order_id: bytes
    sealed: bytes
    from_ms: int
    until_ms: int


class StockPlanRow(msgspec.Struct, frozen=True, kw_only=True):
    """What HQ wants of an article in this store. par: a full shelf; safety: pieces kept back."""

    sku: str
    par: int
    safety: int = 0


class RightGrantRow(msgspec.Struct, frozen=True, kw_only=True):
    """Rights that HQ has debited, for one incarnation to credit once by `move_id`.

    why: `moved`, or `base`: HQ's answer to a first count, `quantity` is what it holds itself.
    """

    move_id: bytes
    sku: str
    quantity: int
    holder: bytes
    why: Literal["moved", "base"] = "moved"
    settled: bool = False


class RightRecallRow(msgspec.Struct, frozen=True, kw_only=True):
    """Rights that HQ asks a store's counter for; answered once, by what it can spare."""

    move_id: bytes
    sku: str
    quantity: int
    holder: bytes
    settled: bool = False


class BudgetRow(msgspec.Struct, frozen=True, kw_only=True):
    """What this store's box may risk on other stores' orders (`wire.budgets`): off without one.

    grant and signature: a packed `Budget`, the hub's over it. ended: nothing more is spent of it.
    """

    budget_id: bytes
    holder: bytes
    grant: bytes
    signature: bytes
    not_after_ms: int
    ended: bool = False


class RecallRow(msgspec.Struct, frozen=True, kw_only=True):
    """Stop handing out: an article (`sku`), an order, or what a code fetches; answered once a box.

    until_ms: it ends by itself, None: when HQ says so. A code is named by its keyed look-up.
    """

    recall_id: bytes
    kind: Literal["sku", "order", "code"]
    reason: str
    asked_ms: int
    sku: str | None = None
    order_id: bytes | None = None
    lookup: bytes | None = None
    until_ms: int | None = None
    ended: bool = False


class PricesRow(msgspec.Struct, frozen=True, kw_only=True):
    """Prices from an instant on, many in a row (`wire.prices` packs and reads them).

    own: this store's own, before the chain's. Minor units of the chain's currency, tax included.
    """

    effective_from_ms: int
    own: bool = False
    numbered: bytes = b""
    named: tuple[tuple[str, int], ...] = ()


CatalogRow = (
    StoreRow
    | ProductRow
    | OrderRow
    | StaffRow
    | IssuerKeyRow
    | AskRow
    | SettingRow
    | DocumentRow
    | RotatingKeyRow
    | StockPlanRow
    | RightGrantRow
    | RightRecallRow
    | BudgetRow
    | RecallRow
    | PricesRow
)

ROW_TYPES: dict[str, type[CatalogRow]] = {
    "store": StoreRow,
    "product": ProductRow,
    "order": OrderRow,
    "staff": StaffRow,
    "issuer_key": IssuerKeyRow,
    "ask": AskRow,
    "setting": SettingRow,
    "document": DocumentRow,
    "rotating_key": RotatingKeyRow,
    "stock_plan": StockPlanRow,
    "right_grant": RightGrantRow,
    "right_recall": RightRecallRow,
    "budget": BudgetRow,
    "recall": RecallRow,
    "prices": PricesRow,
}
