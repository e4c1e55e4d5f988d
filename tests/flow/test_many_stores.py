"""Orders between stores: given up first, granted then, handed over once (attacks 1 to 4)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from books import read_books
from many_stores import ManyStores

from sync.hub import cases
from sync.hub.problems import Problem
from sync.hub.refunds import Override

HOUR_MS = 3_600_000


@pytest_asyncio.fixture
async def chain(tmp_path: Path) -> AsyncIterator[ManyStores]:
    chain = ManyStores(tmp_path, 1)
    await chain.open()
    yield chain
    ledgers = [box.ledger for box in chain.boxes.values()]
    await chain.close()
    for ledger in ledgers:
        assert read_books(ledger).faults == []


async def test_a_code_shown_in_another_store_brings_its_order_there(chain: ManyStores) -> None:
    home, other = chain.box(1), chain.box(2)
    order = chain.order(1)
    await chain.settle()
    assert (await order.show(other)).verdict == "unknown", "a V1 names no store"
    shown = await order.show(other, "v2")
    assert (shown.verdict, shown.reason.code, shown.elsewhere) == ("not_here", "other_store", True)
    await chain.turn(home)
    told = await order.ask_for(other, kind="v2")
    assert (told.state, told.final, told.order_no) == ("asked", False, order.no)
    assert told.store is not None
    assert told.store.code == "S101"
    assert order.states() == ["held", "held"]
    await chain.settle(home)
    told = await order.ask_for(other, follow=True)
    assert (told.state, told.final) == ("coming", False)
    await chain.settle()
    assert (await order.show(other)).verdict == "ok"
    assert order.states() == ["held", "held"]


async def test_after_the_grant_every_code_of_before_works_at_the_new_store_and_only_there(
    chain: ManyStores,
) -> None:
    home, other = chain.box(1), chain.box(2)
    for kind in ("v1", "v2"):
        order = chain.order(1)
        await chain.settle()
        await chain.turn(home)
        told = await order.ask_for(other, kind=kind)
        assert told.state == "asked"
        await chain.settle()
        assert (await order.show(other, kind)).verdict == "ok"
        gone = await order.show(home, kind)
        assert (gone.verdict, gone.reason.code) == ("not_here", "moved")
        await order.give(other, kind=kind)
        await chain.settle()
        assert order.states() == ["handed", "handed"]
        assert (await order.show(other, kind)).verdict == "already"
        assert (await order.show(home, kind)).verdict == "not_here"
        assert order.told("accepted") == ["accepted"]


async def test_while_home_is_cut_off_nobody_else_hands_over_and_it_still_may(
    chain: ManyStores,
) -> None:
    home, other = chain.box(1), chain.box(2)
    order = chain.order(1)
    await chain.settle()
    home.weather.cut = True
    chain.advance(10 * 60_000)
    await chain.settle(other)
    for kind in ("v1", "v2"):
        assert (await order.show(other, kind)).verdict != "ok"
        told = await order.ask_for(other, kind=kind)
        assert (told.state, told.asked_ms) == ("unreachable", None)
    assert (await order.ask_for(other, kind="v2", wait=True)).state == "waiting"
    await chain.settle(other)
    assert (await order.show(other, "v2")).verdict != "ok"
    assert order.states() == ["held", "held"], "asked is not stopped"
    await order.give(home)
    await chain.heal()
    assert order.states() == ["handed", "handed"]
    told = await order.ask_for(other, kind="v2")
    assert told.state in ("kept", "handed")
    assert cases.list_cases(chain.headquarters.hub) == []


async def test_a_token_that_home_never_read_is_homes_until_it_gives_it_up(
    chain: ManyStores,
) -> None:
    home, other = chain.box(1), chain.box(2)
    home.weather.cut = True
    chain.advance(1_000)
    order = chain.order(1)
    order.move(2)
    await chain.settle(other)
    assert (await order.show(other, "v2")).verdict == "not_here", "no row came: home may give it"
    home.mend()
    await chain.settle()
    # home keeps a tombstone for what it has only from the question itself
    shown = await order.show(home, "v2")
    assert (shown.verdict, shown.reason.code) == ("not_here", "moved")
    await order.give(other)
    await chain.settle()
    assert order.states() == ["handed", "handed"]


async def test_a_token_redeemed_offline_by_its_signature_is_kept(chain: ManyStores) -> None:
    home, other = chain.box(1), chain.box(2)
    await chain.settle()
    home.weather.cut = True
    chain.advance(1_000)
    order = chain.order(1)
    assert (await order.show(home, "v2")).reason.code == "lines_needed"
    assert (await order.show(home, "pl")).verdict == "ok"
    order.move(2)
    await chain.settle(other)
    assert (await order.show(other, "v2")).verdict == "not_here"
    chain.advance(20 * 60_000)
    home.mend()
    await chain.settle()
    assert order.states() in (["handed", "handed"], ["held", "held"])


async def test_what_was_collected_at_home_does_not_move(chain: ManyStores) -> None:
    home, other = chain.box(1), chain.box(2)
    order = chain.order(1, quantity=3)
    await chain.settle()
    await order.give(home, (1, 1))
    order.move(2)
    await chain.settle()
    answer = await order.show(other)
    assert answer.verdict == "ok"
    assert answer.order is not None
    assert answer.order.lines[0].units == ("gone", "open", "open")
    await order.give(other)
    await chain.settle()
    assert order.states() == ["handed"] * 3
    assert cases.list_cases(chain.headquarters.hub) == []


async def test_an_order_comes_back_to_a_store_that_gave_it_up(chain: ManyStores) -> None:
    home, other = chain.box(1), chain.box(2)
    order = chain.order(1)
    await chain.settle()
    order.move(2)
    await chain.settle()
    order.move(1)
    await chain.settle()
    assert (await order.show(other)).verdict == "not_here"
    assert (await order.show(home)).verdict == "ok"
    await order.give(home, kind="v2")
    await chain.settle()
    assert order.states() == ["handed", "handed"]


async def test_a_customer_who_is_served_keeps_the_order_here(chain: ManyStores) -> None:
    home, other = chain.box(1), chain.box(2)
    order = chain.order(1)
    await chain.settle()
    assert (await order.show(home)).state == "claimed"
    order.move(2)
    await chain.settle()
    assert order.states() == ["held", "held"], "a claim defers the answer"
    assert (await order.show(other, "v2")).verdict == "not_here"
    chain.advance(HOUR_MS)
    await chain.settle()
    assert (await order.show(other)).verdict == "ok"


async def test_wrong_signatures_counted_at_home_count_at_the_new_store(
    chain: ManyStores,
) -> None:
    home, other = chain.box(1), chain.box(2)
    order = chain.order(1)
    await chain.settle()
    forged = order.codes["v2"][:-1] + ("0" if order.codes["v2"][-1] != "0" else "1")
    true, order.codes["v2"] = order.codes["v2"], forged
    assert (await order.show(home, "v2")).tries_left == 2
    assert (await order.show(home, "v2")).tries_left == 1
    order.move(2)
    await chain.settle()
    assert (await order.show(other, "v2")).verdict == "locked"
    order.codes["v2"] = true
    assert (await order.show(other, "v2")).verdict == "locked"
    assert (await order.show(other, "v1")).verdict == "ok", "another credential is not locked"


async def test_a_cancel_while_home_is_cut_off_refunds_nothing_until_it_answered(
    chain: ManyStores,
) -> None:
    home = chain.box(1)
    order = chain.order(1)
    await chain.settle()
    home.weather.cut = True
    order.cancel()
    with pytest.raises(Problem) as caught:
        order.refund()
    assert caught.value.code == "asked"
    home.mend()
    await chain.settle()
    assert (await order.show(home)).verdict == "revoked"
    order.refund()
    order.refund()
    assert order.states() == ["refunded", "refunded"]


async def test_what_left_the_shop_during_the_cut_is_kept_and_not_refunded(
    chain: ManyStores,
) -> None:
    home = chain.box(1)
    order = chain.order(1)
    await chain.settle()
    home.weather.cut = True
    order.cancel()
    await order.give(home)
    await chain.heal()
    assert order.states() == ["handed", "handed"]
    with pytest.raises(Problem) as caught:
        order.refund()
    assert caught.value.code == "handed"


async def test_a_refund_of_one_unit_leaves_the_other_to_be_collected(chain: ManyStores) -> None:
    home = chain.box(1)
    order = chain.order(1)
    await chain.settle()
    order.refund((1, 1))
    await chain.settle()
    assert order.states() == ["refunded", "held"]
    await order.give(home)
    await chain.settle()
    assert order.states() == ["refunded", "handed"]
    assert cases.list_cases(chain.headquarters.hub) == []


async def test_a_refund_by_a_persons_word_stops_the_store_as_soon_as_it_hears(
    chain: ManyStores,
) -> None:
    home = chain.box(1)
    order = chain.order(1)
    await chain.settle()
    order.refund(override=Override(by="Li", reason="the customer insists"))
    await chain.settle()
    assert (await order.show(home)).verdict == "revoked"


async def test_a_lease_stops_the_store_and_tells_hq_nothing(chain: ManyStores) -> None:
    home, other = chain.box(1), chain.box(2)
    order = chain.order(1)
    await chain.settle()
    home.node.shop.lease_ms = 2 * HOUR_MS
    home.weather.cut = True
    chain.advance(HOUR_MS)
    assert (await order.show(home)).verdict == "ok"
    chain.advance(2 * HOUR_MS)
    shown = await order.show(home)
    assert (shown.verdict, shown.reason.code) == ("review", "lease_over")
    order.move(2)
    await chain.settle(other)
    assert order.states() == ["held", "held"], "a lease that is over proves nothing"
    assert (await order.show(other, "v2")).verdict == "not_here"
    await home.stop()
    home.clock.reboot(wall_ms=0)
    await home.open()
    home.node.shop.lease_ms = 2 * HOUR_MS
    shown = await order.show(home)
    assert (shown.verdict, shown.reason.code) == ("clock_unsure", "lease_unsure")
