"""Starting redeeming processes and reading what they acknowledged."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

KIT = Path(__file__).parent
ROOT = KIT.parents[1]
PROGRAM = KIT / "redeeming.py"


def environment(root: Path = ROOT) -> dict[str, str]:
    """Where a started program finds the product under `root`, and our kit."""
    return {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{KIT}"}


def redeem(*words: object, under: tuple[str, ...] = (), timeout_s: int = 50) -> "Acknowledged":
    """Run one redeeming process to its end, `under` strace or alone."""
    command = [*under, sys.executable, str(PROGRAM), *map(str, words)]
    done = subprocess.run(
        command, env=environment(), capture_output=True, text=True, timeout=timeout_s, check=False
    )
    said = Acknowledged(stderr=done.stderr, code=done.returncode)
    for line in done.stdout.splitlines():
        said.hear(line)
    return said


@dataclass(slots=True)
class Acknowledged:
    """What a process was told, by key. open_keys: asked, and no answer came."""

    handed: dict[str, int] = field(default_factory=dict)
    undone: dict[str, int] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)
    fatal: list[str] = field(default_factory=list)
    open_keys: dict[str, None] = field(default_factory=dict)
    ended: bool = False
    stderr: str = ""
    code: int = 0

    def hear(self, line: str) -> None:
        """Take one line over."""
        match line.split():
            case ["ask", key]:
                self.open_keys[key] = None
            case ["handed", key, number]:
                self.handed[key] = int(number)
                self.open_keys.pop(key, None)
            case ["undone", key, number]:
                self.undone[key] = int(number)
                self.open_keys.pop(key, None)
            case ["no", key, reason]:
                self.refused[key] = reason
                self.open_keys.pop(key, None)
            case ["lost", key, error]:
                self.lost[key] = error
            case ["fatal", error]:
                self.fatal.append(error)
            case ["end"]:
                self.ended = True
            case ["open" | "pid" | "dead", *_]:
                pass
            case _:
                raise AssertionError(f"a redeeming process said {line!r}")
