"""`storeedge-hub admin client|csv`: the chain's own systems, and files."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter

from sync.hub import csv_files, oauth
from sync.hub.cli_options import AsJson, Run
from sync.hub.identity import Hub
from sync.hub.oauth import NewClient
from sync.hub.stores import Json

_NEW = TypeAdapter(NewClient)


def add_to(admin: typer.Typer, run: Run) -> None:
    """Put the commands into `admin`; `run` opens the hub and shows the answer."""
    client = typer.Typer(
        help="Systems of the chain that may ask (OAuth 2.0).", no_args_is_help=True
    )
    admin.add_typer(client, name="client")

    @client.command("add")
    def add(
        context: typer.Context,
        name: Annotated[str, typer.Option(help="Which system it is")],
        scope: Annotated[list[str], typer.Option(help=f"Of {', '.join(oauth.SCOPES)}")],
        as_json: AsJson = False,
    ) -> None:
        """Let a system in; its secret is shown once."""

        def verb(hub: Hub) -> Json:
            return oauth.add_client(hub, _NEW.validate_python({"name": name, "scopes": scope}))

        run(context, as_json, verb)

    @client.command("list")
    def list_(context: typer.Context, as_json: AsJson = False) -> None:
        """Which systems may ask, and for what."""
        run(context, as_json, lambda hub: {"clients": oauth.list_clients(hub)})

    @client.command("revoke")
    def revoke(context: typer.Context, client_id: str, as_json: AsJson = False) -> None:
        """Shut a system out at once."""
        run(context, as_json, lambda hub: oauth.revoke_client(hub, client_id))

    files = typer.Typer(help="Articles, people and orders as CSV.", no_args_is_help=True)
    admin.add_typer(files, name="csv")

    @files.command("import")
    def import_(
        context: typer.Context,
        kind: Annotated[str, typer.Argument(help="products, staff or orders")],
        file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
        really: Annotated[bool, typer.Option("--really", help="Do it; else only check")] = False,
        as_json: AsJson = False,
    ) -> None:
        """Check a file, and with --really do it."""
        text = file.read_text(encoding="utf-8-sig")
        run(context, as_json, lambda hub: csv_files.take(hub, kind, text, dry_run=not really))

    @files.command("export")
    def export(
        context: typer.Context,
        kind: Annotated[str, typer.Argument(help="products, staff or orders")],
        file: Annotated[Path, typer.Argument(dir_okay=False)],
        as_json: AsJson = False,
    ) -> None:
        """Write a file of everything of a kind."""

        def verb(hub: Hub) -> Json:
            text = csv_files.give(hub, kind)
            file.write_text(text, encoding="utf-8", newline="")
            return {"kind": kind, "file": str(file), "rows": text.count("\r\n") - 1}

        run(context, as_json, verb)
