"""The outbox: nothing for HQ is skipped, reordered, or dropped before HQ has it backed up."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import made_shop
import pytest

from edge.store.ledger import Ledger
from edge.store.outbox import KEEP_ACKED, LedgerOutbox
from edge.store.tx import Moment, Tx
from edge.store.writer import Writer
from sync.wire.events import Signed
from sync.wire.messages import BatchAnswer, HubTime, Outcome, RowAnswer

NO_TIME = HubTime(time_ms=0, nonce=b"", signature=b"")


@dataclass(slots=True)
class Kept:
    """An outbox and its ledger. forks: how often it was told that a copy is at work."""

    ledger: Ledger
    writer: Writer
    moment: Moment
    forks: list[int] = field(default_factory=list)

    @property
    def outbox(self) -> LedgerOutbox:
        return LedgerOutbox(self.writer, lambda: self.moment, on_fork=lambda: self.forks.append(1))

    async def tell(self, count: int) -> None:
        def act(tx: Tx) -> None:
            for number in range(count):
                tx.note("noted", number=number)
                tx.tell("audit_head", Signed(at_ms=number))

        await self.writer.do(act, self.moment)

    async def seqs(self, *, limit: int = 1_000, max_bytes: int = 10**6) -> list[int]:
        return [event.seq for event in await self.outbox.unsent(limit=limit, max_bytes=max_bytes)]

    def rows(self, question: str) -> list[tuple[object, ...]]:
        return self.ledger.connection.execute(question).fetchall()


def answer(
    seqs: Sequence[int], *, outcome: Outcome = "accepted", reason: str = "", backed_up: int = 0
) -> BatchAnswer:
    return BatchAnswer(
        rows=tuple(RowAnswer(seq=seq, outcome=outcome, reason=reason) for seq in seqs),
        acked_seq=seqs[-1],
        backed_up_seq=backed_up,
        time=NO_TIME,
    )


@asynccontextmanager
async def keeping(ledger: Ledger, moment: Moment) -> AsyncIterator[Kept]:
    writer = Writer(ledger, on_fatal=lambda _: None)
    yield Kept(ledger=ledger, writer=writer, moment=moment)
    await writer.close()


async def test_events_are_read_in_order_from_the_mark_on(ledger: Ledger, moment: Moment) -> None:
    async with keeping(ledger, moment) as kept:
        await kept.tell(7)
        assert await kept.seqs(limit=3) == [1, 2, 3]
        assert await kept.seqs(limit=3) == [1, 2, 3]
        await kept.outbox.acknowledge(answer([1, 2, 3]))
        assert await kept.seqs() == [4, 5, 6, 7]
        assert await kept.outbox.waiting() == (4, moment.trusted_ms)
        await kept.outbox.acknowledge(answer([4, 5, 6, 7]))
        assert await kept.seqs() == []
        assert await kept.outbox.waiting() == (0, None)


async def test_an_event_above_the_byte_bound_still_goes_alone(
    ledger: Ledger, moment: Moment
) -> None:
    async with keeping(ledger, moment) as kept:
        await kept.tell(3)
        assert await kept.seqs(max_bytes=1) == [1]
        assert await kept.seqs(max_bytes=500) == [1, 2]


async def test_an_answer_that_comes_again_or_late_does_not_take_the_mark_back(
    ledger: Ledger, moment: Moment
) -> None:
    async with keeping(ledger, moment) as kept:
        await kept.tell(5)
        await kept.outbox.acknowledge(answer([1, 2, 3, 4]))
        await kept.outbox.acknowledge(answer([1, 2]))
        assert await kept.seqs() == [5]


async def test_a_mark_beyond_what_we_told_is_not_believed(ledger: Ledger, moment: Moment) -> None:
    async with keeping(ledger, moment) as kept:
        await kept.tell(2)
        wrong = BatchAnswer(
            rows=(RowAnswer(seq=1, outcome="accepted"),),
            acked_seq=900,
            backed_up_seq=900,
            time=NO_TIME,
        )
        await kept.outbox.acknowledge(wrong)
        await kept.tell(1)
        assert await kept.seqs() == [3]


@pytest.mark.parametrize(
    ("outcome", "why"), [("conflict", "sync_conflict"), ("refused", "sync_refused")]
)
async def test_what_headquarters_disputes_is_a_case_and_stops_nothing(
    ledger: Ledger, moment: Moment, outcome: Outcome, why: str
) -> None:
    async with keeping(ledger, moment) as kept:
        await kept.tell(3)
        await kept.outbox.acknowledge(answer([1, 2], outcome=outcome, reason="handed_twice"))
        assert kept.rows("SELECT reason FROM review") == [(why,), (why,)]
        assert (await kept.seqs())[0] == 3
        assert kept.rows("SELECT outcome, reason FROM outbox WHERE seq = 1") == [
            (outcome, "handed_twice")
        ]


async def test_what_headquarters_takes_later_is_no_case(ledger: Ledger, moment: Moment) -> None:
    async with keeping(ledger, moment) as kept:
        await kept.tell(1)
        await kept.outbox.acknowledge(answer([1], outcome="later", reason="newer"))
        assert kept.rows("SELECT * FROM review") == []
        assert kept.rows("SELECT outcome FROM outbox") == [("later",)]


async def test_a_fork_fences_the_box_durably_before_it_is_told(tmp_path: Path) -> None:
    made_shop.prepare(tmp_path / "data", orders=1)
    ledger = Ledger(tmp_path / "data" / "ledger.db")
    moment = Moment(trusted_ms=1_790_000_000_000, boot_ms=1, clock="synced")
    async with keeping(ledger, moment) as kept:
        await kept.tell(1)
        await kept.outbox.acknowledge(answer([1], outcome="refused", reason="bad_body"))
        assert kept.forks == []
        await kept.tell(1)
        await kept.outbox.acknowledge(answer([2, 3], outcome="refused", reason="fork"))
        assert kept.forks == [1]
        assert kept.rows("SELECT fenced FROM identity") == [(1,)]
    ledger.close()


@pytest.mark.parametrize(
    ("acked", "backed_up", "outcome", "left"),
    [
        (0, 0, "accepted", KEEP_ACKED + 20),
        (20, 0, "accepted", KEEP_ACKED + 20),
        (20, 5, "accepted", KEEP_ACKED + 15),
        (20, 20, "accepted", KEEP_ACKED),
        (20, 20, "known", KEEP_ACKED),
        (20, 20, "later", KEEP_ACKED + 20),
    ],
)
async def test_only_what_is_held_and_backed_up_there_is_ever_deleted_here(
    ledger: Ledger, moment: Moment, acked: int, backed_up: int, outcome: Outcome, left: int
) -> None:
    async with keeping(ledger, moment) as kept:
        await kept.tell(KEEP_ACKED + 20)
        if acked:
            seqs = list(range(1, acked + 1))
            await kept.outbox.acknowledge(answer(seqs, outcome=outcome, backed_up=backed_up))
        else:
            nothing = BatchAnswer(rows=(), acked_seq=0, backed_up_seq=0, time=NO_TIME)
            await kept.outbox.acknowledge(nothing)
        [(count,)] = kept.rows("SELECT count(*) FROM outbox")
        assert count == left
        assert (await kept.seqs(limit=1))[0] == acked + 1


async def test_the_newest_events_stay_even_when_backed_up(ledger: Ledger, moment: Moment) -> None:
    """For a hub that was restored a little behind (attacks 11)."""
    async with keeping(ledger, moment) as kept:
        await kept.tell(50)
        await kept.outbox.acknowledge(answer(list(range(1, 51)), backed_up=50))
        assert kept.rows("SELECT count(*) FROM outbox") == [(50,)]
