"""Reading the hub's feeds, and taking a snapshot where a feed cannot be followed.

    reading ──cursors──▶ asking ──pages──▶ applying ──more──▶ reading
       │ never read         │ `gone`           │ up to date
       ▼                    ▼ (after applying) ▼
    wanting ──manifest──▶ fetching ──▶ reading   waiting      failure: waiting, from anywhere

Pull never waits for push. The doorbell and a slow poll end the waiting; a failure's wait is kept.
"""

import random
from collections.abc import Sequence
from typing import Literal

from sync.engine.actions import (
    ApplyFeed,
    FetchSnapshot,
    PullAction,
    ReadCursors,
    Send,
    TimeReading,
    Wait,
)
from sync.engine.backoff import Backoff
from sync.engine.peer import Peer
from sync.engine.state import Presence
from sync.engine.verify import (
    NO_GENERATION,
    NONCE_BYTES,
    check_manifest,
    check_page,
    start,
    verified_time,
)
from sync.wire import codec
from sync.wire.errors import LinkError, RemoteWireError
from sync.wire.messages import Cursor, FeedAnswer, FeedQuestion, SignedManifest
from sync.wire.snapshot import open_manifest

POLL_MS = 30_000
PAGE_ROWS = 500
_Phase = Literal["reading", "asking", "applying", "wanting", "fetching", "waiting"]


class PullEngine:
    """Pull as values: each method is something that happened, its result is what to do next."""

    def __init__(self, peer: Peer, random_: random.Random, presence: Presence) -> None:
        self._peer = peer
        self._random = random_
        self._presence = presence
        self._backoff = Backoff(random_)
        self._phase: _Phase = "waiting"
        self._not_before_boot_ms = 0
        self.failure: LinkError | RemoteWireError | None = None
        self._nonce = b""
        self._cursors: dict[str, Cursor] = {}
        self._again: Literal["no", "more", "gone"] = "no"
        self.up_to_date = False
        self.hub_mark: int | None = None
        """The hub's mark of our events, as its last answer said it."""

    @property
    def heads(self) -> dict[str, int]:
        """How far each scope is or is being applied: what the doorbell is asked about."""
        return {scope: cursor.seq for scope, cursor in self._cursors.items()}

    def begin(self) -> PullAction:
        """The first thing to do."""
        return self._read()

    def woken(self, *, now_boot_ms: int) -> PullAction:
        """The wait is over, or the doorbell rang; a failure's wait is kept."""
        assert self._phase == "waiting"
        if now_boot_ms < self._not_before_boot_ms:
            return Wait(until_boot_ms=self._not_before_boot_ms)
        return self._read()

    def cursors(self, cursors: Sequence[Cursor]) -> PullAction:
        """How far each scope was applied; with nothing applied at all, a snapshot comes first.

        A scope that is left out was never read; one that is not ours is not asked about.
        """
        assert self._phase == "reading"
        known = {cursor.scope: cursor for cursor in cursors}
        scopes = self._peer.reads(known)
        self._cursors = {scope: known.get(scope, start(scope)) for scope in scopes}
        if all(cursor.generation == NO_GENERATION for cursor in self._cursors.values()):
            return self._want()
        self._phase = "asking"
        self._nonce = self._random.randbytes(NONCE_BYTES)
        question = FeedQuestion(
            cursors=tuple(self._cursors.values()),
            nonce=self._nonce,
            limit=PAGE_ROWS,
            regions=True,
        )
        return Send(method="POST", target="/v1/feed", body=codec.to_body(question))

    def answered(self, body: bytes, *, asked_boot_ms: int, answered_boot_ms: int) -> PullAction:
        """The hub's answer to what was sent; one that cannot be trusted is a failure."""
        assert self._phase in ("asking", "wanting")
        try:
            if self._phase == "wanting":
                return self._manifest(body)
            answer = codec.from_body(FeedAnswer, body)
            time_ms = verified_time(answer.time, self._nonce, self._peer)
            self._check(answer)
            self.hub_mark = answer.acked_seq if answer.acked_seq >= 0 else None
        except RemoteWireError as error:
            return self.failed(error, now_boot_ms=answered_boot_ms)
        self._again = "gone" if answer.gone else "no"
        if self._again == "no" and any(page.more for page in answer.pages):
            self._again = "more"
        self._phase = "applying"
        news = tuple(page for page in answer.pages if page.head != self._cursors[page.scope])
        self._cursors |= {page.scope: page.head for page in news}
        return ApplyFeed(
            pages=news,
            time=TimeReading(
                time_ms=time_ms,
                asked_boot_ms=asked_boot_ms,
                answered_boot_ms=answered_boot_ms,
            ),
        )

    def applied(self, *, now_boot_ms: int) -> PullAction:
        """Pages or a snapshot are durably in the catalog."""
        if self._again == "gone" and self._phase == "applying":
            return self._want()
        assert self._phase in ("applying", "fetching")
        self._backoff.succeeded()
        self._presence.contact("pull", now_boot_ms=now_boot_ms)
        if self._phase == "fetching":
            return self._read()
        if self._again == "more":
            return self._read()
        self._phase = "waiting"
        self.up_to_date = True
        spread = self._random.uniform(0.8, 1.2)
        return Wait(until_boot_ms=now_boot_ms + round(POLL_MS * spread))

    def failed(self, error: LinkError | RemoteWireError, *, now_boot_ms: int) -> PullAction:
        """A question, an answer or a snapshot was lost, or cannot be trusted."""
        self._phase = "waiting"
        self.failure = error
        self._presence.lost("pull", error, now_boot_ms=now_boot_ms)
        self._not_before_boot_ms = now_boot_ms + self._backoff.wait_ms(error)
        return Wait(until_boot_ms=self._not_before_boot_ms)

    def _read(self) -> PullAction:
        self._phase = "reading"
        self.failure = None
        self.up_to_date = False
        return ReadCursors()

    def _want(self) -> PullAction:
        self._phase = "wanting"
        return Send(method="GET", target="/v1/snapshot")

    def _check(self, answer: FeedAnswer) -> None:
        scopes = [page.scope for page in answer.pages] + list(answer.gone)
        if sorted(scopes) != sorted(self._cursors):
            raise RemoteWireError("the answer is not to the scopes that were asked")
        for page in answer.pages:
            check_page(page, self._cursors[page.scope], self._peer)

    def _manifest(self, body: bytes) -> PullAction:
        manifest = open_manifest(codec.from_body(SignedManifest, body), self._peer.hub_public)
        check_manifest(manifest, tuple(self._cursors.values()), self._peer)
        self._phase = "fetching"
        return FetchSnapshot(manifest=manifest, target=f"/v1/snapshot/{manifest.sha256.hex()}")
