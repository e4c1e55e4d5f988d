"""Writes the demo's configurations from their templates."""

from importlib.resources import files
from pathlib import Path
from string import Template


def demo_toml(*, folder: Path, port: int, hub_url: str, hub_ca: Path) -> str:
    """The text of the demo store's configuration.

    folder: absolute; holds `sim.json`, the clock's offset and the node's data.
    """
    words = {"dir": str(folder), "port": str(port), "hub_url": hub_url, "hub_ca": str(hub_ca)}
    return _filled("demo.toml", words)


def demo_branch_toml(
    *, folder: Path, clock: Path, number: int, port: int, hub_url: str, hub_ca: Path
) -> str:
    """The text of a further store's configuration: no devices, its clock is the demo's.

    folder: absolute; holds the node's data.
    """
    words = {
        "dir": str(folder),
        "clock": str(clock),
        "number": str(number),
        "port": str(port),
        "hub_url": hub_url,
        "hub_ca": str(hub_ca),
    }
    return _filled("demo_branch.toml", words)


def _filled(name: str, words: dict[str, str]) -> str:
    template = files("config").joinpath(name).read_text(encoding="utf-8")
    # The template's words stand inside quotes: mask what would end them.
    masked = {name: word.replace("\\", "\\\\").replace('"', '\\"') for name, word in words.items()}
    return Template(template).substitute(masked)
