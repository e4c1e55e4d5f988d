"""A private PostgreSQL of Debian's package: own folder, Unix socket only, gone with its parent.

PostgreSQL refuses to run as root; then it runs as `nobody`. Nothing outside the folder is read or
written, and no other server of this machine is touched.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

PACKAGE = "postgresql"
USER = "storeedge"
_DEBIAN = Path("/usr/lib/postgresql")
_START_WITHIN_S = 30.0
_STOP_WITHIN_S = 10.0
_LOOK_EVERY_S = 0.05
_LOG_TAIL_CHARS = 2_000
_AS_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
_SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "shared_buffers": "64MB",
        "logging_collector": "off",
    }
)
# What a test may do without: nothing of it has to be there after the power went.
VOLATILE: Mapping[str, str] = MappingProxyType(
    {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
)


class PostgresMissing(Exception):
    """It is not installed here."""

    def __init__(self) -> None:
        super().__init__(f"PostgreSQL is not installed: install Debian's package `{PACKAGE}`")


class PostgresFailed(Exception):
    """It would not start; the message ends with its last words."""


def programs() -> Path:
    """The folder of the newest installed version's programs.

    Raises:
        PostgresMissing: there is none.
    """
    versions = [each for each in _DEBIAN.glob("*/bin") if (each / "initdb").exists()]
    if versions:
        return max(versions, key=lambda each: int(each.parent.name))
    found = shutil.which("initdb")
    if found is None:
        raise PostgresMissing
    return Path(found).resolve().parent


class Postgres:
    """A running server. Databases are made by name; everybody who reaches its socket may use it."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self.pid = process.pid
        self._process = process

    def url(self, database: str) -> str:
        """How the hub names a database of this server."""
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    def create(self, database: str) -> str:
        """Make an empty database; its URL."""
        self._psql(f'CREATE DATABASE "{database}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Throw a database away, whoever uses it."""
        self._psql(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def copy(self, database: str, to: str) -> str:
        """A second database with what stands in the first, which nobody may use meanwhile."""
        self._psql(f'CREATE DATABASE "{to}" TEMPLATE "{database}"')
        return self.url(to)

    def _psql(self, statement: str) -> None:
        _call(
            *(str(programs() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1"),
            *("-h", str(self.folder), "-U", USER, "-d", "postgres", "-c", statement),
        )

    def stop(self) -> None:
        """End it: connections are cut."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(_STOP_WITHIN_S)


@contextmanager
def private_postgres(
    *, settings: Mapping[str, str] = MappingProxyType({})
) -> Generator[Postgres, None, None]:
    """A server until the end of the block, in a folder of its own that goes away with it.

    settings: of postgresql.conf, over ours; `VOLATILE` for tests.

    Raises:
        PostgresMissing: it is not installed.
        PostgresFailed: it would not start.
    """
    bin_ = programs()
    folder = Path(tempfile.mkdtemp(prefix="storeedge-pg-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody", "nogroup")
        data = folder / "data"
        _call(
            *(*_drop_root(), str(bin_ / "initdb"), "--auth=trust", f"--username={USER}"),
            *("--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"),
            f"--pgdata={data}",
        )
        wanted = {**_SETTINGS, "unix_socket_directories": str(folder), **settings}
        arguments = [part for name, value in wanted.items() for part in ("-c", f"{name}={value}")]
        # INT is its fast shutdown: it comes when our parent thread has died
        server_argv = [*_drop_root("--pdeathsig", "INT"), str(bin_ / "postgres"), "-D", str(data)]
        log = folder / "log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*server_argv, *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        server = Postgres(folder, process)
        try:
            _wait(bin_, folder, process, log)
            yield server
        finally:
            server.stop()
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)


def _drop_root(*more: str) -> tuple[str, ...]:
    if os.geteuid() == 0:
        return (*_AS_NOBODY, *more)
    return ("setpriv", *more) if more else ()


def _call(*argv: str) -> None:
    done = subprocess.run(
        argv, check=False, cwd="/", capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if done.returncode != 0:
        words = (done.stderr or done.stdout).strip()[-_LOG_TAIL_CHARS:]
        raise PostgresFailed(f"{Path(argv[0]).name} exited with {done.returncode}: {words}")


def _wait(bin_: Path, folder: Path, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_WITHIN_S
    ready = [str(bin_ / "pg_isready"), "-q", "-h", str(folder), "-U", USER]
    while subprocess.run(ready, check=False, cwd="/").returncode != 0:
        if process.poll() is not None or time.monotonic() > deadline:
            words = log.read_text(errors="replace").strip()[-_LOG_TAIL_CHARS:]
            raise PostgresFailed(f"PostgreSQL did not start: {words}")
        time.sleep(_LOOK_EVERY_S)  # of another process one can only look again
