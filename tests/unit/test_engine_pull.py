"""Pull as values: chains and signatures are checked before anything is applied."""

import random
from collections.abc import Callable

import pytest

from sync.engine.actions import ApplyFeed, FetchSnapshot, PullAction, ReadCursors, Send, Wait
from sync.engine.peer import Peer
from sync.engine.pull import PullEngine
from sync.engine.state import Presence
from sync.engine.verify import start
from sync.wire import codec, feed
from sync.wire.catalog import SCHEMA_VERSION
from sync.wire.errors import Offline, RemoteWireError
from sync.wire.feed import time_message
from sync.wire.messages import (
    Cursor,
    FeedAnswer,
    FeedPage,
    FeedQuestion,
    FeedRow,
    HubTime,
    Manifest,
)
from sync.wire.signature import DOMAIN_HUB_TIME, Signer
from sync.wire.snapshot import sign_manifest

HUB = Signer.generate()
PEER = Peer(chain="c", store=1, node="N", incarnation=b"incarnat", hub_public=HUB.public)
GENERATION = b"generati"
NOW_MS = 1_000_000


def at(scope: str, seq: int, row_hash: bytes = feed.GENESIS) -> Cursor:
    return Cursor(scope=scope, generation=GENERATION, seq=seq, row_hash=row_hash)


def page(
    cursor: Cursor, count: int, *, more: bool = False, signer: Signer = HUB, skip: int = 0
) -> FeedPage:
    rows = tuple(
        FeedRow(seq=cursor.seq + number + skip, kind="product", body=b"%d" % number)
        for number in range(1, count + 1)
    )
    row_hash = cursor.row_hash
    for row in rows:
        row_hash = feed.row_hash(row_hash, cursor.scope, row)
    head = at(cursor.scope, rows[-1].seq if rows else cursor.seq, row_hash)
    return FeedPage(
        scope=cursor.scope,
        generation=GENERATION,
        rows=rows,
        head=head,
        signature=feed.sign_head(head, signer),
        more=more,
    )


class Line:
    def __init__(self) -> None:
        self.presence = Presence(now_boot_ms=NOW_MS)
        self.engine = PullEngine(PEER, random.Random(7), self.presence)  # noqa: S311 - a seed
        self.cursors = [at("chain", 3), at("store:1", 5)]
        self.question = FeedQuestion(cursors=(), nonce=b"")

    def ask(self) -> None:
        assert isinstance(self.engine.begin(), ReadCursors)
        send = self.engine.cursors(self.cursors)
        assert isinstance(send, Send)
        assert (send.method, send.target) == ("POST", "/v1/feed")
        self.question = codec.from_body(FeedQuestion, send.body)

    def answer(self, *pages: FeedPage, gone: tuple[str, ...] = ()) -> PullAction:
        nonce = self.question.nonce
        body = codec.to_body(
            FeedAnswer(
                pages=pages,
                gone=gone,
                time=HubTime(
                    time_ms=77,
                    nonce=nonce,
                    signature=HUB.sign(DOMAIN_HUB_TIME, time_message(77, nonce)),
                ),
            )
        )
        return self.raw(body)

    def raw(self, body: bytes) -> PullAction:
        return self.engine.answered(body, asked_boot_ms=NOW_MS, answered_boot_ms=NOW_MS + 9)


def manifest_of(*cursors: Cursor) -> Manifest:
    return Manifest(
        chain="c",
        store=1,
        generation=cursors[0].generation,
        cursors=cursors,
        schema=SCHEMA_VERSION,
        size=10,
        plain_size=20,
        sha256=bytes(32),
    )


def test_verified_pages_are_applied_then_it_waits_for_the_doorbell_or_the_poll() -> None:
    line = Line()
    line.ask()
    chain, store = line.cursors
    action = line.answer(page(chain, 2), page(store, 0))
    assert isinstance(action, ApplyFeed)
    assert [each.scope for each in action.pages] == ["chain"], "an empty page is no news"
    assert (action.time.time_ms, action.time.answered_boot_ms) == (77, NOW_MS + 9)
    wait = line.engine.applied(now_boot_ms=NOW_MS + 20)
    assert isinstance(wait, Wait)
    assert 24_000 <= wait.until_boot_ms - NOW_MS <= 36_020
    assert line.engine.up_to_date
    assert line.presence.state.online
    assert line.engine.heads == {"chain": 5, "store:1": 5}
    assert isinstance(line.engine.woken(now_boot_ms=NOW_MS + 21), ReadCursors)


def test_a_page_that_promises_more_is_followed_at_once_from_what_was_applied() -> None:
    line = Line()
    line.ask()
    chain, store = line.cursors
    assert isinstance(line.answer(page(chain, 2, more=True), page(store, 0)), ApplyFeed)
    assert isinstance(line.engine.applied(now_boot_ms=NOW_MS), ReadCursors)


def test_with_nothing_applied_a_snapshot_comes_first_and_then_the_feed() -> None:
    line = Line()
    assert isinstance(line.engine.begin(), ReadCursors)
    send = line.engine.cursors(())
    assert send == Send(method="GET", target="/v1/snapshot")
    manifest = manifest_of(at("chain", 3), at("store:1", 5))
    fetch = line.raw(codec.to_body(sign_manifest(manifest, HUB)))
    assert isinstance(fetch, FetchSnapshot)
    assert fetch.target == f"/v1/snapshot/{'00' * 32}"
    assert not line.presence.state.online, "not before it is installed"
    assert isinstance(line.engine.applied(now_boot_ms=NOW_MS), ReadCursors)
    assert line.presence.state.online


