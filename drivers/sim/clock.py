"""Moving the clock that everybody in a demonstration reads (`offset:FILE`).

The file is replaced by rename under a lock beside it, so two advances at once both count and no
reader sees half a number. Time is advanced only, never set back and never scaled.
"""

import fcntl
import os
import re
from pathlib import Path

_UNITS_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_PART = re.compile(r"(\d+)(ms|s|m|h|d)")
FILE_NAME = "clock-offset"


def parse_duration_ms(text: str) -> int:
    """`2s`, `15m`, `49h`, `1h30m`, `500ms` → milliseconds.

    Raises:
        ValueError: anything else, a bare number and zero included.
    """
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r}: give a duration such as 2s, 15m, 49h or 1h30m")
    total_ms = sum(int(number) * _UNITS_MS[unit] for number, unit in parts)
    if total_ms == 0:
        raise ValueError(f"{text!r}: the clock can only be advanced")
    return total_ms


def duration_words(ms: int) -> str:
    """How long in hours, minutes and seconds, such as `49 h` or `1 h 30 min`."""
    minutes, s = divmod(ms / 1000, 60)
    h, m = divmod(int(minutes), 60)
    parts = ((h, f"{h} h"), (m, f"{m} min"), (s, f"{s:g} s"))
    return " ".join(words for amount, words in parts if amount) or "0 s"


def advance(path: Path, ms: int) -> int:
    """Add `ms` to the offset in `path` (absent: 0) and answer the new offset.

    Raises:
        ValueError: `ms` is not positive, or the file holds no number.
    """
    if ms <= 0:
        raise ValueError("the clock can only be advanced")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_name(f"{path.name}.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            before_ms = int(path.read_text(encoding="ascii"))
        except FileNotFoundError:
            before_ms = 0
        total_ms = before_ms + ms
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_text(f"{total_ms}\n", encoding="ascii")
        fresh.rename(path)
    finally:
        os.close(lock)
    return total_ms
