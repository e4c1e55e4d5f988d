"""Whatever happens between two stores and HQ, the loss is never above the grants (attacks 9)."""

import asyncio
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from many_stores import TILL, ManyStores, Pickup
from toy_node import STORE

from edge.flow.answers import ScanAnswer
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.operator import sign_in
from edge.flow.provisional import ProvisionalAsk, give_provisionally
from edge.flow.scan import ScanAsk, scan
from edge.flow.undo import UndoAsk, undo
from sync.hub import budgets, stores
from sync.hub.budgets import NewBudget
from sync.hub.problems import Problem
from sync.rules.budgets import NOTHING, Amount, short_of

PIN, PRICE, ORDERS, PIECES = "830274", 500, 4, 5
_amounts = st.builds(Amount, pieces=st.integers(1, 6), minor=st.integers(0, 4_000))
Act = tuple[str, int]
_acts = st.lists(
    st.tuples(
        st.sampled_from(("risk", "give", "cut", "mend", "turn", "cancel", "undo", "grant")),
        st.integers(0, ORDERS - 1),
    ),
    min_size=4,
    max_size=14,
)


@given(
    granted=_amounts,
    per_code=_amounts,
    wanted=st.lists(st.tuples(st.integers(0, 2), _amounts), max_size=20),
)
def test_what_is_allowed_never_adds_up_to_more_than_was_granted(
    granted: Amount, per_code: Amount, wanted: list[tuple[int, Amount]]
) -> None:
    spent, on_code = NOTHING, dict.fromkeys(range(3), NOTHING)
    for code, amount in wanted:
        why = short_of(
            granted=granted,
            spent=spent,
            per_code=per_code,
            on_code=on_code[code],
            wanted=amount,
        )
        if why is None:
            spent, on_code[code] = spent.plus(amount), on_code[code].plus(amount)
    assert spent.is_within(granted)
    assert all(each.is_within(per_code) for each in on_code.values())


def _grant(chain: ManyStores) -> None:
    new = NewBudget(
        store=STORE + 1, pieces=PIECES, amount_minor=PIECES * PRICE, articles={"MILK1": PRICE}
    )
    budgets.grant(chain.headquarters.hub, new, by="Wang")


async def _risk(chain: ManyStores, order: Pickup, given: list[int]) -> None:
    shop = chain.box(2).node.shop
    await order.show(chain.box(2), "v2")
    await scan(shop, TILL, ScanAsk(text=order.codes["pl"]))
    answer = await give_provisionally(shop, TILL, ProvisionalAsk(order=order.id, pin=PIN))
    if isinstance(answer, ScanAnswer) and answer.handover is not None:
        given.append(answer.handover)


async def _do(chain: ManyStores, orders: list[Pickup], act: Act, given: list[int]) -> None:
    what, number = act
    order, box = orders[number], chain.box(number % 2 + 1)
    match what:
        case "risk":
            await _risk(chain, order, given)
        case "give":
            await order.show(chain.box(1))
            await hand_over(chain.box(1).node.shop, TILL, HandOverAsk(order=order.id))
        case "cut":
            box.weather.cut = True
        case "mend":
            box.mend()
        case "turn":
            await chain.turn(box)
        case "undo" if given:
            ask = UndoAsk(handover=given.pop(), goods_still_here=True, reason="mistake")
            await undo(chain.box(2).node.shop, TILL, ask)
        case "cancel" | "grant":
            try:
                order.cancel() if what == "cancel" else _grant(chain)
            except Problem:
                return  # handed, asked before, or the budget is whole
        case _:
            return


def _totals(chain: ManyStores) -> dict[str, dict[str, int]]:
    told = budgets.listed(chain.headquarters.hub)["totals"]
    assert isinstance(told, dict)
    return told


async def _play(folder: Path, acts: list[Act]) -> None:
    chain = ManyStores(folder, 1)
    person = stores.NewPerson(store=STORE + 1, staff_id="c1", name="Li", role="cashier", pin=PIN)
    stores.put_person(chain.headquarters.hub, person)
    await chain.open()
    try:
        _grant(chain)
        orders = [chain.order(1, quantity=1 + each % 2) for each in range(ORDERS)]
        await chain.settle()
        await sign_in(chain.box(2).node.shop, TILL, "c1", PIN)
        given: list[int] = []
        for act in acts:
            await _do(chain, orders, act, given)
            _is_bounded(chain)
        await chain.heal()
        await chain.settle()
        _is_bounded(chain)
        assert _totals(chain)["pending"]["pieces"] == 0, "a home was asked and did not answer"
        for order in orders:
            for unit in order.units():
                live = unit["handed"] is not None
                assert live == (unit["state"] == "handed"), unit
    finally:
        await chain.close()


def _is_bounded(chain: ManyStores) -> None:
    told = _totals(chain)
    for word in ("spent", "lost", "settled"):
        for key, most in told["granted"].items():
            assert told[word][key] <= most, told


@settings(
    max_examples=8, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(acts=_acts)
def test_the_loss_between_two_stores_is_never_above_the_budgets(acts: list[Act]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_play(Path(folder), [("risk", 0), *acts]))
