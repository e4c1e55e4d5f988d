"""Reads typed values out of TOML tables and remembers what was asked, found and left unread.

A name is valid because some reader asked for it: there is no second list of names to keep. A value
that cannot be used is noted as a problem and a harmless one is returned in its place, so that one
pass finds every problem; the caller raises at the end and never uses such a value.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar, cast

from config.errors import MissingSecret, MissingSetting, WrongValue
from config.reading import Origin, Reading
from config.secret import NAME, Secret, find_secret

Choice = TypeVar("Choice", bound=str | int)


class Table:
    """One table of the file over its defaults; each method reads one setting.

    key: the table's own name, empty for the file itself.
    """

    def __init__(
        self,
        reading: Reading,
        *,
        key: str,
        own: Mapping[str, object],
        fallback: Mapping[str, object],
    ) -> None:
        self._reading = reading
        self._key = key
        self._own = own
        self._fallback = fallback
        self._asked: set[str] = set()

    def key(self, name: str) -> str:
        """The full name of a setting of this table."""
        return f"{self._key}.{name}" if self._key else name

    def problem(self, name: str, message: str) -> None:
        """Note that this setting's value cannot be used."""
        self._reading.problems.append(WrongValue(message, key=self.key(name)))

    def finish(self) -> None:
        """Note every name of this table that was not asked for. Call once, after the last read."""
        for name in self._own:
            if name not in self._asked:
                self._reading.unread.append((self.key(name), frozenset(self._asked)))

    # ------------------------------------------------------------ tables

    def table(self, name: str) -> "Table":
        """The sub-table called `name`; an absent one is all defaults."""
        self._asked.add(name)
        own = self._own.get(name, {})
        if not isinstance(own, dict):
            self.problem(name, f"must be a section: write [{self.key(name)}]")
            own = {}
        fallback = cast("Mapping[str, object]", self._fallback.get(name, {}))
        return Table(
            self._reading,
            key=self.key(name),
            own=cast("Mapping[str, object]", own),
            fallback=fallback,
        )

    def tables(self, name: str, *, each: Mapping[str, object]) -> tuple["Table", ...]:
        """The tables of the list called `name`, keys counted from 1, each over the defaults."""
        self._asked.add(name)
        self._reading.known.add(self.key(name))
        value = self._own.get(name, self._fallback.get(name, []))
        entries = cast("Sequence[object]", value) if isinstance(value, list) else (None,)
        if not all(isinstance(entry, dict) for entry in entries):
            self.problem(name, f"must be a list of sections: write [[{self.key(name)}]]")
            return ()
        return tuple(
            Table(
                self._reading,
                key=f"{self.key(name)}[{number}]",
                own=cast("Mapping[str, object]", entry),
                fallback=each,
            )
            for number, entry in enumerate(entries, start=1)
        )

    # ------------------------------------------------------------ values

    def text(self, name: str, *, pattern: str = ".*", expects: str = "a text") -> str:
        """A text that matches `pattern` from end to end; `expects` says in words what that is."""
        value = self._value(name)
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        self._refuse(name, value, expects)
        return ""

    def optional_text(self, name: str, *, pattern: str, expects: str) -> str | None:
        """Like `text`, None when absent."""
        return self.text(name, pattern=pattern, expects=expects) if self._has(name) else None

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        value = self._value(name)
        texts = _texts(value)
        if texts is None:
            self._refuse(name, value, "a list of texts")
        return texts or ()

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._value(name)
        if isinstance(value, bool):
            return value
        self._refuse(name, value, "true or false")
        return False

    def integer(self, name: str, *, least: int, most: int) -> int:
        """A whole number, both bounds included."""
        value = self._value(name)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self._refuse(name, value, f"a whole number from {least} to {most}")
        return least

    def number(self, name: str, *, least: float, most: float) -> float:
        """A number, both bounds included."""
        value = self._value(name)
        real = value if isinstance(value, int | float) and not isinstance(value, bool) else None
        if real is not None and least <= real <= most:
            return float(real)
        self._refuse(name, value, f"a number from {least:g} to {most:g}")
        return least

    def choice(self, name: str, choices: Sequence[Choice]) -> Choice:
        """One of `choices`, of the very type that they are of."""
        value = self._value(name)
        for choice in choices:
            if value == choice and type(value) is type(choice):
                return choice
        self._refuse(name, value, "one of " + ", ".join(_toml(choice) for choice in choices))
        return choices[0]

    def path(self, name: str) -> Path:
        """A path; a relative one counts from the folder of the configuration."""
        return self.absolute(self.text(name, pattern=r"[^\0]+", expects="a path"))

    def absolute(self, path: str) -> Path:
        """The path that a text of this file names; relative ones count from the file's folder."""
        return self._reading.base / path

    def optional_path(self, name: str) -> Path | None:
        """Like `path`, None when absent."""
        return self.path(name) if self._has(name) else None

    def secret(self, name: str) -> Secret:
        """The secret whose name this setting gives."""
        expects = "the name of a secret: small letters, digits and hyphens"
        value = self._value(name)
        if not isinstance(value, str) or not NAME.fullmatch(value):
            self._refuse(name, value, expects, shown=False)
            return Secret("")
        try:
            found = find_secret(value, self._reading.environ)
        except (OSError, UnicodeDecodeError) as error:
            message = f"the secret {value} cannot be read: {error}"
            self._reading.problems.append(MissingSecret(message, key=self.key(name)))
            return Secret("")
        if found is None:
            message = f"no credential and no variable holds the secret {value}"
            self._reading.problems.append(MissingSecret(message, key=self.key(name)))
            return Secret("")
        secret, place = found
        self._reading.origins[self.key(name)] = Origin(
            source="secret", place=place, shown=f"{_toml(value)} (secret)"
        )
        return secret

    # ------------------------------------------------------------ inside

    def _has(self, name: str) -> bool:
        self._asked.add(name)
        self._reading.known.add(self.key(name))
        return name in self._own or name in self._fallback

    def _value(self, name: str) -> object:
        """The raw value, its origin noted; None when absent (TOML has no null)."""
        if not self._has(name):
            return None
        if name in self._own:
            value = self._own[name]
            origin = Origin(source="file", place=self._reading.place, shown=_toml(value))
        else:
            value = self._fallback[name]
            origin = Origin(source="default", place="defaults.toml", shown=_toml(value))
        self._reading.origins[self.key(name)] = origin
        return value

    def _refuse(self, name: str, value: object, expects: str, *, shown: bool = True) -> None:
        """Note a missing or wrong value. A secret is never shown, not even a misplaced one."""
        if value is None:
            self._reading.problems.append(
                MissingSetting(f"is missing; it must be {expects}", key=self.key(name))
            )
        elif shown:
            self.problem(name, f"must be {expects}, not {_toml(value)}")
        else:
            self.problem(name, f"must be {expects}")


def _texts(value: object) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    entries = cast("Sequence[object]", value)
    texts = tuple(entry for entry in entries if isinstance(entry, str))
    return texts if len(texts) == len(entries) else None


def _toml(value: object) -> str:
    """A value as TOML writes it, near enough to be read."""
    match value:
        case list():
            return "[" + ", ".join(_toml(entry) for entry in cast("list[object]", value)) + "]"
        case dict():
            pairs = cast("dict[str, object]", value).items()
            return "{" + ", ".join(f"{name} = {_toml(entry)}" for name, entry in pairs) + "}"
        case bool() | int() | float() | str():
            return json.dumps(value, ensure_ascii=False)
        case _:
            return str(value)
