"""Steps at the printer: what the slip says, and what happens when there is no paper."""

from edge.flow.slips import SlipEntry
from edge.lab.floor import Floor
from edge.lab.tour.step import Detail, claim
from sync.rules.verdicts import Verdict


async def slips_of(floor: Floor, number: int, order_no: str) -> tuple[SlipEntry, ...]:
    """The pickup slips of an order as the node tells them, oldest first."""
    entries = await floor.counter(number).slips()
    found = (each for each in entries if each.order_no == order_no and each.layout == "pickup")
    return tuple(sorted(found, key=lambda entry: entry.effect))


async def wait_settled(floor: Floor, number: int, order_no: str) -> tuple[SlipEntry, ...]:
    """The pickup slips of an order once none of them is on its way any more.

    An `unknown` slip is followed by a COPY, so the last one is not `unknown` unless copies failed.
    """
    seen: list[tuple[SlipEntry, ...]] = []

    async def settled() -> bool:
        entries = await slips_of(floor, number, order_no)
        seen.append(entries)
        return bool(entries) and all(e.state not in ("queued", "sent") for e in entries)

    await floor.until(settled, f"the slip of {order_no} is settled", within_s=15)
    return seen[-1]


async def printed(floor: Floor) -> Detail:
    """The order number is read back from the paper by an independent decoder."""
    order = await floor.order()
    answer = await floor.counter(1).scan(order.v1)
    claim(answer.state == "handed", "not handed over", reason=answer.reason.code)
    floor.expect(order, units=1)
    slip = await floor.desk.wait_for(order.order_no)
    (entry,) = await wait_settled(floor, 1, order.order_no)
    claim(entry.state == "confirmed", "the slip is not confirmed", state=entry.state)
    return {
        "order": order.order_no,
        "read_back": order.order_no,
        "paper": str(slip.picture),
        "printer": slip.printer,
        "state": entry.state,
    }


async def paper_out_then_confirmed(floor: Floor) -> Detail:
    """Without paper the hand-over stands and its slip waits; with paper it comes out, once."""
    order = await floor.order()
    for printer in ("front", "spare"):
        await floor.do(printer, "paper_out")
    try:
        answer = await floor.counter(1).scan(order.v1)
        claim(
            answer.verdict is Verdict.OK and answer.state == "handed",
            "the printer kept the goods back",
            reason=answer.reason.code,
        )
        floor.expect(order, units=1)
        waiting: list[SlipEntry] = []

        async def says_why() -> bool:
            entries = await slips_of(floor, 1, order.order_no)
            waiting.extend(entry for entry in entries if entry.trouble is not None)
            return bool(waiting)

        await floor.until(says_why, "the node says why the slip waits", within_s=10)
        early = await floor.desk.slips(order.order_no)
        claim(not early, "paper came out of a printer without paper", slips=len(early))
    finally:
        for printer in ("front", "spare"):
            await floor.do(printer, "paper_in")
    slip = await floor.desk.wait_for(order.order_no, within_s=15)
    (entry,) = await wait_settled(floor, 1, order.order_no)
    claim(entry.state == "confirmed", "the slip is not confirmed", state=entry.state)
    slips = await floor.desk.slips(order.order_no)
    claim(len(slips) == 1, "not exactly one slip came out", slips=len(slips))
    return {
        "order": order.order_no,
        "waited": waiting[-1].state,
        "trouble": waiting[-1].trouble,
        "state": entry.state,
        "slips": len(slips),
        "paper": str(slip.picture),
    }
