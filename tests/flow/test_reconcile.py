"""The daily reconciliation of a node with its hub: all product code but the sockets."""

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from evening import DAY_MS, HOUR_MS, Evening, opened_evening
from running_hub import NOON_MS
from sqlalchemy import update

from edge.domain.reconcile_slip import reconcile_slip
from edge.flow import reconcile
from edge.flow.answers import SlipView
from edge.flow.caller import Caller
from edge.flow.reconcile import view
from edge.flow.review import cases as cases_here
from edge.flow.slips import ReconcileBody, document
from edge.store.effects import effect
from edge.store.reconcile import reports
from edge.store.tx import Tx
from sync.hub.tables import redemption
from sync.rules.reconcile import newest_day
from sync.wire import codec
from sync.wire.errors import LinkError, Offline, RemoteWireError
from sync.wire.reconcile import (
    DOMAIN_REPORT,
    ReconcileAnswer,
    ReconcileAsk,
    Report,
    open_report,
    open_result,
)
from sync.wire.signature import Signer

FIRST_EVENING = date(2026, 9, 22)


@pytest.fixture
async def evening(tmp_path: Path) -> AsyncIterator[Evening]:
    async with opened_evening(tmp_path) as made:
        yield made


async def test_in_the_evening_both_sides_count_the_same_and_sign_it(evening: Evening) -> None:
    await evening.hand_over(quantity=2)
    _, second = await evening.hand_over()
    await evening.take_back(second)
    assert await evening.reconciler.look() is None, "the first evening was before our time"
    await evening.falls()
    result = await evening.reconciler.look()
    assert result is not None
    assert (result.day, result.total) == (FIRST_EVENING.isoformat(), 0)
    assert (result.handovers, result.pieces) == (2, 2)
    seen = await view(evening.chain.node.shop)
    assert seen.due is None
    assert [each.agreed for each in seen.reports] == [True]
    (held,) = evening.at_hq()
    assert held["report_hash"] == seen.reports[0].report_hash
    assert held["handovers"] == {"node": 2, "hub": 2}
    assert held["articles"] == {"MILK1": 2}
    assert evening.cases_at_hq() == []


async def test_each_side_can_show_what_the_other_signed(evening: Evening) -> None:
    await evening.hand_over()
    await evening.falls()
    await evening.reconciler.look()
    shop = evening.chain.node.shop
    (kept,) = await shop.writer.do(lambda tx: reports(tx, 9), shop.moment())
    hub = evening.chain.headquarters.hub
    node_key = shop.identity.signer().public
    assert open_report(kept.report, kept.signature, node_key).last == 1
    assert open_result(kept.result, kept.result_signature, hub.signer.public).total == 0
    with pytest.raises(RemoteWireError):
        open_result(kept.result, kept.signature, hub.signer.public)
    (held,) = evening.at_hq()
    assert held["signed_by_node"] == kept.signature.hex()
    assert held["signed_by_hub"] == kept.result_signature.hex()


async def test_an_evening_is_reconciled_once_and_the_next_one_again(evening: Evening) -> None:
    for days in range(1, 4):
        await evening.hand_over()
        await evening.falls()
        assert await evening.reconciler.look() is not None
        assert await evening.reconciler.look() is None
        assert len(evening.at_hq()) == days


async def test_a_cut_that_was_slept_through_is_made_up_for_once(evening: Evening) -> None:
    await evening.hand_over()
    evening.chain.node.shop.link.state = "offline"
    evening.chain.weather.cut = True
    for _ in range(4):
        evening.chain.advance(DAY_MS)
        assert await evening.reconciler.look() is None
    assert (await view(evening.chain.node.shop)).due is not None
    evening.chain.advance(12 * HOUR_MS)
    evening.chain.mend()
    evening.chain.node.shop.link.state = "online"
    await evening.sync()
    await evening.sync()
    result = await evening.reconciler.look()
    assert result is not None
    assert (result.handovers, result.total) == (1, 0)
    assert await evening.reconciler.look() is None
    assert len(evening.at_hq()) == 1


async def test_a_restart_forgets_no_evening_and_repeats_none(evening: Evening) -> None:
    await evening.falls()
    assert await evening.reconciler.look() is not None
    chain = evening.chain
    await chain.stop()
    await chain.open()
    shop = chain.node.shop
    shop.link.state = "online"
    again = evening.reconciler
    await evening.sync()
    assert await again.look() is None
    await evening.falls()
    assert await again.look() is not None


