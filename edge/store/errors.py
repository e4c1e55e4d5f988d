"""What the store can do wrong, drawn once.

StoreError
├── AlreadyRunning   another daemon holds the data folder
├── SchemaTooNew     the ledger was written by a newer version
├── Corrupt          a check failed; restore from a backup
├── Unsafe           a pragma that durability rests on is not what it must be
├── Unanswered       the batch may or may not be durable; ask again under the same key
│   └── DiskFull     as above, because no space is left
├── UnitFailed       one unit threw and was rolled back alone; its neighbours are not touched
├── NotOpened        a backup or second copy: another phrase, changed, cut off, or none at all
├── LedgerThere      a restore would hide a ledger that is there
└── RestoreUnfinished  a restore was interrupted; the node starts on nothing half-done
"""

import traceback
from pathlib import Path
from typing import ClassVar


class StoreError(Exception):
    """The store could not answer."""

    code: ClassVar[str] = "E-STO-00"
    transient: ClassVar[bool] = False
    hint: ClassVar[str] = "Call support."


class AlreadyRunning(StoreError):
    """Another daemon works on this data folder."""

    code = "E-STO-01"
    hint = "Stop the other StoreEdge on this box, or give this one another data folder."


class SchemaTooNew(StoreError):
    """The ledger belongs to a newer version of the program."""

    code = "E-STO-02"
    hint = "Install the newer version again; a ledger never goes back."


class Corrupt(StoreError):
    """SQLite's own check failed."""

    code = "E-STO-03"
    hint = "Do not delete anything. Call support: the ledger must be restored."


class Unsafe(StoreError):
    """A setting that durability rests on does not hold on this file system."""

    code = "E-STO-04"
    hint = "Move the data folder to a local disk."


class Unanswered(StoreError):
    """Whether the batch is durable is not known; the process ends and clients ask again by key."""

    code = "E-STO-05"
    transient = True
    hint = "Wait a few seconds: the box restarts by itself. Then scan again."


class DiskFull(Unanswered):
    """No space is left for the ledger."""

    code = "E-STO-06"
    hint = "Free space on the box, or call support. Nothing that was shown as done is lost."


class UnitFailed(StoreError):
    """One act threw inside its savepoint; nothing of it stayed."""

    code = "E-STO-07"
    transient = True
    hint = "Scan again. If it happens three times a review case is opened by itself."


class NotOpened(StoreError):
    """The file is no such file, was changed, is cut off, or the phrase is another one."""

    code = "E-STO-08"
    hint = "Take another copy of the file, or look for the phrase that was printed with it."


class LedgerThere(StoreError):
    """There is a ledger already, and a restore does not hide one unasked."""

    code = "E-STO-09"
    hint = "With --replace it is kept aside, in a folder beside the restored one."


class RestoreUnfinished(StoreError):
    """A restore was interrupted in this data folder."""

    code = "E-STO-10"
    hint = "Run `storeedge restore` again with the same file; what was here is kept aside."


def origin(error: BaseException) -> str:
    """Kind and place of what lies behind `error`, for logs.

    Never its words: an exception quotes what it choked on, and that may be a code or a name.
    """
    cause = error.__cause__ or error
    frames = traceback.extract_tb(cause.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(cause).__name__}{place}"
