"""What every verb of `storeedge-hub admin` is given: how it is run, and how it answers."""

from collections.abc import Callable
from typing import Annotated, TypeVar

import typer
from pydantic import TypeAdapter, ValidationError

from sync.hub.identity import Hub
from sync.hub.stores import Json

T = TypeVar("T")
Run = Callable[[typer.Context, bool, Callable[[Hub], Json]], None]
"""Open the hub that the options before the verb name, do it, and show the answer."""
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON on stdout")]


def checked(kind: type[T], values: Json) -> T:
    """These values as `kind` takes them (ValueError: which one it does not, and why)."""
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        words = "; ".join(f"{each['loc']}: {each['msg']}" for each in error.errors())
        raise ValueError(words) from error
