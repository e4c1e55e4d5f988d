"""Steps about who may hand an order over: moved, cut off from HQ, cancelled."""

from edge.flow.answers import ScanAnswer
from edge.lab.branch import Branch
from edge.lab.floor import Floor
from edge.lab.headquarters import HubSaidNo
from edge.lab.hq_views import Order, OrderMoveAtHq
from edge.lab.tour.step import Detail, NotSo, claim
from sync.rules.verdicts import Verdict

SECOND = 2


def _told(answer: ScanAnswer) -> str:
    return f"{answer.verdict}/{answer.reason.code}"


async def _handed(branch: Branch, text: str) -> ScanAnswer:
    """Scan and confirm; the goods are fetched first where the order was not packed."""
    answer = await branch.counter().scan(text)
    if answer.state == "claimed" and answer.order is not None:
        answer = await branch.counter().hand_over(answer.order.id)
    claim(
        answer.verdict is Verdict.OK and answer.state == "handed",
        f"store {branch.number} does not hand it over",
        told=_told(answer),
        state=answer.state,
    )
    return answer


async def _is_refused(branch: Branch, order: Order, *kinds: str) -> dict[str, str]:
    """What each code of an order is told in a store that may not hand it over."""
    told: dict[str, str] = {}
    for kind in kinds:
        answer = await branch.counter().scan(getattr(order.codes, kind))
        told[kind] = _told(answer)
        claim(
            answer.verdict in (Verdict.NOT_HERE, Verdict.UNKNOWN),
            "a store that does not hold the order does not refuse it",
            store=branch.number,
            told=told,
        )
    return told


async def _states(floor: Floor, order: Order) -> list[str]:
    told = await floor.hq.order(order.order_no)
    return [unit.state for line in told.lines for unit in line.units]


async def _reach(floor: Floor, order: Order, *states: str) -> None:
    async def is_so() -> bool:
        return await _states(floor, order) == list(states)

    await floor.until(is_so, f"headquarters knows {states}", within_s=20)


async def transferred_between_stores(floor: Floor) -> Detail:
    """A code shown in the wrong store brings its order there; it is good there and nowhere else."""
    first, second = floor.first, await floor.branch(SECOND)
    order = await floor.order()
    shown = await second.counter().scan(order.v2 or "")
    claim(
        _told(shown) == "not_here/other_store" and shown.elsewhere,
        "the wrong store does not offer to ask",
        told=_told(shown),
    )
    asked = await second.counter().ask_for(shown)
    states = [asked.state]
    claim(asked.state in ("asked", "coming", "ready"), "not asked for", state=asked.state)

    async def ready() -> bool:
        states.append((await second.counter().ask_for(shown, follow=True)).state)
        return states[-1] == "ready"

    await floor.until(ready, "the order is in the second store", within_s=20)
    left = await first.counter().scan(order.v1)
    claim(_told(left) == "not_here/moved", "the first store still has it", told=_told(left))
    fresh = await floor.hq.fresh_codes(order.order_no)
    gone = await first.counter().scan(fresh.v2 or "")
    claim(gone.verdict is Verdict.NOT_HERE, "the fresh code works at the first", told=_told(gone))
    given = await _handed(second, order.v2 or "")
    floor.expect(order, units=1)
    again = {
        kind: _told(await second.counter(2).scan(text)) for kind, text in _both(order, fresh.v2)
    }
    claim(
        all(told.startswith("already/") for told in again.values()),
        "another code of the same order is good once more",
        told=again,
    )
    await _reach(floor, order, "handed")
    [move] = await floor.hq.moves(order.order_no)
    claim(move.state == "granted" and move.accepted_ms is not None, "not accepted", move=_of(move))
    return {
        "order": order.order_no,
        "shown_at": SECOND,
        "told": _told(shown),
        "states": [state for i, state in enumerate(states) if i == 0 or states[i - 1] != state],
        "first_store": _told(left),
        "handed_at": given.station,
        "verdict": given.verdict,
        "again": again,
        "move": _of(move),
    }


def _both(order: Order, fresh: str | None) -> tuple[tuple[str, str], ...]:
    return (("v1", order.v1), ("v2_of_before", order.v2 or ""), ("v2_fresh", fresh or ""))


def _of(move: OrderMoveAtHq) -> Detail:
    return {
        "from": move.from_store,
        "to": move.to_store,
        "state": move.state,
        "asked": 0 if move.holders is None else len(move.holders.asked_units),
        "stopped": 0 if move.holders is None else len(move.holders.stopped_units),
        "epoch": move.granted_epoch,
    }


