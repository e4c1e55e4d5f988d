"""Where a test's hub keeps its data: a SQLite file, or a database of one private PostgreSQL."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.lab.postgres import VOLATILE, Postgres, private_postgres
from sync.hub.database import Database

__all__ = ["Servers"]
_TEMPLATE = "migrated"


class Servers:
    """The PostgreSQL of a test session, started when first wanted, with a migrated template.

    It is never skipped: a machine without it fails, and the failure names Debian's package.
    """

    def __init__(self) -> None:
        self._context = private_postgres(settings=VOLATILE)
        self._server: Postgres | None = None
        self._numbers = itertools.count(1)

    @property
    def server(self) -> Postgres:
        if self._server is None:
            self._server = self._context.__enter__()
            Database(self._server.create(_TEMPLATE)).close()
        return self._server

    @contextmanager
    def postgresql(self, *, migrated: bool = True) -> Iterator[str]:
        """The URL of a database of its own."""
        name = f"test{next(self._numbers)}"
        server = self.server
        yield server.copy(_TEMPLATE, name) if migrated else server.create(name)
        server.drop(name)

    @contextmanager
    def database(self, engine: str, folder: Path) -> Iterator[str]:
        """`sqlite` or `postgresql`."""
        if engine == "sqlite":
            yield f"sqlite:///{folder / 'hub.db'}"
            return
        with self.postgresql() as url:
            yield url

    def close(self) -> None:
        if self._server is not None:
            self._context.__exit__(None, None, None)
