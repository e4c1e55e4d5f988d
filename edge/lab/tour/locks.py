"""Steps about guessing: three wrong PINs lock a code, and another person releases it."""

from edge.lab.counter import Refused
from edge.lab.floor import Floor
from edge.lab.people import CASHIER, MANAGER
from edge.lab.tour.step import Detail, claim
from sync.rules.verdicts import Verdict


def _wrong(pin: str, step: int) -> str:
    return f"{(int(pin) + step) % 1_000_000:06}"


async def locked_after_three(floor: Floor) -> Detail:
    """Three wrong PINs on a courier serial lock it; even the right one is refused after that."""
    order = await floor.order(courier=True)
    claim(
        order.codes.serial is not None and order.codes.pin is not None,
        "headquarters made no serial",
    )
    serial, pin = order.codes.serial or "", order.codes.pin or ""
    counter = floor.counter(1)
    await counter.sign_in(CASHIER.staff_id, CASHIER.pin)
    verdicts = [(await counter.scan(serial, pin=_wrong(pin, n))) for n in (1, 2, 3)]
    seen = [str(answer.verdict) for answer in verdicts]
    claim(seen == ["unknown", "unknown", "locked"], "not locked after three", verdicts=seen)
    right = await counter.scan(serial, pin=pin)
    claim(right.verdict is Verdict.LOCKED, "the right PIN opens a locked code", reason=right.reason)
    case = verdicts[-1].case
    claim(case is not None, "no review case was opened")
    floor.kept["locked"] = order
    floor.cases["locked"] = case or 0
    return {
        "verdicts": seen,
        "tries_left": [answer.tries_left for answer in verdicts],
        "right_pin": right.verdict,
        "case": case,
    }


async def released_by_supervisor(floor: Floor) -> Detail:
    """The cashier may not, the manager with a PIN of their own may; then the right PIN serves."""
    order, case = floor.kept["locked"], floor.cases["locked"]
    counter = floor.counter(1)
    queue = await counter.cases()
    claim(any(each.case == case for each in queue), "the case is not in the queue", case=case)
    try:
        await counter.release(case, staff_id=CASHIER.staff_id, pin=CASHIER.pin, note="I am sure")
        refused = ""
    except Refused as error:
        refused = error.code
    claim(refused == "other_person", "the cashier released the own case", refused=refused)
    released = await counter.release(
        case, staff_id=MANAGER.staff_id, pin=MANAGER.pin, note="ID seen"
    )
    claim(released.state == "closed", "the case stays open", state=released.state)
    answer = await counter.scan(
        order.codes.serial or "", pin=order.codes.pin, key=f"again-{order.order_no}"
    )
    claim(answer.verdict is Verdict.OK, "still not served", reason=answer.reason.code)
    if answer.state != "handed":
        assert answer.order is not None
        answer = await counter.hand_over(answer.order.id)
    claim(answer.state == "handed", "not handed over", reason=answer.reason.code)
    floor.expect(order, units=1)
    return {
        "case": case,
        "own_release": refused,
        "outcome": released.outcome,
        "by": MANAGER.staff_id,
        "verdict": answer.verdict,
        "order": order.order_no,
    }
