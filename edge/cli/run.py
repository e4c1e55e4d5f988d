"""`storeedge run`: the daemon."""

import typer

from edge.cli.settings import DEFAULT, ConfigOption, load


def run(config: ConfigOption = DEFAULT) -> None:
    """Serve the store until asked to end."""
    from edge.main import run as run_node

    loaded = load(config)
    raise typer.Exit(run_node(loaded.config))
