"""`snapshot`: a catalog of 200,000 articles, as headquarters packs it and as a box takes it over.

`snapshot`: bytes of the compressed file. `snapshot-apply`: from the whole file to a verified
catalog in its place, by the box's own steps (hash, bounded decompression, fsync, check of the
file and its schema, move, open); the floor decompresses, syncs and runs `quick_check` on the same
file, in turn.
"""

import asyncio
import os
import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import zstandard

from edge.lab.bench.figures import machine, median
from edge.lab.bench.hq import begin, put_boxes, put_products
from edge.lab.bench.plan import Plan
from edge.lab.bench.rows import Row, judged
from edge.store import catalog as catalogs
from edge.store.catalog import Catalog
from sync.engine.actions import FetchSnapshot, Send
from sync.hub.snapshots import Snapshots
from sync.link.snapshot import fetch
from sync.wire.catalog import ProductRow
from sync.wire.messages import Cursor, FeedPage, Manifest
from sync.wire.snapshot import open_manifest

_CHUNK = 10_000
_MAKES = (
    "金龙",
    "蒙牛",
    "光明",
    "三元",
    "农夫",
    "统一",
    "康师傅",
    "百草",
    "良品",
    "海天",
    "李锦记",
)
_GOODS = (
    "牛奶",
    "酸奶",
    "面包",
    "饼干",
    "酱油",
    "大米",
    "纯净水",
    "绿茶",
    "洗发水",
    "纸巾",
    "牙膏",
)
_KINDS = ("原味", "草莓", "无糖", "低脂", "家庭装", "礼盒", "经典", "香辣", "清香", "儿童")
_MAKES_EN = ("Jinlong", "Mengniu", "Guangming", "Sanyuan", "Nongfu", "Tongyi", "Haitian")
_GOODS_EN = ("milk", "yoghurt", "bread", "biscuits", "soy sauce", "rice", "water", "green tea")


def articles(count: int) -> list[ProductRow]:
    """So many articles: six-digit SKUs as they are given out, GTINs of some hundred makers."""
    dice = random.Random(7)  # noqa: S311 - the same articles each time
    makers = [dice.randrange(690_0000, 699_9999) for _ in range(400)]
    rows: list[ProductRow] = []
    for number in range(count):
        maker, size = dice.choice(makers), dice.randrange(1, 60) * 50
        gtin = f"{maker:07d}{dice.randrange(100_000):05d}"
        check = -sum(int(d) * (3 if at % 2 else 1) for at, d in enumerate(gtin)) % 10
        rows.append(
            ProductRow(
                sku=str(200_000 + number),
                gtin=f"0{gtin}{check}",
                name_zh=f"{dice.choice(_MAKES)}{dice.choice(_KINDS)}{dice.choice(_GOODS)}{size}g",
                name_en=f"{dice.choice(_MAKES_EN)} {dice.choice(_GOODS_EN)} {size} g",
                storage=dice.choice(("ambient", "ambient", "chilled", "frozen")),
            )
        )
    return rows


def snapshot(plan: Plan, *, skus: int = 200_000, rounds: int = 5) -> tuple[Row, ...]:
    """Size of a snapshot, and the time to take it over."""
    made = begin(f"sqlite:///{plan.folder / 'hub.db'}")
    try:
        put_boxes(made.hub, 1)
        rows = articles(skus)
        for start in range(0, skus, _CHUNK):
            put_products(made.hub, tuple(rows[start : start + _CHUNK]))
            plan.progress("writing articles down", min(start + _CHUNK, skus), skus)
        began_s = time.perf_counter()
        shots = Snapshots(made.hub, plan.folder / "snapshots")
        manifest = open_manifest(shots.newest(1), made.hub.signer.public)
        built_s = time.perf_counter() - began_s
        packed = shots.file(1, manifest.sha256.hex())
    finally:
        made.close()
    ours_s: list[float] = []
    floor_s: list[float] = []
    for number in range(rounds + 1):
        floor = _bare(packed, plan.folder / "bare.db")
        ours = asyncio.run(_apply(packed, manifest, plan.folder / f"box-{number}"))
        if number:
            floor_s.append(floor)
            ours_s.append(ours)
        plan.progress("taking it over", number + 1, rounds + 1)
    context = {
        **machine(plan.folder),
        "skus": skus,
        "plain_mb": round(manifest.plain_size / 1e6, 1),
        "built_s": round(built_s, 1),
    }
    delay_ms = plan.fsync_delay_ms
    return (
        judged(
            "snapshot",
            manifest.size / 1e6,
            fsync_delay_ms=delay_ms,
            faults=plan.faults,
            context={**context, "bytes_each": round(manifest.size / skus, 1)},
        ),
        judged(
            "snapshot-apply",
            median(ours_s),
            floor=median(floor_s),
            ratio=median([one / other for one, other in zip(ours_s, floor_s, strict=True)]),
            fsync_delay_ms=delay_ms,
            faults=plan.faults,
            context={**context, "floor_is": "decompress + fsync + quick_check", "rounds": rounds},
        ),
    )


def _bare(packed: Path, plain: Path) -> float:
    began_s = time.perf_counter()
    with packed.open("rb") as reader, plain.open("wb") as out:
        zstandard.ZstdDecompressor().copy_stream(reader, out)
        out.flush()
        os.fsync(out.fileno())
    with closing(sqlite3.connect(plain)) as connection:
        assert connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    took_s = time.perf_counter() - began_s
    plain.unlink()
    return took_s


class _Here:
    """A line that is not needed: the file is here."""

    async def ask(self, send: Send) -> bytes:
        """Nothing is asked."""
        raise AssertionError(send.target)

    async def download(self, target: str, *, offset: int, sink: Callable[[bytes], None]) -> None:
        """Nothing is left to download."""
        raise AssertionError(target)

    async def ring(self, heads: Mapping[str, int]) -> bool:
        """Nobody waits."""
        raise AssertionError(heads)

    async def personal_key(self) -> bytes:
        """Nobody is named."""
        raise AssertionError


class _Installed:
    """Where a box puts it: the steps of `edge.flow.receive` that touch the file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def cursors(self) -> Sequence[Cursor]:
        """Nothing was applied."""
        return ()

    async def apply(self, page: FeedPage) -> None:
        """No page comes."""
        raise AssertionError(page.scope)

    async def hub_time(self, time_ms: int, *, asked_boot_ms: int, answered_boot_ms: int) -> None:
        """No time comes."""
        raise AssertionError(time_ms)

    async def install(self, file: Path, manifest: Manifest) -> None:
        """Check it, move it durably, open it."""
        await asyncio.to_thread(self._install, file, manifest)

    def _install(self, file: Path, manifest: Manifest) -> None:
        assert set(catalogs.check(file)) == set(manifest.cursors)
        path = self._folder / "catalog-2.db"
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
        file.rename(path)
        Catalog(path).close()


async def _apply(packed: Path, manifest: Manifest, folder: Path) -> float:
    parts = folder / "parts"
    parts.mkdir(parents=True)
    name = manifest.sha256.hex()
    shutil.copy(packed, parts / f"{name}.part")
    action = FetchSnapshot(target=f"/v1/snapshot/{name}", manifest=manifest)
    began_s = time.perf_counter()
    await fetch(action, link=_Here(), replica=_Installed(folder), folder=parts)
    took_s = time.perf_counter() - began_s
    shutil.rmtree(folder)
    return took_s
