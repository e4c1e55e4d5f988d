"""The catalog: rows with their cursor, swapped between batches, under a name never used before."""

import asyncio
import os
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import made_shop
import pytest
from made_shop import HUB, SHOP_ROWS, STORE, MadeShop, cursor_of, order_row, page, unread

from edge.flow.answers import ScanAnswer
from edge.flow.receive import catalog_path
from edge.flow.scan import ScanAsk, scan
from edge.store import catalog as catalogs
from edge.store.catalog import Catalog
from edge.store.errors import Corrupt, Unanswered
from edge.store.ledger import Ledger
from sync.wire import codec
from sync.wire.catalog import (
    SCHEMA_VERSION,
    AskRow,
    CatalogRow,
    OrderRow,
    ProductRow,
    SettingRow,
    StaffRow,
)
from sync.wire.errors import RemoteWireError
from sync.wire.messages import Cursor, FeedPage, FeedRow, Manifest

HOLDER = b"holder-1"
MILK = ProductRow(sku="MILK1", gtin="06901234567892", name_zh="牛奶", name_en="Milk")
TOMORROW_MS = 1_790_000_000_000 + 24 * 3_600_000

ONE_OF_EACH: tuple[CatalogRow, ...] = (
    *SHOP_ROWS,
    StaffRow(staff_id="c1", name="小李", role="cashier", badge=None, pin_hash=None),
    SettingRow(key="anything", value="1"),
    order_row(1, holder=HOLDER, not_after_ms=TOMORROW_MS, pin="271828", quantity=3),
    AskRow(
        ask_id=bytes(16),
        kind="release",
        order_id=made_shop.order_id(1),
        epoch=1,
        holder=HOLDER,
        destination="hq:cancel",
        units=((1, 1), (1, 2)),
    ),
)


