"""The daily reconciliation at the node: in the background, from the books, never in anyone's way.

due → read the books as of an event → wait until HQ holds that event → report → HQ's signed result.
What is due follows from trusted time and the last day in the ledger, so a night without power or
line only makes it later. A difference becomes a case; nothing here changes what was handed over.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from edge.domain.reconcile_slip import ReconcileFacts, ReconcileLine
from edge.flow.answers import Refusal, SlipView
from edge.flow.caller import Caller
from edge.flow.give import add_slip, store_time
from edge.flow.receive import catalog_path
from edge.flow.shop import Shop
from edge.store.handovers import open_case
from edge.store.identity import Enrolled
from edge.store.orders import order_by_id
from edge.store.reconcile import Books, Kept, read_books, read_events, reports
from edge.store.row import integer, text
from edge.store.tx import Tx
from sync.rules import reconcile as rules
from sync.wire import codec
from sync.wire.errors import LinkError, RemoteWireError
from sync.wire.messages import EventBatch
from sync.wire.reconcile import (
    Detail,
    EventsAgain,
    ReconcileAnswer,
    ReconcileAsk,
    Report,
    Result,
    SkuTotal,
    open_result,
    sign_report,
)

logger = logging.getLogger(__name__)

REASON = "reconcile_differs"
LOOK_EVERY_MS = 2_000
AGAIN_AFTER_MS = 30_000
_SENT_EVERY_MS = 250
_SENT_WITHIN_MS = 30_000
_SHOWN = 14
NO_REPORT = Refusal(status=404, code="no_report", zh="还没有对账", en="Nothing was reconciled yet")

Ask = Callable[[str, bytes], Awaitable[bytes]]
"""A signed question to HQ: (target, body) → body of the 200. Raises LinkError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceView:
    """What the two sides do not know alike, each in its words."""

    kind: str
    handover: int | None
    order_no: str | None
    sku: str | None
    node: str
    hub: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportView:
    """A day's report and HQ's word on it. report_hash: SHA-256 of what the node signed, in hex."""

    day: str
    at_ms: int
    answered_ms: int
    seq: int
    handovers: int
    pieces: int
    agreed: bool
    total: int
    differences: tuple[DifferenceView, ...]
    report_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileView:
    """due: the day that is to be reconciled and is not yet. next_ms: when the next one is due."""

    due: str | None
    next_ms: int | None
    reports: tuple[ReportView, ...]


def plan_of(shop: Shop, enrolled: Enrolled) -> rules.Plan:
    """When this store compares."""
    return rules.Plan(
        at_min=shop.settings.reconcile_at_min,
        zone=shop.settings.time_zone,
        spread_s=rules.spread_of(enrolled.certificate.store),
    )


def due(shop: Shop, enrolled: Enrolled, last: date | None) -> date | None:
    """The day to be reconciled now; None while time is not sure."""
    moment = shop.moment()
    if moment.clock == "unsure":
        return None
    return rules.due_day(
        plan_of(shop, enrolled),
        moment.trusted_ms,
        last=last,
        since_ms=enrolled.certificate.issued_ms,
    )


def last_day(tx: Tx) -> date | None:
    """The day that was reconciled last."""
    row = tx.one("reconcile_last_day")
    return None if row is None else date.fromisoformat(text(row[0]))


