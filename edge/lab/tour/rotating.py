"""A step about rotating codes: made as the customer's page makes them, used once, never late."""

import re
from dataclasses import dataclass

from edge.flow.answers import ScanAnswer
from edge.lab.floor import Floor
from edge.lab.hq_views import Order
from edge.lab.tour.step import Detail, claim
from sync.rules.verdicts import Verdict
from sync.wire.rotating import parse_rotating, rotating_text
from sync.wire.token import v1_code_id

_DATA = re.compile(r'data-(now|code|secret)="([0-9A-Za-z]+)"')


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phone:
    """A customer's phone with the page open."""

    floor: Floor
    order: Order

    async def shows(self) -> str:
        """What its glass shows now, by what the page says: symbols, secret, HQ's time."""
        page = await self.floor.hq.customer_page(self.order)
        found = dict(_DATA.findall(page))
        claim(set(found) == {"now", "code", "secret"}, "the page draws no rotating code")
        secret = bytes.fromhex(found["secret"])
        return rotating_text(v1_code_id(found["code"]), secret, int(found["now"]) // 1000)


def _told(answer: ScanAnswer) -> str:
    return f"{answer.verdict}/{answer.reason.code}"


async def v3_rotates_and_replay_refused(floor: Floor) -> Detail:
    """A rotating code of this moment is taken once; its picture, its past and its id never are."""
    first = _Phone(floor=floor, order=await floor.order(rotating=True))
    dear = _Phone(floor=floor, order=await floor.order(min_grade=3))
    one, two = floor.counter(1), floor.counter(2)
    picture, late = await first.shows(), await dear.shows()
    used = await one.scan(picture)
    claim(used.verdict is Verdict.OK and used.state == "handed", "not taken", told=_told(used))
    assert used.handover is not None
    elsewhere = await two.scan(picture)
    claim(_told(elsewhere) == "already/just_now", "a picture was taken", told=_told(elsewhere))
    earlier = elsewhere.earlier
    claim(earlier is not None and earlier.station == one.station, "it does not say where it went")
    weak = await one.scan(dear.order.v1)
    claim(_told(weak) == "review/grade_too_low", "a plain code is enough", told=_told(weak))

    await one.undo(used.handover)
    # under a key of their own the questions are asked anew, whatever a station saw a moment ago
    replays = [
        await counter.scan(picture, key=f"again-{first.order.order_no}") for counter in (one, two)
    ]
    claim(
        all(_told(each) == "already/step_replayed" for each in replays),
        "a used step was taken again after an undo",
        told=[_told(each) for each in replays],
    )
    bare = await two.scan(picture[3:19])
    claim(bare.verdict is Verdict.UNKNOWN, "the id alone is a code", told=_told(bare))

    before_ms = (await one.status()).now_ms
    floor.advance("2m")

    async def passed() -> bool:
        return (await one.status()).now_ms >= before_ms + 120_000

    await floor.until(passed, "the node's time has moved", within_s=15)
    stale = await one.scan(late)
    claim(_told(stale) == "expired/stale_step", "an old picture was taken", told=_told(stale))
    claim(stale.next_step.code == "refresh_code", "it does not say: refresh")
    claim(stale.tries_left is None, "an old picture counted as a wrong try")
    fresh = [
        await counter.scan(await phone.shows()) for counter, phone in ((one, first), (two, dear))
    ]
    claim(
        all(each.verdict is Verdict.OK and each.state == "handed" for each in fresh),
        "a fresh code was refused",
        told=[_told(each) for each in fresh],
    )
    floor.expect(first.order, units=1, handed=2, undone=1)
    floor.expect(dear.order, units=1)
    return {
        "order": first.order.order_no,
        "used": _told(used),
        "picture_elsewhere": _told(elsewhere),
        "after_undo": [_told(each) for each in replays],
        "id_alone": _told(bare),
        "plain_code_of_a_dear_order": _told(weak),
        "two_minutes_old": _told(stale),
        "next_step": stale.next_step.code,
        "fresh": [_told(each) for each in fresh],
        "steps": [parse_rotating(picture).step, parse_rotating(late).step],
    }
