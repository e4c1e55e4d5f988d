"""One bench in a process of its own: `python -m edge.lab.bench.worker NAME FSYNC_DELAY_MS`.

stdout carries JSON lines: `{"progress": [what, done, of]}`, and the rows at the end. A process of
its own starts with nothing loaded, and can be put under strace from its first instruction.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import cast

from edge.lab.bench import plan
from edge.lab.bench.benches import Name, bench


def _progress(what: str, done: int, of: int) -> None:
    sys.stdout.write(json.dumps({"progress": [what, done, of]}) + "\n")
    sys.stdout.flush()


def main(name: str, fsync_delay_ms: int) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="storeedge-bench-") as folder:
        asked = plan.make(Path(folder), _progress, fsync_delay_ms=fsync_delay_ms)
        for row in bench(cast("Name", name))(asked):
            sys.stdout.write(row.line() + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
