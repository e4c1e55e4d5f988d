"""`storeedge bench`: budgets, measured on this machine."""

import sys
from typing import Annotated

import typer


def bench(
    name: Annotated[str, typer.Argument(help="Which one; `all` for every one there is.")],
    json: Annotated[bool, typer.Option("--json", help="JSON lines instead of a table.")] = False,
    fsync_delay_ms: Annotated[
        int, typer.Option(help="Model an SD card: this long for each fsync.", min=0)
    ] = 0,
) -> None:
    """Measure, print one row a budget, and exit 1 if any is missed."""
    from edge.lab.bench import run

    if not sys.stderr.isatty():
        raise typer.Exit(run(name, as_json=json, fsync_delay_ms=fsync_delay_ms))
    from edge.cli.bars import Bar

    with Bar() as bar:
        code = run(name, as_json=json, fsync_delay_ms=fsync_delay_ms, progress=bar)
    raise typer.Exit(code)
