"""Prices: said at HQ, packed into feed rows, read out of a store's catalog."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from running_hub import NOON_MS, Headquarters, open_headquarters
from toy_node import STORE, open_store, stock_up

from sync.hub import prices, stores
from sync.hub.prices import NewPrices
from sync.hub.problems import Problem
from sync.hub.snapshots import Snapshots
from sync.hub.stores import NewProduct
from sync.wire import codec
from sync.wire.catalog import PricesRow
from sync.wire.errors import RemoteWireError
from sync.wire.prices import prices_of, prices_row
from sync.wire.snapshot import open_manifest


@pytest.fixture
def headquarters(tmp_path: Path) -> Headquarters:
    made = open_headquarters(tmp_path)
    stock_up(made)
    open_store(made, STORE)
    return made


def in_catalog(headquarters: Headquarters) -> list[tuple[object, ...]]:
    """Every price in a snapshot for the store: (SKU, own, from when, minor)."""
    made = Snapshots(headquarters.hub, headquarters.folder / "snapshots")
    manifest = open_manifest(made.newest(STORE), headquarters.hub.signer.public)
    packed = made.file(STORE, manifest.sha256.hex()).read_bytes()
    file = headquarters.folder / "catalog.db"
    file.write_bytes(codec.expand(packed, max_bytes=manifest.plain_size))
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT * FROM price ORDER BY 1, 2, 3").fetchall()


def test_a_price_is_the_chains_or_a_stores_own_from_an_instant_on(
    headquarters: Headquarters,
) -> None:
    hub = headquarters.hub
    prices.put(hub, NewPrices(prices={"MILK1": 1280, "CUP": 0}), by="hq")
    prices.put(hub, NewPrices(prices={"MILK1": 1180}, store=STORE, effective_from_ms=7), by="hq")
    assert in_catalog(headquarters) == [
        ("CUP", 0, NOON_MS, 0),
        ("MILK1", 0, NOON_MS, 1280),
        ("MILK1", 1, 7, 1180),
    ]


def test_the_last_word_for_an_instant_counts_also_when_it_was_said_before(
    headquarters: Headquarters,
) -> None:
    for minor in (1280, 1180, 1280):
        prices.put(headquarters.hub, NewPrices(prices={"MILK1": minor}), by="hq")
    assert in_catalog(headquarters) == [("MILK1", 0, NOON_MS, 1280)]


def test_articles_and_stores_that_there_are_not_have_no_price(headquarters: Headquarters) -> None:
    hub = headquarters.hub
    with pytest.raises(Problem, match="NOTHING"):
        prices.put(hub, NewPrices(prices={"MILK1": 1, "NOTHING": 1}), by="hq")
    with pytest.raises(Problem):
        prices.put(hub, NewPrices(prices={"MILK1": 1}, store=999), by="hq")
    assert in_catalog(headquarters) == []


def test_every_sku_comes_back_as_it_was_written() -> None:
    said = {"0": 1, "7": 2, "07": 3, "12345678": 0, "MILK": 10**12, "²": 5, "１２": 6, "128": 127}
    row = prices_row(said, effective_from_ms=1, own=False)
    assert dict(prices_of(codec.unpack(PricesRow, codec.pack(row)))) == said
    assert {sku for sku, _ in row.named} == {"0", "07", "MILK", "²", "１２"}


@pytest.mark.parametrize("numbered", [b"\x05", b"\x05\x80", b"\x80" * 9 + b"\x01\x01"])
def test_numbers_that_are_none_are_refused(numbered: bytes) -> None:
    with pytest.raises(RemoteWireError):
        list(prices_of(PricesRow(effective_from_ms=1, numbered=numbered)))


def test_a_hundred_prices_of_numbered_articles_take_five_bytes_each() -> None:
    said = {str(1_000_000 + 90_000 * each): 1_999 + each for each in range(100)}
    assert len(codec.pack(prices_row(said, effective_from_ms=1, own=False))) < 600


def test_an_article_can_be_written_down_after_its_namesake(headquarters: Headquarters) -> None:
    stores.put_product(headquarters.hub, NewProduct(sku="100", name_zh="甲", name_en="A"))
    prices.put(headquarters.hub, NewPrices(prices={"100": 5}), by="hq")
    assert in_catalog(headquarters) == [("100", 0, NOON_MS, 5)]
