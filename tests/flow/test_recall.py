"""Recall: what HQ stopped stays in the shop, line by line, and each store proves it once."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from books import read_books
from many_stores import TILL, ManyStores, Pickup
from store_box import StoreBox
from toy_node import STORE

from edge.flow import stock
from edge.flow.answers import Refusal, ScanAnswer
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.recalls import answer_recalls
from edge.flow.stock import LockAsk
from sync.hub import orders, recalls
from sync.hub.orders import NewLine, NewOrder
from sync.hub.problems import Problem
from sync.hub.recalls import NewRecall


@pytest_asyncio.fixture
async def chain(tmp_path: Path) -> AsyncIterator[ManyStores]:
    chain = ManyStores(tmp_path, 1)
    await chain.open()
    yield chain
    ledgers = [box.ledger for box in chain.boxes.values()]
    await chain.close()
    for ledger in ledgers:
        assert read_books(ledger).faults == []


def begin(
    chain: ManyStores,
    **what: Any,  # noqa: ANN401 - fields of the recall
) -> str:
    told = recalls.begin(chain.headquarters.hub, NewRecall(reason="glass", **what), by="Wang")
    return str(told["recall_id"])


def show(chain: ManyStores, recall_id: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(json.dumps(recalls.show(chain.headquarters.hub, recall_id)))
    return told


def states(chain: ManyStores, recall_id: str) -> dict[int, str]:
    return {each["store"]: each["state"] for each in show(chain, recall_id)["stores"]}


def mixed(chain: ManyStores) -> Pickup:
    """Two milk and a cup that goes alone."""
    new = NewOrder(store=STORE, lines=(NewLine(sku="MILK1", quantity=2), NewLine(sku="CUP")))
    made = json.loads(json.dumps(orders.create(chain.headquarters.hub, new)))
    codes = {kind: text for kind, text in made["codes"].items() if isinstance(text, str)}
    return Pickup(chain=chain, no=made["order_no"], id=made["order_id"], codes=codes)


def told(answer: ScanAnswer) -> tuple[str, str]:
    return str(answer.verdict), answer.reason.code


async def test_a_recalled_article_stays_here_in_every_store_and_each_proves_it(
    chain: ManyStores,
) -> None:
    first, second = chain.box(1), chain.box(2)
    before, order, there = chain.order(1), chain.order(1), chain.order(2)
    await chain.settle()
    await before.give(first)
    await chain.settle()
    recall_id = begin(chain, sku="MILK1")
    assert set(states(chain, recall_id).values()) == {"asked"}
    await chain.settle()
    assert set(states(chain, recall_id).values()) == {"stopped"}
    assert told(await order.show(first)) == ("revoked", "recalled")
    assert told(await there.show(second)) == ("revoked", "recalled")
    shown = show(chain, recall_id)
    proof = {each["store"]: each for each in shown["stores"]}
    assert (proof[STORE]["stopped_units"], proof[STORE]["handed_units"]) == (2, 2)
    assert (proof[STORE + 1]["stopped_units"], proof[STORE + 1]["handed_units"]) == (2, 0)
    assert [each["order_no"] for each in shown["handed"]] == [before.no]
    assert shown["handed_units"] == 2


async def test_the_other_lines_of_an_order_can_still_be_handed_over(chain: ManyStores) -> None:
    box = chain.box(1)
    order = mixed(chain)
    await chain.settle()
    begin(chain, sku="MILK1")
    await chain.settle()
    shown = await order.show(box)
    assert told(shown) == ("ok", "rest_recalled")
    assert shown.state == "claimed", "never at once: somebody has to take the goods out"
    assert shown.order is not None
    assert [line.units for line in shown.order.lines] == [("recalled", "recalled"), ("open",)]
    for units in (((1, 1),), ((1, 2), (2, 1))):
        refused = await hand_over(box.node.shop, TILL, HandOverAsk(order=order.id, units=units))
        assert isinstance(refused, Refusal)
        assert refused.code == "bad_units"
    given = await hand_over(box.node.shop, TILL, HandOverAsk(order=order.id))
    assert isinstance(given, ScanAnswer)
    assert given.state == "handed"
    await chain.settle()
    assert order.states() == ["held", "held", "handed"]
    assert told(await order.show(box)) == ("revoked", "recalled")


async def test_a_claim_taken_before_the_recall_hands_nothing_over(chain: ManyStores) -> None:
    box = chain.box(1)
    order = chain.order(1)
    await chain.settle()
    assert (await order.show(box)).state == "claimed"
    begin(chain, sku="MILK1")
    await box.pull()
    answer = await hand_over(box.node.shop, TILL, HandOverAsk(order=order.id))
    assert isinstance(answer, ScanAnswer)
    assert told(answer) == ("revoked", "recalled")


async def test_a_store_that_cannot_hear_it_is_named_and_stops_when_it_is_back(
    chain: ManyStores,
) -> None:
    first, second = chain.box(1), chain.box(2)
    order, another = chain.order(2), chain.order(2)
    await chain.settle()
    second.weather.cut = True
    recall_id = begin(chain, sku="MILK1")
    await chain.settle(first)
    chain.advance(120_000)
    proof = {each["store"]: each for each in show(chain, recall_id)["stores"]}
    assert proof[STORE]["state"] == "stopped"
    assert proof[STORE + 1]["state"] == "unreachable"
    assert proof[STORE + 1]["unreachable_since_ms"] is not None
    await order.give(second)
    second.mend()
    await chain.settle()
    assert told(await another.show(second)) == ("revoked", "recalled")
    proof = {each["store"]: each for each in show(chain, recall_id)["stores"]}
    assert (proof[STORE + 1]["state"], proof[STORE + 1]["handed_units"]) == ("stopped", 2)
    assert [each["order_no"] for each in show(chain, recall_id)["handed"]] == [order.no]


async def test_it_is_answered_once_and_a_restart_keeps_it(chain: ManyStores) -> None:
    box = chain.box(1)
    order = chain.order(1)
    recall_id = begin(chain, sku="MILK1")
    await chain.settle()
    await answer_recalls(box.node.shop)
    await box.stop()
    await box.open()
    assert box.node.shop.recalls is not None
    await answer_recalls(box.node.shop)
    assert told(await order.show(box)) == ("revoked", "recalled")
    await chain.settle()
    events = box.node.shop.writer.do(
        lambda tx: tx.connection.execute(
            "SELECT count(*) FROM outbox WHERE kind = 'recall_answered'"
        ).fetchone()[0],
        box.node.shop.moment(),
    )
    assert await events == 1
    assert states(chain, recall_id)[STORE] == "stopped"


async def test_a_recall_ends_by_hand_or_by_its_own_time(chain: ManyStores) -> None:
    box = chain.box(1)
    order, another = chain.order(1), chain.order(1)
    recall_id = begin(chain, sku="MILK1")
    await chain.settle()
    assert told(await order.show(box)) == ("revoked", "recalled")
    ended = recalls.end(chain.headquarters.hub, recall_id, by="Wang")
    assert ended["state"] == "ended"
    await chain.settle()
    assert (await order.give(box)).state == "handed"
    until = chain.headquarters.clock.now_ms() + 3_600_000
    recall_id = begin(chain, sku="MILK1", until_ms=until)
    await chain.settle()
    assert told(await another.show(box)) == ("revoked", "recalled")
    chain.advance(2 * 3_600_000)
    assert show(chain, recall_id)["state"] == "over"
    assert (await another.give(box)).state == "handed"


async def test_a_box_that_takes_a_snapshot_reads_open_recalls_and_no_ended_ones(
    chain: ManyStores, tmp_path: Path
) -> None:
    ended = begin(chain, sku="CUP")
    recalls.end(chain.headquarters.hub, ended, by="Wang")
    recall_id = begin(chain, sku="MILK1")
    old = chain.box(1)
    await chain.settle()
    assert states(chain, recall_id)[STORE] == "stopped"
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
    assert states(chain, recall_id)[STORE] != "stopped", "another box has to prove it anew"
    await fresh.open()
    await chain.settle()
    known = fresh.node.shop.recalls
    assert known is not None
    assert set(known.skus) == {"MILK1"}
    assert states(chain, recall_id)[STORE] == "stopped"


async def test_an_order_and_a_code_are_recalled_alone(chain: ManyStores) -> None:
    box = chain.box(1)
    whole, by_code, other = chain.order(1), chain.order(1), chain.order(1)
    of_order = begin(chain, order_no=whole.no)
    of_code = begin(chain, code=by_code.codes["v1"])
    await chain.settle()
    assert told(await whole.show(box)) == ("revoked", "recalled")
    assert told(await whole.show(box, "v2")) == ("revoked", "recalled")
    assert told(await by_code.show(box)) == ("revoked", "code_revoked")
    assert (await by_code.show(box, "v2")).verdict == "ok", "its other code is good"
    assert (await other.show(box)).verdict == "ok"
    assert states(chain, of_order)[STORE] == "stopped"
    assert states(chain, of_code) == {STORE: "stopped"}
    recalls.end(chain.headquarters.hub, of_code, by="Wang")
    recalls.end(chain.headquarters.hub, of_order, by="Wang")
    await chain.settle()
    assert (await by_code.give(box)).state == "handed"
    assert (await whole.give(box)).state == "handed"


async def test_nothing_recalled_is_set_aside_or_sold(chain: ManyStores) -> None:
    box = chain.box(1)
    begin(chain, sku="MILK1")
    await chain.settle()
    refused = await stock.set_aside(box.node.shop, TILL, LockAsk(sku="MILK1"))
    assert isinstance(refused, Refusal)
    assert refused.code == "recalled"
    with pytest.raises(Problem) as caught:
        chain.order(1)
    assert caught.value.code == "recalled"


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ({}, "invalid"),
        ({"sku": "MILK1", "order_no": "X"}, "invalid"),
        ({"sku": "NOTHING"}, "missing"),
        ({"order_no": "NOTHING"}, "missing"),
        ({"code": "0000"}, "invalid"),
        ({"sku": "MILK1", "until_ms": 1}, "invalid"),
    ],
)
async def test_what_cannot_be_recalled_is_said(
    chain: ManyStores, what: dict[str, Any], code: str
) -> None:
    with pytest.raises(Problem) as caught:
        begin(chain, **what)
    assert caught.value.status == (404 if code == "missing" else 422)
