"""Where nodes come to: signed questions in, bytes out, without a web framework.

The same object answers behind HTTP and behind the in-memory link of the simulation. Times out of
nothing and waits for nothing; the doorbell's waiting is `doorbell.py`.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

from sync.hub import (
    boxes,
    enrolment,
    feed,
    ingest,
    limits,
    reconcile,
    recovery,
    takeovers,
    transfer_desk,
)
from sync.hub.enrolment import EnrolledNode
from sync.hub.glance import Glance, look, signed_head
from sync.hub.identity import Hub, generation_of
from sync.hub.problems import Problem, invalid, missing
from sync.hub.scopes import is_region, scopes_of
from sync.hub.snapshots import Snapshots
from sync.wire import codec
from sync.wire.condition import CONDITION_HEADER, Condition, read_condition
from sync.wire.errors import RemoteWireError
from sync.wire.feed import sign_head
from sync.wire.messages import (
    MAX_BODY_BYTES,
    Cursor,
    EnrolRequest,
    EventBatch,
    FeedAnswer,
    FeedPage,
    FeedQuestion,
)
from sync.wire.reconcile import ReconcileAsk
from sync.wire.request import INCARNATION_HEADER, NODE_HEADER, is_signed_request
from sync.wire.takeover import Recovered, Return
from sync.wire.transfers import TransferQuestion

MAX_FEED_LIMIT = 2_000
SEEN_EVERY_MS = 10_000
PACKED = "application/vnd.storeedge.msgpack+zstd"
JSON = "application/json"
_SNAPSHOT = re.compile(r"/v1/snapshot/([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came over the wire; header names in lower case, `target` with its query."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    address: str = ""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back; `file` is served with Range where it is set."""

    status: int = 200
    body: bytes = b""
    media_type: str = PACKED
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bell:
    """A node waits until one of its scopes is beyond these seqs."""

    node: EnrolledNode
    seqs: Mapping[str, int]


def refuse(problem: Problem) -> Answer:
    """A problem as an answer."""
    retry = problem.extra.get("retry_after_s")
    return Answer(
        status=problem.status,
        body=codec.to_json(problem.document()),
        media_type="application/problem+json",
        headers={} if retry is None else {"retry-after": str(retry)},
    )


