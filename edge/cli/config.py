"""`storeedge config`: is this file good, and what does it say."""

import typer

from edge.cli.exits import CONFIGURATION, leave
from edge.cli.settings import ConfigArgument, load

app = typer.Typer(no_args_is_help=True, help="Check or explain a configuration.")


@app.command()
def check(file: ConfigArgument) -> None:
    """Say every error in FILE at once (exit 3), or that there is none."""
    config = load(file).config
    addresses = [("scanner", each.name, each.address) for each in config.scanners]
    addresses += [("printer", each.name, each.address) for each in config.printers]
    wrong = [words for words in map(_wrong_address, addresses) if words]
    if wrong:
        leave(CONFIGURATION, "\n".join(wrong))
    typer.echo(f"{file}: good")


def _wrong_address(device: tuple[str, str, str]) -> str | None:
    from drivers.address import check as check_address
    from drivers.ports.errors import AddressError

    port, name, address = device
    try:
        check_address(port, address, sim_allowed=True)
    except AddressError as error:
        return f"{port} {name}: {error}"
    return None


@app.command()
def show(file: ConfigArgument) -> None:
    """Every setting, its value and where it came from; secrets are masked."""
    from config.explain import as_text

    typer.echo(as_text(load(file)))
