"""What stands on the paper, read back by a decoder that is not ours."""

import asyncio
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image as Pictures

from drivers.host.clock import open_clock
from drivers.ports.document import (
    Align,
    Code,
    CodeKind,
    Document,
    Feed,
    Mark,
    Row,
    Rule,
    Text,
)
from drivers.ports.printer import Confirmed
from drivers.printer.network import open_tcp
from drivers.sim.printer import VirtualPrinter

ORDER = "20261121000123"
LINES = "PL:" + "6BFOXN*TS0BI$ZD4N9:9S6RCVN5" * 4
SLIP = Document(
    blocks=(
        Mark(text="副本 COPY"),
        Text(text="取货单 PICKUP", size=2, bold=True, align=Align.CENTER),
        Text(text="A3 冷藏 · 2 袋", size=3, bold=True, align=Align.CENTER),
        Rule(double=True),
        Row(left="云南高原蓝莓（特级大果 18mm+）125g 盒装 有机认证", right="×4"),
        Row(left="Sourdough bread, sliced, 450 g", right="×1"),
        Code(kind=CodeKind.CODE128, data=ORDER, caption="20261121-000123"),
        Code(kind=CodeKind.QR, data=LINES, caption="扫码取余货"),
        Feed(lines=2),
    )
)


@pytest.mark.parametrize("profile", ["raster", "native_gbk"])
@pytest.mark.parametrize("width", [384, 576])
async def test_codes_of_a_slip_are_read_back_from_the_paper(
    tmp_path: Path, width: int, profile: str
) -> None:
    device = VirtualPrinter("p", paper_dir=tmp_path, width_dots=width)
    port = await device.start()
    clock = open_clock("system:")
    printer = open_tcp("127.0.0.1", port, width_dots=width, profile=profile, clock=clock)
    try:
        assert isinstance(await printer.send(SLIP, job=1), Confirmed)
        state = await device.do("state", {})
        assert state["unknown"] == []
    finally:
        await printer.close()
        await device.stop()
    with Pictures.open(tmp_path / "0001.png") as paper:
        assert paper.width == width
        found = {result.text for result in zxingcpp.read_barcodes(paper.convert("L"))}
    assert found == {ORDER, LINES}


async def test_slips_are_numbered_on_after_a_restart(tmp_path: Path) -> None:
    for number in (1, 2):
        device = VirtualPrinter("p", paper_dir=tmp_path)
        port = await device.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x1b@hello\n\x1dV\x00\x1dr\x01")
        assert await asyncio.wait_for(reader.readexactly(1), 5) == b"\x00"
        assert (await device.do("papers", {}))["papers"] == [str(tmp_path / f"{number:04}.png")]
        writer.close()
        await device.stop()


async def test_a_slip_that_is_not_cut_can_be_torn_off(tmp_path: Path) -> None:
    device = VirtualPrinter("p", paper_dir=tmp_path)
    port = await device.start()
    clock = open_clock("system:")
    printer = open_tcp("127.0.0.1", port, width_dots=576, profile="raster", clock=clock)
    document = Document(blocks=(Text(text="请撕下"),), cut=False)
    assert isinstance(await printer.send(document, job=1), Confirmed)
    assert (await device.do("state", {}))["slips"] == 0
    assert (await device.do("tear", {}))["slips"] == 1
    await printer.close()
    await device.stop()
