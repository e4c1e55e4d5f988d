"""The command `storeedge`: one command a file; each imports what it needs when it is called."""

import typer

from edge.cli import config, device, sim
from edge.cli.backup import backup
from edge.cli.bench import bench
from edge.cli.demo import demo
from edge.cli.enroll import enroll
from edge.cli.restore import restore
from edge.cli.run import run
from edge.cli.verify import verify

EPILOG = (
    "Exit codes: 0 yes, 1 no, 2 wrong command line, 3 configuration, 4 hub, device or port, "
    "5 this box's own data."
)

app = typer.Typer(
    name="storeedge",
    no_args_is_help=True,
    help="A store that keeps selling: scans, prints, and agrees with headquarters.",
    epilog=EPILOG,
    pretty_exceptions_enable=False,
)
app.add_typer(config.app, name="config")
app.add_typer(device.app, name="device")
app.add_typer(sim.app, name="sim")
app.command(epilog=EPILOG)(run)
app.command(epilog=EPILOG)(enroll)
app.command(epilog=EPILOG)(backup)
app.command(epilog=EPILOG)(restore)
app.command(epilog=EPILOG)(verify)
app.command(epilog=EPILOG)(bench)
app.command(epilog=EPILOG)(demo)


def main() -> None:
    """Entry point."""
    app()


if __name__ == "__main__":
    main()