def test_a_scope_that_was_never_read_is_read_from_its_start() -> None:
    line = Line()
    line.cursors = [at("chain", 3)]
    line.ask()
    assert line.question.cursors == (at("chain", 3), start("store:1"))
    action = line.answer(
        page(at("chain", 3), 0),
        page(Cursor(scope="store:1", generation=bytes(8), seq=0, row_hash=feed.GENESIS), 1),
    )
    assert isinstance(action, ApplyFeed)
    assert action.pages[0].rows[0].seq == 1


def test_a_feed_that_is_gone_leads_to_a_snapshot_after_the_other_was_applied() -> None:
    line = Line()
    line.ask()
    action = line.answer(page(line.cursors[0], 1), gone=("store:1",))
    assert isinstance(action, ApplyFeed)
    assert line.engine.applied(now_boot_ms=NOW_MS) == Send(method="GET", target="/v1/snapshot")


def broken(change: str) -> Callable[[Cursor], FeedPage]:
    def make(cursor: Cursor) -> FeedPage:
        good = page(cursor, 2)
        fields = {name: getattr(good, name) for name in good.__struct_fields__}
        other = at(cursor.scope, cursor.seq + 9, good.head.row_hash)
        match change:
            case "signed by another":
                return page(cursor, 2, signer=Signer.generate())
            case "a row is missing":
                return FeedPage(**{**fields, "rows": good.rows[1:]})
            case "a row was changed":
                changed = FeedRow(seq=good.rows[0].seq, kind="product", body=b"0.01")
                return FeedPage(**{**fields, "rows": (changed, good.rows[1])})
            case "a kind was changed":
                first = good.rows[0]
                changed = FeedRow(seq=first.seq, kind="staff", body=first.body)
                return FeedPage(**{**fields, "rows": (changed, good.rows[1])})
            case "rows were swapped":
                return FeedPage(**{**fields, "rows": good.rows[::-1]})
            case "a gap":
                return page(cursor, 2, skip=1)
            case "another scope's head":
                return FeedPage(**{**fields, "head": at("store:9", 5)})
            case "another generation":
                return FeedPage(**{**fields, "generation": b"elsewher"})
            case "wholly another generation":
                head = Cursor(
                    scope=cursor.scope,
                    generation=b"elsewher",
                    seq=good.head.seq,
                    row_hash=good.head.row_hash,
                )
                return FeedPage(
                    **{
                        **fields,
                        "generation": b"elsewher",
                        "head": head,
                        "signature": feed.sign_head(head, HUB),
                    }
                )
            case "another scope's signed head":
                head = at("store:9", cursor.seq, cursor.row_hash)
                return FeedPage(
                    **{
                        **fields,
                        "rows": (),
                        "head": head,
                        "signature": feed.sign_head(head, HUB),
                    }
                )
            case "a head beyond":
                return FeedPage(
                    **{**fields, "head": other, "signature": feed.sign_head(other, HUB)}
                )
            case _:
                assert change == "more of nothing"
                return page(cursor, 0, more=True)

    return make


@pytest.mark.parametrize(
    "change",
    [
        "signed by another",
        "a row is missing",
        "a row was changed",
        "a kind was changed",
        "rows were swapped",
        "a gap",
        "another scope's head",
        "another generation",
        "wholly another generation",
        "another scope's signed head",
        "a head beyond",
        "more of nothing",
    ],
)
def test_a_page_that_breaks_the_chain_is_not_applied(change: str) -> None:
    line = Line()
    line.ask()
    action = line.answer(broken(change)(line.cursors[0]), page(line.cursors[1], 1))
    assert isinstance(action, Wait)
    assert isinstance(line.engine.failure, RemoteWireError)
    assert line.engine.heads == {"chain": 3, "store:1": 5}


def test_an_answer_must_speak_of_each_scope_once() -> None:
    chain, store = at("chain", 3), at("store:1", 5)
    for pages, gone in (
        ((page(chain, 1),), ()),
        ((page(chain, 1), page(chain, 1)), ()),
        ((page(chain, 1), page(store, 1)), ("chain",)),
        ((page(chain, 1), page(at("store:2", 5), 1)), ()),
    ):
        line = Line()
        line.ask()
        assert isinstance(line.answer(*pages, gone=gone), Wait)


def test_an_answer_to_an_older_question_is_not_believed() -> None:
    line = Line()
    line.ask()
    older = line.question
    line.engine.failed(Offline("cut"), now_boot_ms=0)
    line.ask()
    line.question = older
    assert isinstance(line.answer(page(line.cursors[0], 1), page(line.cursors[1], 0)), Wait)
    assert isinstance(line.engine.failure, RemoteWireError)


@pytest.mark.parametrize("body", [b"", b"x", codec.squeeze(b"x"), codec.to_body([1, 2])])
def test_nonsense_instead_of_pages_or_of_a_manifest_applies_nothing(body: bytes) -> None:
    line = Line()
    line.ask()
    assert isinstance(line.raw(body), Wait)
    line = Line()
    line.engine.begin()
    line.engine.cursors(())
    assert isinstance(line.raw(body), Wait)
    assert line.presence.state.pull_error == "E-WIR-02"


def test_a_snapshot_that_goes_back_is_refused_and_the_wait_grows() -> None:
    line = Line()
    waits: list[int] = []
    for _ in range(12):
        line.ask()
        assert isinstance(line.answer(page(line.cursors[0], 0), gone=("store:1",)), ApplyFeed)
        line.engine.applied(now_boot_ms=NOW_MS)
        back = manifest_of(at("chain", 3), at("store:1", 4))
        wait = line.raw(codec.to_body(sign_manifest(back, HUB)))
        assert isinstance(wait, Wait)
        waits.append(wait.until_boot_ms)
        assert isinstance(line.engine.woken(now_boot_ms=wait.until_boot_ms), ReadCursors)
    assert max(waits) - NOW_MS > 10_000
    assert not line.presence.state.online
