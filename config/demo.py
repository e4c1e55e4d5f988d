"""Writes the demo's configuration from its template."""

from importlib.resources import files
from pathlib import Path
from string import Template


def demo_toml(*, folder: Path, port: int, hub_url: str, hub_ca: Path) -> str:
    """The text of the demo store's configuration.

    folder: absolute; holds `sim.json`, the clock's offset and the node's data.
    """
    template = files("config").joinpath("demo.toml").read_text(encoding="utf-8")
    words = {"dir": str(folder), "port": str(port), "hub_url": hub_url, "hub_ca": str(hub_ca)}
    # The template's words stand inside quotes: mask what would end them.
    masked = {name: word.replace("\\", "\\\\").replace('"', '\\"') for name, word in words.items()}
    return Template(template).substitute(masked)
