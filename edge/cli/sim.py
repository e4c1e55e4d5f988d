"""`storeedge sim`: virtual devices and the clock of a demonstration."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.exits import OUTSIDE, USAGE, leave

app = typer.Typer(no_args_is_help=True, help="Serve virtual devices and do things to them.")
clock = typer.Typer(no_args_is_help=True, help="The clock that node, hub and devices read.")
app.add_typer(clock, name="clock")

DirOption = Annotated[
    Path,
    typer.Option(
        "--dir", envvar="STOREEDGE_DIR", help="The folder of sim.json; demo prints its own."
    ),
]


@app.command()
def serve(
    directory: DirOption,
    device: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=serial|hid|escpos|escpos58, as often as needed; without: two of each port."
        ),
    ] = None,
    clock_file: Annotated[
        Path | None, typer.Option("--clock", help="The clock's offset file.")
    ] = None,
) -> None:
    """Run virtual devices until ended; they outlive the node."""
    from drivers.sim.plan import DEFAULT_PLAN, KINDS, Planned
    from drivers.sim.server import serve as run_server

    plan = list(DEFAULT_PLAN)
    if device:
        pairs = [each.partition("=") for each in device]
        if any(kind not in KINDS for _, _, kind in pairs):
            leave(USAGE, f"give --device NAME=KIND; kinds are {', '.join(KINDS)}")
        plan = [Planned(name=name, port=KINDS[kind], kind=kind) for name, _, kind in pairs]
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    try:
        asyncio.run(_until_asked(run_server(directory, plan, clock_file)))
    except (OSError, ValueError) as error:
        leave(OUTSIDE, f"virtual devices cannot be served: {error}")


@app.command()
def ls(directory: DirOption) -> None:
    """Which virtual devices there are, where, and what can be done to each."""
    from drivers.sim.control import SimError
    from drivers.sim.control import ls as list_devices

    try:
        devices = asyncio.run(list_devices(directory))
    except SimError as error:
        leave(OUTSIDE, str(error))
    for each in devices:
        typer.echo(f"{each.name:<10} {each.port:<8} {each.address}")
        typer.echo(f"{'':<10} {' '.join(each.actions)}")


@app.command()
def do(
    name: Annotated[str, typer.Argument(help="The device, as `sim ls` names it.")],
    action: Annotated[str, typer.Argument(help="What to do, such as scan or paper_out.")],
    directory: DirOption,
    words: Annotated[list[str] | None, typer.Argument(metavar="[KEY=VALUE]...")] = None,
) -> None:
    """Do one thing to a virtual device; answers JSON."""
    from drivers.sim.control import SimError, ask

    pairs = [word.partition("=") for word in words or ()]
    if any(not equals for _, equals, _ in pairs):
        leave(USAGE, "arguments of an action are KEY=VALUE")
    args: dict[str, str | int] = {key: value for key, _, value in pairs}
    try:
        answer = asyncio.run(ask(directory, name, action, **args))
    except SimError as error:
        leave(OUTSIDE, str(error))
    typer.echo(json.dumps(answer, ensure_ascii=False))


@clock.command()
def advance(
    duration: Annotated[str, typer.Argument(help="Such as 2s, 15m, 49h or 1h30m.")],
    directory: DirOption,
) -> None:
    """Move the clock of node, hub and virtual devices ahead."""
    from drivers.sim.clock import advance as advance_file
    from drivers.sim.clock import duration_words, parse_duration_ms

    table = directory / "sim.json"
    try:
        where = json.loads(table.read_text(encoding="utf-8"))["clock"]
    except (OSError, ValueError, KeyError):
        leave(OUTSIDE, f"no virtual devices are served in {directory}")
    if where is None:
        leave(OUTSIDE, "these virtual devices read the machine's own clock")
    try:
        total_ms = advance_file(Path(where), parse_duration_ms(duration))
    except ValueError as error:
        leave(USAGE, str(error))
    typer.echo(f"the clock is {duration_words(total_ms)} ahead")


async def _until_asked(serving: Coroutine[None, None, None]) -> None:
    """Run until TERM or INT, and let everything close behind itself."""
    import signal

    task = asyncio.ensure_future(serving)
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
