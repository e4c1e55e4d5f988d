"""What is gathered while one configuration is read: problems, origins, names known and unread."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from config.errors import ConfigError, UnknownSetting

Source = Literal["default", "file", "secret"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a value came from, and the value as TOML would write it; a secret is masked.

    place: `defaults.toml`, the configuration's path, or the credential or variable.
    """

    source: Source
    place: str
    shown: str


@dataclass(slots=True, kw_only=True)
class Reading:
    """What is gathered while one configuration is read."""

    place: str
    base: Path
    environ: Mapping[str, str]
    problems: list[ConfigError] = field(default_factory=list[ConfigError])
    origins: dict[str, Origin] = field(default_factory=dict[str, Origin])
    known: set[str] = field(default_factory=set[str])
    unread: list[tuple[str, frozenset[str]]] = field(
        default_factory=list[tuple[str, frozenset[str]]]
    )

    def unknown_settings(self) -> Iterable[UnknownSetting]:
        """One error for each name that nobody asked for, with the nearest that somebody did."""
        for key, siblings in self.unread:
            parent, _, leaf = key.rpartition(".")
            close = difflib.get_close_matches(leaf, sorted(siblings), n=1)
            if close:
                nearest = f"{parent}.{close[0]}" if parent else close[0]
                yield UnknownSetting(key=key, nearest=nearest)
            else:
                elsewhere = (name for name in self.known if name.rpartition(".")[2] == leaf)
                yield UnknownSetting(key=key, nearest=min(elsewhere, default=None))
