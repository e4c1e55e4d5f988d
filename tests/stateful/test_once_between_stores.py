"""Promise 1 between stores: two boxes, one hub, lines that are cut and lossy, moves and refunds.

After each step, over both ledgers and HQ: a unit is live in one store at most, and none is live and
refunded. When all is healed: nothing asked is unanswered or on its way, no case was opened, nothing
is unsent, and HQ knows each hand-over once.
"""

import asyncio
import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from books import read_books
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from many_stores import TILL, ManyStores, Pickup
from store_box import StoreBox

from edge.flow.answers import ScanAnswer
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.transfers import TransferAsk, transfer
from edge.flow.undo import UndoAsk, undo
from sync.hub import cases, orders
from sync.hub.problems import Problem

MINUTE_MS = 60_000
MAX_ORDERS = 2
Unit = tuple[str, int, int]
stores = st.sampled_from([1, 2])


class BetweenStoresMachine(RuleBasedStateMachine):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="between-"))
        self.runner = asyncio.Runner()
        self.orders: list[Pickup] = []
        self.given: list[tuple[int, int]] = []

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.chain = ManyStores(self.folder, seed)
        self.runner.run(self.chain.open())
        self.orders.append(self.chain.order(1))

    def teardown(self) -> None:
        try:
            if hasattr(self, "chain"):
                self.runner.run(self._healed())
                ledgers = [box.ledger for box in self.chain.boxes.values()]
                self.runner.run(self.chain.close())
                for ledger in ledgers:
                    assert read_books(ledger).faults == []
        finally:
            self.runner.close()
            shutil.rmtree(self.folder)

    # -------------------------------------------------------------- HQ

    @precondition(lambda self: len(self.orders) < MAX_ORDERS)
    @rule(nth=stores, hours=st.sampled_from([1, 48]))
    def customer_orders(self, nth: int, hours: int) -> None:
        self.orders.append(self.chain.order(nth, hours=hours))

    @rule(data=st.data(), what=st.sampled_from(["move", "move", "refund", "refund one", "cancel"]))
    def headquarters_asks(self, data: st.DataObject, what: str) -> None:
        order = data.draw(st.sampled_from(self.orders))
        try:
            match what:
                case "move":
                    order.move(data.draw(stores))
                case "refund":
                    order.refund()
                case "refund one":
                    order.refund((1, 1))
                case _:
                    order.cancel()
        except Problem as problem:
            if problem.status != 409:
                raise

    @rule(data=st.data(), anew=st.booleans())
    def headquarters_gives_longer(self, data: st.DataObject, anew: bool) -> None:
        order = data.draw(st.sampled_from(self.orders))
        hub = self.chain.headquarters.hub
        try:
            made = orders.reissue(hub, order.no) if anew else orders.extend(hub, order.no, 2)
        except Problem as problem:
            if problem.status != 409:
                raise
            return
        codes = made["codes"]
        assert isinstance(codes, dict)
        order.codes |= {kind: text for kind, text in codes.items() if isinstance(text, str)}

    # -------------------------------------------------------------- the counters

    @rule(data=st.data(), nth=stores, part=st.booleans())
    def customer_shows_codes(self, data: st.DataObject, nth: int, part: bool) -> None:
        order = data.draw(st.sampled_from(self.orders))
        kind = data.draw(st.sampled_from(sorted(set(order.codes) & {"v1", "v2"})))
        self.runner.run(self._shows(nth, order, kind, part=part))

    async def _shows(self, nth: int, order: Pickup, kind: str, *, part: bool) -> None:
        box = self.chain.box(nth)
        answer = await order.show(box, kind)
        if answer.reason.code == "lines_needed" and "pl" in order.codes:
            answer = await order.show(box, "pl")
        if answer.elsewhere:
            await transfer(box.node.shop, TILL, TransferAsk(answer=answer.id, wait=part))
        if answer.state == "claimed":
            ask = HandOverAsk(order=order.id, units=((1, 1),) if part else None)
            done = await hand_over(box.node.shop, TILL, ask)
            answer = done if isinstance(done, ScanAnswer) else answer
        if answer.state == "handed" and answer.handover is not None:
            self.given.append((nth, answer.handover))

    @precondition(lambda self: bool(self.given))
    @rule(data=st.data())
    def goods_come_back(self, data: st.DataObject) -> None:
        nth, handover = data.draw(st.sampled_from(self.given))
        ask = UndoAsk(handover=handover, goods_still_here=True, reason="changed their mind")
        self.runner.run(undo(self.chain.box(nth).node.shop, TILL, ask))

    # -------------------------------------------------------------- the weather

    @rule(nth=stores, cut=st.booleans(), lossy=st.booleans())
    def weather_changes(self, nth: int, cut: bool, lossy: bool) -> None:
        weather = self.chain.box(nth).weather
        weather.cut = cut
        for name in ("lose_question", "lose_answer", "repeat", "late"):
            setattr(weather, name, 0.3 if lossy else 0.0)

    @rule(nth=stores)
    def a_box_goes_round(self, nth: int) -> None:
        self.runner.run(self.chain.turn(self.chain.box(nth)))

    @rule(nth=stores)
    def a_box_starts_again(self, nth: int) -> None:
        self.runner.run(self._restarted(self.chain.box(nth)))

    async def _restarted(self, box: StoreBox) -> None:
        await box.stop()
        await box.open()

    @rule(minutes=st.sampled_from([1, 20, 90]))
    def time_passes(self, minutes: int) -> None:
        self.chain.advance(minutes * MINUTE_MS)

    # -------------------------------------------------------------- what must hold

    @invariant()
    def a_unit_leaves_once_and_is_not_refunded_too(self) -> None:
        if not hasattr(self, "chain"):
            return
        live = self._live()
        assert all(count == 1 for count in live.values()), live
        refunded = {
            (order.id, 1, number)
            for order in self.orders
            for number, state in enumerate(order.states(), 1)
            if state == "refunded"
        }
        assert not refunded & set(live), (refunded, live)

    def _live(self) -> Counter[Unit]:
        """Live hand-overs of both stores together."""
        found: Counter[Unit] = Counter()
        for box in self.chain.boxes.values():
            with closing(sqlite3.connect(box.ledger)) as connection:
                rows = connection.execute(
                    "SELECT lower(hex(order_id)), line, unit FROM redemption WHERE live = 1"
                ).fetchall()
            found.update((order, line, unit) for order, line, unit in rows)
        return found

    async def _healed(self) -> None:
        await self.chain.heal()
        self.chain.advance(60 * MINUTE_MS)  # claims of customers who went away are over
        await self.chain.heal()
        self.a_unit_leaves_once_and_is_not_refunded_too()
        live = self._live()
        found = cases.list_cases(self.chain.headquarters.hub)
        assert [(case["reason"], case["detail"]) for case in found] == []
        for order in self.orders:
            shown = order.at_hq()
            assert shown["state"] != "cancel_pending"
            for number, unit in enumerate(order.units(), 1):
                out = int(str(unit["handed_total"])) - int(str(unit["undone_total"]))
                assert out == live[order.id, 1, number]
                assert (unit["state"] == "handed") == (out == 1), unit
                assert not str(unit["destination"]).startswith("store:"), unit
        for box in self.chain.boxes.values():
            assert box.unsent() == 0


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_a_unit_leaves_in_one_store_whatever_is_asked_and_cut(pytestconfig: pytest.Config) -> None:
    times: int = pytestconfig.getoption("--long")
    run_state_machine_as_test(
        BetweenStoresMachine,
        settings=settings(
            max_examples=5 * times,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
