"""A step about what is risked: another store's order on HQ's budget, settled or lost in the end."""

from edge.flow.answers import ScanAnswer
from edge.lab.branch import Branch
from edge.lab.floor import Floor
from edge.lab.hq_views import Order, Risked
from edge.lab.people import CASHIER
from edge.lab.tour.step import Detail, claim
from sync.rules.verdicts import Verdict

SECOND = 2
SKU, PRICE, PIECES = "COFFEE", 6_800, 3


def _told(answer: ScanAnswer) -> str:
    return f"{answer.verdict}/{answer.reason.code}"


def _shown(risked: Risked) -> dict[str, int]:
    return {"pieces": risked.pieces, "amount_minor": risked.amount_minor}


async def _offered(branch: Branch, order: Order) -> ScanAnswer:
    """The signed code and its lines at a store that cannot ask anybody."""
    first = await branch.counter(2).scan(order.v2 or "")
    claim(
        _told(first) == "not_here/other_store" and first.provisional is not None,
        "it is not another store's with a budget",
        told=_told(first),
        clock=first.basis.clock,
    )
    return await branch.counter(2).scan(order.codes.pl or "")


async def _risked(branch: Branch, order: Order) -> tuple[ScanAnswer, ScanAnswer]:
    offered = await _offered(branch, order)
    offer = offered.provisional
    claim(
        offered.verdict is Verdict.NOT_HERE and offer is not None and offer.why is None,
        "it is not offered on the budget",
        told=_told(offered),
        against=None if offer is None or offer.why is None else offer.why.code,
    )
    given = await branch.counter(2).give_provisionally(order.order_id, pin=CASHIER.pin)
    claim(
        _told(given) == "ok/provisional" and given.state == "handed",
        "what was chosen is not handed over",
        told=_told(given),
    )
    return offered, given


async def provisional_settled(floor: Floor) -> Detail:
    """Off until HQ grants; chosen with badge and PIN; settled by the home's release, or lost."""
    first, second = floor.first, await floor.branch(SECOND)
    settled, doubled = await floor.order(((SKU, 1),)), await floor.order(((SKU, 1),))
    before = await second.counter(1).scan(settled.v2 or "", key=f"{settled.order_no}-1")
    claim(before.provisional is None, "something is risked though nobody granted it")
    granted = await floor.hq.grant_budget(SECOND, PIECES, {SKU: PRICE})
    await second.heard()
    await second.counter(2).sign_in(CASHIER.staff_id, CASHIER.pin)
    await first.cut()
    await second.cut()
    at_home = await first.counter(1).scan(doubled.v1)  # and nobody else hears of it
    claim(at_home.state == "handed", "the home does not hand over", told=_told(at_home))
    offered, given = await _risked(second, settled)
    await _risked(second, doubled)
    again = await second.counter(1).scan(settled.v2 or "", key=f"{settled.order_no}-2")
    claim(_told(again) == "already/handed", "it is given twice", told=_told(again))
    await second.mend()
    await second.all_sent()
    waiting = await floor.hq.budget(granted.budget_id)
    claim(waiting.pending.pieces == 2, "HQ settles before the home answered", waiting=waiting)
    await first.mend()

    async def is_settled() -> bool:
        return (await floor.hq.budget(granted.budget_id)).pending.pieces == 0

    await floor.until(is_settled, "the home has answered and HQ has settled")
    now = await floor.hq.budget(granted.budget_id)
    claim(
        (now.spent.pieces, now.settled.pieces, now.lost.pieces) == (2, 1, 1),
        "HQ settled otherwise",
        spent=now.spent.pieces,
        settled=now.settled.pieces,
        lost=now.lost.pieces,
    )
    claim(
        now.lost.pieces <= now.granted.pieces and now.lost.amount_minor <= now.granted.amount_minor,
        "more is lost than was granted",
    )
    told = [case for case in await floor.hq.open_cases() if case.reason == "provisional_lost"]
    claim(
        any(case.detail.count("audit ") == 2 for case in told),
        "no case shows both audit heads",
        cases=[case.detail for case in told],
    )
    after = await first.counter(2).scan(settled.v1)
    claim(_told(after) == "already/handed_elsewhere", "the home gives it too", told=_told(after))
    await floor.hq.end_budget(granted.budget_id)
    offer = offered.provisional
    assert offer is not None
    return {
        "before_grant": _told(before),
        "granted": _shown(now.granted),
        "left_when_offered": {"pieces": offer.pieces_left, "amount_minor": offer.amount_left_minor},
        "spent": _shown(now.spent),
        "settled": _shown(now.settled),
        "lost": _shown(now.lost),
        "verdict": _told(given),
        "at_home_afterwards": _told(after),
        "settled_order": settled.order_no,
        "lost_order": doubled.order_no,
    }
