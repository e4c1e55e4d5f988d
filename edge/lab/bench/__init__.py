"""`storeedge bench`: the budgets of this program, each measured beside its floor.

Each bench runs in a process of its own (`worker.py`), under strace when an fsync delay is asked
for, in a temporary folder ($TMPDIR says where) that is removed afterwards.
"""

from edge.lab.bench.command import run
from edge.lab.bench.progress import Progress

__all__ = ["Progress", "run"]
