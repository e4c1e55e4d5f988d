"""How a catalog row is written: the statements for one row, the same on hub and node.

Each is an upsert by the row's key, so the same row twice changes nothing. An order replaces all its
lines and codes.
"""

from collections.abc import Iterator

from sync.wire.catalog import (
    AskRow,
    BudgetRow,
    CatalogRow,
    DocumentRow,
    IssuerKeyRow,
    OrderRow,
    PricesRow,
    ProductRow,
    RecallRow,
    RightGrantRow,
    RightRecallRow,
    RotatingKeyRow,
    SettingRow,
    StaffRow,
    StockPlanRow,
    StoreRow,
)
from sync.wire.codec import pack
from sync.wire.prices import prices_of

Column = str | int | bytes | None
Statement = tuple[str, tuple[Column, ...]]


def upserts(row: CatalogRow) -> Iterator[Statement]:
    """SQL and values, to be executed in order in one transaction, for `catalog.SCHEMA_SQL`."""
    match row:
        case StoreRow():
            yield _into("store", row.number, row.code, row.name_zh, row.name_en)
        case ProductRow():
            names = (row.name_zh, row.name_en)
            yield _into("product", row.sku, row.gtin, *names, row.storage, row.min_grade)
        case StaffRow():
            secrets = (row.badge, row.pin_hash)
            yield _into("staff", row.staff_id, row.name, row.role, *secrets, int(row.active))
        case IssuerKeyRow():
            yield _into("issuer_key", row.key_id, row.public, int(row.revoked))
        case AskRow():
            whose = (row.order_id, row.epoch, row.holder, row.destination)
            yield _into("ask", row.ask_id, row.kind, *whose, pack(row.units), int(row.settled))
        case SettingRow():
            yield _into("setting", row.key, row.value)
        case DocumentRow():
            way = (row.from_store, row.to_store, row.supplier, row.order_no)
            told = (row.state, row.created_ms, pack(row.lines))
            yield _into("document", row.document, row.kind, *way, *told)
        case RotatingKeyRow():
            yield "DELETE FROM rotating_key WHERE lookup = ?", (row.lookup,)
            if row.sealed:
                window = (row.from_ms, row.until_ms)
                yield _into("rotating_key", row.lookup, row.order_id, row.sealed, *window)
        case StockPlanRow():
            yield _into("stock_plan", row.sku, row.par, row.safety)
        case RightGrantRow():
            to = (row.holder, row.why, int(row.settled))
            yield _into("right_grant", row.move_id, row.sku, row.quantity, *to)
        case RightRecallRow():
            wanted = (row.quantity, row.holder, int(row.settled))
            yield _into("right_recall", row.move_id, row.sku, *wanted)
        case BudgetRow():
            signed = (row.grant, row.signature, row.not_after_ms, int(row.ended))
            yield _into("budget", row.budget_id, row.holder, *signed)
        case RecallRow():
            what = (row.kind, row.sku, row.order_id, row.lookup)
            when = (row.asked_ms, row.until_ms, int(row.ended))
            yield _into("recall", row.recall_id, *what, row.reason, *when)
        case PricesRow():
            for sku, minor in prices_of(row):
                yield _into("price", sku, int(row.own), row.effective_from_ms, minor)
        case OrderRow():
            yield from _order(row)


def _into(table: str, *values: Column) -> Statement:
    marks = ", ".join("?" * len(values))
    return f"INSERT OR REPLACE INTO {table} VALUES ({marks})", values  # noqa: S608 - our own names


def _order(row: OrderRow) -> Iterator[Statement]:
    yield "DELETE FROM order_line WHERE order_id = ?", (row.order_id,)
    yield "DELETE FROM code WHERE order_id = ?", (row.order_id,)
    yield "DELETE FROM order_away WHERE order_id = ?", (row.order_id,)
    yield _into(
        "pickup_order",
        row.order_id,
        row.order_no,
        row.home_store,
        row.holder,
        row.epoch,
        row.state,
        row.not_after_ms,
        row.last_not_after_ms,
        row.lane,
        int(row.ready),
        row.place,
        row.bags,
        row.value_minor,
        row.currency,
        row.min_grade,
        row.sealed,
        row.phone_tail,
        row.placed_ms,
        row.on_short,
        len(row.away),
    )
    for away_line, unit in row.away:
        yield _into("order_away", row.order_id, away_line, unit)
    for line in row.lines:
        goods = (line.sku, line.quantity, line.bundle_of, line.unit_minor)
        yield _into("order_line", row.order_id, line.line, *goods)
    for code in row.codes:
        worth = (code.kind, code.grade, code.epoch, code.not_after_ms)
        yield _into("code", code.lookup, row.order_id, *worth, code.pin, code.state, code.tries)
