"""What a command's exit code says; the same in every command.

0   done, and the answer is yes
1   done, and the answer is no: a check failed, a step was not ok, a budget was missed
2   the command line itself is wrong (typer)
3   the configuration cannot be used; nothing was started
4   something outside refused or was not there: hub, device, virtual devices, a taken port
5   the box's own data cannot be used; nothing was started
70  `run` only: the ledger failed; what was asked is unknown, systemd starts the node again
71  `run` only: the listener's address is taken
130 ended by Ctrl-C
"""

from typing import NoReturn

import typer

YES = 0
NO = 1
USAGE = 2
CONFIGURATION = 3
OUTSIDE = 4
DATA = 5


def leave(code: int, message: str) -> NoReturn:
    """Say why on stderr and end with `code`."""
    typer.echo(message, err=True)
    raise typer.Exit(code)