def dump(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "catalog-1.db"
    catalogs.create(path)
    return path


def test_a_new_catalog_passes_its_own_check_and_is_durable(path: Path) -> None:
    assert catalogs.check(path) == ()
    catalog = Catalog(path)
    synchronous = catalog._connection.execute("PRAGMA synchronous").fetchone()
    assert synchronous == (2,)
    catalog.close()


def test_a_page_brings_every_kind_of_row_with_its_cursor(path: Path) -> None:
    catalog = Catalog(path)
    sent = page(unread(), ONE_OF_EACH)
    assert catalog.apply(sent, applied_ms=7) == ()
    assert catalog.cursors() == [sent.head]
    catalog.close()
    assert catalogs.check(path) == (sent.head,)


def test_the_same_page_twice_changes_nothing(path: Path) -> None:
    catalog = Catalog(path)
    sent = page(unread(), ONE_OF_EACH)
    catalog.apply(sent, applied_ms=7)
    before = dump(path)
    catalog.apply(sent, applied_ms=7)
    assert dump(path) == before
    catalog.close()


def test_an_order_row_replaces_its_lines_and_codes(path: Path) -> None:
    catalog = Catalog(path)
    row = order_row(1, holder=HOLDER, not_after_ms=TOMORROW_MS, pin="271828")
    catalog.apply(page(unread(), [row]), applied_ms=1)
    changed = order_row(1, holder=HOLDER, not_after_ms=TOMORROW_MS, epoch=2, quantity=2)
    catalog.apply(page(cursor_of(catalog), [changed]), applied_ms=2)
    catalog.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT kind, epoch FROM code").fetchall() == [("v1", 2)]
        assert connection.execute("SELECT quantity FROM order_line").fetchall() == [(2,)]


def raw_page(*rows: FeedRow) -> FeedPage:
    """A page of rows as they are, whatever is in them."""
    head = Cursor(
        scope="chain", generation=made_shop.GENERATION, seq=rows[-1].seq, row_hash=bytes(32)
    )
    return FeedPage(
        scope="chain",
        generation=made_shop.GENERATION,
        rows=rows,
        head=head,
        signature=b"",
        more=False,
    )


def marks(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT key FROM setting ORDER BY key")]


def good_row(seq: int, row: CatalogRow) -> FeedRow:
    [change] = page(unread(), [row]).rows
    return FeedRow(seq=seq, kind=change.kind, body=change.body)


@pytest.mark.parametrize(
    "bad",
    [
        FeedRow(seq=2, kind="ask", body=b"\xc1"),
        FeedRow(seq=2, kind="ask", body=b""),
        FeedRow(seq=2, kind="order", body=codec.pack({"order_id": 7})),
        good_row(2, order_row(2, holder=HOLDER, not_after_ms=1, quantity=0)),
        FeedRow(seq=2, kind="hologram", body=b"\x80"),
    ],
    ids=["no-message-pack", "empty", "other-shape", "breaks-a-constraint", "unknown-kind"],
)
def test_a_bad_row_leaves_a_mark_and_nothing_else_and_stops_nobody(
    path: Path, bad: FeedRow
) -> None:
    catalog = Catalog(path)
    sent = raw_page(good_row(1, MILK), bad, good_row(3, SHOP_ROWS[0]))
    assert catalog.apply(sent, applied_ms=1) == (bad,)
    assert catalog.cursors() == [sent.head]
    catalog.close()
    assert marks(path) == [f"not_understood:{bad.kind}"]
    with closing(sqlite3.connect(path)) as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608
            for table in ("product", "store", "pickup_order", "order_line", "code")
        ]
    assert counts == [1, 1, 0, 0, 0]


def test_an_article_that_cannot_be_read_is_told_and_leaves_no_mark(path: Path) -> None:
    catalog = Catalog(path)
    bad = FeedRow(seq=1, kind="product", body=b"\xc1")
    assert catalog.apply(raw_page(bad), applied_ms=1) == (bad,)
    catalog.close()
    assert marks(path) == []


def test_an_unknown_kind_that_need_not_be_understood_leaves_no_mark(path: Path) -> None:
    catalog = Catalog(path)
    hint = FeedRow(seq=1, kind="hologram", body=b"\x80", must_understand=False)
    catalog.apply(raw_page(hint), applied_ms=1)
    assert [cursor.seq for cursor in catalog.cursors()] == [1]
    catalog.close()
    assert marks(path) == []


def test_a_kill_at_any_statement_of_a_page_keeps_rows_and_cursor_together(
    tmp_path: Path,
) -> None:
    rows: list[CatalogRow] = [MILK, order_row(1, holder=HOLDER, not_after_ms=1, pin="271828")]
    path = tmp_path / "catalog-1.db"
    catalogs.create(path)
    counting = Catalog(path)
    statements: list[str] = []
    counting._connection.set_trace_callback(statements.append)
    counting.apply(page(unread(), rows), applied_ms=1)
    counting.close()
    assert len(statements) > 8
    path = tmp_path / "catalog-2.db"
    catalogs.create(path)
    before = dump(path)
    for at in range(len(statements)):
        child = os.fork()
        if child == 0:
            catalog = Catalog(path)
            left = [at]

            def count(_: str, left: list[int] = left) -> None:
                left[0] -= 1
                if left[0] < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            catalog._connection.set_trace_callback(count)
            catalog.apply(page(unread(), rows), applied_ms=1)
            os._exit(0)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
        assert dump(path) == before, statements[at]
    catalog = Catalog(path)
    catalog.apply(page(unread(), rows), applied_ms=1)
    catalog.close()
    assert dump(path) == dump(tmp_path / "catalog-1.db")


# ------------------------------------------------------------------ looking before taking over


def plain_snapshot(path: Path, *rows: CatalogRow) -> Path:
    """A snapshot as the hub sends it: one file, no -wal."""
    catalogs.create(path)
    catalog = Catalog(path)
    catalog.apply(page(unread(), rows or SHOP_ROWS), applied_ms=1)
    catalog.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    return path


@pytest.mark.parametrize(
    "change",
    [
        "CREATE TABLE extra (x)",
        "DROP TABLE staff",
        "CREATE TRIGGER t AFTER INSERT ON setting BEGIN DELETE FROM pickup_order; END",
        "CREATE VIEW v AS SELECT 1",
        "DROP INDEX code_order",
        "ALTER TABLE setting ADD COLUMN note TEXT",
    ],
)
def test_check_refuses_another_schema(tmp_path: Path, change: str) -> None:
    file = plain_snapshot(tmp_path / "offered.db")
    assert len(catalogs.check(file)) == 1
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(change)
    with pytest.raises(RemoteWireError, match="schema"):
        catalogs.check(file)


def test_check_refuses_every_damaged_page_header_and_half_a_file(tmp_path: Path) -> None:
    file = plain_snapshot(tmp_path / "offered.db")
    data = file.read_bytes()
    for number in range(len(data) // 4096):
        damaged = bytearray(data)
        start = number * 4096 + (100 if number == 0 else 0)
        for at in range(start, start + 8):
            damaged[at] ^= 0xFF
        file.write_bytes(damaged)
        with pytest.raises(RemoteWireError):
            catalogs.check(file)
    file.write_bytes(data[: len(data) // 2])
    with pytest.raises(RemoteWireError):
        catalogs.check(file)
    file.write_bytes(b"not a database" * 1000)
    with pytest.raises(RemoteWireError):
        catalogs.check(file)


def test_check_changes_nothing_and_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    file = plain_snapshot(tmp_path / "offered.db")
    before = file.read_bytes()
    catalogs.check(file)
    assert file.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["offered.db"]


def test_a_damaged_catalog_is_corrupt(path: Path) -> None:
    data = bytearray(path.read_bytes())
    for at in range(4096, 4104):
        data[at] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(Corrupt):
        Catalog(path)


def test_a_name_is_never_used_twice(path: Path) -> None:
    with pytest.raises(AssertionError, match="never used twice"):
        catalogs.create(path)


# ------------------------------------------------------------------ the trap of a left-over -wal


def killed_while_open(path: Path, *rows: CatalogRow) -> None:
    """A process writes to the catalog and is killed: its -wal stays."""
    child = os.fork()
    if child == 0:
        catalog = Catalog(path)
        catalog.apply(page(cursor_of(catalog), rows), applied_ms=1)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert Path(f"{path}-wal").stat().st_size > 0


def product_name(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        name: str = connection.execute("SELECT name_en FROM product").fetchone()[0]
        check = connection.execute("PRAGMA quick_check").fetchone()
    assert check == ("ok",)
    return name


def test_a_snapshot_put_under_an_old_name_would_serve_old_rows_and_be_called_sound(
    path: Path, tmp_path: Path
) -> None:
    """Why the number is never used twice (attacks 12); if SQLite ever changes, this says so."""
    old = ProductRow(sku="MILK1", gtin=None, name_zh="旧", name_en="old")
    new = ProductRow(sku="MILK1", gtin=None, name_zh="新", name_en="new")
    killed_while_open(path, old)
    snapshot = plain_snapshot(tmp_path / "offered.db", new)
    assert product_name(snapshot) == "new"
    shutil.copy(snapshot, path)
    assert product_name(path) == "old"


def manifest(cursors: tuple[Cursor, ...]) -> Manifest:
    return Manifest(
        chain="c" * 16,
        store=STORE,
        generation=made_shop.GENERATION,
        cursors=cursors,
        schema=SCHEMA_VERSION,
        size=1,
        plain_size=1,
        sha256=bytes(32),
    )


async def install(made: MadeShop, file: Path) -> None:
    await made.replica.install(file, manifest(catalogs.check(file)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made_shop.prepare(tmp_path / "data", orders=3)
    return tmp_path / "data"


async def state_of(made: MadeShop, number: int) -> str:
    answer = await scan(made.shop, made.caller(), ScanAsk(text=made_shop.v1(number)))
    assert isinstance(answer, ScanAnswer)
    return answer.state or answer.reason.code


def newer_order(made: MadeShop, number: int) -> OrderRow:
    holder = made.shop.identity.incarnation
    return order_row(number, holder=holder, not_after_ms=TOMORROW_MS, quantity=2)


def catalogs_in(folder: Path) -> set[str]:
    return {each.name for each in folder.glob("catalog-*.db")}


async def test_the_same_snapshot_twice_beside_left_over_wals_is_read_as_it_was_sent(
    folder: Path, tmp_path: Path
) -> None:
    offered = tmp_path / "offered.db"
    async with made_shop.open_shop(folder) as made:
        holder = made.shop.identity.incarnation
        rows = [order_row(n, holder=holder, not_after_ms=TOMORROW_MS) for n in range(1, 10)]
        plain_snapshot(offered, *SHOP_ROWS, *rows)
        keep = tmp_path / "keep.db"
        for _ in range(3):
            shutil.copy(offered, keep)
            await install(made, keep)
        assert catalogs_in(folder) == {"catalog-4.db"}
        assert await state_of(made, 9) == "handed"
    async with made_shop.open_shop(folder, run="run-2") as made:
        assert made.catalog.path == catalog_path(folder, 4)
        assert await state_of(made, 8) == "handed"


async def test_a_number_taken_by_a_process_that_died_is_not_taken_again(
    folder: Path, tmp_path: Path
) -> None:
    """It died between the snapshot's rename and the pointer: its file and -wal are left behind."""
    async with made_shop.open_shop(folder) as made:
        await made.shop.writer.do(lambda tx: tx.one("catalog_number_take"), made.shop.moment())
    left = catalog_path(folder, 2)
    catalogs.create(left)
    killed_while_open(left, *SHOP_ROWS)
    async with made_shop.open_shop(folder, run="run-2") as made:
        assert made.catalog.path == catalog_path(folder, 1)
        holder = made.shop.identity.incarnation
        rows = [order_row(n, holder=holder, not_after_ms=TOMORROW_MS) for n in range(1, 6)]
        await install(made, plain_snapshot(tmp_path / "offered.db", *SHOP_ROWS, *rows))
        assert catalog_path(folder, 3).exists()
        assert await state_of(made, 5) == "handed"


async def test_numbers_rise_even_when_the_unit_behind_them_throws(folder: Path) -> None:
    taken: list[object] = []

    async with made_shop.open_shop(folder) as made:
        for _ in range(3):
            row = await made.shop.writer.do(
                lambda tx: tx.one("catalog_number_take"), made.shop.moment()
            )
            assert row is not None
            taken.append(row[0])
    assert taken == [2, 3, 4]


# ------------------------------------------------------------------ the swap


async def test_scans_around_a_swap_read_one_catalog_or_the_other(
    folder: Path, tmp_path: Path
) -> None:
    async with made_shop.open_shop(folder) as made:
        holder = made.shop.identity.incarnation
        rows = [order_row(n, holder=holder, not_after_ms=TOMORROW_MS) for n in range(1, 200)]
        file = plain_snapshot(tmp_path / "offered.db", *SHOP_ROWS, *rows)
        swapping = asyncio.create_task(install(made, file))
        seen: list[str] = []
        for number in range(4, 200):
            seen.append(await state_of(made, number))
            await asyncio.sleep(0)
        await swapping
        unknown = "no_such_code_offline"  # nobody here ever spoke to HQ
        assert set(seen) <= {unknown, "handed"}
        first = seen.index("handed")
        assert unknown not in seen[first:]
        assert await state_of(made, 1) == "handed"
        assert made.fatal == []


async def test_a_swap_does_not_forget_what_was_handed_over(folder: Path, tmp_path: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        assert await state_of(made, 1) == "handed"
        holder = made.shop.identity.incarnation
        rows = [order_row(n, holder=holder, not_after_ms=TOMORROW_MS) for n in (1, 2, 50, 51)]
        await install(made, plain_snapshot(tmp_path / "offered.db", *SHOP_ROWS, *rows))
        made.shop.station("till1").seen.clear()
        assert await state_of(made, 1) == "just_now"
        assert await state_of(made, 2) == "handed"


async def test_rows_fed_after_a_swap_are_read_from_the_new_file(
    folder: Path, tmp_path: Path
) -> None:
    async with made_shop.open_shop(folder) as made:
        file = plain_snapshot(tmp_path / "offered.db", *SHOP_ROWS, *SHOP_ROWS)
        await install(made, file)
        assert await state_of(made, 77) == "no_such_code_offline"
        made.shop.station("till1").seen.clear()
        holder = made.shop.identity.incarnation
        after = (await made.replica.cursors())[0]
        row = order_row(77, holder=holder, not_after_ms=TOMORROW_MS)
        await made.replica.apply(page(after, [row], signer=HUB))
        assert await state_of(made, 77) == "handed"


async def test_a_snapshot_behind_what_was_applied_is_refused(folder: Path, tmp_path: Path) -> None:
    async with made_shop.open_shop(folder) as made:
        file = plain_snapshot(tmp_path / "offered.db", MILK)
        with pytest.raises(RemoteWireError, match="behind"):
            await install(made, file)
        assert await state_of(made, 1) == "handed"


async def test_a_catalog_that_cannot_be_attached_ends_the_process(folder: Path) -> None:
    async with made_shop.open_shop(folder) as made:

        def swap(ledger: Ledger) -> None:
            ledger.attach_catalog(folder / "nowhere" / "catalog-9.db")

        with pytest.raises(Unanswered, match="between batches"):
            await made.shop.writer.between(swap)
    assert len(made.fatal) == 1


def test_the_ledger_cannot_write_into_the_catalog(ledger: Ledger, path: Path) -> None:
    catalog = Catalog(path)
    ledger.attach_catalog(path)
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        ledger.connection.execute("INSERT INTO cat.setting VALUES ('a', 'b')")
    catalog.close()


def test_a_catalog_is_not_swapped_inside_a_transaction(ledger: Ledger, path: Path) -> None:
    ledger.connection.execute("BEGIN")
    with pytest.raises(AssertionError, match="between batches"):
        ledger.attach_catalog(path)
    ledger.connection.execute("ROLLBACK")
