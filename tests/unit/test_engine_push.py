"""Push as values: one batch in flight, sent until answered, never believed without a signature."""

import random

import pytest

from sync.engine.actions import Acknowledge, PushAction, ReadOutbox, Send, Wait
from sync.engine.peer import Peer
from sync.engine.push import PushEngine
from sync.engine.state import Presence
from sync.wire import codec
from sync.wire.errors import HubBusy, HubRefused, Offline, RemoteWireError
from sync.wire.feed import time_message
from sync.wire.messages import BatchAnswer, Event, EventBatch, HubTime, RowAnswer
from sync.wire.signature import DOMAIN_HUB_TIME, Signer

HUB = Signer.generate()
PEER = Peer(chain="c", store=1, node="N", incarnation=b"incarnat", hub_public=HUB.public)
NOW_MS = 1_000_000


def event(seq: int) -> Event:
    return Event(
        seq=seq,
        hlc=seq,
        trusted_ms=seq,
        kind="audit_head",
        schema=1,
        units=(),
        body=b"{}",
        audit_seq=seq,
        audit_hash=bytes(32),
    )


def answer_to(
    send: PushAction,
    *,
    rows: tuple[RowAnswer, ...] | None = None,
    acked: int | None = None,
    backed_up: int = 0,
    signer: Signer = HUB,
    nonce: bytes | None = None,
) -> bytes:
    assert isinstance(send, Send)
    batch = codec.from_body(EventBatch, send.body)
    said = batch.nonce if nonce is None else nonce
    return codec.to_body(
        BatchAnswer(
            rows=tuple(RowAnswer(seq=each.seq, outcome="accepted") for each in batch.events)
            if rows is None
            else rows,
            acked_seq=batch.events[-1].seq if acked is None else acked,
            backed_up_seq=backed_up,
            time=HubTime(
                time_ms=77,
                nonce=said,
                signature=signer.sign(DOMAIN_HUB_TIME, time_message(77, said)),
            ),
        )
    )


class Line:
    def __init__(self) -> None:
        self.presence = Presence(now_boot_ms=NOW_MS)
        self.engine = PushEngine(PEER, random.Random(7), self.presence)  # noqa: S311 - a seed

    def sent(self, *seqs: int) -> PushAction:
        assert isinstance(self.engine.begin(), ReadOutbox)
        return self.engine.outbox([event(seq) for seq in seqs], now_boot_ms=NOW_MS)

    def answered(self, body: bytes) -> PushAction:
        return self.engine.answered(body, asked_boot_ms=NOW_MS, answered_boot_ms=NOW_MS + 40)


def test_an_empty_outbox_waits_to_be_woken() -> None:
    line = Line()
    assert isinstance(line.sent(), Wait)
    assert isinstance(line.engine.woken(now_boot_ms=NOW_MS + 1), ReadOutbox)


def test_a_batch_is_sent_with_a_fresh_nonce_and_its_answer_is_noted_with_the_hubs_time() -> None:
    line = Line()
    send = line.sent(1, 2)
    assert isinstance(send, Send)
    assert (send.method, send.target) == ("POST", "/v1/events")
    noted = line.answered(answer_to(send))
    assert isinstance(noted, Acknowledge)
    assert (noted.time.time_ms, noted.time.asked_boot_ms, noted.time.answered_boot_ms) == (
        77,
        NOW_MS,
        NOW_MS + 40,
    )
    assert line.presence.state.online
    assert isinstance(line.engine.acknowledged(), ReadOutbox), "there may be more"
    again = line.engine.outbox([event(3)], now_boot_ms=NOW_MS)
    assert isinstance(again, Send)
    nonces = {codec.from_body(EventBatch, each.body).nonce for each in (send, again)}
    assert len(nonces) == 2


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        codec.squeeze(b"garbage"),
        codec.to_body({"rows": []}),
        codec.squeeze(bytes(100)),
    ],
)
def test_nonsense_is_a_failure_and_nothing_is_noted(body: bytes) -> None:
    line = Line()
    line.sent(1)
    assert isinstance(line.answered(body), Wait)
    assert isinstance(line.engine.failure, RemoteWireError)
    assert (line.presence.state.online, line.presence.state.push_error) == (False, "E-WIR-02")


