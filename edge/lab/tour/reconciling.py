"""The step of the evening: the shop's books and headquarters' are compared and signed by both."""

from edge.flow.reconcile import ReportView
from edge.lab.floor import STORE, Floor
from edge.lab.hq_views import ReconciledAtHq
from edge.lab.tour.step import Detail, claim


async def reconciled_2000(floor: Floor) -> Detail:
    """At 20:00 of the store both sides count the same hand-overs, and each keeps the other's word.

    One hand-over of the day was taken back, so that both kinds are in the books.
    """
    counter = floor.counter(1)
    kept, back = await floor.order((("COFFEE", 2),)), await floor.order((("COFFEE", 1),))
    for order in (kept, back):
        answer = await counter.scan(order.v1)
        claim(answer.state == "handed", "not handed over", reason=answer.reason.code)
        if order is back:
            assert answer.handover is not None
            await counter.undo(answer.handover)
    floor.expect(kept, units=2)
    floor.expect(back, units=0, handed=1, undone=1)
    await floor.first.all_sent()
    before = await counter.reconcile()
    claim(before.next_ms is not None, "the node does not know when the next evening is")
    assert before.next_ms is not None
    now_ms = (await counter.status()).now_ms
    floor.advance(f"{(before.next_ms - now_ms) // 1000 + 1}s")
    told: list[ReportView] = []

    async def answered() -> bool:
        view = await counter.reconcile()
        fresh = [each for each in view.reports if each.answered_ms >= (before.next_ms or 0)]
        told.extend(fresh)
        return bool(fresh) and view.due is None

    await floor.until(answered, "the evening is reconciled", within_s=20)
    report = told[0]
    held = next(
        (
            each
            for each in await floor.hq.reconciled(STORE)
            if each.report_hash == report.report_hash
        ),
        None,
    )
    claim(held is not None, "headquarters keeps another report", day=report.day)
    assert held is not None
    _same(report, held)
    slip = await counter.print_reconcile(report.day)

    async def printed() -> bool:
        return any(
            each.effect == slip.effect and each.state == "confirmed"
            for each in await counter.slips()
        )

    await floor.until(printed, "the report is on paper", within_s=10)
    return {
        "day": report.day,
        "handovers": report.handovers,
        "pieces": report.pieces,
        "differences": report.total,
        "report_hash": report.report_hash[:16],
        "signed_by_node": held.signed_by_node[:16],
        "signed_by_hub": held.signed_by_hub[:16],
        "advanced_s": (before.next_ms - now_ms) // 1000 + 1,
        "slip": "confirmed",
    }


def _same(report: ReportView, held: ReconciledAtHq) -> None:
    claim(
        report.agreed and held.agreed and held.differences == 0,
        "the books differ",
        differences=[each.kind for each in report.differences],
    )
    claim(
        held.handovers.node == held.handovers.hub == report.handovers > 1
        and held.pieces.node == held.pieces.hub == report.pieces > 1,
        "the counts are not the same",
        handovers=(report.handovers, held.handovers.node, held.handovers.hub),
        pieces=(report.pieces, held.pieces.node, held.pieces.hub),
    )
