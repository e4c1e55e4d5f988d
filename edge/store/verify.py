"""Are the books of this box whole: the audit chain, its heads, and what others witnessed of them.

Reads only, on its own connection, also while the daemon runs. A cut-off tail that nobody witnessed
cannot be seen from inside; that is why heads travel with every event and stand on every slip.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edge.domain import witness as witnesses_
from edge.store.errors import Corrupt
from edge.store.ledger import connect
from edge.store.sql import query
from sync.wire import audit
from sync.wire.signature import Signer

_PAGE_ROWS = 1_000
_BOXES_SCHEMA = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A head that somebody outside saw: the chain's hash at `seq`."""

    seq: int
    head: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What was found. faults: sentences, none when all is whole. unsent: events HQ has not got.

    late: those of incarnations before among them. fenced_why: in one word, None when it is not.
    """

    node_public: bytes
    incarnation: bytes
    fenced: bool

    audit_seq: int
    head: bytes
    unsent: int
    fenced_why: str | None
    late: int
    faults: tuple[str, ...]


def verify(ledger: Path, witnesses: Sequence[Witness] = ()) -> Books:
    """Check the ledger at `ledger` against itself and `witnesses`.

    Raises:
        Corrupt: it is no sound database, or not there.
    """
    if not ledger.exists():
        raise Corrupt(f"{ledger} is not there")
    connection = connect(ledger, read_only=True)
    try:
        connection.execute("BEGIN")  # one view of everything, whatever the daemon writes meanwhile
        faults: list[str] = []
        sound = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if sound != "ok":
            raise Corrupt(f"{ledger.name}: {sound}")
        wanted = {witness.seq: witness.head for witness in witnesses if witness.seq > 0}
        # A ledger of before schema 3, not started since the upgrade, has no incarnations before.
        knows_boxes = connection.execute("PRAGMA user_version").fetchone()[0] >= _BOXES_SCHEMA
        before = connection.execute(query("outbox_before_witnesses")) if knows_boxes else ()
        for seq, witnessed in before:
            wanted.setdefault(seq, witnessed)
        for seq, witnessed in connection.execute(query("outbox_witnesses")):
            if seq and wanted.setdefault(seq, witnessed) != witnessed:
                faults.append(f"an event for HQ names another head at audit row {seq}")
        seq, head = 0, audit.GENESIS
        while rows := connection.execute(query("audit_rows"), (seq, _PAGE_ROWS)).fetchall():
            for number, body, stored in rows:
                if number != seq + 1:
                    faults.append(f"audit row {seq + 1} is missing")
                seq, head = number, audit.link(head, number, body)
                if head != stored:
                    faults.append(f"audit row {number} was changed")
                    head = stored
                if wanted.pop(number, head) != head:
                    faults.append(f"audit row {number} is not the one that was witnessed")
        faults += [f"audit row {missing} was witnessed and is gone" for missing in sorted(wanted)]
        _, counted_seq, counted_head, _, _ = connection.execute(query("counters")).fetchone()
        if (counted_seq, counted_head) != (seq, head):
            faults.append("the ledger's own head is not that of its audit chain")
        identity = connection.execute(query("identity")).fetchone()
        if identity is None:
            raise Corrupt(f"{ledger.name}: nobody ever started this box")
        private_key, incarnation, _, fenced, *_ = identity
        (unsent, _) = connection.execute(query("outbox_count")).fetchone()
        late, why = 0, None
        if knows_boxes:
            (late,) = connection.execute(query("outbox_before_count")).fetchone()
            why = connection.execute(query("fence_why")).fetchone()
    finally:
        connection.close()
    return Books(
        node_public=Signer(private_key).public,
        incarnation=incarnation,
        fenced=bool(fenced),
        audit_seq=seq,
        head=head,
        unsent=unsent + late,
        late=late,
        fenced_why=None if why is None else str(why[0]),
        faults=tuple(faults),
    )


def kept_head(ledger: Path, line: str) -> Witness | None:
    """The head in a line that this box once gave out (`edge.domain.witness`), of its incarnation.

    Raises:
        Corrupt: there is no sound ledger.
    """
    if not ledger.exists():
        raise Corrupt(f"{ledger} is not there")
    connection = connect(ledger, read_only=True)
    try:
        identity = connection.execute(query("identity")).fetchone()
    finally:
        connection.close()
    if identity is None:
        raise Corrupt(f"{ledger.name}: nobody ever started this box")
    said = witnesses_.parse(line, witnesses_.witness_key(identity[0]))
    if said is None or said.incarnation != identity[1]:
        return None
    return Witness(seq=said.seq, head=said.head)
