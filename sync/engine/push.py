"""Sending the outbox up, one batch in flight.

    reading ──events──▶ asking ──answer──▶ noting ──▶ reading
       │ none              │ failure
       ▼                   ▼
    waiting ◀──────────────┘      woken: reading, unless a failure's wait is not over

Nothing is dropped here: a batch is sent until it is answered, and what was answered is the
outbox's to record. The hub knows a batch that it got twice.

A hub that was restored holds less than it had acknowledged. It says so to a batch (`HubBehind`),
and to one without events, which asks for its marks: sent at the start, and when the feed's
generation changed. Then the outbox's mark goes back and what it kept is sent again.
"""

import random
from collections.abc import Sequence
from typing import Literal

from sync.engine.actions import (
    Acknowledge,
    PushAction,
    ReadOutbox,
    Rewind,
    Send,
    TimeReading,
    Wait,
)
from sync.engine.backoff import Backoff
from sync.engine.peer import Peer
from sync.engine.state import Presence
from sync.engine.verify import NONCE_BYTES, verified_time
from sync.wire import codec
from sync.wire.errors import HubAhead, HubBehind, LinkError, RemoteWireError
from sync.wire.messages import (
    MAX_BATCH_BYTES,
    MAX_BATCH_EVENTS,
    BatchAnswer,
    Event,
    EventBatch,
)
from sync.wire.ports import OutboxMarks

LOOK_AGAIN_MS = 30_000
_Phase = Literal["reading", "asking", "noting", "rewinding", "waiting"]


class PushEngine:
    """Push as values: each method is something that happened, its result is what to do next."""

    def __init__(self, peer: Peer, random_: random.Random, presence: Presence) -> None:
        self._peer = peer
        self._random = random_
        self._presence = presence
        self._backoff = Backoff(random_)
        self._phase: _Phase = "waiting"
        self._not_before_boot_ms = 0
        self.failure: LinkError | RemoteWireError | None = None
        self._nonce = b""
        self._sent: tuple[Event, ...] = ()
        self._marks: OutboxMarks | None = None
        self._asks_marks = True
        self._acked_seq = 0
        self._rewound_to: int | None = None

    def begin(self) -> PushAction:
        """The first thing to do."""
        return self._read()

    def woken(self, *, now_boot_ms: int) -> PushAction:
        """The wait is over, or the outbox got a row; a failure's wait is kept."""
        assert self._phase == "waiting"
        if now_boot_ms < self._not_before_boot_ms:
            return Wait(until_boot_ms=self._not_before_boot_ms)
        return self._read()

    def ask_marks(self) -> None:
        """Ask the hub for its marks in the next round: it may have been restored."""
        self._asks_marks = True

    def heard_mark(self, acked_seq: int) -> bool:
        """The feed's answer named the hub's mark; True when it is below what it said before.

        An answer that overtook another says so too: asking for the marks finds nothing then.
        """
        behind = self._marks is not None and acked_seq < self._acked_seq
        self._asks_marks = self._asks_marks or behind
        return behind

    def outbox(
        self, events: Sequence[Event], *, now_boot_ms: int, marks: OutboxMarks | None = None
    ) -> PushAction:
        """The unsent events, in seq order; without marks a restored hub is not looked for."""
        assert self._phase == "reading"
        self._presence.unsent(len(events))
        self._marks = marks
        self._acked_seq = 0 if marks is None else marks.acked_seq
        if not events and (marks is None or not self._asks_marks):
            self._phase = "waiting"
            return Wait(until_boot_ms=now_boot_ms + LOOK_AGAIN_MS)
        self._phase = "asking"
        self._sent = tuple(events)
        self._nonce = self._random.randbytes(NONCE_BYTES)
        batch = EventBatch(
            incarnation=self._peer.incarnation,
            nonce=self._nonce,
            events=self._sent,
            last_seq=-1 if marks is None else marks.last_seq,
            kept_from=-1 if marks is None else marks.kept_from,
        )
        return Send(method="POST", target="/v1/events", body=codec.to_body(batch))

    def answered(self, body: bytes, *, asked_boot_ms: int, answered_boot_ms: int) -> PushAction:
        """The hub's answer; one that cannot be trusted is a failure."""
        assert self._phase == "asking"
        try:
            answer = codec.from_body(BatchAnswer, body)
            time_ms = verified_time(answer.time, self._nonce, self._peer)
            self._check(answer)
        except RemoteWireError as error:
            return self.failed(error, now_boot_ms=answered_boot_ms)
        self._backoff.succeeded()
        self._presence.contact("push", now_boot_ms=answered_boot_ms)
        self._asks_marks = False
        if not self._sent and self._marks and answer.acked_seq < self._marks.acked_seq:
            return self._rewind(answer.acked_seq)
        self._rewound_to = None
        self._acked_seq = answer.acked_seq
        self._phase = "noting"
        return Acknowledge(
            answer=answer,
            time=TimeReading(
                time_ms=time_ms,
                asked_boot_ms=asked_boot_ms,
                answered_boot_ms=answered_boot_ms,
            ),
        )

    def acknowledged(self) -> PushAction:
        """The answer is on disk."""
        assert self._phase == "noting"
        return self._read()

    def failed(self, error: LinkError | RemoteWireError, *, now_boot_ms: int) -> PushAction:
        """The question or its answer was lost, or the answer cannot be trusted."""
        if isinstance(error, HubBehind) and self._may_rewind(error.expected_seq - 1):
            return self._rewind(error.expected_seq - 1)
        self._phase = "waiting"
        self.failure = error
        self._presence.lost("push", error, now_boot_ms=now_boot_ms)
        self._not_before_boot_ms = now_boot_ms + self._backoff.wait_ms(error)
        return Wait(until_boot_ms=self._not_before_boot_ms)

    def rewound(self) -> PushAction:
        """The outbox's mark is back where the hub's is."""
        assert self._phase == "rewinding"
        return self._read()

    def _may_rewind(self, acked_seq: int) -> bool:
        """Once to a place: a hub that asks for it again does not take what we still have."""
        return (
            self._marks is not None
            and 0 <= acked_seq < self._marks.acked_seq
            and acked_seq != self._rewound_to
        )

    def _rewind(self, acked_seq: int) -> PushAction:
        self._phase = "rewinding"
        self._rewound_to = acked_seq
        return Rewind(acked_seq=acked_seq)

    def _read(self) -> PushAction:
        self._phase = "reading"
        self.failure = None
        return ReadOutbox(limit=MAX_BATCH_EVENTS, max_bytes=MAX_BATCH_BYTES)

    def _last_seq(self) -> int:
        return 0 if self._marks is None else self._marks.last_seq

    def _check(self, answer: BatchAnswer) -> None:
        """Each event sent is answered once, in order.

        Raises:
            HubAhead: the hub holds more of us than we sent: then a copy of this box is at work, and
                marking our rows as sent would lose them.
            RemoteWireError: it is not so.
        """
        if [row.seq for row in answer.rows] != [event.seq for event in self._sent]:
            raise RemoteWireError("the answer is not to the events that were sent")
        last_seq = self._sent[-1].seq if self._sent else self._last_seq()
        if answer.acked_seq > last_seq:
            raise HubAhead("the hub holds events that this box did not write")
        if self._sent and answer.acked_seq != last_seq:
            raise RemoteWireError("the hub's mark is not behind the events that were sent")
        if not 0 <= answer.backed_up_seq <= answer.acked_seq:
            raise RemoteWireError("the hub's backup mark is beyond what it holds")
