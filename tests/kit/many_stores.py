"""One hub and any number of stores, each with its own line and its own weather.

Time is one truth for hub and boxes; each box's wall clock may say what it likes.
"""

import json
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from running_hub import Headquarters, open_headquarters
from store_box import StoreBox
from toy_node import STORE, open_store, stock_up

from edge.flow.answers import Refusal, ScanAnswer
from edge.flow.caller import Caller
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.scan import ScanAsk, scan
from edge.flow.settings import Settings
from edge.flow.transfers import TransferAsk, TransferView, transfer
from edge.flow.undo import UndoAsk, undo
from sync.hub import orders, ownership
from sync.hub.refunds import NewRefund, Override
from sync.hub.transfers import NewTransfer

__all__ = ["ManyStores", "Pickup"]

TILL = Caller(station="till1", route="t")
UnitState = Literal["held", "handed", "lapsed", "released", "refunded"]
_ROUNDS = 6


class ManyStores:
    """A chain of `count` stores, numbered from `toy_node.STORE`; every box is enrolled."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        *,
        count: int = 2,
        settings: Settings | None = None,
        database_url: str | None = None,
    ) -> None:
        self.headquarters: Headquarters = open_headquarters(folder, database_url=database_url)
        stock_up(self.headquarters)
        self.dice = random.Random(seed)  # noqa: S311 - a seed decides
        self.boxes: dict[int, StoreBox] = {}
        for number in range(STORE, STORE + count):
            open_store(self.headquarters, number)
            box = StoreBox(
                self.headquarters,
                number=number,
                data=folder / f"data-{number}",
                dice=self.dice,
                passes=self.advance,
                settings=settings,
            )
            box.enrol()
            self.boxes[number] = box

    def box(self, nth: int) -> StoreBox:
        """The nth store's box, from 1."""
        return self.boxes[STORE + nth - 1]

    async def open(self) -> None:
        """Start every box, and let each learn what HQ knows."""
        for box in self.boxes.values():
            await box.open()
        await self.settle()

    async def close(self) -> None:
        """End boxes and hub."""
        for box in self.boxes.values():
            if box.running:
                await box.stop()
        self.headquarters.hub.database.close()

    def advance(self, by_ms: int) -> None:
        """Time passes for everybody."""
        self.headquarters.clock.advance(by_ms)
        for box in self.boxes.values():
            box.advance(by_ms)

    async def turn(self, box: StoreBox) -> None:
        """One round of a box: up, down, and what it does by itself."""
        await box.push()
        await box.pull()
        await box.house()

    async def settle(self, *boxes: StoreBox) -> None:
        """Let boxes (all, if none is named) go round until what one told has reached all."""
        for _ in range(_ROUNDS):
            for box in boxes or tuple(self.boxes.values()):
                if box.running:
                    await self.turn(box)

    async def heal(self) -> None:
        """Every line is good again, every box runs, and nothing is left to be told."""
        for box in self.boxes.values():
            box.mend()
            if not box.running:
                await box.open()
        await self.settle()

    def order(self, nth: int = 1, *, quantity: int = 2, hours: float = 48) -> "Pickup":
        """A new order in the nth store."""
        new = orders.NewOrder(
            store=STORE + nth - 1,
            lines=(orders.NewLine(sku="MILK1", quantity=quantity, unit_minor=500),),
            customer=orders.Customer(name="王小明", phone="138 0000 1234"),
            bags=2,
            hours=hours,
            value_minor=500 * quantity,
        )
        shown = json.loads(json.dumps(orders.create(self.headquarters.hub, new)))
        return Pickup(
            chain=self,
            no=shown["order_no"],
            id=shown["order_id"],
            codes={kind: text for kind, text in shown["codes"].items() if isinstance(text, str)},
        )


@dataclass(slots=True, kw_only=True)
class Pickup:
    """An order, seen from outside: shown at counters, moved and refunded at HQ."""

    chain: ManyStores
    no: str
    id: str
    codes: dict[str, str]

    def at_hq(self) -> dict[str, object]:
        """As HQ's API shows it."""
        shown: dict[str, object] = json.loads(
            json.dumps(orders.show(self.chain.headquarters.hub, self.no))
        )
        return shown

    def units(self) -> list[dict[str, object]]:
        """Each unit's life at HQ."""
        lines = self.at_hq()["lines"]
        assert isinstance(lines, list)
        return [unit for line in lines for unit in line["units"]]

    def told(self, kind: str) -> list[object]:
        """What HQ made of each event of this kind."""
        events = self.at_hq()["events"]
        assert isinstance(events, list)
        return [event["outcome"] for event in events if event["kind"] == kind]

    def states(self) -> list[object]:
        """The state of each unit at HQ."""
        return [unit["state"] for unit in self.units()]

    async def show(self, box: StoreBox, kind: str = "v1") -> ScanAnswer:
        """Hold a code under a scanner of this store."""
        shop = box.node.shop
        shop.station(TILL.station).seen.clear()
        answer = await scan(shop, TILL, ScanAsk(text=self.codes[kind]))
        assert isinstance(answer, ScanAnswer)
        return answer

    async def give(self, box: StoreBox, *units: tuple[int, int], kind: str = "v1") -> ScanAnswer:
        """Show the code and confirm; fails unless it was handed over."""
        await self.show(box, kind)
        ask = HandOverAsk(order=self.id, units=units or None)
        answer = await hand_over(box.node.shop, TILL, ask)
        assert isinstance(answer, ScanAnswer), answer
        assert answer.state == "handed", answer
        return answer

    async def take_back(self, box: StoreBox, given: ScanAnswer) -> None:
        """Undo a hand-over, the goods being still there."""
        assert given.handover is not None
        ask = UndoAsk(handover=given.handover, goods_still_here=True, reason="changed their mind")
        done = await undo(box.node.shop, TILL, ask)
        assert not isinstance(done, Refusal), done

    async def ask_for(
        self, box: StoreBox, *, kind: str = "v1", wait: bool = False, follow: bool = False
    ) -> TransferView:
        """Show a code at another store and press the button."""
        answer = await self.show(box, kind)
        assert answer.elsewhere, answer
        ask = TransferAsk(answer=answer.id, wait=wait, follow=follow)
        told = await transfer(box.node.shop, TILL, ask)
        assert isinstance(told, TransferView), told
        return told

    def move(self, nth: int) -> dict[str, object]:
        """Ask at HQ for the order to go to the nth store."""
        wanted = NewTransfer(order_no=self.no, to_store=STORE + nth - 1)
        return ownership.move(self.chain.headquarters.hub, wanted, by="hq")

    def cancel(self) -> None:
        """Ask at HQ for the order to be given up."""
        ownership.cancel(self.chain.headquarters.hub, self.no)

    def refund(
        self, *units: tuple[int, int], override: Override | None = None
    ) -> dict[str, object]:
        """Ask at HQ for the money to go back."""
        wanted = NewRefund(units=units or None, override=override)
        return ownership.refund(self.chain.headquarters.hub, self.no, wanted)
