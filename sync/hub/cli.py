"""`storeedge-hub`: serve, and administer straight on the database.

Exit codes: 0 done, 1 refused (the sentence is on stderr), 2 wrong use.
"""

import atexit
import contextlib
import logging
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from sync.hub import cli_admin, identity, replay
from sync.hub.clock import open_clock
from sync.hub.database import Database
from sync.hub.problems import Problem

main = typer.Typer(
    help="StoreEdge headquarters: the reference hub.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # they hold keys
)
main.add_typer(cli_admin.admin, name="admin")


@main.command()
def serve(
    database: Annotated[
        str,
        typer.Option(
            envvar="STOREEDGE_HUB_DATABASE", help="sqlite:////path/hub.db or postgresql://…"
        ),
    ],
    listen: Annotated[str, typer.Option(help="HOST:PORT")] = "127.0.0.1:8090",
    tls_cert: Annotated[Path | None, typer.Option(help="Certificate chain, PEM")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Its private key, PEM")] = None,
    time: Annotated[str, typer.Option(help="system: or offset:/absolute/file")] = "system:",
    data: Annotated[Path | None, typer.Option(help="Folder for snapshots")] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Begin an empty database as a demo chain")
    ] = False,
) -> None:
    """Serve nodes and HQ: TLS 1.3, or plain HTTP on the loopback."""
    # Loaded here: `admin` needs no web server and answers in half the time without one.
    from sync.hub import app as application
    from sync.hub import serve as server

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        clock = open_clock(time)
        opened = Database(database)
        if demo and not identity.is_initialised(opened):
            with contextlib.suppress(ValueError):  # another process was first
                token = identity.initialise(opened, clock, name="Demo", demo=True)
                typer.echo(f'{{"admin_token": "{token}"}}')
        hub = identity.open_hub(opened, clock)
        replay.take_later(hub)
        host, port = server.parse_listen(listen)
        beside = opened.file.with_suffix(".snapshots") if opened.file else None
        folder = data or beside or _own_folder()
        config = server.configure(
            application.build(hub, folder), host=host, port=port, certificate=tls_cert, key=tls_key
        )
    except (Problem, ValueError, OSError, identity.NotInitialised) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    server.run(config)


def _own_folder() -> Path:
    """A folder that goes away with this process."""
    folder = tempfile.TemporaryDirectory(prefix="storeedge-hub-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


if __name__ == "__main__":
    main()
