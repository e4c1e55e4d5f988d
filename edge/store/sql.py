"""SQL by name: each `queries/*.sql` file holds statements under `-- name: …` lines."""

from functools import cache
from importlib.resources import files


@cache
def _all() -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in files("edge.store.queries").iterdir():
        if not entry.name.endswith(".sql"):
            continue
        for block in entry.read_text(encoding="utf-8").split("-- name: ")[1:]:
            name, _, text = block.partition("\n")
            assert name not in found, f"query {name} is named twice"
            found[name.strip()] = text.strip()
    return found


@cache
def query(name: str) -> str:
    """The statement `name` (KeyError: our bug)."""
    return _all()[name]


def names() -> tuple[str, ...]:
    """Every statement there is; a test prepares each against the schema."""
    return tuple(_all())
