"""Each setting, its value and where it came from, for `storeedge config show`."""

from dataclasses import dataclass

from config.loader import Loaded


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One line: the setting, its value as TOML (secrets masked), and where that was found."""

    key: str
    value: str
    place: str


def explain(loaded: Loaded) -> tuple[Explained, ...]:
    """All settings in the order of the schema; optional ones that are absent have no line."""
    return tuple(
        Explained(key=key, value=origin.shown, place=origin.place)
        for key, origin in loaded.origins.items()
    )


def as_text(loaded: Loaded) -> str:
    """The same as lines of text in columns, without a newline at the end."""
    lines = explain(loaded)
    keys = max(len(line.key) for line in lines)
    return "\n".join(f"{line.key:<{keys}}  = {line.value}  # {line.place}" for line in lines)
