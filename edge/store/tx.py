"""One unit of work inside the writer: its connection, its moment, and the journal it writes.

A unit decides and records on the same connection, inside its own SAVEPOINT. The counters (clock,
heads) are read when the unit begins and written once when it ends: what a rolled-back unit did to
them is gone with it, so the audit chain cannot break.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from edge.domain.facts import Clockness
from edge.store.sql import query
from sync.wire import audit, hlc
from sync.wire.codec import pack, to_json
from sync.wire.errors import LocalWireError
from sync.wire.events import Body
from sync.wire.messages import EVENT_SCHEMA, MAX_EVENT_BYTES, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When an act happens. trusted_ms: hub-signed time plus elapsed boot time (0: never known)."""

    trusted_ms: int
    boot_ms: int
    clock: Clockness


class Tx:
    """What a unit may touch. Not kept beyond the unit.

    fenced: whether this box must ask a person about every order, as the ledger says now.
    """

    __slots__ = (
        "_audit_hash",
        "_audit_seq",
        "_changed",
        "_floor_ms",
        "_hlc",
        "_outbox_seq",
        "connection",
        "fenced",
        "moment",
    )

    def __init__(self, connection: sqlite3.Connection, moment: Moment) -> None:
        self.connection = connection
        self.moment = moment
        row = connection.execute(query("unit_begins")).fetchone()
        self._hlc: int = row[0]
        self._audit_seq: int = row[1]
        self._audit_hash: bytes = row[2]
        self._outbox_seq: int = row[3]
        self._floor_ms: int = row[4]
        self.fenced: bool = row[5] == 1
        self._changed = False

    def one(self, name: str, *values: object) -> tuple[object, ...] | None:
        """The first row of a named query, or None."""
        row: tuple[object, ...] | None = self.connection.execute(query(name), values).fetchone()
        return row

    def all(self, name: str, *values: object) -> list[tuple[object, ...]]:
        """All rows of a named query."""
        return self.connection.execute(query(name), values).fetchall()

    def run(self, name: str, *values: object) -> int:
        """Execute a named statement; answers the rowid it inserted, else 0."""
        return self.connection.execute(query(name), values).lastrowid or 0

    def changed(self, name: str, *values: object) -> int:
        """Execute a named statement; answers how many rows it touched."""
        return self.connection.execute(query(name), values).rowcount

    def note(self, act: str, **facts: object) -> bytes:
        """Append an audit row; answers the new head. Facts hold no code, PIN or customer's name."""
        self._tick()
        self._audit_seq += 1
        body = to_json({"act": act, "at_ms": self.moment.trusted_ms, **facts})
        self._audit_hash = audit.link(self._audit_hash, self._audit_seq, body)
        self.run("audit_append", self._audit_seq, self._hlc, body, self._audit_hash)
        return self._audit_hash

    def tell(self, kind: str, body: Body, units: Sequence[Unit] = ()) -> int:
        """Append an event for HQ, witnessed by the audit head; answers its seq.

        Raises:
            LocalWireError: the body is above the wire's bound (the unit is rolled back).
        """
        self._tick()
        self._outbox_seq += 1
        encoded = to_json(body)
        if len(encoded) > MAX_EVENT_BYTES:
            raise LocalWireError(f"event of kind {kind} is too large")
        self.run(
            "outbox_append",
            self._outbox_seq,
            self._hlc,
            self.moment.trusted_ms,
            kind,
            EVENT_SCHEMA,
            pack(tuple(units)),
            encoded,
            self._audit_seq,
            self._audit_hash,
        )
        return self._outbox_seq

    def head(self) -> bytes:
        """The audit head as this unit leaves it."""
        return self._audit_hash

    def begin_outbox(self) -> None:
        """Count events from 1 again: what a new incarnation begins with."""
        self._outbox_seq = 0

    def close(self) -> None:
        """Write the counters back; the writer calls it before it releases the savepoint."""
        if self._changed:
            floor = max(self._floor_ms, self.moment.trusted_ms)
            self.run(
                "counters_write",
                self._hlc,
                self._audit_seq,
                self._audit_hash,
                self._outbox_seq,
                floor,
            )

    def _tick(self) -> None:
        self._hlc = hlc.tick(self._hlc, self.moment.trusted_ms)
        self._changed = True
