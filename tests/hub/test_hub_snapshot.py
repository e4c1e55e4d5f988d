"""A snapshot says what reading the feed from the start says, and only the hub can make one."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import zstandard
from running_hub import Headquarters
from toy_node import STORE, Box, FileReplica, order

from edge.store import catalog as catalogs
from edge.store.catalog import Catalog
from sync.engine.actions import FetchSnapshot
from sync.engine.verify import check_manifest, start
from sync.hub import enrolment, feed, ingest, orders, ownership, stores
from sync.hub.snapshots import Snapshots
from sync.link import snapshot as fetching
from sync.wire import codec
from sync.wire.errors import RemoteWireError
from sync.wire.events import Answered
from sync.wire.feed import is_genuine_head, row_hash, sign_head
from sync.wire.messages import Cursor, EventBatch, FeedPage, Manifest, SignedManifest
from sync.wire.snapshot import open_manifest, sign_manifest

TABLES = (
    "store",
    "product",
    "pickup_order",
    "order_line",
    "code",
    "staff",
    "issuer_key",
    "ask",
    "setting",
)


def dump(path: Path) -> dict[str, list[str]]:
    with closing(sqlite3.connect(path)) as connection:
        return {
            table: sorted(map(repr, connection.execute(f"SELECT * FROM {table}")))  # noqa: S608
            for table in TABLES
        }


def read_feed(headquarters: Headquarters, scope: str) -> FeedPage:
    hub = headquarters.hub
    with hub.database.reading() as connection:
        found = feed.read(connection, start(scope), hub.generation, limit=10_000)
    assert found is not None
    assert not found.more
    return FeedPage(
        scope=scope,
        generation=hub.generation,
        rows=found.rows,
        head=found.head,
        signature=sign_head(found.head, hub.signer),
        more=False,
    )


def busy_day(headquarters: Headquarters) -> None:
    stores.put_person(
        headquarters.hub,
        stores.NewPerson(
            store=STORE, staff_id="c1", name="李", role="cashier", badge="B-1", pin="4711"
        ),
    )
    first, second, third = (order(headquarters) for _ in range(3))
    orders.extend(headquarters.hub, first.order_no, 24)
    orders.reissue(headquarters.hub, second.order_no)
    ownership.cancel(headquarters.hub, third.order_no)
    stores.put_product(
        headquarters.hub, stores.NewProduct(sku="MILK1", name_zh="鲜牛奶", name_en="Fresh milk")
    )


def unpack(packed: Path, plain: Path) -> None:
    with packed.open("rb") as source, plain.open("wb") as target:
        zstandard.ZstdDecompressor().copy_stream(source, target)


def fetched(headquarters: Headquarters, box: Box) -> tuple[Manifest, Path]:
    made = Snapshots(headquarters.hub, headquarters.folder / "made")
    manifest = open_manifest(made.newest(STORE), box.peer.hub_public)
    return manifest, made.file(STORE, manifest.sha256.hex())


def test_a_snapshot_equals_the_feed(headquarters: Headquarters, box: Box, tmp_path: Path) -> None:
    busy_day(headquarters)
    catalogs.create(tmp_path / "from-feed.db")
    followed = Catalog(tmp_path / "from-feed.db")
    for scope in box.peer.scopes:
        followed.apply(read_feed(headquarters, scope), applied_ms=1)
    cursors = list(followed.cursors())
    followed.close()
    manifest, file = fetched(headquarters, box)
    unpack(file, tmp_path / "from-snapshot.db")
    assert dump(tmp_path / "from-snapshot.db") == dump(tmp_path / "from-feed.db")
    assert list(catalogs.check(tmp_path / "from-snapshot.db")) == cursors
    assert sorted(manifest.cursors, key=lambda each: each.scope) == cursors


def test_the_feed_after_a_snapshot_begins_where_it_ends(
    headquarters: Headquarters, box: Box
) -> None:
    busy_day(headquarters)
    manifest, _ = fetched(headquarters, box)
    late = order(headquarters)
    with headquarters.hub.database.reading() as connection:
        for cursor in manifest.cursors:
            found = feed.read(connection, cursor, headquarters.hub.generation, limit=10)
            assert found is not None
            previous = cursor.row_hash
            for row in found.rows:
                previous = row_hash(previous, cursor.scope, row)
            assert previous == found.head.row_hash
            if cursor.scope != "chain":
                assert len(found.rows) == 1
                assert late.order_id in found.rows[0].body


def test_a_cursor_of_another_feed_needs_a_snapshot(headquarters: Headquarters) -> None:
    hub = headquarters.hub
    with hub.database.reading() as connection:
        here = feed.head_cursor(connection, "chain", hub.generation)
        strange = (
            Cursor(scope="chain", generation=bytes(8), seq=here.seq, row_hash=here.row_hash),
            Cursor(scope="chain", generation=b"elsewher", seq=0, row_hash=bytes(32)),
            Cursor(
                scope="chain", generation=hub.generation, seq=here.seq + 1, row_hash=here.row_hash
            ),
            Cursor(scope="chain", generation=hub.generation, seq=here.seq, row_hash=bytes(32)),
        )
        assert [feed.read(connection, each, hub.generation, limit=9) for each in strange] == [
            None
        ] * 4


def test_heads_are_signed_for_the_last_row_of_their_page(headquarters: Headquarters) -> None:
    page = read_feed(headquarters, "chain")
    public = headquarters.hub.signer.public
    assert page.head.seq == page.rows[-1].seq
    assert is_genuine_head(page.head, public, page.signature)


async def install(
    headquarters: Headquarters, manifest: Manifest, data: bytes, folder: Path
) -> FileReplica:
    class OneFile:
        async def ask(self, send: object) -> bytes:
            raise AssertionError

        async def download(self, target: str, *, offset: int, sink: object) -> None:
            assert callable(sink)
            for begin in range(offset, len(data), 1000):
                sink(data[begin : begin + 1000])

        async def ring(self, heads: object) -> bool:
            raise AssertionError

        async def personal_key(self) -> bytes:
            raise AssertionError

    replica = FileReplica(folder)
    action = FetchSnapshot(manifest=manifest, target="/v1/snapshot/x")
    await fetching.fetch(action, link=OneFile(), replica=replica, folder=folder / "parts")
    return replica


async def test_a_snapshot_with_one_changed_byte_is_thrown_away(
    headquarters: Headquarters, box: Box, tmp_path: Path
) -> None:
    manifest, file = fetched(headquarters, box)
    good = file.read_bytes()
    bad = good[:50] + bytes((good[50] ^ 1,)) + good[51:]
    with pytest.raises(RemoteWireError, match="does not hash"):
        await install(headquarters, manifest, bad, tmp_path)
    assert list((tmp_path / "parts").iterdir()) == []
    replica = await install(headquarters, manifest, good, tmp_path)
    assert len(replica.installed) == 1
    replica.close()
    assert list((tmp_path / "parts").iterdir()) == []


async def test_a_snapshot_longer_than_promised_stops_the_download(
    headquarters: Headquarters, box: Box, tmp_path: Path
) -> None:
    manifest, file = fetched(headquarters, box)
    with pytest.raises(RemoteWireError, match="longer"):
        await install(headquarters, manifest, file.read_bytes() + b"more", tmp_path)


async def test_a_snapshot_that_expands_beyond_its_size_is_thrown_away(
    headquarters: Headquarters, box: Box, tmp_path: Path
) -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(50_000_000))
    honest, _ = fetched(headquarters, box)
    manifest = Manifest(
        chain=honest.chain,
        store=honest.store,
        generation=honest.generation,
        cursors=honest.cursors,
        schema=honest.schema,
        size=len(bomb),
        plain_size=100_000,
        sha256=hashlib.sha256(bomb).digest(),
    )
    with pytest.raises(RemoteWireError, match="another size"):
        await install(headquarters, manifest, bomb, tmp_path)
    assert list((tmp_path / "parts").iterdir()) == []


def test_a_manifest_is_for_this_store_this_chain_and_never_older(
    headquarters: Headquarters, box: Box
) -> None:
    manifest, _ = fetched(headquarters, box)
    check_manifest(manifest, manifest.cursors, box.peer)
    order(headquarters)
    with headquarters.hub.database.reading() as connection:
        ahead = [
            feed.head_cursor(connection, scope, headquarters.hub.generation)
            for scope in box.peer.scopes
        ]
    with pytest.raises(RemoteWireError, match="behind"):
        check_manifest(manifest, ahead, box.peer)
    forked = [
        Cursor(scope=each.scope, generation=each.generation, seq=each.seq, row_hash=bytes(32))
        for each in manifest.cursors
    ]
    with pytest.raises(RemoteWireError, match="behind"):
        check_manifest(manifest, forked, box.peer)
    for changed in ({"store": 102}, {"chain": "other"}, {"schema": 1}, {"cursors": ()}):
        fields = {name: getattr(manifest, name) for name in manifest.__struct_fields__}
        with pytest.raises(RemoteWireError):
            check_manifest(Manifest(**{**fields, **changed}), (), box.peer)


def test_a_manifest_signed_by_another_key_is_refused(headquarters: Headquarters, box: Box) -> None:
    manifest, _ = fetched(headquarters, box)
    signed = sign_manifest(manifest, box.signer)
    with pytest.raises(RemoteWireError, match="not genuine"):
        open_manifest(signed, box.peer.hub_public)
    with pytest.raises(RemoteWireError, match="not genuine"):
        open_manifest(
            SignedManifest(manifest=b"\x80", signature=signed.signature), box.peer.hub_public
        )


def test_the_hub_keeps_two_snapshots_a_store_and_makes_one_only_when_needed(
    headquarters: Headquarters,
) -> None:
    folder = headquarters.folder / "made"
    made = Snapshots(headquarters.hub, folder)
    assert made.newest(STORE) == made.newest(STORE)
    for _ in range(3):
        order(headquarters)
        made.newest(STORE)
    assert len(list(folder.iterdir())) == 2


def test_asks_stay_in_every_snapshot_until_they_are_answered(
    headquarters: Headquarters, box: Box, tmp_path: Path
) -> None:
    ordered = order(headquarters, quantity=1)
    ownership.cancel(headquarters.hub, ordered.order_no)
    _, file = fetched(headquarters, box)
    unpack(file, tmp_path / "asked.db")
    with closing(sqlite3.connect(tmp_path / "asked.db")) as connection:
        ((ask_id, units, settled),) = connection.execute("SELECT ask_id, units, settled FROM ask")
    assert (codec.unpack(list[tuple[int, int]], units), settled) == ([(1, 1), (2, 1)], 0)
    answer = Answered(
        ask_id=ask_id,
        order_id=ordered.order_id,
        epoch=1,
        destination="hq:cancel",
        released=ordered.units((1, 1), (2, 1)),
        kept=(),
        at_ms=1,
    )
    sender = enrolment.authorised(headquarters.hub, box.peer.node, box.peer.incarnation)
    ingest.take(
        headquarters.hub,
        sender,
        EventBatch(incarnation=box.peer.incarnation, nonce=bytes(16), events=(box.event(answer),)),
    )
    _, file = fetched(headquarters, box)
    unpack(file, tmp_path / "answered.db")
    assert dump(tmp_path / "answered.db")["ask"] == []