class Reconciler:
    """Keeps the shop reconciled; one at a time."""

    def __init__(self, shop: Shop, enrolled: Enrolled, *, folder: Path, ask: Ask) -> None:
        self._shop = shop
        self._enrolled = enrolled
        self._folder = folder
        self._ask = ask

    async def keep(self) -> None:
        """Look every two seconds, for ever; after a failure half a minute later."""
        clock = self._shop.clock
        while True:
            wait_ms = LOOK_EVERY_MS
            try:
                await self.look()
            except (LinkError, RemoteWireError) as error:
                logger.warning("not reconciled error=%s %s", error.code, error)
                wait_ms = AGAIN_AFTER_MS
            await clock.until(clock.boot_ms() + wait_ms)

    async def look(self) -> Result | None:
        """Reconcile if it is due and the line is there; HQ's result if so.

        Raises:
            LinkError: the line broke or HQ refused; nothing was kept, the day stays due.
            RemoteWireError: HQ's answer cannot be believed; the same.
        """
        shop = self._shop
        last = await shop.writer.do(last_day, shop.moment())
        day = due(shop, self._enrolled, last)
        if day is None or shop.link.state != "online":
            return None
        if shop.identity.incarnation != self._enrolled.certificate.incarnation:
            return None  # a box that begins again has to be taken back first
        books = await asyncio.to_thread(read_books, self._ledger, self._catalog)
        if books is None or not await self._is_sent(books.seq):
            return None
        at_ms = shop.moment().trusted_ms
        report = self._report(books, day, at_ms)
        packed, signature = sign_report(report, shop.identity.signer())
        ask = ReconcileAsk(report=packed, signature=signature)
        answer = await self._put(ask)
        if answer.wanted:
            answer = await self._explain(ask, books, answer.wanted)
        public = self._enrolled.certificate.hub_public
        result = open_result(answer.result, answer.signature, public)
        self._check(result, report, packed)
        kept = Kept(
            day=report.day,
            at_ms=at_ms,
            report=packed,
            signature=signature,
            result=answer.result,
            result_signature=answer.signature,
            answered_ms=shop.moment().trusted_ms,
        )
        await shop.writer.do(lambda tx: _keep(tx, report, kept, result), shop.moment())
        logger.info(
            "reconciled day=%s handovers=%s differences=%s",
            report.day,
            result.handovers,
            result.total,
        )
        shop.count("reconciled")
        if result.total:
            shop.screens.publish(None, "cases", {"case": None})
            shop.wake_sync()
        return result

    @property
    def _ledger(self) -> Path:
        return self._folder / "ledger.db"

    def _catalog(self, number: int) -> Path:
        return catalog_path(self._folder, number)

    async def _is_sent(self, seq: int) -> bool:
        """Whether HQ has acknowledged up to `seq`, after half a minute at most."""
        shop, clock = self._shop, self._shop.clock
        give_up_ms = clock.boot_ms() + _SENT_WITHIN_MS
        while True:
            if await shop.writer.do(_acked, shop.moment()) >= seq:
                return True
            if clock.boot_ms() >= give_up_ms:
                return False
            shop.wake_sync()
            await clock.until(clock.boot_ms() + _SENT_EVERY_MS)

    def _report(self, books: Books, day: date, at_ms: int) -> Report:
        certificate = self._enrolled.certificate
        return Report(
            store=certificate.store,
            node=certificate.node,
            incarnation=certificate.incarnation,
            day=day.isoformat(),
            at_ms=at_ms,
            seq=books.seq,
            audit_seq=books.audit_seq,
            audit_hash=books.audit_hash,
            first=books.first,
            last=books.last,
            blocks=rules.blocks(books.facts.values()),
            skus=tuple(SkuTotal(sku=sku, handed=n) for sku, n in sorted(books.skus.items())),
            sku_unknown=books.unknown,
            levels=books.levels,
        )

    async def _put(self, ask: ReconcileAsk) -> ReconcileAnswer:
        body = await self._ask("/v1/reconcile", codec.to_json(ask))
        return codec.from_json(ReconcileAnswer, body)

    async def _explain(
        self, ask: ReconcileAsk, books: Books, wanted: tuple[int, ...]
    ) -> ReconcileAnswer:
        """Hand the events of these blocks in again, then ask with every hand-over of them."""
        for first in wanted:
            last = first + rules.BLOCK_FACTS - 1
            events = await asyncio.to_thread(
                read_events, self._ledger, first=first, last=last, seq=books.seq
            )
            if events:
                batch = EventBatch(
                    incarnation=self._enrolled.certificate.incarnation,
                    nonce=secrets.token_bytes(16),
                    events=events,
                )
                body = await self._ask("/v1/events/again", codec.to_body(batch))
                codec.from_body(EventsAgain, body)
        blocks = set(wanted)
        details = tuple(
            Detail(
                handover=fact.handover, order_id=fact.order_id, units=fact.units, undone=fact.undone
            )
            for fact in books.facts.values()
            if rules.block_of(fact.handover) in blocks
        )
        return await self._put(
            ReconcileAsk(report=ask.report, signature=ask.signature, details=details)
        )

    def _check(self, result: Result, report: Report, packed: bytes) -> None:
        """Raises RemoteWireError: HQ's result is to another report."""
        expected = (report.store, report.node, report.incarnation, report.day)
        if (result.store, result.node, result.incarnation, result.day) != expected:
            raise RemoteWireError("the result is another box's or another day's")
        if result.report_hash != rules.hash_of(packed):
            raise RemoteWireError("the result is to another report")


