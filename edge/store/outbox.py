"""The outbox as the sync engine sees it."""

from collections.abc import Callable, Sequence

from edge.store.handovers import open_case
from edge.store.incarnation import event_of
from edge.store.row import integer, maybe_integer
from edge.store.tx import Moment, Tx
from edge.store.writer import Writer
from sync.wire.messages import BatchAnswer, Event
from sync.wire.ports import Outbox, OutboxMarks

KEEP_ACKED = 10_000
"""Events kept beyond what HQ has backed up, for a hub that was restored a little behind."""


class LedgerOutbox:
    """Facts for HQ, read and acknowledged through the one writer."""

    def __init__(
        self, writer: Writer, now: Callable[[], Moment], *, on_fork: Callable[[], None]
    ) -> None:
        """on_fork: told once the ledger is fenced, because HQ holds another event of this seq."""
        self._writer = writer
        self._now = now
        self._on_fork = on_fork

    async def unsent(self, *, limit: int, max_bytes: int) -> Sequence[Event]:
        """The next events above the acknowledged mark, within both bounds, at least one."""

        def read(tx: Tx) -> list[Event]:
            events: list[Event] = []
            if tx.fenced:  # another may bear this incarnation: told under a new one, or late
                return events
            size = 0
            for row in tx.all("outbox_unsent", limit):
                event = event_of(row)
                size += len(event.body) + 200
                if events and size > max_bytes:
                    break
                events.append(event)
            return events

        return await self._writer.do(read, self._now())

    async def acknowledge(self, answer: BatchAnswer) -> None:
        """Keep the hub's word on each row; conflict and refused become cases, later stays.

        `refused/fork` means that a copy of this box is at work: it fences itself (attacks 5, 33).
        """
        forked = any(row.outcome == "refused" and row.reason == "fork" for row in answer.rows)

        def keep(tx: Tx) -> None:
            for row in answer.rows:
                tx.run("outbox_outcome", row.outcome, row.reason, row.seq)
                if row.outcome in ("conflict", "refused"):
                    open_case(tx, "sync_conflict" if row.outcome == "conflict" else "sync_refused")
            if forked:
                tx.run("identity_fence")
                tx.run("fence_because", "fork", tx.moment.trusted_ms, "HQ holds another event")
                tx.note("fenced", reason="fork")
            tx.run("outbox_marks", answer.acked_seq, answer.backed_up_seq)
            counters = tx.one("counters")
            assert counters is not None
            tx.run("outbox_prune", integer(counters[3]) - KEEP_ACKED)

        await self._writer.do(keep, self._now())
        if forked:
            self._on_fork()

    async def marks(self) -> OutboxMarks:
        """The newest seq, the hub's mark, and the oldest event still kept."""

        def read(tx: Tx) -> OutboxMarks:
            row = tx.one("outbox_kept")
            assert row is not None
            return OutboxMarks(
                last_seq=integer(row[0]), acked_seq=integer(row[1]), kept_from=integer(row[2])
            )

        return await self._writer.do(read, self._now())

    async def rewind(self, acked_seq: int) -> None:
        """The hub was restored: what is behind its mark is unsent again (attack 11)."""

        def back(tx: Tx) -> None:
            tx.run("outbox_rewind", acked_seq)
            tx.note("hub_restored", acked_seq=acked_seq)

        await self._writer.do(back, self._now())

    async def waiting(self) -> tuple[int, int | None]:
        """How many events HQ does not have, and the trusted time of the oldest."""

        def read(tx: Tx) -> tuple[int, int | None]:
            row = tx.one("outbox_count")
            assert row is not None
            return integer(row[0]), maybe_integer(row[1])

        return await self._writer.do(read, self._now())


_: type[Outbox] = LedgerOutbox
