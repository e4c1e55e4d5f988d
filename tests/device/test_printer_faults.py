"""The real python-escpos against a virtual printer: each fault of the menu, and what is said of it.

Nothing here waits for a guess of time: slips, states and outcomes are waited for.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from drivers.host.clock import open_clock
from drivers.ports.document import Align, Code, CodeKind, Document, Feed, Row, Rule, Text
from drivers.ports.errors import DeviceRefused
from drivers.ports.printer import (
    Confirmed,
    NotStarted,
    Printer,
    PrinterStatus,
    Sent,
    Trouble,
    Unknown,
)
from drivers.printer.conversation import Patience
from drivers.printer.network import open_tcp
from drivers.sim.device import NoSuchAction
from drivers.sim.printer import VirtualPrinter

Opened = Callable[..., Printer]

QUICK = Patience(answer_s=1.2, status_s=0.6, probe_s=0.4)


class AdvancedClock:
    """The machine's clock, set ahead."""

    def __init__(self) -> None:
        self._real = open_clock("system:")
        self.ahead_ms = 0

    def wall_ms(self) -> int:
        return self._real.wall_ms() + self.ahead_ms

    def boot_ms(self) -> int:
        return self._real.boot_ms() + self.ahead_ms

    def boot_id(self) -> str:
        return self._real.boot_id()

    async def until(self, boot_deadline_ms: int) -> None:
        await self._real.until(boot_deadline_ms - self.ahead_ms)


def slip(order: str = "20261121000123", *, lines: int = 12) -> Document:
    rows = tuple(Row(left=f"第{n}件 有机纯牛奶 950ml", right=f"×{n}") for n in range(lines))
    head = Text(text="取货单 PICKUP", size=2, bold=True, align=Align.CENTER)
    code = Code(kind=CodeKind.CODE128, data=order, caption=order)
    return Document(blocks=(head, Rule(), *rows, Rule(double=True), code, Feed(lines=2)))


@pytest.fixture
async def device(tmp_path: Path) -> AsyncIterator[VirtualPrinter]:
    printer = VirtualPrinter("printer1", paper_dir=tmp_path / "paper")
    await printer.start()
    yield printer
    unknown = (await printer.do("state", {}))["unknown"]
    await printer.stop()
    assert unknown == []


@pytest.fixture
def clock() -> AdvancedClock:
    return AdvancedClock()


@pytest.fixture
async def opened(device: VirtualPrinter, clock: AdvancedClock) -> AsyncIterator[Opened]:
    printers: list[Printer] = []

    def make(profile: str = "raster", **options: object) -> Printer:
        _, host, port = device.address().split(":")
        printer = open_tcp(
            host,
            int(port),
            width_dots=576,
            profile=profile,
            clock=clock,
            patience=QUICK,
            proof=None if "proof" not in options else str(options["proof"]),
        )
        printers.append(printer)
        return printer

    yield make
    for printer in printers:
        await printer.close()


async def papers(device: VirtualPrinter) -> list[Path]:
    found = (await device.do("papers", {}))["papers"]
    assert isinstance(found, list)
    return [Path(path) for path in found]


async def until(device: VirtualPrinter, fact: Callable[[Mapping[str, object]], bool]) -> None:
    while not fact(await device.do("state", {})):  # noqa: ASYNC110  # as its users see it
        await asyncio.sleep(0.005)


async def test_a_good_printer_confirms_by_process_id_and_one_slip_comes_out(
    device: VirtualPrinter, opened: Opened
) -> None:
    printer = opened()
    assert await printer.status() == PrinterStatus(trouble=None)
    outcome = await printer.send(slip(), job=7)
    assert outcome == Confirmed(proof="process id 28202020")
    (paper,) = await papers(device)
    facts = json.loads(paper.with_suffix(".json").read_text(encoding="utf-8"))
    assert (facts["cut"], facts["unknown"]) == (True, [])


