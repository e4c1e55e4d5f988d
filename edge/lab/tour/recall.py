"""A step about recall: an article stops everywhere in seconds, or is told since when it did not."""

import time

from edge.flow.answers import ScanAnswer
from edge.lab.branch import Branch
from edge.lab.floor import STORE, Floor
from edge.lab.hq_views import RecallAtHq, StopAtHq
from edge.lab.tour.step import Detail, claim
from sync.rules.verdicts import Verdict

SECOND = 2
SKU = "YOGURT"


def _told(answer: ScanAnswer) -> str:
    return f"{answer.verdict}/{answer.reason.code}"


def _stop(recall: RecallAtHq, store: int) -> StopAtHq:
    return next(each for each in recall.stores if each.store == store)


async def _stopped(floor: Floor, recall_id: str, store: int) -> StopAtHq:
    seen: list[StopAtHq] = []

    async def proved() -> bool:
        seen.append(_stop(await floor.hq.recall(recall_id), store))
        return seen[-1].state == "stopped"

    await floor.until(proved, f"store {store} has stopped handing {SKU} out")
    return seen[-1]


async def _known(floor: Floor, branch: Branch) -> None:
    async def known() -> bool:
        return await branch.counter(1).stock(SKU) is not None

    await floor.until(known, f"store {branch.number} knows {SKU}")


async def recalled_everywhere(floor: Floor) -> Detail:
    """Two stores: one stops in seconds, one is cut off, goes on, and stops when it is back."""
    first, second = floor.first, await floor.branch(SECOND)
    await floor.hq.add_product(SKU, "6901234567977", "草莓酸奶", "Strawberry yogurt", "ambient")
    await _known(floor, first)
    await _known(floor, second)
    gone = await floor.order(((SKU, 1),))
    whole = await floor.order(((SKU, 1),))
    mixed = await floor.order(((SKU, 1), ("BREAD", 1)))
    there, there_too = (
        await floor.order(((SKU, 1),), store=SECOND),
        await floor.order(((SKU, 1),), store=SECOND),
    )
    claim((await first.counter(1).scan(gone.v1)).state == "handed", "it was not handed over before")
    floor.expect(gone, units=1)
    await first.all_sent()
    await second.cut()
    began_s = time.monotonic()
    recall = await floor.hq.begin_recall(SKU, "glass in a jar")
    here = await _stopped(floor, recall.recall_id, STORE)
    seconds = time.monotonic() - began_s
    refused = await first.counter(1).scan(whole.v1)
    claim(_told(refused) == "revoked/recalled", "it is still handed out", told=_told(refused))
    part = await first.counter(1).scan(mixed.v1)
    claim(
        _told(part) == "ok/rest_recalled" and part.state == "claimed" and part.order is not None,
        "the rest of an order is not served",
        told=_told(part),
    )
    assert part.order is not None
    rest = await first.counter(1).hand_over(part.order.id)
    claim(rest.state == "handed", "the rest is not handed over", told=_told(rest))
    floor.expect(mixed, units=1)
    offline = await second.counter(1).scan(there.v1)
    claim(
        offline.verdict is Verdict.OK and offline.state == "handed",
        "a store that cannot hear it is said to have stopped",
        told=_told(offline),
    )
    floor.expect(there, units=1)
    floor.advance("90s")
    deaf = _stop(await floor.hq.recall(recall.recall_id), SECOND)
    claim(
        deaf.state == "unreachable" and deaf.unreachable_since_ms is not None,
        "HQ does not say which store it could not reach",
        state=deaf.state,
    )
    await second.mend()
    back = await _stopped(floor, recall.recall_id, SECOND)
    late = await second.counter(1).scan(there_too.v1)
    claim(_told(late) == "revoked/recalled", "it is handed out after mending", told=_told(late))
    await second.all_sent()
    told = await floor.hq.recall(recall.recall_id)
    out = {each.order_no: each.store for each in told.handed}
    claim(
        out == {gone.order_no: STORE, there.order_no: SECOND},
        "HQ does not know who has it",
        handed=out,
    )
    ended = await floor.hq.end_recall(recall.recall_id)
    await first.heard()
    after = await first.counter(2).scan(whole.v1)
    claim(after.state == "handed", "an ended recall still stops", told=_told(after))
    floor.expect(whole, units=1)
    return {
        "sku": SKU,
        "seconds_to_stop": round(seconds, 2),
        "stopped": {
            "store": STORE,
            "units": here.stopped_units,
            "handed_before": here.handed_units,
        },
        "verdict": _told(refused),
        "rest_of_an_order": _told(part),
        "unreachable": {"store": SECOND, "state": deaf.state, "handed_meanwhile": there.order_no},
        "stopped_after_mending": {"units": back.stopped_units, "handed_before": back.handed_units},
        "who_has_it": out,
        "state": ended.state,
    }
