"""Steps in which a box is not what it was: restored from its backup, or another one in its place.

Both are played in the third store, so that nobody else's orders are touched.
"""

import time
from dataclasses import dataclass

from config.demo import demo_branch_toml
from edge.flow.answers import ScanAnswer, StatusView
from edge.lab.branch import Branch
from edge.lab.floor import Floor
from edge.lab.ground import order_body
from edge.lab.hq_views import NodeAtHq, Order
from edge.lab.people import MANAGER
from edge.lab.tour.step import Detail, claim
from sync.rules.verdicts import Verdict
from sync.wire.codec import from_json

STORE = 3
ATTESTED_BY = "王经理 Manager Wang"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Books:
    """What `storeedge verify --json` prints of a fence; late: events not handed in yet."""

    ok: bool
    fenced_why: str | None
    late: int


async def _orders(floor: Floor, branch: Branch, count: int) -> list[Order]:
    body = order_body(STORE, (("BREAD", 1),))
    made = [await floor.hq.create_order(body) for _ in range(count)]
    await branch.heard()
    return made


async def _given(branch: Branch, order: Order) -> ScanAnswer:
    answer = await branch.counter(1).scan(order.v1)
    claim(
        answer.verdict is Verdict.OK and answer.state == "handed",
        "an order of this box was not given",
        order=order.order_no,
        verdict=answer.verdict,
        reason=answer.reason.code,
    )
    return answer


async def _kept(branch: Branch, order: Order, what: str) -> ScanAnswer:
    answer = await branch.counter(2).scan(order.v1)
    claim(
        answer.verdict is Verdict.REVIEW and answer.state != "handed",
        f"{what} was not kept for a person",
        order=order.order_no,
        verdict=answer.verdict,
        reason=answer.reason.code,
    )
    return answer


async def _found_on_the_shelf(floor: Floor, branch: Branch, order: Order) -> ScanAnswer:
    """A manager sees that the goods of the box before are still here: then they are given."""
    asked = await _kept(branch, order, "an order of the incarnation before")
    claim(asked.case is not None, "no case was opened for it")
    counter = branch.counter(1)
    case = await counter.release(
        asked.case or 0, staff_id=MANAGER.staff_id, pin=MANAGER.pin, note="货在架上 on the shelf"
    )
    claim(case.outcome == "released", "the manager's word was not taken", case=case.case)
    answer = await _given(branch, order)
    floor.expect(order, units=1)
    return answer


async def _handed_at_hq(floor: Floor, order: Order) -> None:
    async def told() -> bool:
        at_hq = await floor.hq.order(order.order_no)
        return at_hq.told("handed") == 1

    await floor.until(told, f"headquarters has heard of {order.order_no}")


async def _pending(floor: Floor) -> NodeAtHq:
    waiting: list[NodeAtHq] = []

    async def knocks() -> bool:
        waiting.extend(
            node
            for node in await floor.hq.fleet()
            if node.state == "pending" and node.store == STORE
        )
        floor.advance("2s")  # the box asks again by the clock
        return bool(waiting)

    await floor.until(knocks, "the fenced box asks headquarters to be attested")
    return waiting[0]


async def _status(floor: Floor, branch: Branch, wanted: str | None) -> StatusView:
    seen: list[StatusView] = []

    async def is_so() -> bool:
        seen.append(await branch.status())
        floor.advance("2s")
        return seen[-1].fenced == wanted

    await floor.until(is_so, f"the box says that it is fenced: {wanted}")
    return seen[-1]


