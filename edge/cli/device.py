"""`storeedge device`: what is plugged in, and does it work."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from edge.cli.exits import NO, OUTSIDE, leave

if TYPE_CHECKING:
    from drivers.address import Context
    from drivers.ports.document import Document

app = typer.Typer(no_args_is_help=True, help="Find and try devices by their address.")

PortArgument = Annotated[Literal["scanner", "printer"], typer.Argument(help="What it is.")]
AddressArgument = Annotated[str, typer.Argument(help="Such as tcp:192.0.2.7:9100.")]
SimOption = Annotated[
    Path | None,
    typer.Option("--dir", envvar="STOREEDGE_DIR", help="Where sim:NAME is looked up."),
]
WidthOption = Annotated[int, typer.Option("--width-mm", help="Paper: 58 or 80.")]


@app.command("list")
def list_() -> None:
    """Scanners and printers that this machine sees, as addresses for the configuration."""
    from drivers import discovery

    found = discovery.discover()
    for each in found:
        typer.echo(f"{each.port:<8} {each.address:<60} {each.label}")
    if not found:
        typer.echo("nothing found; network printers are given by address: tcp:HOST:9100", err=True)


@app.command()
def probe(
    port: PortArgument,
    address: AddressArgument,
    directory: SimOption = None,
    width_mm: WidthOption = 80,
) -> None:
    """Open the device and say how it is (exit 1 when it is not ready)."""
    if not asyncio.run(_probe(port, address, directory, width_mm)):
        raise typer.Exit(NO)


@app.command("test")
def try_out(
    port: PortArgument,
    address: AddressArgument,
    directory: SimOption = None,
    width_mm: WidthOption = 80,
    wait_s: Annotated[int, typer.Option(help="How long to wait for a scan.")] = 30,
) -> None:
    """Print a test slip, or wait for one scan and show it (exit 1 when it did not work)."""
    if not asyncio.run(_test(port, address, directory, width_mm, wait_s)):
        raise typer.Exit(NO)


async def _probe(port: str, address: str, directory: Path | None, width_mm: int) -> bool:
    from drivers.address import open_printer, open_scanner
    from drivers.ports.errors import DeviceError

    try:
        if port == "scanner":
            scanner = await open_scanner(address, _context(directory))
            await scanner.close()
            typer.echo("open: the scanner is there and answers to us")
            return True
        printer = await open_printer(address, _context(directory), width_mm=width_mm)
        try:
            status = await printer.status()
        finally:
            await printer.close()
    except DeviceError as error:
        leave(OUTSIDE, f"{error.code} {error}\n    {error.hint}")
    paper = ", paper low" if status.paper_low else ""
    drawer = {True: ", drawer open", False: ", drawer closed", None: ""}[status.drawer_open]
    typer.echo(f"{status.trouble or 'ready'}{paper}{drawer}")
    return status.trouble is None


async def _test(
    port: str, address: str, directory: Path | None, width_mm: int, wait_s: int
) -> bool:
    from drivers.address import open_printer, open_scanner
    from drivers.ports.errors import DeviceError
    from drivers.ports.scanner import Spoiled

    try:
        if port == "scanner":
            scanner = await open_scanner(address, _context(directory))
            typer.echo(f"scan something within {wait_s} s", err=True)
            try:
                async with asyncio.timeout(wait_s):
                    got = await scanner.read()
            except TimeoutError:
                typer.echo("nothing was scanned", err=True)
                return False
            finally:
                await scanner.close()
            if isinstance(got, Spoiled):
                typer.echo(f"not read cleanly: {got.fault}, {got.size} bytes or keys", err=True)
                return False
            typer.echo(f"{got.aim or ''} {got.data!r}".strip())
            return True
        printer = await open_printer(address, _context(directory), width_mm=width_mm)
        try:
            outcome = await printer.send(_test_slip(address), job=1)
        finally:
            await printer.close()
    except DeviceError as error:
        leave(OUTSIDE, f"{error.code} {error}\n    {error.hint}")
    typer.echo(str(outcome))
    return type(outcome).__name__ in ("Confirmed", "Sent")


def _context(directory: Path | None) -> "Context":
    from drivers.address import Context
    from drivers.host.clock import SystemClock

    return Context(clock=SystemClock(), sim_dir=directory, sim_allowed=directory is not None)


def _test_slip(address: str) -> "Document":
    from drivers.ports.document import Align, Code, CodeKind, Document, Feed, Rule, Text

    return Document(
        blocks=(
            Text(text="测试页 TEST", size=2, bold=True, align=Align.CENTER),
            Rule(),
            Text(text="有机纯牛奶 950ml · Organic milk · ¥12.50"),
            Text(text=address),
            Code(kind=CodeKind.CODE128, data="STOREEDGE-TEST", caption="STOREEDGE-TEST"),
            Code(kind=CodeKind.QR, data="https://example.com/storeedge", caption=None),
            Feed(lines=2),
        )
    )
