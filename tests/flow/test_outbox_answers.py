"""What HQ answers to our events is kept, and a fork stops the giving."""

from typing import TYPE_CHECKING

from edge.flow.review import cases
from edge.store.outbox import LedgerOutbox
from sync.rules.verdicts import Verdict
from sync.wire.messages import BatchAnswer, HubTime, RowAnswer

if TYPE_CHECKING:
    from tests.flow.conftest import Floor


def answered(*rows: RowAnswer, acked: int) -> BatchAnswer:
    time = HubTime(time_ms=0, nonce=b"", signature=b"")
    return BatchAnswer(rows=rows, acked_seq=acked, backed_up_seq=0, time=time)


async def test_a_conflict_is_a_case_and_the_queue_goes_on(floor: "Floor") -> None:
    for _ in range(3):
        await floor.scan(floor.order().v1)
    outbox = LedgerOutbox(floor.shop.writer, floor.shop.moment, on_fork=floor.shop.fence)
    sent = await outbox.unsent(limit=2, max_bytes=100_000)
    rows = (
        RowAnswer(seq=sent[0].seq, outcome="conflict", reason="handed_twice"),
        RowAnswer(seq=sent[1].seq, outcome="accepted"),
    )
    await outbox.acknowledge(answered(*rows, acked=sent[1].seq))
    assert [case.reason.code for case in await cases(floor.shop)] == ["sync_conflict"]
    left = await outbox.unsent(limit=10, max_bytes=100_000)
    assert left[0].seq == sent[1].seq + 1
    assert (await floor.scan(floor.order().v1)).verdict is Verdict.OK


async def test_a_fork_fences_this_box_now_and_after_a_restart(floor: "Floor") -> None:
    await floor.scan(floor.order().v1)
    outbox = LedgerOutbox(floor.shop.writer, floor.shop.moment, on_fork=floor.shop.fence)
    row = RowAnswer(seq=1, outcome="refused", reason="fork")
    await outbox.acknowledge(answered(row, acked=1))
    waiting = floor.order()
    first = await floor.scan(waiting.v1)
    assert (first.verdict, first.reason.code) == (Verdict.REVIEW, "fenced")
    await floor.stop()
    await floor.start(run="run-2")
    again = await floor.scan(waiting.v1)
    assert (again.reason.code, again.case) == ("fenced", first.case)
