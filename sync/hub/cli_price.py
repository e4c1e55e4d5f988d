"""`storeedge-hub admin price`: what articles cost, in the chain or in a store."""

from typing import Annotated

import typer

from sync.hub import prices
from sync.hub.cli_options import AsJson, Run
from sync.hub.identity import Hub
from sync.hub.prices import NewPrices
from sync.hub.stores import Json


def _price(text: str) -> tuple[str, int]:
    sku, _, minor = text.partition("=")
    if not sku or not minor.isdigit():
        raise ValueError(f"{text}: write a price as SKU=minor, for example MILK=1280")
    return sku, int(minor)


def add_to(admin: typer.Typer, run: Run) -> None:
    """Put the commands into `admin`; `run` opens the hub and shows the answer."""
    group = typer.Typer(help="Prices.", no_args_is_help=True)
    admin.add_typer(group, name="price")

    @group.command("put")
    def put(
        context: typer.Context,
        article: Annotated[list[str], typer.Argument(help="SKU=minor, one or more")],
        store: Annotated[int | None, typer.Option(help="For this store alone")] = None,
        from_ms: Annotated[
            int | None, typer.Option(help="From this instant on, ms since 1970; else now")
        ] = None,
        by: Annotated[str, typer.Option(help="Who says so, by name")] = "hq",
        as_json: AsJson = False,
    ) -> None:
        """Say what articles cost from now on, or from an instant."""

        def verb(hub: Hub) -> Json:
            said = dict(map(_price, article))
            new = NewPrices(prices=said, store=store, effective_from_ms=from_ms)
            return prices.put(hub, new, by=by)

        run(context, as_json, verb)
