"""`storeedge-hub admin budget`: what a store may risk on other stores' orders. None by default."""

from typing import Annotated

import typer

from sync.hub import budgets
from sync.hub.budgets import NewBudget
from sync.hub.cli_options import AsJson, Run
from sync.hub.identity import Hub
from sync.hub.stores import Json


def _price(text: str) -> tuple[str, int]:
    sku, _, minor = text.partition("=")
    if not sku or not minor.isdigit():
        raise ValueError(f"{text}: write an article as SKU=minor, for example MILK=1280")
    return sku, int(minor)


def add_to(admin: typer.Typer, run: Run) -> None:
    """Put the commands into `admin`; `run` opens the hub and shows the answer."""
    group = typer.Typer(help="Budgets for provisional hand-overs.", no_args_is_help=True)
    admin.add_typer(group, name="budget")

    @group.command("grant")
    def grant(
        context: typer.Context,
        store: Annotated[int, typer.Option(help="The store whose box may risk it")],
        pieces: Annotated[int, typer.Option(help="Pieces in all")],
        amount: Annotated[int, typer.Option(help="Minor units in all")],
        article: Annotated[list[str], typer.Option(help="SKU=minor a piece; may be repeated")],
        per_code_pieces: Annotated[int | None, typer.Option(help="Pieces of one order")] = None,
        per_code_amount: Annotated[int | None, typer.Option(help="Minor of one order")] = None,
        hours: Annotated[float, typer.Option(help="How long it may be spent")] = 72.0,
        by: Annotated[str, typer.Option(help="Who grants it, by name")] = "hq",
        as_json: AsJson = False,
    ) -> None:
        """Let a store's present box risk this much; what it had before ends."""

        def verb(hub: Hub) -> Json:
            new = NewBudget(
                store=store,
                pieces=pieces,
                amount_minor=amount,
                articles=dict(map(_price, article)),
                per_code_pieces=per_code_pieces,
                per_code_minor=per_code_amount,
                hours=hours,
            )
            return budgets.grant(hub, new, by=by)

        run(context, as_json, verb)

    @group.command("list")
    def list_(
        context: typer.Context,
        store: Annotated[int | None, typer.Option()] = None,
        as_json: AsJson = False,
    ) -> None:
        """What was granted, spent, settled and lost."""
        run(context, as_json, lambda hub: budgets.listed(hub, store))

    @group.command("end")
    def end(context: typer.Context, budget_id: str, as_json: AsJson = False) -> None:
        """Nothing more is to be spent of it."""
        run(context, as_json, lambda hub: budgets.end(hub, budget_id))
