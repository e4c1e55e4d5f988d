"""Steps about time, which is advanced and never scaled."""

from edge.lab.floor import Floor
from edge.lab.tour.step import Detail, claim
from sync.rules.verdicts import Verdict


async def expired(floor: Floor) -> Detail:
    """A code good for 48 hours is refused when 49 have passed; nothing is handed over."""
    order = await floor.order(hours=48)
    floor.expect(order, units=0, handed=0)
    floor.advance("49h")
    counter = floor.counter(1)

    async def heard_the_time() -> bool:
        status = await counter.status()
        return status.link == "online" and status.now_ms > order.not_after_ms

    await floor.until(heard_the_time, "the node's time has moved", within_s=15)
    answer = await counter.scan(order.v1)
    claim(
        answer.verdict is Verdict.EXPIRED and answer.state is None,
        "an expired code was not refused",
        verdict=answer.verdict,
        reason=answer.reason.code,
    )
    return {
        "order": order.order_no,
        "verdict": answer.verdict,
        "reason": answer.reason.code,
        "clock": answer.basis.clock,
        "advanced": "49h",
        "not_after_ms": order.not_after_ms,
        "at_ms": answer.at_ms,
    }
