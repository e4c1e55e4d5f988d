"""CSV in and out: articles, people and orders, one row each, with a dry run.

Every row is checked before the first one is done, and what is wrong is said by line. A row that HQ
then refuses (a number that exists) ends the file there, with how many rows before it are in.
A cell that a spreadsheet would run as a formula (`= + - @`, TAB, CR) is given out behind a `'`, and
taken in without it.
"""

import csv
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, Table, select

from sync.hub import orders, stores
from sync.hub.identity import Hub
from sync.hub.orders import NewOrder
from sync.hub.problems import Problem, invalid, missing
from sync.hub.stores import Json, NewPerson, NewProduct
from sync.hub.tables import order_line, pickup_order, product, staff

MAX_ROWS = 20_000
_RISKY = ("=", "+", "-", "@", "\t", "\r")
_SHOWN_ERRORS = 20
_PRODUCT = TypeAdapter(NewProduct)
_PERSON = TypeAdapter(NewPerson)
_ORDER = TypeAdapter(NewOrder)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """A kind of file: its columns, how a row is read, and what is done with it."""

    columns: tuple[str, ...]
    read: Callable[[dict[str, str]], object]
    do: Callable[[Hub, object], object]


def _read_product(row: dict[str, str]) -> object:
    return _PRODUCT.validate_python(row)


def _read_person(row: dict[str, str]) -> object:
    return _PERSON.validate_python(row)


def _read_order(row: dict[str, str]) -> object:
    """`lines` is `SKU*2 OTHER*1`; name and phone make the customer."""
    values: dict[str, object] = dict(row)
    wanted: list[dict[str, object]] = []
    for word in row.get("lines", "").split():
        sku, _, quantity = word.partition("*")
        wanted.append({"sku": sku, "quantity": quantity or 1})
    values["lines"] = wanted
    name, phone = values.pop("name", ""), values.pop("phone", "")
    if name or phone:
        values["customer"] = {"name": name, "phone": phone}
    return _ORDER.validate_python(values)


def _do_product(hub: Hub, new: object) -> object:
    assert isinstance(new, NewProduct)
    return stores.put_product(hub, new)


def _do_person(hub: Hub, new: object) -> object:
    assert isinstance(new, NewPerson)
    return stores.put_person(hub, new)


def _do_order(hub: Hub, new: object) -> object:
    assert isinstance(new, NewOrder)
    return orders.create(hub, new)


_KINDS = {
    "products": _Kind(
        columns=("sku", "name_zh", "name_en", "gtin", "storage", "min_grade"),
        read=_read_product,
        do=_do_product,
    ),
    "staff": _Kind(
        columns=("store", "staff_id", "name", "role", "badge", "pin", "active"),
        read=_read_person,
        do=_do_person,
    ),
    "orders": _Kind(
        columns=(
            "store",
            "order_no",
            "lines",
            "name",
            "phone",
            "hours",
            "place",
            "bags",
            "value_minor",
            "lane",
        ),
        read=_read_order,
        do=_do_order,
    ),
}


def take(hub: Hub, kind: str, text: str, *, dry_run: bool) -> Json:
    """Check every row, and unless it is a dry run or one is wrong, do them in order.

    Raises:
        Problem: 404 for a kind there is not; 422 with the first lines that are wrong.
    """
    known = _kind(kind)
    rows = _rows(text, known)
    wanted: list[object] = []
    errors: list[str] = []
    for line, row in rows:
        try:
            wanted.append(known.read(row))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "row"
            errors.append(f"line {line}: {where}: {first['msg']}")
    if errors:
        more = len(errors) - _SHOWN_ERRORS
        tail = f" … and {more} more" if more > 0 else ""
        raise invalid("; ".join(errors[:_SHOWN_ERRORS]) + tail)
    done = 0
    results: list[object] = []
    if not dry_run:
        for (line, _), each in zip(rows, wanted, strict=True):
            try:
                results.append(known.do(hub, each))
            except Problem as problem:
                raise Problem(
                    status=problem.status,
                    code=problem.code,
                    detail=f"line {line}: {problem.detail} The {done} rows before it are in.",
                    extra={"line": line, "done": done},
                ) from problem
            done += 1
    answer: Json = {"kind": kind, "rows": len(rows), "done": done, "dry_run": dry_run}
    if kind == "orders" and not dry_run:
        answer["orders"] = results
    return answer


def _kind(kind: str) -> _Kind:
    known = _KINDS.get(kind)
    if known is None:
        raise missing(f"kind of file {kind}: there are {', '.join(sorted(_KINDS))}")
    return known


def _rows(text: str, known: _Kind) -> list[tuple[int, dict[str, str]]]:
    reader = csv.DictReader(io.StringIO(text))
    unknown = [name for name in reader.fieldnames or () if name not in known.columns]
    if unknown or not reader.fieldnames:
        raise invalid(f"The first line names columns among: {', '.join(known.columns)}.")
    found: list[tuple[int, dict[str, str]]] = []
    for row in reader:
        if len(found) == MAX_ROWS:
            raise invalid(f"A file has at most {MAX_ROWS} rows.")
        if None in row or None in row.values():
            raise invalid(f"line {reader.line_num}: another number of cells than columns")
        cells = {name: _plain(cell) for name, cell in row.items() if cell != ""}
        found.append((reader.line_num, cells))
    return found


def _plain(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and cell[1:2] in _RISKY else cell


def safe(cell: object) -> str:
    """A cell that no spreadsheet runs."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_RISKY) else text


def give(hub: Hub, kind: str) -> str:
    """A file of everything of a kind; no PIN, badge, name of a customer or code is in it."""
    _kind(kind)
    with hub.database.reading() as connection:
        if kind == "products":
            return _columns(connection, product, "sku name_zh name_en gtin storage min_grade")
        if kind == "staff":
            return _columns(connection, staff, "store staff_id name role active")
        return _orders(connection)


def _columns(connection: Connection, table: Table, names: str) -> str:
    columns = [table.c[name] for name in names.split()]
    rows = connection.execute(select(*columns).order_by(*columns[:2]))
    return _file(tuple(names.split()), (tuple(row) for row in rows))


def _orders(connection: Connection) -> str:
    lines: dict[bytes, list[str]] = {}
    for row in connection.execute(
        select(order_line).order_by(order_line.c.order_id, order_line.c.line)
    ):
        lines.setdefault(row.order_id, []).append(f"{row.sku}*{row.quantity}")
    rows = [
        (
            row.home_store,
            row.order_no,
            " ".join(lines.get(row.order_id, [])),
            row.state,
            row.created_ms,
            row.not_after_ms,
        )
        for row in connection.execute(select(pickup_order).order_by(pickup_order.c.order_no))
    ]
    return _file(("store", "order_no", "lines", "state", "created_ms", "not_after_ms"), rows)


def _file(columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([safe(cell) for cell in row] for row in rows)
    return out.getvalue()
