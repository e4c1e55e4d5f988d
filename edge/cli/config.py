"""`storeedge config`: is this file good, and what does it say."""

import typer

from edge.cli.settings import ConfigArgument, load

app = typer.Typer(no_args_is_help=True, help="Check or explain a configuration.")


@app.command()
def check(file: ConfigArgument) -> None:
    """Say every error in FILE at once (exit 3), or that there is none."""
    load(file)
    typer.echo(f"{file}: good")


@app.command()
def show(file: ConfigArgument) -> None:
    """Every setting, its value and where it came from; secrets are masked."""
    from config.explain import as_text

    typer.echo(as_text(load(file)))