@pytest.mark.parametrize(
    "wrong",
    ["signer", "nonce", "no rows", "other rows", "mark below", "mark above", "backup above"],
)
def test_an_answer_that_does_not_fit_is_not_believed(wrong: str) -> None:
    line = Line()
    send = line.sent(1, 2)
    others = tuple(RowAnswer(seq=seq, outcome="accepted") for seq in (2, 3))
    body = {
        "signer": lambda: answer_to(send, signer=Signer.generate()),
        "nonce": lambda: answer_to(send, nonce=bytes(16)),
        "no rows": lambda: answer_to(send, rows=()),
        "other rows": lambda: answer_to(send, rows=others),
        "mark below": lambda: answer_to(send, acked=1),
        "mark above": lambda: answer_to(send, acked=3),
        "backup above": lambda: answer_to(send, backed_up=3),
    }[wrong]()
    assert isinstance(line.answered(body), Wait)
    assert isinstance(line.engine.failure, RemoteWireError)


def test_a_woken_engine_keeps_the_wait_of_a_failure() -> None:
    line = Line()
    line.sent(1)
    wait = line.engine.failed(HubRefused("no"), now_boot_ms=NOW_MS)
    assert isinstance(wait, Wait)
    assert line.engine.woken(now_boot_ms=NOW_MS + 10) == wait
    assert isinstance(line.engine.woken(now_boot_ms=wait.until_boot_ms), ReadOutbox)


def test_waits_grow_to_a_minute_with_full_jitter_and_begin_anew_after_an_answer() -> None:
    waits: list[int] = []
    for seed in range(50):
        line = Line()
        line.engine = PushEngine(PEER, random.Random(seed), line.presence)  # noqa: S311 - a seed
        send = line.sent(1)
        wait: PushAction = Wait(until_boot_ms=0)
        for _ in range(20):
            wait = line.engine.failed(Offline("cut"), now_boot_ms=0)
            assert isinstance(wait, Wait)
            assert isinstance(line.engine.woken(now_boot_ms=wait.until_boot_ms), ReadOutbox)
            send = line.engine.outbox([event(1)], now_boot_ms=0)
        assert isinstance(wait, Wait)
        waits.append(wait.until_boot_ms)
        assert isinstance(line.answered(answer_to(send)), Acknowledge)
        assert isinstance(line.engine.acknowledged(), ReadOutbox)
        line.engine.outbox([event(2)], now_boot_ms=0)
        first = line.engine.failed(Offline("cut"), now_boot_ms=0)
        assert isinstance(first, Wait)
        assert first.until_boot_ms <= 500
    assert max(waits) <= 60_000
    assert max(waits) > 45_000
    assert min(waits) < 15_000, "jitter is full, not around the ceiling"


def test_a_busy_hub_is_asked_again_when_it_said_and_counts_as_there() -> None:
    line = Line()
    line.presence.contact("pull", now_boot_ms=NOW_MS)
    line.sent(1)
    wait = line.engine.failed(HubBusy("later", retry_after_ms=9_000), now_boot_ms=NOW_MS)
    assert isinstance(wait, Wait)
    assert 9_000 <= wait.until_boot_ms - NOW_MS <= 10_000
    assert line.presence.state.online


def test_offline_begins_and_ends_by_itself() -> None:
    line = Line()
    presence = line.presence
    assert not presence.state.online
    presence.contact("pull", now_boot_ms=NOW_MS + 1)
    presence.contact("push", now_boot_ms=NOW_MS + 2)
    assert (presence.state.online, presence.state.since_boot_ms) == (True, NOW_MS + 1)
    presence.lost("pull", Offline("cut"), now_boot_ms=NOW_MS + 3)
    presence.lost("push", Offline("cut"), now_boot_ms=NOW_MS + 4)
    assert (presence.state.online, presence.state.since_boot_ms) == (False, NOW_MS + 3)
    presence.contact("push", now_boot_ms=NOW_MS + 5)
    assert not presence.state.online, "pull is still failing"
    presence.contact("pull", now_boot_ms=NOW_MS + 6)
    assert (presence.state.online, presence.state.since_boot_ms) == (True, NOW_MS + 6)
    assert presence.state.last_contact_boot_ms == NOW_MS + 6
