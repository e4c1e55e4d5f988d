"""What a counter kept is heard at the door, before the scan that it came with is decided."""

import shutil
from pathlib import Path

import httpx
import made_shop
from made_shop import v1
from web_site import BASE, TOKEN

from edge.flow.boxes import WitnessStand
from edge.flow.stations import Stations
from edge.web.app import build
from edge.web.screens import ScreenHub


async def test_the_very_scan_that_brings_the_witness_is_refused(tmp_path: Path) -> None:
    made_shop.prepare(tmp_path / "data", orders=2)
    shutil.copytree(tmp_path / "data", tmp_path / "copy")
    async with made_shop.open_shop(tmp_path / "data") as made:
        assert (await scanned(made, 1, None))[0] == "ok"
        line = await WitnessStand(made.shop).renew()
        assert (await scanned(made, 2, line))[0] == "ok"
    async with made_shop.open_shop(tmp_path / "copy", run="run-2") as made:
        assert await scanned(made, 1, line) == ("review", "fenced")


async def scanned(made: made_shop.MadeShop, number: int, line: str | None) -> tuple[str, str]:
    stations = Stations({"till1": TOKEN}, key=bytes(32))
    stand = WitnessStand(made.shop)
    app = build(
        made.shop,
        ScreenHub(run="run"),
        stations,
        hosts=("127.0.0.1",),
        run="run",
        hear=stand.hear_station,
    )
    headers = {"authorization": f"Bearer {TOKEN}"}
    if line is not None:
        headers["storeedge-witness"] = line
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url=BASE, headers=headers
    ) as client:
        answer = await client.post("/api/v1/scans", json={"text": v1(number)})
    assert answer.status_code == 200
    told = answer.json()
    return str(told["verdict"]), str(told["reason"]["code"])
