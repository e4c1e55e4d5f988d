"""The floor under every durable act: one small row, one FULL commit, nothing else."""

import os
import sqlite3
from pathlib import Path

_ROW_BYTES = 90


class OneRow:
    """A table with a unique 16-byte key in a WAL file; each call is one durable commit."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE row (key BLOB NOT NULL UNIQUE, body BLOB NOT NULL)")
        self._body = os.urandom(_ROW_BYTES)

    def commit(self) -> None:
        """Insert a row and wait until it is durable."""
        self._connection.execute("INSERT INTO row VALUES (?, ?)", (os.urandom(16), self._body))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
