"""`storeedge-hub admin recall`: stop something in every store, and see who stopped."""

from typing import Annotated

import typer

from sync.hub import recalls
from sync.hub.cli_options import AsJson, Run
from sync.hub.identity import Hub
from sync.hub.recalls import NewRecall
from sync.hub.stores import Json

_HOUR_MS = 3_600_000


def add_to(admin: typer.Typer, run: Run) -> None:
    """Put the commands into `admin`; `run` opens the hub and shows the answer."""
    group = typer.Typer(help="Recalls: what no store may hand out.", no_args_is_help=True)
    admin.add_typer(group, name="recall")

    @group.command("begin")
    def begin(
        context: typer.Context,
        reason: Annotated[str, typer.Option(help="Why; people in the stores read it")],
        sku: Annotated[str | None, typer.Option(help="An article, everywhere")] = None,
        order: Annotated[str | None, typer.Option(help="An order's number")] = None,
        code: Annotated[str | None, typer.Option(help="A V1 or V2 as the customer has it")] = None,
        hours: Annotated[float | None, typer.Option(help="It ends by itself after these")] = None,
        by: Annotated[str, typer.Option(help="Who recalls it, by name")] = "hq",
        as_json: AsJson = False,
    ) -> None:
        """Stop an article, an order or a code at once."""

        def verb(hub: Hub) -> Json:
            until = None if hours is None else hub.clock.now_ms() + int(hours * _HOUR_MS)
            new = NewRecall(reason=reason, sku=sku, order_no=order, code=code, until_ms=until)
            return recalls.begin(hub, new, by=by)

        run(context, as_json, verb)

    @group.command("list")
    def list_(
        context: typer.Context,
        only_open: Annotated[bool, typer.Option("--open")] = False,
        as_json: AsJson = False,
    ) -> None:
        """What is recalled, and how many stores stopped."""
        run(context, as_json, lambda hub: {"recalls": recalls.listed(hub, only_open=only_open)})

    @group.command("show")
    def show(context: typer.Context, recall_id: str, as_json: AsJson = False) -> None:
        """Which stores stopped when, and who has it already."""
        run(context, as_json, lambda hub: recalls.show(hub, recall_id))

    @group.command("end")
    def end(
        context: typer.Context,
        recall_id: str,
        by: Annotated[str, typer.Option(help="Who ends it, by name")] = "hq",
        as_json: AsJson = False,
    ) -> None:
        """Let it be handed out again."""
        run(context, as_json, lambda hub: recalls.end(hub, recall_id, by=by))