@pytest.mark.parametrize("wall_ms", [0, 4_070_908_800_000, NOON_MS - HOUR_MS])
async def test_a_wall_clock_of_1970_or_2099_makes_nothing_due(
    evening: Evening, wall_ms: int
) -> None:
    evening.chain.clock.jump_wall(wall_ms)
    assert await evening.reconciler.look() is None
    await evening.falls()
    assert await evening.reconciler.look() is not None
    evening.chain.clock.jump_wall(wall_ms)
    assert await evening.reconciler.look() is None


async def test_after_a_power_cut_nothing_is_due_before_the_time_is_known(evening: Evening) -> None:
    chain = evening.chain
    await chain.stop()
    chain.power_off(2 * DAY_MS, wall_ms=0)
    await chain.open()
    shop = chain.node.shop
    shop.link.state = "online"
    again = evening.reconciler
    assert await again.look() is None
    assert evening.asked == 0
    await evening.sync()
    assert await again.look() is not None


async def test_what_the_hub_lost_with_its_events_is_handed_in_again(evening: Evening) -> None:
    _, handover = await evening.hand_over(quantity=2)
    await evening.hand_over()
    await evening.falls()
    evening.lose(handover, events=True)
    result = await evening.reconciler.look()
    assert result is not None
    assert (result.total, result.handovers, result.pieces) == (0, 2, 3)
    assert evening.cases_at_hq() == []


async def test_what_stays_different_is_a_case_on_both_sides_that_names_the_order(
    evening: Evening,
) -> None:
    no, handover = await evening.hand_over()
    await evening.hand_over()
    await evening.falls()
    evening.lose(handover, events=False)
    result = await evening.reconciler.look()
    assert result is not None
    kinds = [(each.kind, each.order_no) for each in result.differences]
    assert kinds == [("hub_lacks", no), ("sku", None)]
    named = [case for case in evening.cases_at_hq() if case["source"] == "hub"]
    assert [case["order_no"] for case in named] == [None, no]
    shop = evening.chain.node.shop
    here = [each for each in await cases_here(shop) if each.reason.code == reconcile.REASON]
    assert sorted(each.order_no or "" for each in here) == ["", no]
    # The next evening it differs still, and nobody is asked twice.
    await evening.falls()
    again = await evening.reconciler.look()
    assert again is not None
    assert again.total == 2
    await evening.sync()
    assert len([case for case in evening.cases_at_hq() if case["source"] == "hub"]) == 2
    assert len(await cases_here(shop)) == 2


async def test_what_the_node_lost_is_found_too(evening: Evening) -> None:
    no, handover = await evening.hand_over()
    await evening.falls()
    shop = evening.chain.node.shop

    def forget(tx: Tx) -> None:
        tx.connection.execute("DELETE FROM redemption WHERE handover = ?", (handover,))
        tx.connection.execute("DELETE FROM handover WHERE handover = ?", (handover,))
        tx.connection.execute(
            "INSERT INTO handover (handover, order_id, order_no, epoch, station, at_ms, credential,"
            " basis, run, boot_ms) VALUES (?, x'00', 'X', 1, 't', 1, 'v1', 'replica', 'r', 1)",
            (handover + 1,),
        )

    await shop.writer.do(forget, shop.moment())
    result = await evening.reconciler.look()
    assert result is not None
    found = {each.kind: each.order_no for each in result.differences}
    assert found["node_lacks"] == no
    assert found["hub_lacks"] is None


async def test_what_happens_while_it_compares_is_no_difference(evening: Evening) -> None:
    _, first = await evening.hand_over()
    await evening.falls()

    async def business_goes_on() -> None:
        await evening.hand_over(quantity=3)
        await evening.take_back(first)
        await evening.sync()

    evening.before_ask = business_goes_on
    result = await evening.reconciler.look()
    assert result is not None
    assert (result.total, result.handovers, result.pieces) == (0, 1, 1)


async def test_a_conflict_that_both_sides_know_is_no_difference(evening: Evening) -> None:
    _, handover = await evening.hand_over()
    await evening.sync()
    with evening.chain.headquarters.hub.database.writing() as connection:
        connection.execute(
            update(redemption).where(redemption.c.handover == handover).values(state="conflict")
        )
    await evening.falls()
    result = await evening.reconciler.look()
    assert result is not None
    assert result.total == 0


