"""What must hold before anything from the hub is believed."""

from collections.abc import Sequence

from sync.engine.peer import Peer
from sync.wire import feed
from sync.wire.catalog import SCHEMA_VERSION
from sync.wire.errors import RemoteWireError
from sync.wire.messages import Cursor, FeedPage, HubTime, Manifest

NONCE_BYTES = 16
NO_GENERATION = bytes(8)


def start(scope: str) -> Cursor:
    """The cursor of a scope that was never read."""
    return Cursor(scope=scope, generation=NO_GENERATION, seq=0, row_hash=feed.GENESIS)


def verified_time(time: HubTime, nonce: bytes, peer: Peer) -> int:
    """The hub's time in answer to our nonce.

    Raises:
        RemoteWireError: another question's, or not signed by our hub.
    """
    if time.nonce != nonce or not 0 <= time.time_ms < 2**63:
        raise RemoteWireError("hub time answers another question")
    if not feed.is_genuine_time(time.time_ms, nonce, peer.hub_public, time.signature):
        raise RemoteWireError("hub time is not signed by our hub")
    return time.time_ms


def check_page(page: FeedPage, cursor: Cursor, peer: Peer) -> None:
    """Whether a page follows our cursor in an unbroken, signed chain.

    Raises:
        RemoteWireError: it does not; nothing of it may be applied.
    """
    head = page.head
    if head.scope != page.scope or head.generation != page.generation:
        raise RemoteWireError("a page and its head are of different feeds")
    if cursor.generation not in (NO_GENERATION, page.generation):
        raise RemoteWireError("a page of another generation")
    seq, row_hash = cursor.seq, cursor.row_hash
    for row in page.rows:
        if row.seq != seq + 1:
            raise RemoteWireError("the feed has a gap")
        seq, row_hash = row.seq, feed.row_hash(row_hash, page.scope, row)
    if (head.seq, head.row_hash) != (seq, row_hash):
        raise RemoteWireError("the feed's hash chain is broken")
    if page.more and not page.rows:
        raise RemoteWireError("an empty page promises more")
    if not feed.is_genuine_head(head, peer.hub_public, page.signature):
        raise RemoteWireError("the feed's head is not signed by our hub")


def check_manifest(manifest: Manifest, applied: Sequence[Cursor], peer: Peer) -> None:
    """Whether a signed snapshot is ours, readable, and not behind what was applied.

    Raises:
        RemoteWireError: it is not.
    """
    if (manifest.chain, manifest.store) != (peer.chain, peer.store):
        raise RemoteWireError("a snapshot of another store")
    if manifest.schema != SCHEMA_VERSION:
        raise RemoteWireError("a snapshot with a schema that this version does not know")
    offered = {cursor.scope: cursor for cursor in manifest.cursors}
    if set(offered) != set(peer.reads(offered)) or len(offered) != len(manifest.cursors):
        raise RemoteWireError("a snapshot with other scopes")
    if any(cursor.generation != manifest.generation for cursor in manifest.cursors):
        raise RemoteWireError("a snapshot of mixed generations")
    for have in applied:
        new = offered.get(have.scope)
        if new is None or new.generation != have.generation:
            continue
        if new.seq < have.seq or (new.seq == have.seq and new.row_hash != have.row_hash):
            raise RemoteWireError("a snapshot behind what was applied")
