"""What every scanner and printer promises: virtual ones, or the one that `--hardware` names.

On hardware somebody stands by: the printer prints four slips, the scanner wants their bar code.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from readings import scan_of

from drivers.address import Context, check, open_printer, open_scanner, schemes
from drivers.host.clock import SystemClock
from drivers.ports.document import Align, Code, CodeKind, Document, Feed, Mark, Row, Rule, Text
from drivers.ports.errors import AddressError, DeviceGone
from drivers.ports.printer import Confirmed, Printer, Sent
from drivers.ports.scanner import Scanner
from drivers.sim.control import ask
from drivers.sim.plan import Planned
from drivers.sim.server import serving

ORDER = "20261121000123"
VIRTUAL = {"gun": "serial", "wedge": "hid"}
SLIP = Document(
    blocks=(
        Mark(text="练习 TRAINING"),
        Text(text="测试页 TEST", size=2, bold=True, align=Align.CENTER),
        Rule(double=True),
        Row(left="云南高原蓝莓（特级大果 18mm+）125g", right="×4"),
        Code(kind=CodeKind.CODE128, data=ORDER, caption=ORDER),
        Code(kind=CodeKind.QR, data="PL:" + "6BFOXN" * 12),
        Feed(lines=2),
    )
)


def hardware(words: list[str], port: str) -> str | None:
    """The address that `--hardware` gives for this port, None when it gives none."""
    for word in words:
        named, equals, address = word.partition("=")
        if equals and named in ("scanner", "printer"):
            fits = [named]
        else:
            address = word
            fits = [name for name, scheme in schemes() if scheme == word.partition(":")[0]]
        if len(fits) != 1:
            raise pytest.UsageError(f"--hardware={word}: put scanner= or printer= before it")
        try:
            check(fits[0], address, sim_allowed=False)
        except AddressError as error:
            raise pytest.UsageError(f"--hardware: {error}") from error
        if fits == [port]:
            return address
    return None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    words = metafunc.config.getoption("--hardware")
    if "gun" in metafunc.fixturenames:
        real = hardware(words, "scanner")
        metafunc.parametrize("gun", [real] if real else list(VIRTUAL), indirect=True)
    if "printer" in metafunc.fixturenames:
        metafunc.parametrize("printer", [hardware(words, "printer") or "virtual"], indirect=True)


@dataclass(frozen=True, kw_only=True)
class Gun:
    """A scanner to open, and how a code comes before it. virtual: None when a person holds it."""

    address: str
    context: Context
    folder: Path
    virtual: str | None
    say: Callable[[str], None]

    async def open(self) -> Scanner:
        return await open_scanner(self.address, self.context)

    async def shoot(self) -> None:
        if self.virtual is None:
            self.say(f"\n>>> scan the bar code {ORDER} of the test slip")
        else:
            await ask(self.folder, self.virtual, "scan", text=ORDER)


@pytest.fixture
async def gun(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Gun]:
    kind = VIRTUAL.get(request.param)
    real = kind is None
    context = Context(clock=SystemClock(), sim_dir=tmp_path, sim_allowed=not real)
    made = Gun(
        address=request.param if real else f"sim:{request.param}",
        context=context,
        folder=tmp_path,
        virtual=None if real else request.param,
        say=request.config.get_terminal_writer().line,
    )
    if kind is None:
        yield made
        return
    async with serving(tmp_path, (Planned(name=request.param, port="scanner", kind=kind),)):
        yield made


@pytest.fixture
async def printer(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Printer]:
    """Spoken to as 58 mm paper, which fits on any."""
    if request.param != "virtual":
        real = await open_printer(request.param, Context(clock=SystemClock()), width_mm=58)
        yield real
        await real.close()
        return
    async with serving(tmp_path, (Planned(name="front", port="printer", kind="escpos58"),)):
        context = Context(clock=SystemClock(), sim_dir=tmp_path, sim_allowed=True)
        virtual = await open_printer("sim:front", context, width_mm=58)
        yield virtual
        await virtual.close()
        assert (await ask(tmp_path, "front", "state"))["unknown"] == []


async def test_a_loaded_printer_is_ready(printer: Printer) -> None:
    assert (await printer.status()).trouble is None


async def test_each_of_three_slips_comes_out_one_of_them_after_a_doubt(printer: Printer) -> None:
    for job in (1, 2, 3):
        outcome = await printer.send(SLIP, job=job, after_doubt=job == 2)
        assert isinstance(outcome, Confirmed | Sent)


async def test_drawer_and_buzzer_are_accepted(printer: Printer) -> None:
    assert await printer.open_drawer()
    assert await printer.buzz()


@pytest.mark.timeout(300)  # a person may have to find the slip
async def test_the_bar_code_of_a_slip_is_read_whole_twice(gun: Gun) -> None:
    scanner = await gun.open()
    for _ in range(2):
        await gun.shoot()
        assert (await scan_of(scanner)).data == ORDER.encode()
    await scanner.close()


@pytest.mark.timeout(300)
async def test_a_scanner_that_was_closed_reads_again_when_it_is_opened(gun: Gun) -> None:
    scanner = await gun.open()
    reading = asyncio.create_task(scanner.read())
    await asyncio.sleep(0)
    await scanner.close()
    with pytest.raises(DeviceGone):
        await reading
    scanner = await gun.open()
    await gun.shoot()
    assert (await scan_of(scanner)).data == ORDER.encode()
    await scanner.close()


@pytest.mark.parametrize(
    ("words", "as_scanner", "as_printer"),
    [
        ([], None, None),
        (["tcp:192.0.2.7:9100"], None, "tcp:192.0.2.7:9100"),
        (["usb:04b8:0e15", "evdev:by-id/x"], "evdev:by-id/x", "usb:04b8:0e15"),
        (["printer=serial:/dev/ttyS0?baud=9600"], None, "serial:/dev/ttyS0?baud=9600"),
        (["scanner=serial:/dev/ttyS0"], "serial:/dev/ttyS0", None),
    ],
)
def test_the_option_says_which_device_is_meant(
    words: list[str], as_scanner: str | None, as_printer: str | None
) -> None:
    assert (hardware(words, "scanner"), hardware(words, "printer")) == (as_scanner, as_printer)


@pytest.mark.parametrize("word", ["serial:/dev/ttyS0", "printer=evdev:x", "sim:gun1", "hat"])
def test_an_option_that_could_mean_both_or_nothing_is_refused(word: str) -> None:
    with pytest.raises(pytest.UsageError):
        hardware([word], "scanner")
