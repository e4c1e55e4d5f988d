"""A restore killed at each of its renames: the old box, a refusal, or the whole new one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edge.main.opening import machine_name, open_store
from edge.store import backup, restore
from edge.store.errors import RestoreUnfinished

PHRASE = "ABCDE-FGHJK-MNPQR-STVWX-YZ234"
CALLS = "rename,renameat,renameat2"
PROGRAM = """
import sys
from pathlib import Path
from edge.main.opening import machine_name
from edge.store import restore
folder = Path(sys.argv[1])
restore.restore(folder, Path(sys.argv[2]), sys.argv[3], replace=True,
                machine=machine_name(folder), now_ms=1, on_progress=lambda what, done, of: None)
"""


def quiet(_what: str, _done: int, _of: int) -> None:
    return


def killed_at(number: int, folder: Path, source: Path) -> bool:
    strace = shutil.which("strace")
    assert strace is not None, "strace is missing: apt-get install strace"
    done = subprocess.run(
        [
            *(strace, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={CALLS}"),
            *("-e", f"inject={CALLS}:signal=SIGKILL:when={number}"),
            *(sys.executable, "-c", PROGRAM, str(folder), str(source), PHRASE),
        ],
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
        capture_output=True,
        timeout=50,
        check=False,
    )
    assert done.returncode in (0, -9, 137), done.stderr.decode()
    return done.returncode != 0


def incarnation(folder: Path) -> tuple[bytes, str | None]:
    opened = open_store(folder, boot_ms=1)
    try:
        return opened.identity.incarnation, opened.identity.fenced_why
    finally:
        opened.catalog.close()
        opened.ledger.close()
        opened.folder.close()


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_killed_restore_is_nothing_or_refused_or_done(tmp_path: Path, number: int) -> None:
    folder = tmp_path / "data"
    before, _ = incarnation(folder)
    source = tmp_path / "box.backup"
    backup.take(folder, source, PHRASE, now_ms=1, on_progress=quiet)
    killed = killed_at(number, folder, source)
    try:
        found, why = incarnation(folder)
    except RestoreUnfinished:
        assert killed
    else:
        assert (found == before) == (why is None)
        assert why in ("restored", None)
        assert not (folder / restore.MARK).exists()
    again = restore.restore(
        folder,
        source,
        PHRASE,
        replace=True,
        machine=machine_name(folder),
        now_ms=2,
        on_progress=quiet,
    )
    found, why = incarnation(folder)
    assert (found, why) == (again.incarnation, "restored")
    assert not (folder / restore.MARK).exists()
