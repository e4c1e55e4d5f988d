"""Promise 1 under everything at once: a node, its hub, and a line that is cut, lossy and healed.

After each step: a unit is handed over once, and never both handed over and refundable at HQ. When
all is healed: nothing is unsent, nothing asked is unanswered, both books agree, and what was not
collected comes back to HQ.
"""

import asyncio
import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass, field
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
from running_hub import NOON_MS
from whole_chain import Chain

from edge.flow.answers import ScanAnswer
from edge.flow.caller import Caller
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.scan import ScanAsk, scan
from edge.flow.undo import UndoAsk, undo
from sync.hub import cases, orders, ownership
from sync.hub.problems import Problem
from sync.rules.verdicts import Verdict

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
STATIONS = ("till1", "till2")
MAX_ORDERS = 2

Unit = tuple[str, int, int]
"""(order id in hexadecimal, line, unit)."""


@dataclass(slots=True)
class Ordered:
    """An order as HQ and its customer know it."""

    no: str
    id: str
    units: tuple[Unit, ...]
    texts: list[str]
    closed: bool = False


@dataclass(slots=True)
class Paid:
    """What HQ refunded, for good."""

    units: set[Unit] = field(default_factory=set)


class OnceMachine(RuleBasedStateMachine):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="once-"))
        self.runner = asyncio.Runner()
        self.orders: list[Ordered] = []
        self.acknowledged: set[int] = set()
        self.taken_back: set[int] = set()
        self.paid = Paid()
        self.keys = 0
        self.asked: list[tuple[Caller, ScanAsk]] = []
        self.last_not_after_ms = NOON_MS

    @initialize(seed=st.integers(0, 2**32), hours=st.sampled_from([1, 2, 48]))
    def begin(self, seed: int, hours: int) -> None:
        self.chain = Chain(self.folder, seed)
        self.customer_orders(quantity=2, bags=1, hours=hours)
        self.runner.run(self.chain.open())
        self.runner.run(self.chain.pull())

    def teardown(self) -> None:
        try:
            if hasattr(self, "chain") and self.chain.runs:
                self.runner.run(self._healed())
                self.runner.run(self.chain.stop())
                self.chain.close()
        finally:
            self.runner.close()
            shutil.rmtree(self.folder)

    # -------------------------------------------------------------- HQ

    @precondition(lambda self: len(self.orders) < MAX_ORDERS)
    @rule(
        quantity=st.integers(1, 2),
        bags=st.sampled_from([1, 1, 2]),
        hours=st.sampled_from([1, 2, 48]),
    )
    def customer_orders(self, quantity: int, bags: int, hours: int) -> None:
        answer = orders.create(
            self.chain.headquarters.hub,
            orders.NewOrder(
                store=101,
                lines=(orders.NewLine(sku="MILK1", quantity=quantity), orders.NewLine(sku="CUP")),
                bags=bags,
                hours=hours,
            ),
        )
        shown = self._shown(answer)
        order = Ordered(
            no=str(shown["order_no"]), id=str(shown["order_id"]), units=_units(shown), texts=[]
        )
        self.orders.append(order)
        self._codes(order, shown)

    def _shown(self, answer: dict[str, object]) -> dict[str, object]:
        shown: dict[str, object] = json.loads(json.dumps(answer))
        not_after = shown["last_not_after_ms"]
        assert isinstance(not_after, int)
        self.last_not_after_ms = max(self.last_not_after_ms, not_after)
        return shown

    def _codes(self, order: Ordered, shown: dict[str, object]) -> None:
        codes = shown["codes"]
        assert isinstance(codes, dict)
        order.texts += [codes[kind] for kind in ("v1", "v2", "pl") if codes.get(kind)]

    @precondition(lambda self: any(not order.closed for order in self.orders))
    @rule(
        data=st.data(),
        what=st.sampled_from(["cancel", "cancel", "reissue", "extend", "refund"]),
    )
    def headquarters_acts(self, data: st.DataObject, what: str) -> None:
        order = data.draw(st.sampled_from([one for one in self.orders if not one.closed]))
        hub = self.chain.headquarters.hub
        try:
            match what:
                case "cancel":
                    self._shown(ownership.cancel(hub, order.no))
                case "refund":
                    refundable = self._refundable(order)
                    self.paid.units |= refundable
                    order.closed = bool(refundable)
                case "reissue":
                    self._codes(order, self._shown(orders.reissue(hub, order.no)))
                case _:
                    self._codes(order, self._shown(orders.extend(hub, order.no, 2)))
        except Problem:
            return

    def _hub_view(self, order: Ordered) -> dict[str, object]:
        view: dict[str, object] = json.loads(
            json.dumps(orders.show(self.chain.headquarters.hub, order.no))
        )
        return view

    def _refundable(self, order: Ordered) -> set[Unit]:
        pairs = self._hub_view(order)["refundable"]
        assert isinstance(pairs, list)
        return {(order.id, line, unit) for line, unit in pairs}

    # -------------------------------------------------------------- the counter

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), station=st.sampled_from(STATIONS))
    def customer_shows_a_code(self, data: st.DataObject, station: str) -> None:
        order = data.draw(st.sampled_from(self.orders))
        ask = ScanAsk(text=data.draw(st.sampled_from(order.texts)))
        self.keys += 1
        caller = Caller(station=station, key=f"key-{self.keys}", route="scans")
        self.asked.append((caller, ask))
        self._hear(self.runner.run(scan(self.chain.node.shop, caller, ask)))

    @precondition(lambda self: self.orders)
    @rule(data=st.data(), station=st.sampled_from(STATIONS), part=st.booleans())
    def customer_collects(self, data: st.DataObject, station: str, part: bool) -> None:
        """The usual way: the newest code, then the tap."""
        order = data.draw(st.sampled_from(self.orders))
        shop = self.chain.node.shop
        for text in order.texts[-3:]:
            self.keys += 1
            caller = Caller(station=station, key=f"key-{self.keys}", route="scans")
            self._hear(self.runner.run(scan(shop, caller, ScanAsk(text=text))))
        units = tuple((line, unit) for _, line, unit in order.units[:1]) if part else None
        caller = Caller(station=station, key=f"key-{self.keys}", route="handovers")
        ask = HandOverAsk(order=order.id, units=units)
        self._hear(self.runner.run(hand_over(shop, caller, ask)))

    @precondition(lambda self: self.asked)
    @rule(data=st.data())
    def a_station_asks_again_under_its_key(self, data: st.DataObject) -> None:
        caller, ask = data.draw(st.sampled_from(self.asked[-3:]))
        self._hear(self.runner.run(scan(self.chain.node.shop, caller, ask)))

    def _hear(self, answer: object) -> None:
        if not isinstance(answer, ScanAnswer):
            return
        assert (answer.verdict is Verdict.OK) == (answer.state is not None)
        if answer.state == "handed":
            assert answer.handover is not None
            if answer.handover in self.acknowledged:
                assert answer.repeat_of_ms is not None
            self.acknowledged.add(answer.handover)

    @precondition(lambda self: self.acknowledged - self.taken_back)
    @rule(data=st.data(), station=st.sampled_from(STATIONS))
    def cashier_takes_back(self, data: st.DataObject, station: str) -> None:
        number = data.draw(st.sampled_from(sorted(self.acknowledged - self.taken_back)))
        self.keys += 1
        caller = Caller(station=station, key=f"key-{self.keys}", route="undo")
        ask = UndoAsk(handover=number, goods_still_here=True, reason="changed their mind")
        answer = self.runner.run(undo(self.chain.node.shop, caller, ask))
        if hasattr(answer, "handover"):
            self.taken_back.add(number)

    # -------------------------------------------------------------- line, power, time

    @rule(line=st.sampled_from(["cut", "good", "bad", "bad"]), part=st.sampled_from([0.2, 0.5]))
    def line_changes(self, line: str, part: float) -> None:
        weather = self.chain.weather
        weather.cut = line == "cut"
        chance = part if line == "bad" else 0.0
        weather.lose_question = weather.lose_answer = weather.repeat = weather.late = chance

    @rule(way=st.sampled_from(["push", "pull", "both", "both"]))
    def node_talks_to_headquarters(self, way: str) -> None:
        if way != "pull":
            self.runner.run(self.chain.push())
        if way != "push":
            self.runner.run(self.chain.pull())

    @rule(
        by_ms=st.sampled_from([1_000, 5 * MINUTE_MS, 11 * MINUTE_MS, HOUR_MS, 3 * HOUR_MS]),
        house=st.booleans(),
    )
    def time_passes(self, by_ms: int, house: bool) -> None:
        self.chain.advance(by_ms)
        if house:
            self.runner.run(self.chain.house())

    @rule(
        off_ms=st.sampled_from([0, 1_000, 2 * HOUR_MS]),
        wall_ms=st.sampled_from([0, NOON_MS, 4_070_908_800_000]),
    )
    def process_or_power_ends(self, off_ms: int, wall_ms: int) -> None:
        self.runner.run(self.chain.stop())
        if off_ms:
            self.chain.power_off(off_ms, wall_ms=wall_ms)
        else:
            self.chain.clock.jump_wall(wall_ms)
        self.runner.run(self.chain.open())

    # -------------------------------------------------------------- what holds

    @invariant()
    def nothing_is_given_twice_or_given_and_refunded(self) -> None:
        if not hasattr(self, "chain"):
            return
        books = read_books(self.chain.ledger)
        assert books.faults == []
        assert self.acknowledged <= books.handovers
        assert self.taken_back <= books.undone
        live = self._live()
        for order in self.orders:
            assert not self._refundable(order) & live, "handed over here, refundable there"
        assert not self.paid.units & live, "handed over here, paid back there"
        assert self.chain.node.fatal == []

    def _live(self) -> set[Unit]:
        with closing(sqlite3.connect(self.chain.ledger)) as connection:
            rows = connection.execute(
                "SELECT order_id, line, unit FROM redemption WHERE live = 1"
            ).fetchall()
        return {(order.hex(), line, unit) for order, line, unit in rows}

    async def _healed(self) -> None:
        chain = self.chain
        await chain.heal()
        chain.advance(11 * MINUTE_MS)  # claims end
        await chain.heal()
        await self._agrees()
        chain.advance(max(0, self.last_not_after_ms - chain.headquarters.clock.now_ms()) + 1)
        await chain.heal()
        await chain.heal()
        await self._agrees()
        live = self._live()
        for order in self.orders:
            for unit in order.units:
                assert unit in live or unit in self._refundable(order), f"{unit} is stuck"

    async def _agrees(self) -> None:
        assert self.chain.unsent() == 0
        live = self._live()
        for order in self.orders:
            view = self._hub_view(order)
            assert view["state"] != "cancel_pending"
            assert _live_at_hub(view) == live & set(order.units)
        found = cases.list_cases(self.chain.headquarters.hub)
        assert found == [], found


def _each_unit(view: dict[str, object]) -> list[tuple[int, dict[str, object]]]:
    lines = view["lines"]
    assert isinstance(lines, list)
    return [(line["line"], unit) for line in lines for unit in line["units"]]


def _units(view: dict[str, object]) -> tuple[Unit, ...]:
    return tuple(
        (str(view["order_id"]), line, int(str(unit["unit"]))) for line, unit in _each_unit(view)
    )


def _live_at_hub(view: dict[str, object]) -> set[Unit]:
    found: set[Unit] = set()
    for line, unit in _each_unit(view):
        assert unit["conflicts"] == 0
        total = int(str(unit["handed_total"])) - int(str(unit["undone_total"]))
        assert total in (0, 1)
        if total:
            found.add((str(view["order_id"]), line, int(str(unit["unit"]))))
    return found


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_a_unit_is_given_once_and_comes_back_when_nobody_collects_it(
    pytestconfig: pytest.Config,
) -> None:
    times: int = pytestconfig.getoption("--long")
    run_state_machine_as_test(
        OnceMachine,
        settings=settings(
            max_examples=15 * times,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
