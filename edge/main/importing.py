"""Taking over what a broken box never told: from its second copy, or from its disk.

This box hands it in for it; HQ checks the signatures of the box that wrote it. The node may run
meanwhile: its ledger is only read.
"""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from config.schema import Config
from edge.store.identity import Enrolled, Identity, current
from edge.store.incarnation import event_of
from edge.store.ledger import connect
from edge.store.row import blob
from edge.store.second_copy import read
from edge.store.tx import Moment, Tx
from sync.engine.peer import Peer
from sync.link.boxes import NONCE_BYTES, hand_in
from sync.link.http import HttpLink
from sync.wire.enrol import node_name
from sync.wire.messages import Event
from sync.wire.takeover import Author, Recovered, sign_recovered

_CHUNK = 200
_UNKNOWN = Moment(trusted_ms=0, boot_ms=0, clock="unsure")


class NothingToImport(Exception):
    """The folder holds no second copy and no ledger, or this box is not enrolled."""


@dataclass(slots=True, kw_only=True)
class Imported:
    """What HQ answered, by outcome: accepted, known, conflict, refused, later."""

    sources: int = 0
    outcomes: dict[str, int] = field(default_factory=dict[str, int])


async def import_folder(
    config: Config, folder: Path, *, on_progress: Callable[[str, int, int], None]
) -> Imported:
    """Hand everything in that lies in `folder`: second copies, or a box's data folder.

    Raises:
        NothingToImport: as it says.
        StoreError: this box's ledger, or what lies there, cannot be read.
        LinkError: HQ was not reached, or refuses (`gap`: an earlier part is missing there).
    """
    me = _identity(config.node.data_dir / "ledger.db")
    known = _certified(me)
    if config.hub.url is None:
        raise NothingToImport("hub.url is missing: write HQ's address into the configuration")
    given = [*_copies(folder, known), *_disk(folder / "ledger.db")]
    if not given:
        raise NothingToImport(f"{folder} holds no second copy and no ledger")
    peer = Peer.of(known.certificate)
    told = Imported(sources=len({(each.node, each.incarnation) for each in given}))
    async with HttpLink(
        base_url=config.hub.url, signer=me.signer(), peer=peer, ca_file=config.hub.ca
    ) as link:
        for number, each in enumerate(given, start=1):
            answer = await hand_in(link, peer, each, secrets.token_bytes(NONCE_BYTES))
            for row in answer.rows:
                told.outcomes[row.outcome] = told.outcomes.get(row.outcome, 0) + 1
            on_progress("hand in", number, len(given))
    return told


def _certified(me: Identity) -> Enrolled:
    if me.enrolled is None or not me.is_certified or me.fenced:
        raise NothingToImport("this box is not the store's box at headquarters: enrol it first")
    return me.enrolled


def _identity(ledger: Path) -> Identity:
    if not ledger.exists():
        raise NothingToImport("this box was never started nor enrolled")
    connection = connect(ledger, read_only=True)
    try:
        return current(Tx(connection, _UNKNOWN))
    finally:
        connection.close()


def _copies(folder: Path, known: Enrolled) -> Iterator[Recovered]:
    for kept in read(folder, known.k_store):
        yield from kept.frames


def _disk(ledger: Path) -> Iterator[Recovered]:
    """What a box's own ledger has in its outbox that HQ has not acknowledged, as it signs it."""
    if not ledger.exists():
        return
    connection = connect(ledger, read_only=True)
    try:
        tx = Tx(connection, _UNKNOWN)
        box = current(tx)
        left: dict[bytes, list[Event]] = {}
        for row in tx.all("outbox_before_all"):
            left.setdefault(blob(row[0]), []).append(event_of(row[1:]))
        if box.is_certified:
            left[box.incarnation] = [event_of(row) for row in tx.all("outbox_unsent", -1)]
    finally:
        connection.close()
    signer = box.signer()
    for incarnation, events in left.items():
        author = Author(node=node_name(signer.public), incarnation=incarnation, signer=signer)
        for start in range(0, len(events), _CHUNK):
            yield sign_recovered(author, tuple(events[start : start + _CHUNK]))
