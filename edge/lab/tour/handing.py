"""Steps at the counter: a code is scanned, goods are handed over once, and taken back."""

from edge.flow.answers import ScanAnswer
from edge.lab.floor import Floor
from edge.lab.hq_views import Order
from edge.lab.tour.step import Detail, claim
from sync.rules.verdicts import Verdict


def _tells(answer: ScanAnswer) -> Detail:
    return {
        "verdict": answer.verdict,
        "reason": answer.reason.code,
        "state": answer.state,
        "order": answer.order.no if answer.order else None,
        "station": answer.station,
        "basis": answer.basis.source,
    }


def _of(order: Order, answer: ScanAnswer) -> bool:
    return answer.order is not None and answer.order.no == order.order_no


def _handed(order: Order, answer: ScanAnswer) -> None:
    ok = answer.verdict is Verdict.OK and answer.state == "handed" and _of(order, answer)
    claim(ok, "the scan did not hand the order over", **_tells(answer))


async def scan_with(floor: Floor, device: str, number: int, order: Order, text: str) -> ScanAnswer:
    """Scan with a virtual scanner; what its station's screen is told about the order."""
    async with floor.counter(number).listening() as ear:
        await floor.do(device, "scan", text=text)
        return await ear.wait_for("answer", ScanAnswer, lambda answer: _of(order, answer))


async def redeemed(floor: Floor) -> Detail:
    """A V1 code under the serial scanner is handed over; counter 1's screen says so."""
    order = await floor.order()
    answer = await scan_with(floor, "gun", 1, order, order.v1)
    _handed(order, answer)
    floor.expect(order, units=1)
    floor.kept["redeemed"] = order
    return {**_tells(answer), "handover": answer.handover, "route": "sim:gun"}


async def refused_second(floor: Floor) -> Detail:
    """The same code at counter 2 is refused, and told where and when it went."""
    order = floor.kept["redeemed"]
    answer = await floor.counter(2).scan(order.v1)
    earlier = answer.earlier
    claim(answer.verdict is Verdict.ALREADY, "a second scan was not refused", **_tells(answer))
    claim(earlier is not None, "the refusal does not say where and when", **_tells(answer))
    assert earlier is not None
    claim(
        earlier.station == floor.counter(1).station and earlier.at_ms > 0,
        "the refusal names another place or time",
        **_tells(answer),
    )
    again = await floor.counter(1).scan(order.v1)
    claim(again.verdict is Verdict.ALREADY, "its own station hands it out twice", **_tells(again))
    return {**_tells(answer), "where": earlier.station, "at_ms": earlier.at_ms}


async def redeemed_hid(floor: Floor) -> Detail:
    """A V2 code under the keyboard scanner is handed over at counter 2."""
    order = await floor.order()
    claim(order.v2 is not None, "headquarters signed no V2")
    answer = await scan_with(floor, "wedge", 2, order, order.v2 or "")
    _handed(order, answer)
    floor.expect(order, units=1)
    return {**_tells(answer), "handover": answer.handover, "route": "sim:wedge"}


async def handed_partial(floor: Floor) -> Detail:
    """Two lines in two bags: a tap gives one of them with the other missing; the rest later."""
    order = await floor.order(lines=(("MILK", 1), ("COFFEE", 2)), bags=2, place="A3")
    counter = floor.counter(1)
    first = await counter.scan(order.v1)
    claim(first.state == "claimed" and _of(order, first), "not claimed", **_tells(first))
    assert first.order is not None
    part = await counter.hand_over(first.order.id, units=((1, 1), (2, 1)), missing=((2, 2),))
    claim(part.state == "handed", "the part was not handed over", **_tells(part))
    assert part.order is not None
    left = [unit for line in part.order.lines for unit in line.units if unit == "open"]
    claim(len(left) == 1, "not one unit is left", left=len(left))
    rest = await counter.scan(order.v1, key=f"rest-{order.order_no}")
    claim(
        rest.verdict is Verdict.OK and rest.reason.code == "rest_ready",
        "the same code does not fetch the rest",
        **_tells(rest),
    )
    last = await counter.hand_over(first.order.id)
    claim(last.state == "handed", "the rest was not handed over", **_tells(last))
    floor.expect(order, units=3, handed=2)
    slip = await floor.desk.wait_for(order.order_no, count=2)
    return {
        **_tells(last),
        "handed_first": 2,
        "handed_last": 1,
        "missing_case": part.case,
        "slips": len(await floor.desk.slips(order.order_no)),
        "paper": str(slip.picture),
    }


async def undone_and_redeemed_again(floor: Floor) -> Detail:
    """A hand-over is taken back with a VOID slip, and the same code works once more."""
    order = await floor.order()
    counter = floor.counter(1)
    first = await counter.scan(order.v1)
    _handed(order, first)
    assert first.handover is not None
    undone = await counter.undo(first.handover)
    claim(undone.handover == first.handover, "another hand-over was undone")
    # The debounce holds a code for two seconds; a person with a new bag is slower than that.
    floor.advance("3s")
    second = await counter.scan(order.v1)
    _handed(order, second)
    claim(second.handover != first.handover, "no new hand-over was made")
    floor.expect(order, units=1, handed=2, undone=1)
    slip = await floor.desk.wait_for(order.order_no, count=3)
    return {
        **_tells(second),
        "undone": first.handover,
        "handover": second.handover,
        "slips": len(await floor.desk.slips(order.order_no)),
        "paper": str(slip.picture),
    }
