"""`storeedge-hub admin person`: who at HQ may log in to the console."""

import os
import secrets
import sys
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from sync.hub import console_people
from sync.hub.cli_options import AsJson, Run
from sync.hub.console_people import NewHqPerson
from sync.hub.identity import Hub
from sync.hub.stores import Json

PASSWORD_VARIABLE = "STOREEDGE_HQ_PASSWORD"  # noqa: S105  # its name, not its value
_MOST_CHARS = 200


def add_to(admin: typer.Typer, run: Run) -> None:
    """Put the commands into `admin`; `run` opens the hub and shows the answer."""
    group = typer.Typer(help="People at HQ, for the console.", no_args_is_help=True)
    admin.add_typer(group, name="person")

    @group.command("add")
    def add(
        context: typer.Context,
        login: Annotated[str, typer.Option(help="Small letters, digits, dot and hyphen")],
        name: Annotated[str, typer.Option(help="As colleagues know this person")],
        role: Annotated[str, typer.Option(help="viewer, operator, manager")],
        password_stdin: Annotated[
            bool, typer.Option("--password-stdin", help="Read the password from stdin, one line")
        ] = False,
        as_json: AsJson = False,
    ) -> None:
        """Let a person in, or change them; without a password one is made and shown once.

        The password comes from stdin or from STOREEDGE_HQ_PASSWORD, never from the command line.
        """
        given = (
            sys.stdin.readline(_MOST_CHARS + 2).rstrip("\r\n")
            if password_stdin
            else os.environ.get(PASSWORD_VARIABLE)
        )
        password = secrets.token_urlsafe(15) if given is None else given
        values = {"login": login, "name": name, "role": role, "password": password}

        def verb(hub: Hub) -> Json:
            made = console_people.put_person(hub, _checked(values))
            return made if given is not None else {**made, "password": password}

        run(context, as_json, verb)

    @group.command("list")
    def list_(context: typer.Context, as_json: AsJson = False) -> None:
        """Who may log in."""
        run(context, as_json, lambda hub: {"people": console_people.list_people(hub)})

    @group.command("end")
    def end(context: typer.Context, login: str, as_json: AsJson = False) -> None:
        """Let a person in no more; what they have open ends at once."""
        run(context, as_json, lambda hub: console_people.end_person(hub, login))


def _checked(values: dict[str, str]) -> NewHqPerson:
    try:
        return TypeAdapter(NewHqPerson).validate_python(values)
    except ValidationError as error:
        # field and rule only: pydantic's own text would repeat the password
        words = "; ".join(f"{each['loc'][0]}: {each['msg']}" for each in error.errors())
        raise ValueError(words) from None