async def partition_refused_elsewhere(floor: Floor) -> Detail:
    """With the home store cut off nobody else hands over; healed, the order goes out once."""
    first, second = floor.first, await floor.branch(SECOND)
    kept, moved = await floor.order(), await floor.order()
    await first.cut()
    try:
        unsynced = await floor.hq.create_order(floor.order_body((("BREAD", 1),)))
        floor.advance("5m")
        orders = (kept, moved, unsynced)
        told = [await _is_refused(second, order, "v1", "v2") for order in orders]
        shown = await second.counter().scan(moved.v2 or "")
        asked = await second.counter().ask_for(shown)
        claim(asked.state == "unreachable", "it does not say that home is away", state=asked.state)
        for order in orders:
            await floor.hq.move(order.order_no, SECOND)
        moves = [(await floor.hq.moves(order.order_no))[0] for order in orders]
        claim(
            all(move.state == "asked" and not move.home_reachable for move in moves),
            "headquarters granted what home may hand over",
            moves=[_of(move) for move in moves],
        )
        still = [await _is_refused(second, order, "v1", "v2") for order in orders]
        at_home = await _handed(first, kept.v1)
        states = [(await _states(floor, order))[0] for order in orders]
        claim(states == ["held"] * 3, "asked is not stopped", states=states)
    finally:
        await first.mend()
    floor.expect(kept, units=1)
    await _reach(floor, kept, "handed")
    later: list[str] = []
    for order in (moved, unsynced):
        given = await _once_it_is_here(floor, second, order)
        later.append(given.station)
        floor.expect(order, units=1)
        left = await first.counter().scan(order.v2 or "")
        claim(left.verdict is Verdict.NOT_HERE, "home hands it over as well", told=_told(left))
    elsewhere = await _is_refused(second, kept, "v1", "v2")
    ends = [(await floor.hq.moves(order.order_no))[0] for order in orders]
    claim([end.state for end in ends] == ["kept", "granted", "granted"], "other ends than these")
    return {
        "orders": [order.order_no for order in orders],
        "refused_elsewhere": told,
        "asked": asked.state,
        "refused_after_asking": still,
        "headquarters": [_of(move) for move in moves],
        "handed_at_home": at_home.station,
        "handed_elsewhere_later": later,
        "kept_elsewhere": elsewhere,
        "ends": [_of(end) for end in ends],
    }


async def _once_it_is_here(floor: Floor, branch: Branch, order: Order) -> ScanAnswer:
    async def granted() -> bool:
        answer = await branch.counter().scan(order.v1)
        return answer.verdict is Verdict.OK

    await floor.until(granted, f"order {order.order_no} is in store {branch.number}", within_s=20)
    return await _handed(branch, order.v1)


async def _no_refund(floor: Floor, order: Order) -> str:
    """The word with which headquarters refuses to pay.

    Raises:
        NotSo: it pays.
    """
    try:
        paid = await floor.hq.refund(order.order_no)
    except HubSaidNo as problem:
        for word in ("asked", "handed"):
            if f'"code":"{word}"' in str(problem).replace(" ", ""):
                return word
        raise
    raise NotSo("it is refunded", {"refunds": [each.state for each in paid.refunds]})


async def cancel_waits_for_release(floor: Floor) -> Detail:
    """Cancelled while the store is cut off: asked is not stopped, and only what stopped is paid."""
    second = await floor.branch(SECOND)
    released, left = await floor.order(store=SECOND), await floor.order(store=SECOND)
    await second.cut()
    try:
        for order in (released, left):
            await floor.hq.cancel(order.order_no)
        asked = await floor.hq.stopping(released.order_no)
        claim(
            asked is not None and asked.state == "asked" and not asked.stopped_units,
            "headquarters says that it stopped",
            cancel=None if asked is None else asked.state,
        )
        refused = await _no_refund(floor, released)
        given = await _handed(second, left.v1)
    finally:
        await second.mend()
    floor.expect(left, units=1)
    await _reach(floor, released, "released")
    stopped = await floor.hq.stopping(released.order_no)
    scanned = await second.counter().scan(released.v1)
    claim(scanned.verdict is Verdict.REVOKED, "it is still handed over", told=_told(scanned))
    once, twice = await floor.hq.refund(released.order_no), await floor.hq.refund(released.order_no)
    claim(
        once == twice and [each.state for each in once.refunds] == ["refunded"],
        "it is paid twice, or not",
        refunds=[each.refund_id for each in (*once.refunds, *twice.refunds)],
    )
    await _reach(floor, released, "refunded")
    floor.expect(released, units=0, handed=0)
    await _reach(floor, left, "handed")
    kept = await floor.hq.stopping(left.order_no)
    claim(kept is not None and kept.state == "kept", "what left the shop is not called kept")
    unpaid = await _no_refund(floor, left)
    return {
        "released": released.order_no,
        "asked": asked.state if asked is not None else None,
        "refund_while_asked": refused,
        "stopped": stopped.state if stopped is not None else None,
        "verdict": scanned.verdict,
        "refunds": [each.refund_id for each in once.refunds],
        "refunded_again": twice == once,
        "left": left.order_no,
        "handed_offline": given.station,
        "kept": kept.state if kept is not None else None,
        "refund_of_kept": unpaid,
    }