async def restored_backup_fenced(floor: Floor) -> Detail:
    """A backup is restored in place after one more hand-over: that order is not given again."""
    branch = await floor.branch(STORE)
    handed, later, never = await _orders(floor, branch, 3)
    await _given(branch, handed)
    await branch.all_sent()
    floor.expect(handed, units=1)
    file, phrase = branch.folder / "box.backup", branch.folder / "phrase"
    out = await branch.call("backup", "--config", str(branch.config), "--to", str(file), "--json")
    taken = from_json(dict[str, str | int], out.strip().splitlines()[-1].encode())
    phrase.touch(mode=0o600)
    phrase.write_text(str(taken["recovery_phrase"]), encoding="utf-8")
    await branch.cut()
    await _given(branch, later)  # headquarters will never hear of it from the restored box
    await branch.kill()
    out = await branch.call(
        *("restore", "--config", str(branch.config), "--from", str(file)),
        *("--phrase-file", str(phrase), "--replace", "--json"),
    )
    restored = from_json(dict[str, str | int | bool | None], out.strip().splitlines()[-1].encode())
    await branch.start()
    offline = await _kept(branch, later, "an order handed over since the backup")
    await _kept(branch, never, "an order open at the backup")
    await branch.line.mend()
    asking = await _pending(floor)
    claim(
        asking.incarnation == restored["incarnation"] != restored["before"],
        "the restored box did not begin again",
        asking=asking.incarnation,
    )
    told = [case for case in await floor.hq.open_cases() if case.reason == "box_returned"]
    claim(any(case.store == STORE for case in told), "headquarters has no case of it")
    online = await _kept(branch, later, "an order handed over since the backup")
    await floor.hq.confirm(asking.fingerprint, replace=True, by=ATTESTED_BY)
    await _status(floor, branch, None)
    await branch.mend()
    after = await _kept(branch, later, "an order of the incarnation before")
    [fresh] = await _orders(floor, branch, 1)
    await _given(branch, fresh)
    floor.expect(fresh, units=1)
    found = await _found_on_the_shelf(floor, branch, never)
    # The disk of before lies beside the restored one: what only it knew is told now.
    await branch.call(
        *("enroll", "--config", str(branch.config)), *("--import", str(restored["aside"])), "--json"
    )
    await _handed_at_hq(floor, later)
    floor.expect(later, units=1)
    [takeover] = [
        each
        for each in await floor.hq.takeovers()
        if each.successor_incarnation == asking.incarnation
    ]
    return {
        "handed_since_backup": later.order_no,
        "verdict_offline": offline.verdict,
        "reason": offline.reason.code,
        "verdict_before_attested": online.verdict,
        "verdict_after_attested": after.verdict,
        "incarnation": asking.incarnation,
        "attested_by": takeover.attested_by,
        "found_on_the_shelf": {"order": never.order_no, "verdict": found.verdict},
        "told_late": later.order_no,
        "new_order": fresh.order_no,
        "backup_bytes": taken["bytes"],
    }


async def node_replaced(floor: Floor) -> Detail:
    """An empty box and a pairing sheet take the place of a dead one; the dead one comes back."""
    branch = await floor.branch(STORE)
    told, untold, never, other = await _orders(floor, branch, 4)
    await _given(branch, told)
    await branch.all_sent()
    floor.expect(told, units=1)
    await branch.cut()
    await _given(branch, untold)
    await branch.kill()
    before = next(
        node for node in await floor.hq.fleet() if node.store == STORE and node.state == "enrolled"
    )
    old = await _other_box(floor, branch)
    await branch.line.mend()

    began_s = time.monotonic()
    enrolled = await branch.enrol(replace=True)
    await branch.start()
    await branch.ready()  # it has what headquarters knows: until then every code is unknown
    first = await _kept(branch, untold, "an order that the old box handed over and did not tell")
    first_verdict_s = time.monotonic() - began_s
    held = await _kept(branch, never, "an order that the old box held")
    [fresh] = await _orders(floor, branch, 1)
    await _given(branch, fresh)
    floor.expect(fresh, units=1)
    found = await _found_on_the_shelf(floor, branch, never)
    claim(enrolled.node != before.node, "the new box has the old one's key")

    await old.start()  # against all instructions
    superseded = await _status(floor, old, "superseded")
    refused = await _kept(old, other, "an order of the box in its place")
    await _handed_at_hq(floor, untold)  # its last word is taken, under its old name
    floor.expect(untold, units=1)
    await old.stop()
    out = await old.call("verify", "--config", str(old.config), "--json")
    disk = from_json(_Books, out.strip().splitlines()[-1].encode())
    claim(disk.fenced_why == "superseded", "the old box's disk does not know it was replaced")
    await old.close()
    [takeover] = [
        each
        for each in await floor.hq.takeovers()
        if each.node == before.node and each.successor_node == enrolled.node
    ]
    return {
        "first_verdict_s": round(first_verdict_s, 2),
        "old_node": before.node,
        "new_node": enrolled.node,
        "attested_by": takeover.attested_by,
        "handed_untold": {"order": untold.order_no, "verdict": first.verdict},
        "held_by_old": {"verdict": held.verdict, "reason": held.reason.code},
        "found_on_the_shelf": {"order": never.order_no, "verdict": found.verdict},
        "old_started_again": {"fenced": superseded.fenced, "verdict": refused.verdict},
        "old_disk": {"fenced": disk.fenced_why, "late": disk.late, "whole": disk.ok},
        "new_order": fresh.order_no,
    }


async def _other_box(floor: Floor, branch: Branch) -> Branch:
    """The branch's dead box on another shelf: its disk and its own line; the branch's is empty."""
    folder = branch.folder / f"old-{time.monotonic_ns()}"
    old = Branch(floor.ground, branch.number, folder=folder)
    await old.prepare(
        demo_branch_toml(
            folder=folder,
            clock=floor.clock_file,
            number=branch.number,
            port=old.port,
            hub_url=old.hub_url,
            hub_ca=floor.ground.hub_ca,
        )
    )
    (folder / "node").rmdir()
    (branch.folder / "node").rename(folder / "node")
    return old
