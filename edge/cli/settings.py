"""A configuration file as settings, or the exit that its errors deserve."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.exits import CONFIGURATION, leave

if TYPE_CHECKING:
    from config.loader import Loaded

DEFAULT = Path("/etc/storeedge/storeedge.toml")

ConfigOption = Annotated[
    Path,
    typer.Option("--config", "-c", envvar="STOREEDGE_CONFIG", help="The node's TOML file."),
]
ConfigArgument = Annotated[Path, typer.Argument(help="The node's TOML file.")]


def load(path: Path) -> "Loaded":
    """The settings in `path`; ends the command with code 3 when they cannot be used."""
    from config.errors import ConfigError, ManyConfigErrors
    from config.loader import load as load_file

    try:
        return load_file(path, environ=os.environ)
    except ManyConfigErrors as error:
        lines = [f"{each.code} {each}\n    {each.hint}" for each in error.errors]
        leave(CONFIGURATION, "\n".join(lines))
    except ConfigError as error:
        leave(CONFIGURATION, f"{error.code} {error}\n    {error.hint}")
