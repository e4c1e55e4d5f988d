"""A shop, its hub and the reconciliation between them: all product code but the sockets."""

import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import delete, update
from toy_node import STORE
from whole_chain import Chain

from edge.flow import reconcile
from edge.flow.answers import ScanAnswer
from edge.flow.caller import Caller
from edge.flow.reconcile import Reconciler
from edge.flow.scan import ScanAsk, scan
from edge.flow.undo import UndoAsk, undo
from sync.engine.actions import Send
from sync.engine.peer import Peer
from sync.hub import cases, orders
from sync.hub import reconcile as at_hub
from sync.hub.tables import event, event_order, redemption, unit
from sync.link.memory import MemoryLink

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(slots=True)
class Evening:
    """A shop, its hub, and the reconciliation between them, looked at by hand."""

    chain: Chain
    link: MemoryLink
    keys: int = 0
    before_ask: Callable[[], Awaitable[None]] | None = None
    asked: int = 0

    def asking(self, ask: reconcile.Ask) -> Reconciler:
        """The shop's reconciler as it is now, with this line to HQ."""
        shop = self.chain.node.shop
        enrolled = shop.identity.enrolled
        assert enrolled is not None
        return Reconciler(shop, enrolled, folder=self.chain.data, ask=ask)

    @property
    def reconciler(self) -> Reconciler:
        return self.asking(self.ask)

    async def ask(self, target: str, body: bytes) -> bytes:
        self.asked += 1
        hook, self.before_ask = self.before_ask, None
        if hook is not None:
            await hook()
        return await self.link.ask(Send(method="POST", target=target, body=body))

    async def hand_over(self, quantity: int = 1) -> tuple[str, int]:
        """A customer orders and collects; (order number, hand-over)."""
        lines = (orders.NewLine(sku="MILK1", quantity=quantity),)
        made = json.loads(
            json.dumps(
                orders.create(
                    self.chain.headquarters.hub,
                    orders.NewOrder(store=STORE, lines=lines, hours=720),
                )
            )
        )
        await self.chain.pull()
        self.keys += 1
        caller = Caller(station="till1", key=f"key-{self.keys}", route="scans")
        answer = await scan(self.chain.node.shop, caller, ScanAsk(text=made["codes"]["v1"]))
        assert isinstance(answer, ScanAnswer)
        assert answer.state == "handed", answer.reason
        assert answer.handover is not None
        return made["order_no"], answer.handover

    async def take_back(self, handover: int) -> None:
        self.keys += 1
        caller = Caller(station="till1", key=f"key-{self.keys}", route="undo")
        ask = UndoAsk(handover=handover, goods_still_here=True, reason="changed their mind")
        assert hasattr(await undo(self.chain.node.shop, caller, ask), "handover")

    async def sync(self) -> None:
        await self.chain.push()
        await self.chain.pull()

    async def falls(self, days: int = 1) -> None:
        """The next evening comes, all told."""
        self.chain.advance(days * DAY_MS)
        await self.sync()

    def lose(self, handover: int, *, events: bool) -> None:
        """The hub forgets what it was told of a hand-over, its events too or not."""
        with self.chain.headquarters.hub.database.writing() as connection:
            rows = connection.execute(
                delete(redemption)
                .where(redemption.c.handover == handover)
                .returning(redemption.c.seq, redemption.c.order_id)
            ).all()
            assert rows
            if events:
                for row in rows:
                    for table in (event, event_order):
                        connection.execute(delete(table).where(table.c.seq == row.seq))
                    connection.execute(
                        update(unit).where(unit.c.order_id == row.order_id).values(state="held")
                    )

    def at_hq(self) -> list[dict[str, object]]:
        return at_hub.reports(self.chain.headquarters.hub, STORE)

    def cases_at_hq(self) -> list[dict[str, object]]:
        found = cases.list_cases(self.chain.headquarters.hub)
        return [case for case in found if case["reason"] == reconcile.REASON]


@asynccontextmanager
async def opened_evening(folder: Path) -> AsyncIterator[Evening]:
    """A shop that was enrolled at half past nine one evening."""
    chain = Chain(folder, seed=1)
    await chain.open()
    shop = chain.node.shop
    shop.link.state = "online"
    enrolled = shop.identity.enrolled
    assert enrolled is not None
    link = MemoryLink(
        chain.headquarters.desk,
        signer=shop.identity.signer(),
        peer=Peer.of(enrolled.certificate),
        clock=chain.clock,
        weather=chain.weather,
        random_=random.Random(1),  # noqa: S311  # its weather is good
    )
    made = Evening(chain, link)
    await made.sync()
    yield made
    await chain.stop()
    chain.close()
