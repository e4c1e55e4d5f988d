"""Promise 2 under everything at once: a box, HQ's online shop, and a line that is bad and healed.

The truth is a shelf of pieces that the test moves itself. After each step, as long as nothing was
stolen: what is promised to anybody (orders that nobody collected, reservations, locks) is on the
shelf. When all is healed and the shelf was counted: every right has one owner on both sides, what
HQ holds is what the box says that it gave, and no move is under way.
"""

import asyncio
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import made_shop
import pytest
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
from running_hub import NOON_MS
from store_box import close_files
from whole_chain import Chain

from edge.flow import stock as stocks
from edge.flow import stock_keeping
from edge.flow.answers import ScanAnswer, UndoAnswer
from edge.flow.caller import Caller
from edge.flow.scan import ScanAsk, scan
from edge.flow.stock import CountAsk, LockAsk, RecordAsk
from edge.flow.stock_answers import StockAct, StockView
from edge.flow.undo import UndoAsk, undo
from edge.main.opening import open_store as open_data
from edge.store.incarnation import begin_again
from edge.store.tx import Moment
from sync.hub import orders, ownership, stock_api
from sync.hub.orders import NewLine, NewOrder
from sync.hub.problems import Problem

STORE, SKU = 101, "MILK1"
MINUTE_MS = 60_000


@dataclass(slots=True)
class Ordered:
    """An order: pieces that HQ promised, and what became of them."""

    no: str
    code: str
    pieces: int
    handover: int | None = None


