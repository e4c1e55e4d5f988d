"""Another store's order on HQ's budget: off by default, chosen by a person, a bounded loss."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from books import read_books
from many_stores import TILL, ManyStores, Pickup
from store_box import StoreBox
from toy_node import STORE

from edge.flow.answers import ProvisionalOffer, Refusal, ScanAnswer
from edge.flow.caller import Caller
from edge.flow.find import choose
from edge.flow.operator import Approval, sign_in
from edge.flow.provisional import ProvisionalAsk, give_provisionally
from edge.flow.scan import ScanAsk, scan
from edge.flow.settings import Settings
from edge.store.effects import queued
from edge.store.tx import Tx
from sync.hub import budgets, cases, orders, stores
from sync.hub.budgets import NewBudget
from sync.hub.problems import Problem
from sync.hub.refunds import Override
from sync.hub.stores import NewPerson
from sync.wire.catalog import Role

PIN = "830274"
PRICE = 500
STAFF: tuple[tuple[str, Role], ...] = (("c1", "cashier"), ("m1", "manager"))


@pytest_asyncio.fixture
async def chain(tmp_path: Path) -> AsyncIterator[ManyStores]:
    chain = ManyStores(tmp_path, 1)
    for number in chain.boxes:
        for staff_id, role in STAFF:
            stores.put_person(
                chain.headquarters.hub,
                NewPerson(store=number, staff_id=staff_id, name=staff_id, role=role, pin=PIN),
            )
    await chain.open()
    yield chain
    ledgers = [box.ledger for box in chain.boxes.values()]
    await chain.close()
    for ledger in ledgers:
        assert read_books(ledger).faults == []


def grant(chain: ManyStores, nth: int = 2, **more: object) -> str:
    values: dict[str, Any] = {
        "store": STORE + nth - 1,
        "pieces": 4,
        "amount_minor": 4 * PRICE,
        "articles": {"MILK1": PRICE},
        **more,
    }
    told = budgets.grant(chain.headquarters.hub, NewBudget(**values), by="Wang")
    return str(told["budget_id"])


def budget(chain: ManyStores) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(budgets.listed(chain.headquarters.hub)))
    return told


def pieces(chain: ManyStores) -> Mapping[str, int]:
    return {word: each["pieces"] for word, each in budget(chain)["totals"].items()}


def case_details(chain: ManyStores, reason: str) -> list[str]:
    found = cases.list_cases(chain.headquarters.hub)
    return [str(each["detail"]) for each in found if each["reason"] == reason]


async def offer(order: Pickup, box: StoreBox) -> ScanAnswer:
    """The signed code, then its lines."""
    shop = box.node.shop
    first = await order.show(box, "v2")
    if first.provisional is None or first.provisional.why is None:
        return first
    if first.provisional.why.code != "lines_needed":
        return first
    told = await scan(shop, TILL, ScanAsk(text=order.codes["pl"]))
    assert isinstance(told, ScanAnswer)
    return told


async def risk(
    order: Pickup,
    box: StoreBox,
    *,
    pin: str = PIN,
    **more: Any,  # noqa: ANN401 - fields of the ask
) -> ScanAnswer | Refusal:
    """Scan, sign in, choose it."""
    shop = box.node.shop
    await sign_in(shop, TILL, "c1", PIN)
    await offer(order, box)
    ask = ProvisionalAsk(order=order.id, pin=pin, **more)
    return await give_provisionally(shop, TILL, ask)


async def risked(
    order: Pickup,
    box: StoreBox,
    **more: Any,  # noqa: ANN401 - fields of the ask
) -> ScanAnswer:
    answer = await risk(order, box, **more)
    assert isinstance(answer, ScanAnswer), answer
    assert (answer.verdict, answer.reason.code, answer.state) == ("ok", "provisional", "handed")
    return answer


def offered(answer: ScanAnswer) -> ProvisionalOffer:
    assert answer.verdict == "not_here"
    assert answer.provisional is not None
    return answer.provisional


def why(answer: ScanAnswer) -> str | None:
    told = offered(answer).why
    return None if told is None else told.code


async def test_without_a_grant_another_stores_code_offers_nothing(chain: ManyStores) -> None:
    order = chain.order(1)
    await chain.settle()
    shown = await order.show(chain.box(2), "v2")
    assert (shown.verdict, shown.provisional) == ("not_here", None)
    told = await risk(order, chain.box(2))
    assert isinstance(told, Refusal)
    assert told.code == "not_offered"


async def test_a_budget_is_offered_chosen_spent_told_and_settled(chain: ManyStores) -> None:
    home, other = chain.box(1), chain.box(2)
    order = chain.order(1)
    grant(chain)
    await chain.settle()
    other.weather.cut = True
    shown = await order.show(other, "v2")
    assert why(shown) == "lines_needed"
    full = offered(await offer(order, other))
    assert (full.why, full.pieces, full.amount_minor) == (None, 2, 2 * PRICE)
    assert (full.pieces_left, full.amount_left_minor) == (4, 4 * PRICE)
    given = await risked(order, other)
    again = await order.show(other, "v2")
    assert (again.verdict, again.reason.code) == ("already", "handed")
    assert again.earlier is not None
    assert again.earlier.handover == given.handover
    assert order.states() == ["held", "held"], "HQ has not heard of it"
    other.mend()
    await chain.settle(other)
    assert pieces(chain)["pending"] == 2
    assert order.states() == ["held", "held"], "the home was asked and has not answered"
    await chain.settle()
    assert order.states() == ["handed", "handed"]
    assert pieces(chain) == {
        "granted": 4, "spent": 2, "pending": 0, "settled": 2, "lost": 0, "undone": 0,
    }  # fmt: skip
    at_home = await order.show(home)
    assert (at_home.verdict, at_home.reason.code) == ("already", "handed_elsewhere")
    assert cases.list_cases(chain.headquarters.hub) == []


async def test_the_slip_of_it_is_marked_provisional(chain: ManyStores) -> None:
    other = chain.box(2)
    order = chain.order(1)
    grant(chain)
    await chain.settle()
    given = await risked(order, other)
    assert given.slip is not None
    shop = other.node.shop
    effects = await shop.writer.do(lambda tx: queued(tx, ("till1",), 10), shop.moment())
    slip = next(each for each in effects if each.effect == given.slip.effect)
    assert b'"provisional":true' in slip.body


async def test_what_the_home_handed_over_too_is_lost_and_booked_with_both_heads(
    chain: ManyStores,
) -> None:
    home, other = chain.box(1), chain.box(2)
    order = chain.order(1)
    budget_id = grant(chain)
    await chain.settle()
    home.weather.cut = other.weather.cut = True
    await order.give(home)
    await risked(order, other)
    other.mend()
    await chain.settle(other)
    home.mend()
    await chain.settle()
    assert order.states() == ["handed", "handed"]
    assert pieces(chain)["lost"] == 2
    assert budget(chain)["totals"]["lost"]["amount_minor"] == 2 * PRICE
    [detail] = case_details(chain, "provisional_lost")
    assert budget_id[:8] in detail
    assert detail.count("audit ") == 2, detail
    assert "hand-over #1" in detail
    assert [unit["handed_total"] for unit in order.units()] == [2, 2]


async def test_the_home_that_told_first_stands_at_once(chain: ManyStores) -> None:
    home, other = chain.box(1), chain.box(2)
    order = chain.order(1)
    grant(chain)
    await chain.settle()
    other.weather.cut = True
    await order.give(home)
    await chain.settle(home)
    await risked(order, other)
    other.mend()
    await chain.settle(other)
    assert pieces(chain)["lost"] == 2
    assert pieces(chain)["pending"] == 0


@pytest.mark.parametrize("badge", [True, False])
async def test_it_needs_an_operator_and_their_pin(chain: ManyStores, badge: bool) -> None:
    other = chain.box(2)
    order = chain.order(1)
    grant(chain)
    await chain.settle()
    shop = other.node.shop
    if badge:
        await sign_in(shop, TILL, "c1", PIN)
    await offer(order, other)
    ask = ProvisionalAsk(order=order.id, pin="0000" if badge else PIN)
    told = await give_provisionally(shop, TILL, ask)
    assert isinstance(told, Refusal)
    assert told.code == ("pin_wrong" if badge else "operator_needed")
    await chain.settle()
    assert pieces(chain)["spent"] == 0


async def test_above_the_shops_value_another_person_approves(tmp_path: Path) -> None:
    chain = ManyStores(tmp_path, 2, settings=Settings(proxy_approval_minor=PRICE))
    for staff_id, role in STAFF:
        stores.put_person(
            chain.headquarters.hub,
            NewPerson(store=STORE + 1, staff_id=staff_id, name=staff_id, role=role, pin=PIN),
        )
    await chain.open()
    order = chain.order(1)
    grant(chain)
    await chain.settle()
    other = chain.box(2)
    assert offered(await offer(order, other)).approval
    told = await risk(order, other)
    assert isinstance(told, Refusal)
    assert told.code == "approval"
    told = await risk(order, other, approved_by=Approval(staff_id="c1", pin=PIN))
    assert isinstance(told, Refusal)
    assert told.code == "other_person"
    await risked(order, other, approved_by=Approval(staff_id="m1", pin=PIN))
    await chain.close()


async def test_limits_for_one_order_and_for_all_hold_in_the_ledger(chain: ManyStores) -> None:
    other = chain.box(2)
    big = chain.order(1, quantity=3)
    small = [chain.order(1, quantity=2) for _ in range(3)]
    grant(chain, per_code_pieces=2)
    await chain.settle()
    assert why(await offer(big, other)) == "over_code_limit"
    await risked(big, other, units=((1, 1), (1, 2)))
    told = await risk(big, other, units=((1, 3),))
    assert isinstance(told, Refusal)
    assert told.code in ("over_code_limit", "not_offered")
    await risked(small[0], other)
    assert why(await offer(small[1], other)) == "budget_spent"
    told = await risk(small[1], other)
    assert isinstance(told, Refusal)
    assert told.code == "budget_spent"
    shop = other.node.shop

    def overspend(tx: Tx) -> None:
        tx.connection.execute("UPDATE budget_spent SET pieces = pieces + 1")

    with pytest.raises(Exception, match="CHECK"):
        await shop.writer.do(overspend, shop.moment())


async def test_an_article_that_hq_did_not_list_is_not_risked(chain: ManyStores) -> None:
    order = chain.order(1)
    grant(chain, articles={"CUP": 100})
    await chain.settle()
    assert why(await offer(order, chain.box(2))) == "article_not_granted"


async def test_with_an_unsure_clock_nothing_is_risked(chain: ManyStores) -> None:
    other = chain.box(2)
    order = chain.order(1)
    grant(chain)
    await chain.settle()
    await other.stop()
    other.clock.reboot(wall_ms=0)
    other.weather.cut = True
    await other.open()
    assert why(await offer(order, other)) in ("clock", "lines_needed")
    told = await risk(order, other)
    assert isinstance(told, ScanAnswer)
    assert (told.verdict, told.state) == ("clock_unsure", None)


async def test_while_the_line_is_up_the_home_is_asked_first(chain: ManyStores) -> None:
    home, other = chain.box(1), chain.box(2)
    order = chain.order(1)
    grant(chain)
    await chain.settle()
    other.node.shop.link.state = "online"
    assert why(await offer(order, other)) == "ask_first"
    home.weather.cut = True
    chain.advance(120_000)
    await chain.settle(other)
    told = await order.ask_for(other, kind="v2")
    assert told.state == "unreachable"
    assert offered(await offer(order, other)).why is None
    await risked(order, other)


async def test_a_budget_ends_by_hand_by_time_and_by_the_next_one(chain: ManyStores) -> None:
    other = chain.box(2)
    orders_ = [chain.order(1) for _ in range(3)]
    first = grant(chain)
    await chain.settle()
    with pytest.raises(Problem, match="Nothing of the last") as caught:
        grant(chain)
    assert caught.value.code == "granted"
    await risked(orders_[0], other)
    chain.advance(120_000)
    other.weather.cut = True
    await chain.settle(chain.box(1))
    with pytest.raises(Problem) as caught:
        grant(chain)
    assert caught.value.code in ("granted", "not_heard")
    other.mend()
    await chain.settle()
    second = grant(chain)
    await chain.settle()
    states = {each["budget_id"]: each["state"] for each in budget(chain)["budgets"]}
    assert states == {first: "ended", second: "open"}
    shown = offered(await offer(orders_[1], other))
    assert (shown.budget, shown.pieces_left) == (second, 4)
    budgets.end(chain.headquarters.hub, second)
    await chain.settle()
    assert (await order_without_offer(orders_[1], other)) is None
    grant(chain, hours=1)
    await chain.settle()
    chain.advance(2 * 3_600_000)
    await chain.settle()
    assert (await order_without_offer(orders_[2], other)) is None


async def order_without_offer(order: Pickup, box: StoreBox) -> ProvisionalOffer | None:
    shown = await order.show(box, "v2")
    assert shown.verdict == "not_here"
    return shown.provisional


async def test_a_box_that_took_anothers_place_has_no_budget(
    chain: ManyStores, tmp_path: Path
) -> None:
    old = chain.box(2)
    order = chain.order(1)
    grant(chain)
    await chain.settle()
    assert offered(await offer(order, old)).why is None
    await old.stop()
    fresh = StoreBox(
        chain.headquarters,
        number=old.number,
        data=tmp_path / "fresh",
        dice=chain.dice,
        passes=chain.advance,
    )
    fresh.enrol(replace=True)
    chain.boxes[old.number] = fresh
    await fresh.open()
    await chain.settle()
    assert (await order.show(fresh, "v2")).provisional is None
    assert budget(chain)["budgets"][0]["state"] == "void"


async def test_what_is_taken_back_is_the_homes_again_and_the_budget_stays_spent(
    chain: ManyStores,
) -> None:
    home, other = chain.box(1), chain.box(2)
    for told_before in (False, True):
        order = chain.order(1)
        if not told_before:
            grant(chain)
        await chain.settle()
        given = await risked(order, other)
        if told_before:
            await chain.settle()
            assert order.states() == ["handed", "handed"]
        await order.take_back(other, given)
        await chain.settle()
        assert order.states() == ["held", "held"]
        assert (await order.give(home)).state == "handed"
        await chain.settle()
        assert order.states() == ["handed", "handed"]
    assert pieces(chain)["undone"] == 4
    assert pieces(chain)["spent"] == 4
    assert pieces(chain)["lost"] == 0


async def test_a_cancel_on_its_way_finds_the_goods_handed_over(chain: ManyStores) -> None:
    home, other = chain.box(1), chain.box(2)
    order = chain.order(1)
    grant(chain)
    await chain.settle()
    other.weather.cut = home.weather.cut = True
    await risked(order, other)
    order.cancel()
    other.mend()
    await chain.settle(other)
    home.mend()
    await chain.settle()
    assert order.states() == ["handed", "handed"]
    assert order.at_hq()["state"] == "open"
    assert order.at_hq()["refundable"] == []
    assert pieces(chain)["settled"] == 2


async def test_a_refund_of_what_was_given_is_refused_or_a_loss_in_the_books(
    chain: ManyStores,
) -> None:
    other = chain.box(2)
    order = chain.order(1)
    grant(chain)
    await chain.settle()
    other.weather.cut = True
    order.refund(override=Override(by="Wang", reason="customer waits"))
    await risked(order, other)
    other.mend()
    await chain.settle()
    assert order.states() == ["refunded", "refunded"]
    assert pieces(chain)["lost"] == 2
    assert "refunded" in case_details(chain, "provisional_lost")[0]


async def test_units_that_are_left_are_never_given_by_a_search(chain: ManyStores) -> None:
    other = chain.box(2)
    order = chain.order(1)
    grant(chain)
    await chain.settle()
    await risked(order, other, units=((1, 1),))
    caller = Caller(station="till1", route="find")
    told = await choose(other.node.shop, caller, order.id)
    assert isinstance(told, ScanAnswer)
    assert told.verdict == "not_here"


async def test_a_cancelled_or_late_code_is_refused_by_the_same_rules(chain: ManyStores) -> None:
    other = chain.box(2)
    order = chain.order(1, hours=1)
    grant(chain)
    await chain.settle()
    other.weather.cut = True
    chain.advance(2 * 3_600_000)
    assert why(await offer(order, other)) == "past_pickup_time"
    told = await risk(order, other)
    assert isinstance(told, ScanAnswer)
    assert told.verdict == "expired"
    assert orders.show(chain.headquarters.hub, order.no)["state"] == "open"