async def test_an_answer_that_was_lost_leaves_the_evening_due(evening: Evening) -> None:
    await evening.hand_over()
    await evening.falls()
    evening.chain.weather.lose_answer = 1.0
    with pytest.raises(Offline):
        await evening.reconciler.look()
    evening.chain.mend()
    assert (await view(evening.chain.node.shop)).reports == ()
    assert await evening.reconciler.look() is not None
    assert len(evening.at_hq()) == 1


async def test_the_same_report_again_is_answered_as_before(evening: Evening) -> None:
    await evening.hand_over()
    await evening.falls()
    sent: list[bytes] = []
    plain = evening.ask

    async def listening(target: str, body: bytes) -> bytes:
        sent.append(body)
        return await plain(target, body)

    await evening.asking(listening).look()
    first = codec.from_json(ReconcileAnswer, await plain("/v1/reconcile", sent[0]))
    evening.chain.advance(HOUR_MS)
    assert codec.from_json(ReconcileAnswer, await plain("/v1/reconcile", sent[0])) == first
    assert len(evening.at_hq()) == 1


@pytest.mark.parametrize("forged", ["signature", "store", "day", "seq"])
async def test_a_report_that_is_not_this_boxs_own_is_refused(evening: Evening, forged: str) -> None:
    await evening.hand_over()
    await evening.falls()
    shop = evening.chain.node.shop
    enrolled = shop.identity.enrolled
    assert enrolled is not None
    signer = Signer.generate() if forged == "signature" else shop.identity.signer()
    report = Report(
        store=enrolled.certificate.store + (forged == "store"),
        node=enrolled.certificate.node,
        incarnation=enrolled.certificate.incarnation,
        day="tomorrow" if forged == "day" else "2026-09-22",
        at_ms=1,
        seq=10_000 if forged == "seq" else 1,
        audit_seq=1,
        audit_hash=bytes(32),
        first=1,
        last=1,
        blocks=(),
        skus=(),
        sku_unknown=0,
    )
    packed = codec.to_json(report)
    ask = ReconcileAsk(report=packed, signature=signer.sign(DOMAIN_REPORT, packed))
    with pytest.raises(LinkError):
        await evening.ask("/v1/reconcile", codec.to_json(ask))
    assert evening.at_hq() == []


async def test_a_result_that_is_not_headquarters_own_is_not_kept(evening: Evening) -> None:
    await evening.hand_over()
    await evening.falls()
    plain = evening.ask

    async def liar(target: str, body: bytes) -> bytes:
        answer = codec.from_json(ReconcileAnswer, await plain(target, body))
        return codec.to_json(
            ReconcileAnswer(result=answer.result + b" ", signature=answer.signature)
        )

    with pytest.raises(RemoteWireError):
        await evening.asking(liar).look()
    assert (await view(evening.chain.node.shop)).reports == ()


async def test_the_report_can_be_printed_and_says_what_differs(evening: Evening) -> None:
    shop = evening.chain.node.shop
    caller = Caller(station="till1", key="print", route="print")
    nothing = await reconcile.print_report(shop, caller)
    assert nothing == reconcile.NO_REPORT
    no, handover = await evening.hand_over()
    await evening.falls()
    evening.lose(handover, events=False)
    await evening.reconciler.look()
    slip = await reconcile.print_report(shop, caller)
    assert isinstance(slip, SlipView)
    row = await shop.writer.do(lambda tx: effect(tx, slip.effect), shop.moment())
    assert row is not None
    words = repr((await document(shop, row)).blocks)
    assert no in words
    assert "2 处不符" in words
    facts = codec.from_json(ReconcileBody, row.body).facts
    assert repr(reconcile_slip(facts).blocks) == words
    assert (await reconcile.print_report(shop, caller, "1999-01-01")) == reconcile.NO_REPORT


async def test_the_day_is_the_stores_not_utcs(evening: Evening) -> None:
    shop = evening.chain.node.shop
    enrolled = shop.identity.enrolled
    assert enrolled is not None
    plan = reconcile.plan_of(shop, enrolled)
    assert newest_day(plan, shop.moment().trusted_ms) == date(2026, 9, 21)
    assert plan.zone == "Asia/Shanghai"
