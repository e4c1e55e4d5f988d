"""`storeedge demo`: a whole shop on this machine."""

from pathlib import Path
from typing import Annotated

import typer

from edge.cli.exits import USAGE, leave


def demo(
    once: Annotated[bool, typer.Option("--once", help="Run the tour and end.")] = False,
    only: Annotated[
        str | None, typer.Option(metavar="STEP", help="This step and what it needs.")
    ] = None,
    directory: Annotated[
        Path | None, typer.Option("--dir", help="Where its files go; else a temporary folder.")
    ] = None,
    port: Annotated[int, typer.Option(help="The node's staff listener.")] = 8080,
    phone_port: Annotated[
        int, typer.Option(help="Kept for customers' phones; nothing listens there yet.")
    ] = 8081,
    hub_port: Annotated[int, typer.Option(help="Headquarters.")] = 8090,
    stores: Annotated[int, typer.Option(min=1, max=5, help="How many stores open at once.")] = 1,
    hub_database: Annotated[
        str | None, typer.Option(metavar="URL", help="The hub's database; else SQLite.")
    ] = None,
) -> None:
    """Headquarters, a store and its devices as processes; one JSON line a step on stdout."""
    from edge.lab.demo import Options, run
    from edge.lab.tour import NoSuchStep

    if len({port, phone_port, hub_port}) != 3:
        leave(USAGE, "--port, --phone-port and --hub-port are three different ports")
    options = Options(
        once=once,
        only=only,
        directory=directory,
        port=port,
        hub_port=hub_port,
        database=hub_database,
        stores=stores,
    )
    try:
        code = run(options)
    except NoSuchStep as error:
        leave(USAGE, str(error))
    raise typer.Exit(code)
