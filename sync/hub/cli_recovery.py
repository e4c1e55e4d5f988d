"""`storeedge-hub admin recovery`, and which region a store is in."""

from typing import Annotated

import typer

from sync.hub import rebuild, recovery, scopes
from sync.hub.cli_options import AsJson, Run
from sync.hub.identity import Hub
from sync.hub.problems import invalid
from sync.hub.stores import Json


def add_to(admin: typer.Typer, store: typer.Typer, run: Run) -> None:
    """Give `admin` these commands."""
    group = typer.Typer(help="A hub restored behind its boxes.", no_args_is_help=True)
    admin.add_typer(group, name="recovery")

    @group.command("status")
    def status(context: typer.Context, as_json: AsJson = False) -> None:
        """Whether the hub recovers, since when, and for which boxes it waits."""
        run(context, as_json, recovery.status)

    @group.command("begin")
    def begin(
        context: typer.Context,
        by: Annotated[str, typer.Option(help="Who decides it; stands in the books")],
        as_json: AsJson = False,
    ) -> None:
        """Begin one: the database may have lost what it had acknowledged (after a fail-over)."""
        run(context, as_json, lambda hub: rebuild.begin(hub, by))

    @group.command("finish")
    def finish(
        context: typer.Context,
        by: Annotated[str, typer.Option(help="Who decides it; stands in the books")],
        as_json: AsJson = False,
    ) -> None:
        """End it without the boxes that are missing: what they never told is the chain's loss."""
        run(context, as_json, lambda hub: rebuild.finish(hub, by))

    @store.command("region")
    def region(
        context: typer.Context,
        number: Annotated[int, typer.Option(help="The store")],
        name: Annotated[str, typer.Option(help="a-z, 0-9 and -; empty for none")],
        as_json: AsJson = False,
    ) -> None:
        """Put a store into a region; it reads what the stores of the region share."""

        def move(hub: Hub) -> Json:
            if name and not scopes.is_region(scopes.region_scope(name)):
                raise invalid("A region is 1 to 32 of a-z, 0-9 and -.")
            return scopes.move_store(hub, number, name or None)

        run(context, as_json, move)
