"""After a doubt two customers never share a piece of paper, wherever the first slip was cut off."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from drivers.host.clock import open_clock
from drivers.ports.document import Code, CodeKind, Document, Feed, Row, Text
from drivers.ports.printer import Confirmed, NotStarted, Printer, Sent, Trouble, Unknown
from drivers.printer.conversation import Patience
from drivers.printer.encode import Profile, commands
from drivers.printer.network import open_tcp
from drivers.sim.eye import read_codes
from drivers.sim.printer import VirtualPrinter

QUICK = Patience(answer_s=1.2, status_s=0.6, probe_s=0.4)
ORDER = "20261121000123"
Opened = Callable[..., Printer]

# Sends a slip whose order ends with 9 and is killed within it.
SENDER = """
import asyncio, sys
from drivers.host.clock import SystemClock
from drivers.ports.document import Document, Row
from drivers.printer.network import open_tcp

async def main(port):
    clock = SystemClock()
    printer = open_tcp("127.0.0.1", port, width_dots=576, profile="raster", clock=clock)
    rows = tuple(Row(left=f"第{n}件 有机纯牛奶 950ml", right=f"×{n}") for n in range(90))
    await printer.send(Document(blocks=rows), job=9)

asyncio.run(main(int(sys.argv[1])))
"""


def slip(*, lines: int = 8) -> Document:
    rows = tuple(Row(left=f"第{n}件 有机纯牛奶 950ml", right=f"×{n}") for n in range(lines))
    code = Code(kind=CodeKind.CODE128, data=ORDER, caption=ORDER)
    return Document(blocks=(Text(text="取货单", size=2), *rows, code, Feed(lines=2)))


@pytest.fixture
async def device(tmp_path: Path) -> AsyncIterator[VirtualPrinter]:
    printer = VirtualPrinter("printer1", paper_dir=tmp_path / "paper")
    await printer.start()
    yield printer
    unknown = (await printer.do("state", {}))["unknown"]
    await printer.stop()
    assert unknown == []


@pytest.fixture
async def opened(device: VirtualPrinter) -> AsyncIterator[Opened]:
    printers: list[Printer] = []

    def make(proof: str | None = None, profile: str = "raster") -> Printer:
        printer = open_tcp(
            "127.0.0.1",
            int(device.address().rpartition(":")[2]),
            width_dots=576,
            profile=profile,
            clock=open_clock("system:"),
            patience=QUICK,
            proof=proof,
        )
        printers.append(printer)
        return printer

    yield make
    for printer in printers:
        await printer.close()


async def until(device: VirtualPrinter, fact: Callable[[Mapping[str, object]], bool]) -> None:
    while not fact(await device.do("state", {})):  # noqa: ASYNC110  # as its users see it
        await asyncio.sleep(0.005)


async def papers(device: VirtualPrinter) -> list[Path]:
    found = (await device.do("papers", {}))["papers"]
    assert isinstance(found, list)
    return [Path(path) for path in found]


async def whole(device: VirtualPrinter, printer: Printer) -> bytes:
    """The picture of a slip that nothing went wrong with."""
    assert isinstance(await printer.send(slip(), job=1), Confirmed | Sent)
    await until(device, lambda state: state["slips"] == 1)
    (paper,) = await papers(device)
    return paper.read_bytes()


async def lost_within(device: VirtualPrinter, data: bytes) -> None:
    """A sender that vanishes behind exactly these bytes."""
    host, port = device.address().removeprefix("tcp:").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(data)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


def stands_alone(half: Path, second: Path, good: bytes) -> None:
    facts = json.loads(half.with_suffix(".json").read_text(encoding="utf-8"))
    assert facts["cut"] is True
    assert facts["rows"] > 10
    assert read_codes(half) == ()
    assert second.read_bytes() == good
    assert [seen.text for seen in read_codes(second)] == [ORDER]


@pytest.mark.parametrize("kind", ["keeps its buffer", "begins anew"])
async def test_after_an_unknown_slip_the_next_one_stands_alone_on_its_paper(
    device: VirtualPrinter, opened: Opened, kind: str
) -> None:
    printer = opened()
    good = await whole(device, printer)
    await device.do("clean_start_on" if kind == "begins anew" else "clean_start_off", {})
    await device.do("slow", {"ms": "30"})
    sending = asyncio.create_task(printer.send(slip(lines=90), job=2))
    await until(device, lambda state: int(str(state["rows"])) >= 96)
    await printer.close()
    assert isinstance(await sending, Unknown)
    await device.do("slow", {"ms": "0"})
    assert isinstance(await opened().send(slip(), job=3, after_doubt=True), Confirmed)
    _, half, second = await papers(device)
    stands_alone(half, second, good)


async def test_after_a_sender_was_killed_the_next_slip_stands_alone_on_its_paper(
    device: VirtualPrinter, opened: Opened
) -> None:
    printer = opened()
    good = await whole(device, printer)
    await device.do("slow", {"ms": "30"})
    port = device.address().rpartition(":")[2]
    sender = await asyncio.create_subprocess_exec(sys.executable, "-c", SENDER, port)
    try:
        await until(device, lambda state: int(str(state["rows"])) >= 96)
    finally:
        sender.send_signal(signal.SIGKILL)
        await sender.wait()
    await device.do("slow", {"ms": "0"})
    assert isinstance(await printer.send(slip(), job=3, after_doubt=True), Confirmed)
    _, half, second = await papers(device)
    stands_alone(half, second, good)


def bands(document: Document) -> list[bytes]:
    return commands(document, width_dots=576, profile=Profile.RASTER)


@pytest.mark.parametrize(
    "arrived", [8, 9, 1000, -1], ids=["head", "a dot", "a part", "all but one"]
)
@pytest.mark.parametrize("proof", [None, "process_id", "gs_r", "dle_only"])
async def test_a_picture_cut_off_within_swallows_nothing_of_the_next_slip(
    device: VirtualPrinter, opened: Opened, arrived: int, proof: str | None
) -> None:
    if proof == "dle_only":
        await device.do("dle_only_on", {})
    printer = opened(proof)
    good = await whole(device, printer)
    start, first, second_band, *_ = bands(slip())
    await lost_within(device, start + first + second_band[:arrived])
    outcome = await printer.send(slip(), job=2, after_doubt=True)
    assert isinstance(outcome, Sent if proof == "dle_only" else Confirmed)
    await until(device, lambda state: state["slips"] == 3)
    _, half, second = await papers(device)
    stands_alone(half, second, good)
    if arrived == -1:  # the picture took the DLE of a question; what stayed of it means nothing
        state = await device.do("state", {})
        assert state["unknown"] == ["04", "01"]
        await device.do("reset", {})


async def test_without_word_of_the_doubt_a_printer_within_a_picture_starts_nothing(
    device: VirtualPrinter, opened: Opened
) -> None:
    printer = opened("process_id")
    start, first, *_ = bands(slip())
    await lost_within(device, start + first[:1000])
    assert (await printer.status()).trouble is None
    assert await printer.send(slip(), job=2) == NotStarted(trouble=Trouble.SILENT)
    assert isinstance(await printer.send(slip(), job=2, after_doubt=True), Confirmed)


async def test_a_printer_that_begins_anew_forgets_the_picture_with_its_sender(
    device: VirtualPrinter, opened: Opened
) -> None:
    await device.do("clean_start_on", {})
    printer = opened("process_id")
    start, first, *_ = bands(slip())
    await lost_within(device, start + first[:1000])
    assert isinstance(await printer.send(slip(), job=2), Confirmed)
    assert len(await papers(device)) == 1


@pytest.mark.parametrize(
    ("mark", "more"),
    [(b"\x1d(k\x7e\x00", 4), (b"\x1dk\x49", 4), ("件".encode("gbk"), -1)],
    ids=["within a QR's data", "within a bar code's data", "within a character"],
)
async def test_a_slip_in_the_printers_own_letters_is_cut_off_too_wherever_it_ended(
    device: VirtualPrinter, opened: Opened, mark: bytes, more: int
) -> None:
    printer = opened(profile="native_gbk")
    good = await whole(device, printer)
    blocks = (*slip().blocks, Code(kind=CodeKind.QR, data="PL:" + "6BFOXN" * 20))
    stream = b"".join(commands(Document(blocks=blocks), width_dots=576, profile=Profile.NATIVE_GBK))
    await lost_within(device, stream[: stream.index(mark) + len(mark) + more])
    assert isinstance(await printer.send(slip(), job=2, after_doubt=True), Confirmed)
    _, half, second = await papers(device)
    assert json.loads(half.with_suffix(".json").read_text(encoding="utf-8"))["cut"] is True
    assert second.read_bytes() == good


async def test_a_doubt_about_a_printer_with_nothing_in_it_costs_an_empty_piece_of_paper(
    device: VirtualPrinter, opened: Opened
) -> None:
    printer = opened()
    good = await whole(device, printer)
    assert isinstance(await printer.send(slip(), job=2, after_doubt=True), Confirmed)
    _, empty, second = await papers(device)
    assert json.loads(empty.with_suffix(".json").read_text(encoding="utf-8"))["text"] == []
    assert second.read_bytes() == good


async def test_a_doubt_sends_nothing_to_a_printer_in_trouble(
    device: VirtualPrinter, opened: Opened
) -> None:
    await device.do("paper_out", {})
    outcome = await opened().send(slip(), job=2, after_doubt=True)
    assert outcome == NotStarted(trouble=Trouble.PAPER_OUT)
    assert int(str((await device.do("state", {}))["held_bytes"])) < 100  # questions only
