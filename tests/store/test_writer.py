"""The writer's thread: answers after COMMIT, one hop a batch, an end that everybody hears of."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from gate import one_batch

from edge.store.errors import StoreError, Unanswered, UnitFailed
from edge.store.ledger import Ledger
from edge.store.tx import Moment, Tx
from edge.store.writer import MAX_BATCH, Writer


@asynccontextmanager
async def writing(
    ledger: Ledger, *, limit: int = 4_096
) -> AsyncIterator[tuple[Writer, list[StoreError]]]:
    fatal: list[StoreError] = []
    writer = Writer(ledger, on_fatal=fatal.append, limit=limit)
    yield writer, fatal
    await writer.close()


def notes(tx: Tx) -> int:
    tx.note("noted")
    row = tx.one("counters")
    assert row is not None
    return len(tx.all("audit_rows", 0, 10_000))


async def test_acts_run_in_the_order_they_were_asked(ledger: Ledger, moment: Moment) -> None:
    async with writing(ledger) as (writer, _):
        answers = await asyncio.gather(*(writer.do(notes, moment) for _ in range(50)))
    assert answers == list(range(1, 51))


async def test_what_waits_together_is_committed_together(ledger: Ledger, moment: Moment) -> None:
    async with writing(ledger) as (writer, _):
        async with one_batch(writer, moment):
            tasks = [asyncio.create_task(writer.do(notes, moment)) for _ in range(MAX_BATCH + 5)]
        await asyncio.gather(*tasks)
        assert (writer.batches, writer.acts) == (3, MAX_BATCH + 6)


async def test_a_lone_act_is_served_at_once(ledger: Ledger, moment: Moment) -> None:
    async with writing(ledger) as (writer, _):
        assert await writer.do(notes, moment) == 1
        assert (writer.batches, writer.acts) == (1, 1)


async def test_past_its_bound_the_queue_refuses_the_newest_and_keeps_the_rest(
    ledger: Ledger, moment: Moment
) -> None:
    async with writing(ledger, limit=3) as (writer, fatal):
        async with one_batch(writer, moment):
            tasks = [asyncio.create_task(writer.do(notes, moment)) for _ in range(5)]
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert answers[:3] == [1, 2, 3]
        assert [type(answer) for answer in answers[3:]] == [Unanswered, Unanswered]
        assert fatal == []
        assert await writer.do(notes, moment) == 4


async def test_a_client_that_went_away_loses_its_answer_and_not_its_act(
    ledger: Ledger, moment: Moment
) -> None:
    async with writing(ledger) as (writer, _):
        async with one_batch(writer, moment):
            gone = asyncio.create_task(writer.do(notes, moment))
            stays = asyncio.create_task(writer.do(notes, moment))
            await asyncio.sleep(0)
            gone.cancel()
        assert await stays == 2


async def test_after_an_unknown_batch_everybody_is_told_and_the_end_is_called(
    ledger: Ledger, moment: Moment
) -> None:
    def breaks(tx: Tx) -> None:
        tx.connection.execute("ROLLBACK")

    async with writing(ledger) as (writer, fatal):
        async with one_batch(writer, moment):
            tasks = [asyncio.create_task(writer.do(act, moment)) for act in (notes, breaks, notes)]
            between = asyncio.create_task(writer.between(lambda _: None))
            behind = asyncio.create_task(writer.do(notes, moment))
        answers = await asyncio.gather(*tasks, between, behind, return_exceptions=True)
        assert [type(answer) for answer in answers] == [Unanswered] * 5
        with pytest.raises(Unanswered, match="nothing was done"):
            await writer.do(notes, moment)
    assert [type(error) for error in fatal] == [Unanswered]
    assert ledger.broken


async def test_a_failure_between_batches_is_fatal(ledger: Ledger, moment: Moment) -> None:
    def fails(_: Ledger) -> None:
        raise FileNotFoundError("the new catalog")

    async with writing(ledger) as (writer, fatal):
        with pytest.raises(Unanswered, match="between batches"):
            await writer.between(fails)
        with pytest.raises(Unanswered):
            await writer.do(notes, moment)
    assert len(fatal) == 1


async def test_work_between_batches_stands_outside_any_transaction(
    ledger: Ledger, moment: Moment
) -> None:
    async with writing(ledger) as (writer, _):

        def look(found: Ledger) -> tuple[bool, int]:
            rows: int = found.connection.execute("SELECT count(*) FROM audit").fetchone()[0]
            return found.connection.in_transaction, rows

        async with one_batch(writer, moment):
            before = asyncio.create_task(writer.do(notes, moment))
            between = asyncio.create_task(writer.between(look))
            after = asyncio.create_task(writer.do(notes, moment))
        await asyncio.gather(before, after)
        assert await between == (False, 1)


async def test_an_act_that_throws_is_told_to_its_client_alone(
    ledger: Ledger, moment: Moment
) -> None:
    def throws(tx: Tx) -> None:
        notes(tx)
        raise ValueError("of this act")

    async with writing(ledger) as (writer, fatal):
        answers = await asyncio.gather(
            writer.do(notes, moment),
            writer.do(throws, moment),
            writer.do(notes, moment),
            return_exceptions=True,
        )
        assert answers[0] == 1
        assert isinstance(answers[1], UnitFailed)
        assert answers[2] == 2
        assert fatal == []


async def test_closing_finishes_what_waits(ledger: Ledger, moment: Moment) -> None:
    writer = Writer(ledger, on_fatal=lambda _: None)
    tasks = [asyncio.create_task(writer.do(notes, moment)) for _ in range(20)]
    await asyncio.sleep(0)
    await writer.close()
    assert await asyncio.gather(*tasks) == list(range(1, 21))
    with pytest.raises(Unanswered):
        await writer.do(notes, moment)
