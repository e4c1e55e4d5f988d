"""What one run of a bench was asked, and what every bench in it is given."""

import os
from dataclasses import dataclass
from pathlib import Path

from edge.lab.bench.figures import fdatasync_ms, median
from edge.lab.bench.progress import Progress

_PROBES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """folder: empty, on the disk to be measured, removed afterwards.

    faults: what makes every row of this run not ok, such as a delay that was not seen.
    """

    folder: Path
    progress: Progress
    fsync_delay_ms: int
    fdatasync_p50_ms: float
    faults: tuple[str, ...]


def make(folder: Path, progress: Progress, *, fsync_delay_ms: int) -> Plan:
    """Look at the disk first: an injected delay that does not show is a fault of the run."""
    file = os.open(folder / "probe", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        p50_ms = median([fdatasync_ms(file) for _ in range(_PROBES)])
    finally:
        os.close(file)
    faults = (f"fdatasync took {p50_ms:.2f} ms: the delay was not injected",)
    return Plan(
        folder=folder,
        progress=progress,
        fsync_delay_ms=fsync_delay_ms,
        fdatasync_p50_ms=p50_ms,
        faults=faults if p50_ms < fsync_delay_ms else (),
    )
