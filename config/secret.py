"""Secrets: the configuration names them, systemd or the environment holds them.

A secret called `counter-1` is looked for, in this order, in
1. the file `storeedge_counter-1` in $CREDENTIALS_DIRECTORY (the unit's LoadCredential of a folder
   puts its own name in front), then `counter-1` there;
2. the variable STOREEDGE_SECRET_COUNTER_1.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import final

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
MAX_BYTES = 4096


@final
class Secret:
    """A text that does not show itself: not in a repr, a format or a traceback.

    Two secrets are equal when their texts are; `reveal` is the one way to the text.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself; hand it on at once and keep no copy."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(****)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


def find_secret(name: str, environ: Mapping[str, str]) -> tuple[Secret, str] | None:
    """The secret called `name` and the place it was found in, or None when nobody holds it.

    Surrounding white space is not part of a secret; an empty one counts as absent.

    Raises:
        OSError: a credential is there and cannot be read.
        UnicodeDecodeError: a credential is not UTF-8.
    """
    if folder := environ.get("CREDENTIALS_DIRECTORY"):
        for file in (Path(folder) / f"storeedge_{name}", Path(folder) / name):
            if file.is_file():
                with file.open("rb") as opened:
                    text = opened.read(MAX_BYTES).decode("utf-8").strip()
                if text:
                    return Secret(text), f"credential {file.name}"
    variable = "STOREEDGE_SECRET_" + name.upper().replace("-", "_")
    if text := environ.get(variable, "").strip():
        return Secret(text), f"environment {variable}"
    return None
