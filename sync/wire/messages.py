"""The messages between node and hub, version 1; `docs/wire.md` has the same with test vectors.

Bodies of `/v1/events` and `/v1/feed` are MessagePack, compressed with zstd; small questions are
JSON. A node signs each request (`request.py`), the hub signs feed heads, hub time, manifests and
certificates. Unknown fields are kept out silently, unknown kinds are answered `later`.
"""

from typing import Literal

import msgspec

WIRE_VERSION = 1
EVENT_SCHEMA = 1
MAX_BATCH_EVENTS = 1_000
MAX_BATCH_BYTES = 256 * 1024
MAX_EVENT_BYTES = 16 * 1024
MAX_BODY_BYTES = 8 * 1024 * 1024

Unit = tuple[bytes, int, int]
"""(order id 10 bytes, line, unit)."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One fact of a node, from its outbox.

    The envelope can be read at any schema; `body` is JSON bytes whose fields belong to `kind`.
    audit_seq and audit_hash witness the node's audit chain at this event.
    """

    seq: int
    hlc: int
    trusted_ms: int
    kind: str
    schema: int
    units: tuple[Unit, ...]
    body: bytes
    audit_seq: int
    audit_hash: bytes


class EventBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Events of one incarnation in seq order, without gaps; `nonce` is for the answer's time.

    last_seq: the newest event of the node, sent or not. kept_from: the oldest that it still has.
    Both tell a restored hub what it misses; -1 when not said. Without events: a question for marks.
    """

    incarnation: bytes
    nonce: bytes
    events: tuple[Event, ...]
    last_seq: int = -1
    kept_from: int = -1


Outcome = Literal["accepted", "known", "conflict", "refused", "later"]


class RowAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub did with one event. conflict and refused become a case on both sides."""

    seq: int
    outcome: Outcome
    reason: str = ""


class HubTime(msgspec.Struct, frozen=True, kw_only=True):
    """The hub's clock, signed for one question: `nonce` is the 16 bytes the node sent."""

    time_ms: int
    nonce: bytes
    signature: bytes


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Per row, and the marks below which everything is held, and held in a backup too."""

    rows: tuple[RowAnswer, ...]
    acked_seq: int
    backed_up_seq: int
    time: HubTime


class Cursor(msgspec.Struct, frozen=True, kw_only=True):
    """How far a scope was read: (hub generation 8 bytes, seq, hash of that row 32 bytes)."""

    scope: str
    generation: bytes
    seq: int
    row_hash: bytes


class FeedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `row_hash` is not sent: each side computes it (`feed.row_hash`)."""

    seq: int
    kind: str
    body: bytes
    must_understand: bool = True


class FeedPage(msgspec.Struct, frozen=True, kw_only=True):
    """Rows behind a cursor, and the signed head of its last row (of the cursor, when empty)."""

    scope: str
    generation: bytes
    rows: tuple[FeedRow, ...]
    head: Cursor
    signature: bytes
    more: bool


class FeedQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Everything behind these cursors, please; `limit` rows a scope.

    regions: the node reads the scope of its store's region too, once a snapshot has named it.
    """

    cursors: tuple[Cursor, ...]
    nonce: bytes
    limit: int = 500
    regions: bool = False


class FeedAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A page a scope. `gone` names scopes that need a snapshot.

    acked_seq: the hub's mark of the asking node, -1 when not said. One below what it acknowledged
    before is a hub that was restored.
    """

    pages: tuple[FeedPage, ...]
    gone: tuple[str, ...]
    time: HubTime
    acked_seq: int = -1


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot is: a zstd-compressed SQLite file built to `catalog.SCHEMA_SQL`.

    size and sha256 are of the compressed bytes; `plain_size` bounds what comes out.
    """

    chain: str
    store: int
    generation: bytes
    cursors: tuple[Cursor, ...]
    schema: int
    size: int
    plain_size: int
    sha256: bytes


class SignedManifest(msgspec.Struct, frozen=True, kw_only=True):
    """`manifest` is MessagePack of a `Manifest`; the signature is the hub's over it."""

    manifest: bytes
    signature: bytes


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub says of a node, signed: who it is and what it may do."""

    chain: str
    store: int
    store_code: str
    node: str
    node_public: bytes
    incarnation: bytes
    hub_public: bytes
    demo: bool
    issued_ms: int


class EnrolRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A box asks to be a store's node.

    proof: HMAC-SHA256 under the pairing secret over (node_public, incarnation); the signature is
    the node's own over the same, so both keys are shown to be held.
    """

    pairing_id: str
    node_public: bytes
    incarnation: bytes
    proof: bytes
    signature: bytes


class SignedTakeOver(msgspec.Struct, frozen=True, kw_only=True):
    """`takeover` is MessagePack of a `takeover.TakeOver`; the signature is the hub's over it."""

    takeover: bytes
    signature: bytes


class EnrolAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """`pending` until a person at HQ confirmed the fingerprint; no secret flows before.

    certificate: MessagePack of a `Certificate`, `signature` the hub's over it. k_store: 32 bytes.
    takeovers: of the boxes whose place this one took, to be shown to them.
    """

    state: Literal["pending", "enrolled"]
    fingerprint: str
    certificate: bytes = b""
    signature: bytes = b""
    k_store: bytes = b""
    takeovers: tuple[SignedTakeOver, ...] = ()


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What the hub says when it will not (`application/problem+json`); other members vary.

    takeover, takeover_signature: beside `superseded`, the hub's evidence in hexadecimal.
    """

    code: str
    detail: str = ""
    expected_seq: int = 0
    takeover: str = ""
    takeover_signature: str = ""


class PersonalKey(msgspec.Struct, frozen=True, kw_only=True):
    """The store's personal-data key, for memory only."""

    key: bytes
