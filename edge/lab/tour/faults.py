"""Steps in which something is gone: headquarters, or the node's own life."""

from edge.lab.floor import STORE, Floor
from edge.lab.hq_views import Order
from edge.lab.tour.devices import slips_of, wait_settled
from edge.lab.tour.handing import scan_with
from edge.lab.tour.step import Detail, claim
from sync.rules.verdicts import Verdict
from sync.wire.codec import from_json


async def _link(floor: Floor, wanted: str) -> None:
    async def is_so() -> bool:
        return (await floor.counter(1).status()).link == wanted

    await floor.until(is_so, f"the node is {wanted}", within_s=20)


async def _unsynced_order(floor: Floor) -> Order:
    """An order that headquarters makes while its doors are closed: the node cannot have it."""
    out = await floor.admin(
        *("order", "create", "--store", str(STORE), "--line", "BREAD:1"),
        *("--hours", "720", "--place", "A1", "--name", "李四", "--json"),
    )
    order = from_json(Order, out.encode())
    claim(order.v2 is not None and order.codes.pl is not None, "headquarters signed no V2 and PL")
    return order


async def offline_redeemed(floor: Floor) -> Detail:
    """Without HQ: a synced order, and a V2 never synced, refused without and served with its PL."""
    synced = await floor.order()
    await floor.stop_hub()
    try:
        await _link(floor, "offline")
        counter = floor.counter(1)
        first = await scan_with(floor, "gun", 1, synced, synced.v1)
        claim(
            first.verdict is Verdict.OK and first.state == "handed",
            "a synced order is not served offline",
            verdict=first.verdict,
            reason=first.reason.code,
        )
        floor.expect(synced, units=1)
        unsynced = await _unsynced_order(floor)
        plain = await counter.scan(unsynced.v1)
        claim(
            plain.verdict is Verdict.UNKNOWN and plain.reason.code == "no_such_code_offline",
            "a plain code that may be newer than the data was not called so",
            verdict=plain.verdict,
            reason=plain.reason.code,
        )
        bare = await counter.scan(unsynced.v2 or "")
        claim(
            bare.verdict is Verdict.REVIEW and bare.reason.code == "lines_needed",
            "a V2 without its lines was not sent back for them",
            verdict=bare.verdict,
            reason=bare.reason.code,
        )
        full = await counter.scan(unsynced.codes.pl or "")
        if full.state == "claimed" and full.order is not None:
            full = await counter.hand_over(full.order.id)
        claim(
            full.verdict is Verdict.OK and full.state == "handed",
            "a V2 with its lines is not served offline",
            verdict=full.verdict,
            reason=full.reason.code,
        )
        floor.expect(unsynced, units=1)
        status = await counter.status()
    finally:
        await floor.start_hub()
    # The node waits longer after each failure, a minute at most; let that minute pass.
    floor.advance("61s")
    await _link(floor, "online")
    return {
        "synced": {"order": synced.order_no, "basis": first.basis.source},
        "plain_unsynced": {"verdict": plain.verdict, "reason": plain.reason.code},
        "without_lines": {"verdict": bare.verdict, "reason": bare.reason.code},
        "with_lines": {"order": unsynced.order_no, "basis": full.basis.source},
        "link": status.link,
        "unsynced": status.unsynced,
        "data_age_s": first.basis.age_s,
    }


async def node_killed_and_recovered(floor: Floor) -> Detail:
    """SIGKILL with one slip in the printer and one queued: each handed once, no slip is lost."""
    printing, queued = await floor.order(), await floor.order()
    counter = floor.counter(1)
    await floor.do("front", "slow", ms=400)
    try:
        first = await counter.scan(printing.v1)

        async def in_the_printer() -> bool:
            return any(e.state == "sent" for e in await slips_of(floor, 1, printing.order_no))

        await floor.until(in_the_printer, "the first slip is in the printer", within_s=10)
        second = await counter.scan(queued.v1)
        before = [first.state, second.state]
        claim(before == ["handed", "handed"], "not handed over", states=before)
        waiting = [entry.state for entry in await slips_of(floor, 1, queued.order_no)]
        await floor.kill_node()
    finally:
        await floor.do("front", "slow", ms=0)
    floor.expect(printing, units=1)
    floor.expect(queued, units=1)
    await floor.start_node()

    async def serves() -> bool:
        return await counter.ready()

    await floor.until(serves, "the node is ready again")
    told: dict[str, object] = {}
    for name, order, answer in (("printing", printing, first), ("queued", queued, second)):
        again = await counter.scan(order.v1)
        claim(
            again.verdict is Verdict.ALREADY
            and again.earlier is not None
            and again.earlier.handover == answer.handover,
            "after the power cut it does not know its own hand-over",
            verdict=again.verdict,
            reason=again.reason.code,
        )
        entries = await wait_settled(floor, 1, order.order_no)
        states = [entry.state for entry in entries]
        claim(
            entries[0].state in ("confirmed", "unknown") and "failed" not in states,
            "the slip was lost",
            states=states,
        )
        told[name] = {
            "order": order.order_no,
            "handover": answer.handover,
            "verdict_again": again.verdict,
            "slip": states[0],
            "copies": states[1:],
            "papers": len(await floor.desk.slips(order.order_no)),
        }
    last = (await wait_settled(floor, 1, queued.order_no))[0]
    claim(last.state == "confirmed", "the queued slip never came out", state=last.state)
    paper = await floor.desk.wait_for(queued.order_no)
    return {
        **told,
        "queued_before_kill": waiting,
        "paper": str(paper.picture),
    }
