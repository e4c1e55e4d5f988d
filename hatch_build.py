"""Build hook: a wheel without its browser assets is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# What `scripts/assets` builds, as globs from the root; each must match at least one file.
ASSETS = (
    "edge/web/static/vendor/htmx-*.min.js",
    "edge/web/static/vendor/hx-sse-*.js",
    "edge/web/static/vendor/htmx-*.LICENSE.txt",
    "sync/hub/static/vendor/htmx-*.min.js",
    "sync/hub/static/vendor/htmx-*.LICENSE.txt",
)


class AssetsHook(BuildHookInterface[Any]):
    """Checks that `scripts/assets` ran before a wheel is built."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Raise FileNotFoundError when a built asset is missing; an editable needs none."""
        if version == "editable":
            return
        missing = [pattern for pattern in ASSETS if not any(Path(self.root).glob(pattern))]
        if missing:
            raise FileNotFoundError(
                f"built assets are missing ({', '.join(missing)}); run scripts/assets first"
            )
