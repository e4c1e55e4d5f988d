"""Running benches: each in its own process, its rows shown, one exit code for all."""

import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import cast

from edge.lab.bench.benches import NAMES, rows_of
from edge.lab.bench.budgets import BUDGETS, Better
from edge.lab.bench.progress import Lines, Progress
from edge.lab.bench.rows import Row, table, unmeasured

YES, NO, USAGE = 0, 1, 2
ALL = "all"
_LAST_WORDS = 600


class BenchFailed(Exception):
    """The worker ended without rows; the message ends with its last words."""


def run(
    name: str, *, as_json: bool, fsync_delay_ms: int = 0, progress: Progress | None = None
) -> int:
    """Measure `name` (or `all`) and print its rows; 0 all ok, 1 one is not, 2 no such bench.

    progress: told how far it is; lines on stderr when nobody is given.
    """
    if name != ALL and name not in NAMES:
        _say(f"no bench {name!r}; there are: {', '.join(NAMES)}, {ALL}")
        return USAGE
    good = True
    for each in NAMES if name == ALL else (name,):
        rows = _measured(each, fsync_delay_ms, progress or Lines())
        good &= all(row.ok for row in rows)
        text = "\n".join(row.line() for row in rows) if as_json else table(rows)
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    return YES if good else NO


def _measured(name: str, fsync_delay_ms: int, progress: Progress) -> tuple[Row, ...]:
    argv = [sys.executable, "-m", "edge.lab.bench.worker", name, str(fsync_delay_ms)]
    if fsync_delay_ms:
        strace = shutil.which("strace")
        if strace is None:
            why = "an fsync delay is injected by strace, and it is not here"
            return tuple(unmeasured(row, why, package="strace") for row in rows_of(name))
        argv = [strace, *_injecting(fsync_delay_ms), "--", *argv]
    try:
        return _listen(argv, progress)
    except BenchFailed as error:
        return tuple(unmeasured(row, str(error)) for row in rows_of(name))


def _injecting(fsync_delay_ms: int) -> tuple[str, ...]:
    """Strace as a slow disk: it stops nothing but the two calls, in every process and thread."""
    calls = "fdatasync,fsync"
    return (
        *("-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", f"trace={calls}"),
        *("-e", f"inject={calls}:delay_exit={fsync_delay_ms * 1000}"),
    )


def _listen(argv: list[str], progress: Progress) -> tuple[Row, ...]:
    """The rows that a worker prints.

    Raises:
        BenchFailed: it ended otherwise.
    """
    rows: list[Row] = []
    words: list[str] = []
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as worker:
        assert worker.stdout is not None
        try:
            for line in worker.stdout:
                if (told := _told(line)) is None:
                    words.append(line)
                elif told.row is not None:
                    rows.append(told.row)
                elif told.progress is not None:
                    progress(*told.progress)
        except BaseException:
            worker.terminate()
            raise
    if worker.returncode != 0 or not rows:
        last = "".join(words).strip()[-_LAST_WORDS:]
        raise BenchFailed(f"the bench ended with {worker.returncode}: {last}")
    return tuple(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """A line of a worker: a row, or how far it is."""

    row: Row | None = None
    progress: tuple[str, int, int] | None = None


def _told(line: str) -> _Told | None:
    if not line.startswith("{"):
        return None
    try:
        told = cast("dict[str, object]", json.loads(line))
    except ValueError:
        return None
    if "progress" in told:
        what, done, of = cast("tuple[str, int, int]", told["progress"])
        return _Told(progress=(what, done, of))
    if told.get("name") not in BUDGETS:
        return None
    return _Told(
        row=Row(
            name=cast("str", told["name"]),
            value=cast("float | None", told["value"]),
            unit=cast("str", told["unit"]),
            better=cast("Better", told["better"]),
            floor=cast("float | None", told["floor"]),
            ratio=cast("float | None", told["ratio"]),
            budget=cast("float | None", told["budget"]),
            ok=told["ok"] is True,
            context=cast("dict[str, object]", told["context"]),
        )
    )


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
