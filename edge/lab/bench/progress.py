"""How far a bench is, for whoever watches."""

import sys
import time
from typing import Protocol

_SILENT_S = 2.0
_EVERY_S = 1.0


class Progress(Protocol):
    """Somebody who wants to know how far it is."""

    def __call__(self, what: str, done: int, of: int) -> None:
        """`done` of `of` steps of `what` are behind us; the last call has both equal."""
        ...


class Lines:
    """Progress as lines on stderr, from the moment that it takes longer than 2 s."""

    def __init__(self) -> None:
        self._what = ""
        self._began_s = 0.0
        self._told_s = 0.0

    def __call__(self, what: str, done: int, of: int) -> None:
        """Write a line a second."""
        now_s = time.monotonic()
        if what != self._what:
            self._what, self._began_s, self._told_s = what, now_s, now_s
        if now_s - self._began_s >= _SILENT_S and now_s - self._told_s >= _EVERY_S:
            self._told_s = now_s
            sys.stderr.write(f"{what}: {done} of {of}\n")
            sys.stderr.flush()


_: type[Progress] = Lines
