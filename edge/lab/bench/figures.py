"""Medians, percentiles, and what this machine says of a process and of itself."""

import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

__all__ = ["cpu_s", "fdatasync_ms", "file_system", "machine", "median", "percentile", "rss_mb"]

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def cpu_s(pid: int) -> float:
    """User and system time that process `pid` has used, in steps of 10 ms."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def rss_mb(pid: int) -> float:
    """Resident memory of a process in MB of 10^6 bytes."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]
    return int(pages) * _PAGE_BYTES / 1e6


def fdatasync_ms(file: int) -> float:
    """How long one small write takes to become durable: fdatasync alone."""
    os.pwrite(file, b"x" * 64, 0)
    began_ns = time.perf_counter_ns()
    os.fdatasync(file)
    return (time.perf_counter_ns() - began_ns) / 1e6


def file_system(folder: Path) -> str:
    """The type of file system that `folder` lies on; tmpfs makes every fsync free."""
    best, kind = -1, "unknown"
    where = str(folder.absolute())
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, place, found, *_ = line.split()
        inside = where == place or where.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= best:
            best, kind = len(place), found
    return kind


def machine(folder: Path) -> dict[str, object]:
    """What the figures were made on, and how busy it was with other things."""
    return {
        "cpus": os.cpu_count() or 0,
        "load1": round(os.getloadavg()[0], 2),
        "fs": file_system(folder),
    }