class NodeDesk:
    """Answers nodes. Blocking: call it in a thread, or inline in a simulation."""

    def __init__(self, hub: Hub, snapshots: Snapshots) -> None:
        self.hub = hub
        self._snapshots = snapshots
        self._seen_ms: dict[tuple[str, bytes], int] = {}
        self._heard_ms: dict[tuple[str, bytes], int] = {}
        self._conditions: dict[tuple[str, bytes], Condition] = {}
        self._lock = threading.Lock()
        self.collects_heard = False
        """Somebody calls `write_heard` now and then; else each is written at once."""

    def answer(self, asked: Asked) -> Answer:
        """Answer any request but the doorbell; problems become answers."""
        try:
            return self.hub.database.again(lambda: self._answer(asked))
        except Problem as problem:
            return refuse(problem)
        except RemoteWireError as error:
            return refuse(invalid(str(error)))

    def exchange(
        self, *, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        """Status and body of an answer, a file whole: what an in-memory link calls."""
        answer = self.answer(Asked(method=method, target=target, headers=headers, body=body))
        whole = answer.body if answer.file is None else answer.file.read_bytes()
        return answer.status, whole

    def _answer(self, asked: Asked) -> Answer:
        if len(asked.body) > MAX_BODY_BYTES:
            raise Problem(status=413, code="too_large", detail="A body has at most 8 MiB.")
        match asked.method, asked.path:
            case "POST", "/v1/nodes/enroll":
                return self._enroll(asked)
            case "POST", "/v1/nodes/return":
                return self._return(asked)
            case "POST", "/v1/events/recovered":
                sender = self._signed_by(asked)  # a superseded box tells its own rest too
                given, nonce = codec.from_body(tuple[Recovered, bytes], asked.body)
                told = boxes.recovered(self.hub, sender, given, nonce)
                return Answer(body=codec.to_body(told))
            case "POST", "/v1/nodes/personal-key":
                key = enrolment.personal_key(self.hub, self.node_of(asked))
                return Answer(body=codec.to_json(key), media_type=JSON)
            case "POST", "/v1/events":
                return self._events(asked)
            case "POST", "/v1/events/again":
                batch = codec.from_body(EventBatch, asked.body)
                told_again = reconcile.again(self.hub, self.node_of(asked), batch)
                return Answer(body=codec.to_body(told_again))
            case "POST", "/v1/nodes/transfers":
                asker = self.node_of(asked)
                wanted = codec.from_json(TransferQuestion, asked.body)
                return Answer(
                    body=codec.to_json(transfer_desk.answer(self.hub, asker, wanted)),
                    media_type=JSON,
                )
            case "POST", "/v1/reconcile":
                ask = codec.from_json(ReconcileAsk, asked.body)
                compared = reconcile.take(self.hub, self.node_of(asked), ask)
                return Answer(body=codec.to_json(compared), media_type=JSON)
            case "POST", "/v1/feed":
                return self._feed(asked)
            case "GET", "/v1/snapshot":
                number = self.node_of(asked).store
                return Answer(body=codec.to_body(self._snapshots.newest(number)))
            case "GET", path if found := _SNAPSHOT.fullmatch(path):
                number = self.node_of(asked).store
                return Answer(
                    file=self._snapshots.file(number, found[1]),
                    media_type="application/octet-stream",
                )
            case _:
                raise missing("such page")

    def node_of(self, asked: Asked) -> EnrolledNode:
        """Who signed this request.

        Raises:
            Problem: 401 for an unknown node or a signature that is not its own, 409 `superseded`.
        """
        return self._looked_at(asked).node

    def _looked_at(self, asked: Asked) -> Glance:
        """Who signed this request, and how far its feeds are; see `node_of`."""
        found = self._glance(asked)
        who = found.node
        if who.superseded:
            with self.hub.database.reading() as connection:
                raise takeovers.superseded(connection, who.node, who.incarnation)
        self._note(who, read_condition(asked.headers.get(CONDITION_HEADER, "")))
        return found

    def _signed_by(self, asked: Asked) -> EnrolledNode:
        """Who signed it, in its place or not."""
        return self._glance(asked).node

    def _glance(self, asked: Asked) -> Glance:
        try:
            incarnation = bytes.fromhex(asked.headers.get(INCARNATION_HEADER, ""))
        except ValueError:
            incarnation = b""
        found = look(self.hub, asked.headers.get(NODE_HEADER, ""), incarnation)
        if not is_signed_request(
            asked.headers,
            found.node.public,
            method=asked.method,
            target=asked.target,
            body=asked.body,
        ):
            raise Problem(status=401, code="bad_signature", detail="Not signed by this box.")
        return found

    def _note(self, node: EnrolledNode, condition: Condition | None) -> None:
        """Remember in the database that a node was heard, not more often than needed."""
        key = (node.node, node.incarnation)
        now_ms = self.hub.clock.now_ms()
        with self._lock:
            if abs(now_ms - self._seen_ms.get(key, 0)) < SEEN_EVERY_MS:
                return
            self._seen_ms[key] = now_ms
            if condition is not None:
                self._conditions[key] = condition
            if self.collects_heard:
                self._heard_ms[key] = now_ms
                return
        self._write({key: now_ms})

    def write_heard(self) -> None:
        """Write down when nodes were heard, all that were since the last time at once."""
        with self._lock:
            heard, self._heard_ms = self._heard_ms, {}
        if heard:
            self.hub.database.again(lambda: self._write(heard))

    def _write(self, heard: Mapping[tuple[str, bytes], int]) -> None:
        with self._lock:
            said = {key: self._conditions[key] for key in heard if key in self._conditions}
        enrolment.seen(self.hub, heard, said)

    def _enroll(self, asked: Asked) -> Answer:
        limits.check(self.hub, asked.address)
        request = codec.from_json(EnrolRequest, asked.body)
        try:
            answer = enrolment.enroll(self.hub, request)
        except Problem:
            limits.count(self.hub, asked.address)
            raise
        return Answer(body=codec.to_json(answer), media_type=JSON)

    def _return(self, asked: Asked) -> Answer:
        limits.check(self.hub, asked.address)
        request = codec.from_json(Return, asked.body)
        try:
            answer = boxes.come_back(self.hub, request)
        except Problem:
            limits.count(self.hub, asked.address)
            raise
        return Answer(body=codec.to_json(answer), media_type=JSON)

    def _events(self, asked: Asked) -> Answer:
        sender = self.node_of(asked)
        batch = codec.from_body(EventBatch, asked.body)
        try:
            answer = ingest.take(self.hub, sender, batch)
        except Problem as problem:
            if problem.code == "gap":
                recovery.found_gap(self.hub, sender)
            raise
        if batch.last_seq > answer.acked_seq and not batch.events:
            recovery.found_gap(self.hub, sender)
        return Answer(body=codec.to_body(answer))

    def _feed(self, asked: Asked) -> Answer:
        found_at = self._looked_at(asked)
        reader = found_at.node
        question = codec.from_body(FeedQuestion, asked.body)
        if len(question.nonce) != 16 or not 1 <= question.limit <= MAX_FEED_LIMIT:
            raise invalid("The nonce has 16 bytes; limit is 1 to 2,000.")
        if found_at.has_all(question.cursors):
            return self._nothing_new(reader, question)
        pages: list[FeedPage] = []
        gone: list[str] = []
        ahead: Cursor | None = None
        with self.hub.database.reading() as connection:
            generation = generation_of(connection)
            allowed = scopes_of(connection, reader.store)
            asked_for = {cursor.scope for cursor in question.cursors}
            for cursor in question.cursors:
                if is_region(cursor.scope) and (
                    cursor.scope not in allowed
                ):  # its store was moved to another region
                    gone.append(cursor.scope)
                    continue
                if cursor.scope == allowed[-1] and question.regions and not asked_for >= {*allowed}:
                    gone.append(cursor.scope)  # its store came into a region
                    continue
                if cursor.scope not in allowed:
                    raise Problem(status=403, code="not_yours", detail="Another store's scope.")
                found = feed.read(connection, cursor, generation, question.limit)
                if found is None:
                    gone.append(cursor.scope)
                    if recovery.standing(connection, reader, cursor) == "ahead":
                        ahead = cursor
                    continue
                pages.append(
                    FeedPage(
                        scope=cursor.scope,
                        generation=generation,
                        rows=found.rows,
                        head=found.head,
                        signature=sign_head(found.head, self.hub.signer),
                        more=found.more,
                    )
                )
        if ahead is not None:
            recovery.found_ahead(self.hub, reader, ahead)
            pages, gone = [], [cursor.scope for cursor in question.cursors]
        answer = FeedAnswer(
            pages=tuple(pages),
            gone=tuple(gone),
            time=self.hub.time(question.nonce),
            acked_seq=reader.acked_seq,
        )
        return Answer(body=codec.to_body(answer))

    def _nothing_new(self, reader: EnrolledNode, question: FeedQuestion) -> Answer:
        pages = tuple(
            FeedPage(
                scope=cursor.scope,
                generation=cursor.generation,
                rows=(),
                head=cursor,
                signature=signed_head(cursor, self.hub.signer),
                more=False,
            )
            for cursor in question.cursors
        )
        answer = FeedAnswer(
            pages=pages,
            gone=(),
            time=self.hub.time(question.nonce),
            acked_seq=reader.acked_seq,
        )
        return Answer(body=codec.to_body(answer))

    def bell(self, asked: Asked) -> Bell:
        """What a doorbell request waits for: `?at=chain.SEQ&at=store:N.SEQ`.

        Raises:
            Problem: not signed, another store's scope, or not such a query.
        """
        reader = self.node_of(asked)
        with self.hub.database.reading() as connection:
            allowed = scopes_of(connection, reader.store)
        seqs: dict[str, int] = {}
        for name, value in parse_qsl(asked.target.partition("?")[2]):
            scope, _, seq = value.rpartition(".")
            if name != "at" or not seq.isdecimal() or len(seq) > 18:
                raise invalid("Ask for `at=SCOPE.SEQ`.")
            if scope not in allowed:
                if is_region(scope):
                    seqs[scope] = -1  # not its own any more: rings at once
                    continue
                raise Problem(status=403, code="not_yours", detail="Another store's scope.")
            seqs[scope] = int(seq)
        if not seqs:
            raise invalid("Ask for `at=SCOPE.SEQ`.")
        return Bell(node=reader, seqs=seqs)

    def heads(self) -> dict[str, int]:
        """The end of every scope."""
        with self.hub.database.reading() as connection:
            return feed.all_heads(connection)