async def test_a_job_is_logged_by_us_and_by_nobody_on_the_root_logger(
    device: VirtualPrinter, opened: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await opened().send(slip(), job=7)
    names = {record.name for record in caplog.records}
    assert "drivers.printer.device" in names
    assert "root" not in names


async def test_a_printer_without_process_ids_confirms_by_gs_r(
    device: VirtualPrinter, opened: Opened
) -> None:
    await device.do("gs_r_only_on", {})
    printer = opened()
    assert await printer.send(slip(), job=1) == Confirmed(proof="GS r 1")
    assert await printer.send(slip(), job=2) == Confirmed(proof="GS r 1")


async def test_a_printer_that_answers_only_in_real_time_ends_at_sent(
    device: VirtualPrinter, opened: Opened
) -> None:
    await device.do("dle_only_on", {})
    assert await opened().send(slip(), job=1) == Sent()
    await until(device, lambda state: state["slips"] == 1)


async def test_a_printer_known_for_its_proof_is_not_believed_without_it_for_ten_minutes(
    device: VirtualPrinter, opened: Opened, clock: AdvancedClock
) -> None:
    printer = opened()
    assert isinstance(await printer.send(slip(), job=1), Confirmed)
    await device.do("dle_only_on", {})
    for job in (2, 3):
        assert await printer.send(slip(), job=job) == NotStarted(trouble=Trouble.SILENT)
    assert len(await papers(device)) == 1
    clock.ahead_ms = 11 * 60_000  # somebody may have put another make in its place
    assert await printer.send(slip(), job=4) == Sent()


async def test_another_make_in_the_same_place_is_learnt(
    device: VirtualPrinter, opened: Opened, clock: AdvancedClock
) -> None:
    printer = opened()
    assert isinstance(await printer.send(slip(), job=1), Confirmed)
    await device.do("gs_r_only_on", {})
    assert await printer.send(slip(), job=2) == Confirmed(proof="GS r 1")
    await device.do("dle_only_on", {})
    assert await printer.send(slip(), job=3) == NotStarted(trouble=Trouble.SILENT)
    clock.ahead_ms = 11 * 60_000
    assert await printer.send(slip(), job=4) == Sent()
    await device.do("reset", {})
    assert await printer.send(slip(), job=5) == Sent()
    clock.ahead_ms = 22 * 60_000
    assert isinstance(await printer.send(slip(), job=6), Confirmed)


@pytest.mark.parametrize(
    ("action", "trouble"),
    [
        ("paper_out", Trouble.PAPER_OUT),
        ("cover_open", Trouble.COVER_OPEN),
        ("silent_on", Trouble.SILENT),
        ("power_off", Trouble.OFFLINE),
    ],
)
async def test_trouble_before_the_first_byte_starts_nothing(
    device: VirtualPrinter, opened: Opened, action: str, trouble: Trouble
) -> None:
    printer = opened()
    await device.do(action, {})
    assert (await printer.status()).trouble is trouble
    assert await printer.send(slip(), job=1) == NotStarted(trouble=trouble)
    assert not await printer.open_drawer()
    state = await device.do("state", {})
    assert (state["slips"], state["rows"], state["drawer_pulses"]) == (0, 0, 0)
    await device.do("reset", {})
    assert isinstance(await printer.send(slip(), job=2), Confirmed)


async def test_low_paper_is_told_and_prints(device: VirtualPrinter, opened: Opened) -> None:
    await device.do("paper_low", {})
    printer = opened()
    assert await printer.status() == PrinterStatus(trouble=None, paper_low=True)
    assert isinstance(await printer.send(slip(), job=1), Confirmed)


@pytest.mark.parametrize(
    ("bad", "good"), [("paper_out", "paper_in"), ("cover_open", "cover_close")]
)
async def test_trouble_within_a_slip_waits_and_the_whole_slip_comes_when_it_is_mended(
    device: VirtualPrinter, opened: Opened, bad: str, good: str
) -> None:
    printer = opened()
    assert isinstance(await printer.send(slip(), job=1), Confirmed)
    await device.do("slow", {"ms": "20"})
    sending = asyncio.create_task(printer.send(slip(), job=2))
    if bad == "paper_out":
        await device.do(bad, {"rows": "200"})
        await until(device, lambda state: state["paper"] == "out")
    else:
        await until(device, lambda state: state["rows"] != 0)
        await device.do(bad, {})
    done, _ = await asyncio.wait((sending,), timeout=QUICK.answer_s * 2)
    assert not done  # far beyond the bound on silence: it waits for a person
    trouble = {"paper_out": Trouble.PAPER_OUT, "cover_open": Trouble.COVER_OPEN}[bad]
    assert (await printer.status()).trouble is trouble  # and can be asked why
    await device.do(good, {})
    assert isinstance(await sending, Confirmed)
    first, second = await papers(device)
    assert first.read_bytes() == second.read_bytes()


async def test_paper_out_is_waited_for_even_when_the_buffer_is_too_full_for_questions(
    device: VirtualPrinter, opened: Opened
) -> None:
    printer = opened()
    await device.do("slow", {"ms": "40"})
    sending = asyncio.create_task(printer.send(slip(lines=60), job=1))
    await until(device, lambda state: int(str(state["held_bytes"])) >= 8192)
    await device.do("paper_out", {})
    done, _ = await asyncio.wait((sending,), timeout=QUICK.answer_s * 2)
    assert not done
    await device.do("slow", {"ms": "0"})
    await device.do("paper_in", {})
    assert isinstance(await sending, Confirmed)


async def test_a_dropped_buffer_is_unknown_although_status_is_good(
    device: VirtualPrinter, opened: Opened
) -> None:
    printer = opened()
    await device.do("drop_buffer", {})
    outcome = await printer.send(slip(), job=1)
    assert isinstance(outcome, Unknown)
    assert "no proof" in outcome.reason
    assert (await printer.status()).trouble is None
    assert await papers(device) == []


async def test_a_late_answer_of_an_earlier_job_is_not_taken_for_this_one(
    device: VirtualPrinter, opened: Opened
) -> None:
    printer = opened()
    assert isinstance(await printer.send(slip(), job=1), Confirmed)
    await device.do("late_answer_on", {})
    await device.do("drop_buffer", {})
    assert isinstance(await printer.send(slip(), job=2), Unknown)


async def test_power_lost_within_a_slip_is_unknown_and_leaves_half_of_it(
    device: VirtualPrinter, opened: Opened
) -> None:
    printer = opened()
    await device.do("cut_halfway", {"rows": "150"})
    assert await printer.send(slip(), job=1) == Unknown(reason="connection lost")
    await until(device, lambda state: state["slips"] == 1)
    (half,) = await papers(device)
    facts = json.loads(half.with_suffix(".json").read_text(encoding="utf-8"))
    assert facts["cut"] is False
    assert 150 <= facts["rows"] < 300
    assert await printer.send(slip(), job=1) == NotStarted(trouble=Trouble.OFFLINE)
    address = device.address()
    await device.do("power_on", {})
    assert device.address() == address
    assert isinstance(await printer.send(slip(), job=1), Confirmed)


async def test_silence_that_begins_within_a_slip_is_unknown(
    device: VirtualPrinter, opened: Opened
) -> None:
    printer = opened()
    await device.do("slow", {"ms": "20"})
    sending = asyncio.create_task(printer.send(slip(), job=1))
    await until(device, lambda state: state["rows"] != 0)
    await device.do("silent_on", {})
    outcome = await sending
    assert isinstance(outcome, Unknown)
    await until(
        device, lambda state: state["slips"] == 1
    )  # paper does exist: only a COPY may follow


async def test_status_that_nobody_asked_for_shifts_no_answer(
    device: VirtualPrinter, opened: Opened
) -> None:
    await device.do("stray_byte_on", {})
    printer = opened()
    assert await printer.status() == PrinterStatus(trouble=None)
    assert isinstance(await printer.send(slip(), job=1), Confirmed)
    await device.do("paper_out", {})
    assert (await printer.status()).trouble is Trouble.PAPER_OUT


async def test_a_printer_busy_with_another_client_starts_nothing(
    device: VirtualPrinter, opened: Opened
) -> None:
    await device.do("one_client_on", {})
    _, host, port = device.address().split(":")
    _, other = await asyncio.open_connection(host, int(port))
    await until(device, lambda state: state["clients"] == 1)
    printer = opened()
    assert await printer.send(slip(), job=1) == NotStarted(trouble=Trouble.SILENT)
    other.close()
    await other.wait_closed()
    assert isinstance(await printer.send(slip(), job=1), Confirmed)


async def test_drawer_and_buzzer_act_once_each(device: VirtualPrinter, opened: Opened) -> None:
    printer = opened()
    assert await printer.open_drawer()
    assert await printer.buzz()
    await until(device, lambda state: state["beeps"] == 2)
    assert (await device.do("state", {}))["drawer_pulses"] == 1


async def test_a_pulse_that_had_to_wait_for_paper_is_not_sent_any_more(
    device: VirtualPrinter, opened: Opened
) -> None:
    printer = opened()
    await device.do("paper_out", {"rows": "100"})
    sending = asyncio.create_task(printer.send(slip(), job=1))
    await until(device, lambda state: state["paper"] == "out")
    pulsing = asyncio.create_task(printer.open_drawer())
    await asyncio.wait((pulsing,), timeout=3.2)
    await device.do("paper_in", {})
    assert isinstance(await sending, Confirmed)
    assert await pulsing is False
    assert (await device.do("state", {}))["drawer_pulses"] == 0


async def test_a_cancelled_send_lets_the_printer_go(device: VirtualPrinter, opened: Opened) -> None:
    printer = opened()
    await device.do("paper_out", {"rows": "100"})
    sending = asyncio.create_task(printer.send(slip(), job=1))
    await until(device, lambda state: state["paper"] == "out")
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await device.do("reset", {})
    await device.do("power_off", {})
    await device.do("power_on", {})
    assert isinstance(await printer.send(slip(), job=2), Confirmed)


async def test_a_closed_printer_gives_up_its_job(device: VirtualPrinter, opened: Opened) -> None:
    printer = opened()
    await device.do("paper_out", {"rows": "100"})
    sending = asyncio.create_task(printer.send(slip(), job=1))
    await until(device, lambda state: state["paper"] == "out")
    await printer.close()
    assert await sending == Unknown(reason="given up by us")


async def test_a_document_that_cannot_be_drawn_is_refused_before_anything_is_sent(
    device: VirtualPrinter, opened: Opened
) -> None:
    with pytest.raises(DeviceRefused):
        await opened().send(Document(blocks=(Code(kind=CodeKind.QR, data="X" * 9000),)), job=1)
    assert (await device.do("state", {}))["clients"] == 0


async def test_a_host_that_is_not_there_is_off_line(opened: Opened) -> None:
    printer = open_tcp(
        "127.0.0.1", 1, width_dots=576, profile="raster", clock=open_clock("system:")
    )
    assert await printer.status() == PrinterStatus(trouble=Trouble.OFFLINE)
    await printer.close()


async def test_a_fixed_proof_is_used_without_trying(device: VirtualPrinter, opened: Opened) -> None:
    assert await opened(proof="dle_only").send(slip(), job=1) == Sent()
    assert await opened(proof="gs_r").send(slip(), job=1) == Confirmed(proof="GS r 1")


async def test_unknown_actions_and_arguments_are_refused(device: VirtualPrinter) -> None:
    for action in ("paper eaten", "dance", "dance_on"):
        with pytest.raises(NoSuchAction, match="there are paper_out, paper_in"):
            await device.do(action, {})
    with pytest.raises(ValueError, match="number"):
        await device.do("slow", {"ms": "fast"})


async def test_every_action_of_the_menu_is_understood(device: VirtualPrinter) -> None:
    for action in device.actions:
        await device.do(action, {})
        await device.do(action.replace("_", " "), {})
    await device.do("reset", {})


async def test_commands_it_does_not_know_are_reported(tmp_path: Path) -> None:
    printer = VirtualPrinter("strict", paper_dir=tmp_path)
    port = await printer.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x1b@\x1bZ\x1dv0\x00\x64\x00\x01\x00" + bytes(100) + b"\x1dVA\x00")
    writer.write(b"\x1dr\x01")
    assert await asyncio.wait_for(reader.readexactly(1), 5) == b"\x00"
    assert (await printer.do("state", {}))["unknown"] == ["1b 5a", "GS v 0: GS v 0 of 800 x 1 dots"]
    writer.close()
    await printer.stop()