class StockMachine(RuleBasedStateMachine):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="stock-"))
        self.runner = asyncio.Runner()
        self.shelf = 0
        self.uncertain = False
        self.orders: list[Ordered] = []
        self.locks: dict[int, int] = {}
        self.reservations: list[str] = []
        self.keys = 0
        self.backup: Path | None = None

    @initialize(seed=st.integers(0, 2**32), pieces=st.integers(0, 12))
    def begin(self, seed: int, pieces: int) -> None:
        self.chain = Chain(self.folder, seed)
        self.runner.run(self.chain.open())
        self.runner.run(self.chain.pull())
        self.shelf = pieces
        self.somebody_counts()
        self.both_meet()

    def teardown(self) -> None:
        try:
            if hasattr(self, "chain") and self.chain.running:
                self.runner.run(self._healed())
                self.runner.run(self.chain.stop())
                self.chain.close()
        finally:
            self.runner.close()
            shutil.rmtree(self.folder)

    # -------------------------------------------------------------- who and what

    @property
    def hub(self) -> object:
        return self.chain.headquarters.hub

    def till(self) -> Caller:
        self.keys += 1
        return Caller(station="till1", key=f"k{self.keys}", route="stock")

    def view(self) -> StockView:
        found = self.runner.run(stocks.stock(self.chain.node.shop, SKU))
        assert found is not None
        return found

    def at_hq(self) -> dict[str, Any]:
        found = stock_api.show_stock(self.chain.headquarters.hub, STORE, SKU)["stock"]
        assert isinstance(found, list)
        return cast("dict[str, Any]", found[0]) if found else {}

    # -------------------------------------------------------------- the store

    @rule()
    def somebody_counts(self) -> None:
        shop = self.chain.node.shop
        act = self.runner.run(stocks.count(shop, self.till(), SKU, CountAsk(counted=self.shelf)))
        assert isinstance(act, StockAct)
        assert act.on_hand == self.shelf

    @rule(pieces=st.integers(1, 5))
    def goods_arrive(self, pieces: int) -> None:
        shop = self.chain.node.shop
        ask = RecordAsk(quantity=pieces)
        assert isinstance(self.runner.run(stocks.record(shop, self.till(), SKU, ask)), StockAct)
        self.shelf += pieces

    @precondition(lambda self: self.shelf > 0)
    @rule(pieces=st.integers(1, 3))
    def a_thief_comes(self, pieces: int) -> None:
        self.shelf -= min(pieces, self.shelf)
        self.uncertain = True

    @rule(pieces=st.integers(1, 3))
    def somebody_sets_aside(self, pieces: int) -> None:
        shop = self.chain.node.shop
        ask = LockAsk(sku=SKU, quantity=pieces)
        act = self.runner.run(stocks.set_aside(shop, self.till(), ask))
        if isinstance(act, StockAct):
            assert act.lock is not None
            self.locks[act.lock.id] = pieces

    @precondition(lambda self: self.locks)
    @rule(data=st.data(), sold=st.booleans())
    def what_was_set_aside_is_sold_or_put_back(self, data: st.DataObject, sold: bool) -> None:
        number = data.draw(st.sampled_from(sorted(self.locks)))
        pieces = self.locks[number]
        shop = self.chain.node.shop
        if sold and pieces > self.shelf:
            return  # a thief was faster: nobody can take what is not there
        way: Literal["taken", "released"] = "taken" if sold else "released"
        act = self.runner.run(stocks.end_lock(shop, self.till(), number, way))
        del self.locks[number]
        if isinstance(act, StockAct) and sold:
            self.shelf -= pieces

    # -------------------------------------------------------------- the online shop

    @rule(pieces=st.integers(1, 3), reserved=st.booleans())
    def a_customer_orders(self, pieces: int, reserved: bool) -> None:
        hub = self.chain.headquarters.hub
        number = None
        new = NewOrder(store=STORE, lines=(NewLine(sku=SKU, quantity=pieces),), bags=1, hours=48)
        try:
            if reserved:
                wish = stock_api.NewReservation(store=STORE, sku=SKU, quantity=pieces)
                number = str(stock_api.reserve(hub, wish)["reservation"])
            made = json.loads(json.dumps(orders.create(hub, new, reservation=number)))
        except Problem:
            return
        self.orders.append(Ordered(no=made["order_no"], code=made["codes"]["v1"], pieces=pieces))

    @rule(pieces=st.integers(1, 3))
    def a_basket_reserves(self, pieces: int) -> None:
        wish = stock_api.NewReservation(store=STORE, sku=SKU, quantity=pieces)
        try:
            made = stock_api.reserve(self.chain.headquarters.hub, wish)
        except Problem:
            return
        self.reservations.append(str(made["reservation"]))

    @precondition(lambda self: self.reservations)
    @rule()
    def a_basket_is_left(self) -> None:
        stock_api.release(self.chain.headquarters.hub, self.reservations.pop())

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def headquarters_cancels(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.orders))
        try:
            ownership.cancel(self.chain.headquarters.hub, order.no)
        except Problem:
            return

    @precondition(lambda self: self.orders)
    @rule(data=st.data())
    def a_customer_collects(self, data: st.DataObject) -> None:
        order = data.draw(st.sampled_from(self.orders))
        if order.pieces > self.shelf:
            return  # nothing on the shelf to give
        shop = self.chain.node.shop
        answer = self.runner.run(scan(shop, self.till(), ScanAsk(text=order.code)))
        if isinstance(answer, ScanAnswer) and answer.state == "handed" and not answer.debounced:
            assert order.handover is None, "given twice"
            order.handover = answer.handover
            self.shelf -= order.pieces

    @precondition(lambda self: any(order.handover for order in self.orders))
    @rule(data=st.data())
    def a_cashier_takes_back(self, data: st.DataObject) -> None:
        given = [order for order in self.orders if order.handover is not None]
        order = data.draw(st.sampled_from(given))
        assert order.handover is not None
        wish = UndoAsk(handover=order.handover, goods_still_here=True, reason="not theirs")
        answer = self.runner.run(undo(self.chain.node.shop, self.till(), wish))
        if isinstance(answer, UndoAnswer):
            order.handover = None
            self.shelf += order.pieces

    # -------------------------------------------------------------- line, power, time

    @rule(line=st.sampled_from(["cut", "good", "bad"]), part=st.sampled_from([0.2, 0.5]))
    def line_changes(self, line: str, part: float) -> None:
        weather = self.chain.weather
        weather.cut = line == "cut"
        chance = part if line == "bad" else 0.0
        weather.lose_question = weather.lose_answer = weather.repeat = weather.late = chance

    @rule()
    def both_meet(self) -> None:
        self.runner.run(self.chain.push())
        stock_api.tick(self.chain.headquarters.hub)
        self.runner.run(self.chain.pull())
        self.runner.run(stock_keeping.keep(self.chain.node.shop))

    @rule(by_ms=st.sampled_from([1_000, 6 * MINUTE_MS, 16 * MINUTE_MS]))
    def time_passes(self, by_ms: int) -> None:
        self.chain.advance(by_ms)
        stock_api.tick(self.chain.headquarters.hub)
        self.runner.run(stock_keeping.keep(self.chain.node.shop))

    @rule(
        off_ms=st.sampled_from([0, 1_000, 60 * MINUTE_MS]),
        wall_ms=st.sampled_from([0, NOON_MS, 4_070_908_800_000]),
    )
    def process_or_power_ends(self, off_ms: int, wall_ms: int) -> None:
        self.runner.run(self.chain.stop())
        if off_ms:
            self.chain.power_off(off_ms, wall_ms=wall_ms)
        self.runner.run(self.chain.open())

    @rule()
    def the_box_is_backed_up(self) -> None:
        self.runner.run(self.chain.stop())
        self.backup = self.folder / "backup"
        shutil.rmtree(self.backup, ignore_errors=True)
        shutil.copytree(self.chain.data, self.backup)
        self.runner.run(self.chain.open())

    @precondition(lambda self: self.backup is not None)
    @rule()
    def the_backup_is_restored_and_attested(self) -> None:
        """What was set aside or handed over since the backup is forgotten here alone."""
        assert self.backup is not None
        self.runner.run(self.chain.stop())
        shutil.rmtree(self.chain.data)
        shutil.copytree(self.backup, self.chain.data)
        opened = open_data(self.chain.data, boot_ms=self.chain.clock.boot_ms())
        unsure = Moment(trusted_ms=0, boot_ms=self.chain.clock.boot_ms(), clock="unsure")
        made_shop.inline(opened.ledger, lambda tx: begin_again(tx, "restored"), unsure)
        close_files(opened)
        self.chain.enrol(replace=True)
        self.runner.run(self.chain.open())
        self.locks.clear()
        self.uncertain = True  # until somebody counts: promises of before stand on old books
        view = self.runner.run(stocks.stock(self.chain.node.shop, SKU))
        assert view is None or view.rights is None, "rights came back from the dead"

    # -------------------------------------------------------------- what holds

    @invariant()
    def nothing_is_promised_that_is_not_there(self) -> None:
        if not hasattr(self, "chain") or not self.chain.running:
            return
        view = self.view()
        held = self.at_hq()
        if view.rights is None or not held:
            return
        locked = sum(lock.quantity for lock in view.locks)
        assert locked == view.rights.locked
        if self.uncertain or view.state != "based":
            return
        promised = held["of_orders"] + held["reserved"] + held["online"]
        # an order that was collected and not told yet is no promise any more
        mine = view.rights.counter + view.rights.kiosk + view.rights.safety + locked
        gone = view.rights.online + view.rights.in_transit
        assert view.on_hand == self.shelf
        assert mine + gone - view.rights.shortage == self.shelf
        assert promised - held["debt"] <= gone + self._untold(), (view.rights, held)

    def _untold(self) -> int:
        """Pieces that left and of which HQ has not heard: their rights are still counted there."""
        return sum(order.pieces for order in self.orders if order.handover is not None)

    async def _healed(self) -> None:
        chain = self.chain
        await chain.heal()
        shop = chain.node.shop
        chain.advance(16 * MINUTE_MS)
        base = await stocks.count(shop, self.till(), SKU, CountAsk(counted=self.shelf))
        assert isinstance(base, StockAct)
        for _ in range(6):
            await chain.push()
            stock_api.tick(chain.headquarters.hub)
            await chain.pull()
            await stock_keeping.keep(shop)
        await chain.push()
        await stock_keeping.keep(shop)
        view = await stocks.stock(shop, SKU)
        assert view is not None
        assert view.rights is not None
        held = self.at_hq()
        assert view.state == "based"
        assert view.on_hand == self.shelf
        assert held["moves"] == []
        assert view.rights.in_transit == 0
        holds = held["online"] + held["of_orders"] + held["reserved"] - held["debt"]
        assert view.rights.online == max(0, holds), (view.rights, held)
        node = cast("dict[str, int]", held["node"])
        for owner in ("counter", "locked", "shortage"):
            assert node[owner] == getattr(view.rights, owner), owner
        assert node["online"] + node["in_transit"] == view.rights.online  # an answer is not told
        assert node["on_hand"] == view.on_hand
        if view.rights.shortage:
            assert held["online"] == 0, "a shortage was not paid with free rights"
        assert chain.node.fatal == []


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_rights_are_conserved_through_crash_bad_line_restore_and_theft(
    pytestconfig: pytest.Config,
) -> None:
    times: int = pytestconfig.getoption("--long")
    run_state_machine_as_test(
        StockMachine,
        settings=settings(
            max_examples=8 * times,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