def _acked(tx: Tx) -> int:
    row = tx.one("reconcile_acked")
    assert row is not None
    return integer(row[0])


def _keep(tx: Tx, report: Report, kept: Kept, result: Result) -> None:
    tx.run(
        "reconcile_add",
        kept.day,
        report.incarnation,
        kept.at_ms,
        kept.report,
        kept.signature,
        kept.result,
        kept.result_signature,
        result.total,
        kept.answered_ms,
    )
    tx.note(
        "reconciled",
        day=kept.day,
        report=result.report_hash.hex(),
        handovers=result.handovers,
        differences=result.total,
    )
    for order_id in dict.fromkeys(each.order_id for each in result.differences):
        if tx.one("reconcile_case_known", order_id) is None:
            order = None if order_id is None else order_by_id(tx, order_id)
            open_case(tx, REASON, order=order)


# -- what people see ------------------------------------------------------------------------------


async def view(shop: Shop) -> ReconcileView:
    """The last two weeks' reports, and what is due."""
    enrolled = shop.identity.enrolled

    def read(tx: Tx) -> tuple[date | None, tuple[Kept, ...]]:
        return last_day(tx), reports(tx, _SHOWN)

    last, kept = await shop.writer.do(read, shop.moment())
    moment = shop.moment()
    day = None if enrolled is None else due(shop, enrolled, last)
    next_ms = (
        None
        if enrolled is None or moment.clock == "unsure"
        else rules.next_cut_ms(plan_of(shop, enrolled), moment.trusted_ms)
    )
    return ReconcileView(
        due=None if day is None else day.isoformat(),
        next_ms=next_ms,
        reports=tuple(_report_view(each) for each in kept),
    )


def _report_view(kept: Kept) -> ReportView:
    report = codec.from_json(Report, kept.report)
    result = codec.from_json(Result, kept.result)
    return ReportView(
        day=kept.day,
        at_ms=kept.at_ms,
        answered_ms=kept.answered_ms,
        seq=report.seq,
        handovers=sum(block.count for block in report.blocks),
        pieces=sum(each.handed for each in report.skus) + report.sku_unknown,
        agreed=result.total == 0,
        total=result.total,
        differences=tuple(
            DifferenceView(
                kind=each.kind,
                handover=each.handover,
                order_no=each.order_no,
                sku=each.sku,
                node=each.node,
                hub=each.hub,
            )
            for each in result.differences
        ),
        report_hash=result.report_hash.hex(),
    )


async def print_report(shop: Shop, caller: Caller, day: str | None = None) -> SlipView | Refusal:
    """Queue a day's report on this station's printer; without a day the last one."""

    def act(tx: Tx) -> SlipView | Refusal:
        found = [each for each in reports(tx, 400) if day in (None, each.day)]
        if not found:
            return NO_REPORT
        facts = _facts(shop, found[0])
        tx.note("report_printed", day=facts.day, station=caller.station)
        number = add_slip(tx, caller.station, "reconcile", facts, None)
        return SlipView(effect=number, state="queued")

    answer = await shop.writer.do(act, shop.moment())
    shop.wake_effects()
    return answer


def _facts(shop: Shop, kept: Kept) -> ReconcileFacts:
    report = codec.from_json(Report, kept.report)
    result = codec.from_json(Result, kept.result)
    return ReconcileFacts(
        store_name=shop.settings.store_name,
        day=kept.day,
        at_text=store_time(shop, kept.at_ms),
        answered_text=store_time(shop, kept.answered_ms),
        handovers=sum(block.count for block in report.blocks),
        pieces=sum(each.handed for each in report.skus) + report.sku_unknown,
        articles=tuple((each.sku, each.handed) for each in report.skus),
        total=result.total,
        differences=tuple(
            ReconcileLine(
                kind=each.kind,
                about=each.order_no or each.sku or f"#{each.handover}",
                node=each.node,
                hub=each.hub,
            )
            for each in result.differences
        ),
        node_mark=kept.signature.hex()[:12],
        hub_mark=kept.result_signature.hex()[:12],
    )
