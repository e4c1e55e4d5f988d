"""Rotating codes at the hub: issued, pushed ahead, moved, forgotten; and the customer's page."""

import json
import re
import sqlite3
from contextlib import closing
from typing import Any

import httpx
import zstandard
from running_hub import Headquarters, RunningHub
from sqlalchemy import select
from toy_node import STORE, Box, enrol_box, open_store

from sync.hub import feed, orders, ownership, rotating
from sync.hub.orders import NewLine, NewOrder
from sync.hub.snapshots import Snapshots
from sync.hub.stores import store_row
from sync.hub.tables import feed as feed_table
from sync.rules import crockford
from sync.wire import codec
from sync.wire.catalog import RotatingKeyRow
from sync.wire.credential import code_lookup, rotating_lookup
from sync.wire.messages import Manifest
from sync.wire.rotating import open_secret, parse_rotating, rotating_text
from sync.wire.token import CODE_ID_BYTES

HOUR_MS = 3_600_000
OTHER = 102


def new(headquarters: Headquarters, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - an order's JSON
    order = NewOrder(store=STORE, lines=(NewLine(sku="MILK1"),), **{"rotating": True, **more})
    return orders.create(headquarters.hub, order)


def anew(headquarters: Headquarters, made: dict[str, Any]) -> dict[str, Any]:
    return orders.reissue(headquarters.hub, made["order_no"])


def keys(headquarters: Headquarters, store: int = STORE) -> list[RotatingKeyRow]:
    """Every row of keys in a store's feed, oldest first."""
    with headquarters.hub.database.reading() as connection:
        rows = connection.execute(
            select(feed_table.c.body)
            .where(
                feed_table.c.scope == feed.store_scope(store), feed_table.c.kind == "rotating_key"
            )
            .order_by(feed_table.c.seq)
        ).scalars()
        return [codec.unpack(RotatingKeyRow, body) for body in rows]


def k_store(headquarters: Headquarters, store: int = STORE) -> bytes:
    with headquarters.hub.database.reading() as connection:
        key: bytes = store_row(connection, store).k_store
        return key


def code_id(told: dict[str, Any]) -> bytes:
    return crockford.decode(told["code"][:-1]).to_bytes(CODE_ID_BYTES, "big")


def test_a_rotating_order_tells_its_secret_once_and_pushes_it_sealed(
    headquarters: Headquarters, box: Box
) -> None:
    made = new(headquarters, hours=48)
    told = made["codes"]["rotating"]
    [row] = keys(headquarters)
    assert row.lookup == rotating_lookup(box.k_store, code_id(told))
    assert row.lookup != code_lookup(box.k_store, code_id(told)), "typed as a V1 it finds nothing"
    opened = open_secret(
        box.k_store, row.sealed, lookup=row.lookup, from_ms=row.from_ms, until_ms=row.until_ms
    )
    assert opened.hex() == told["secret"]
    assert (row.from_ms, row.until_ms) == (headquarters.clock.now_ms(), made["not_after_ms"])
    assert opened not in codec.pack(row)
    grades = {each["kind"]: each["grade"] for each in made["issued"]}
    assert grades["v3"] == 3
    assert "secret" not in json.dumps(orders.show(headquarters.hub, made["order_no"]))


def test_a_wallet_draws_what_a_counter_reads(headquarters: Headquarters) -> None:
    told = new(headquarters)["codes"]["rotating"]
    wallet = told["wallet"]
    [parameter] = wallet["totpDetails"]["parameters"]
    assert wallet["totpDetails"]["algorithm"] == "TOTP_SHA1"
    assert int(wallet["totpDetails"]["periodMillis"]) == told["period_s"] * 1000
    assert parameter["valueLength"] == told["digits"]
    at_s = 1_790_000_017  # in the middle of a step, as a wallet writes it
    secret = bytes.fromhex(parameter["key"])
    digits = rotating_text(code_id(told), secret, at_s)[-8:]
    drawn = (
        wallet["valuePattern"]
        .replace("{totp_timestamp_seconds}", str(at_s))
        .replace("{totp_value_0}", digits)
    )
    read = parse_rotating(drawn)
    assert read.is_genuine(secret)
    assert read.step == at_s // 30


def test_orders_that_take_nothing_weaker_rotate_unasked(headquarters: Headquarters) -> None:
    assert new(headquarters, rotating=False)["codes"]["rotating"] is None
    assert new(headquarters, rotating=False, min_grade=3)["codes"]["rotating"] is not None


def test_a_long_order_has_its_key_pushed_window_by_window(headquarters: Headquarters) -> None:
    hub, clock = headquarters.hub, headquarters.clock
    made = new(headquarters, hours=24 * 10)
    [first] = keys(headquarters)
    assert first.until_ms == clock.now_ms() + (48 + 72) * HOUR_MS
    clock.advance(47 * HOUR_MS)
    assert rotating.keep(hub) == 0, "the line may be down for 72 h yet"
    clock.advance(2 * HOUR_MS)
    assert rotating.keep(hub) == 1
    assert rotating.keep(hub) == 0
    second = keys(headquarters)[-1]
    assert second.lookup == first.lookup
    assert second.until_ms == clock.now_ms() + 120 * HOUR_MS
    clock.advance(119 * HOUR_MS)
    assert rotating.keep(hub) == 1
    assert keys(headquarters)[-1].until_ms == made["not_after_ms"], "never past the code's time"
    clock.advance(100 * HOUR_MS)
    assert rotating.keep(hub) == 1
    assert keys(headquarters)[-1].sealed == b"", "and forgotten when it is over"
    assert rotating.keep(hub) == 0


def test_an_extended_order_has_its_key_pushed_on(headquarters: Headquarters) -> None:
    made = new(headquarters, hours=1)
    longer = orders.extend(headquarters.hub, made["order_no"], 24)
    assert keys(headquarters)[-1].until_ms == longer["not_after_ms"]
    assert len({row.lookup for row in keys(headquarters)}) == 1, "the phone's code goes on"


def test_a_code_issued_anew_rotates_and_the_old_secret_is_forgotten(
    headquarters: Headquarters,
) -> None:
    made = new(headquarters)
    again = anew(headquarters, made)
    assert again["codes"]["rotating"]["secret"] != made["codes"]["rotating"]["secret"]
    before, *after = keys(headquarters)
    [gone] = [row for row in after if not row.sealed]
    assert gone.lookup == before.lookup


def test_a_cancelled_order_s_secret_is_forgotten(headquarters: Headquarters) -> None:
    made = new(headquarters)  # no box yet: the cancel is done at once
    ownership.cancel(headquarters.hub, made["order_no"])
    assert rotating.keep(headquarters.hub) == 1
    assert keys(headquarters)[-1].sealed == b""


def test_a_moved_code_is_sealed_for_the_other_store_and_forgotten_here(
    headquarters: Headquarters,
) -> None:
    hub = headquarters.hub
    open_store(headquarters, OTHER)
    made = new(headquarters)
    told = made["codes"]["rotating"]
    for to_store, store in ((OTHER, OTHER), (STORE, STORE)):
        with hub.database.writing() as connection:
            rotating.rekey(
                connection,
                bytes.fromhex(made["order_id"]),
                to_store,
                epoch=2,
                now_ms=headquarters.clock.now_ms(),
            )
        row = keys(headquarters, store)[-1]
        key = k_store(headquarters, store)
        assert row.lookup == rotating_lookup(key, code_id(told))
        opened = open_secret(
            key, row.sealed, lookup=row.lookup, from_ms=row.from_ms, until_ms=row.until_ms
        )
        assert opened.hex() == told["secret"], "the phone's code goes on"
        left = STORE if store == OTHER else OTHER
        assert keys(headquarters, left)[-1].sealed == b""


def test_a_snapshot_holds_live_keys_only(headquarters: Headquarters, box: Box) -> None:
    live, late = new(headquarters, hours=100), new(headquarters, hours=1)
    headquarters.clock.advance(2 * HOUR_MS)
    rotating.keep(headquarters.hub)
    snapshots = Snapshots(headquarters.hub, headquarters.folder / "snapshots")
    signed = snapshots.newest(STORE)
    manifest = codec.unpack(Manifest, signed.manifest)
    packed = snapshots.file(STORE, manifest.sha256.hex()).read_bytes()
    plain = headquarters.folder / "plain.db"
    plain.write_bytes(zstandard.decompress(packed, max_output_size=manifest.plain_size))
    with closing(sqlite3.connect(plain)) as connection:
        found = connection.execute("SELECT order_id FROM rotating_key").fetchall()
    assert found == [(bytes.fromhex(live["order_id"]),)]
    assert bytes.fromhex(late["codes"]["rotating"]["secret"]) not in plain.read_bytes()
    assert bytes.fromhex(live["codes"]["rotating"]["secret"]) not in plain.read_bytes()


# ------------------------------------------------------------------ the customer's page


def get(running: RunningHub, path: str, **headers: str) -> httpx.Response:
    with running.admin() as client:
        client.headers.pop("authorization")
        return client.get(path, headers=headers)


def test_the_page_needs_no_token_but_its_own_and_names_nobody(running: RunningHub) -> None:
    headquarters = running.headquarters
    enrol_box(headquarters)
    customer = orders.Customer(name="王小明", phone="13800001234")
    made = new(headquarters, customer=customer)
    page = get(running, made["customer_page"])
    assert page.status_code == 200
    assert made["codes"]["rotating"]["secret"] in page.text
    assert made["order_no"][-4:] in page.text
    assert made["order_no"] not in page.text
    for private in ("王", "13800001234", "1234<", made["codes"]["v1"], made["order_id"]):
        assert private not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "可以取货" in page.text
    assert "Ready to collect" in get(running, made["customer_page"] + "?lang=en").text
    english = get(running, made["customer_page"], **{"accept-language": "en-GB,en"})
    assert "Ready to collect" in english.text


def test_a_wrong_address_is_no_page(running: RunningHub) -> None:
    made = new(running.headquarters)
    address = made["customer_page"]
    other = address[:-1] + ("A" if address[-1] != "A" else "B")
    for wrong in (other, "/pickup/x", "/pickup/" + "é" * 22, address + "A"):
        assert get(running, wrong).status_code == 404
        assert get(running, wrong + "/state").status_code == 404
    assert get(running, "/pickup/files/0000000000000000/page.js").status_code == 404


def test_issued_anew_the_old_address_is_void(running: RunningHub) -> None:
    made = new(running.headquarters)
    again = anew(running.headquarters, made)
    assert get(running, made["customer_page"]).status_code == 404
    assert again["codes"]["rotating"]["secret"] in get(running, again["customer_page"]).text


def test_a_plain_order_s_page_shows_the_signed_code(running: RunningHub) -> None:
    headquarters = running.headquarters
    made = new(headquarters, rotating=False)
    page = get(running, made["customer_page"]).text
    assert "<svg" not in page, "no box yet: nothing can be signed"
    enrol_box(headquarters)
    made = new(headquarters, rotating=False)
    page = get(running, made["customer_page"]).text
    assert page.count("<svg") == 2
    assert "data-secret" not in page
    state = get(running, made["customer_page"] + "/state").json()
    assert state["shape"] == "signed"


def test_what_is_over_shows_no_code(running: RunningHub) -> None:
    headquarters = running.headquarters
    enrol_box(headquarters)
    made = new(headquarters, hours=1)
    state = get(running, made["customer_page"] + "/state").json()
    assert (state["status"], state["shape"]) == ("ready", made["codes"]["rotating"]["code"])
    headquarters.clock.advance(2 * HOUR_MS)
    page = get(running, made["customer_page"]).text
    assert "已超过取货时间" in page
    assert "data-secret" not in page
    assert not re.search(r"<svg|data-code", page)
