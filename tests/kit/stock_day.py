"""A chain of one store with what people do to an article's stock, on both sides."""

import json
from typing import Any, cast

from whole_chain import Chain

from edge.flow import stock as stocks
from edge.flow import stock_keeping
from edge.flow.answers import Refusal, ScanAnswer
from edge.flow.caller import Caller
from edge.flow.scan import ScanAsk, scan
from edge.flow.stock import CountAsk, LockAsk, RecordAsk
from edge.flow.stock_answers import RightsView, StockAct, StockView
from edge.store.stock import Kind
from sync.hub import orders, stock_api
from sync.hub.orders import NewLine, NewOrder
from sync.rules.verdicts import Verdict

STORE = 101
SKU = "MILK1"
MINUTE_MS = 60_000


class Day:
    """A chain with what people do to its stock."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.hub = chain.headquarters.hub
        self.keys = 0

    def till(self) -> Caller:
        self.keys += 1
        return Caller(station="till1", key=f"k{self.keys}", route="stock")

    async def meet(self) -> None:
        """Both sides talk until nothing moves."""
        for _ in range(4):
            await self.chain.push()
            stock_api.tick(self.hub)
            await self.chain.pull()
            await stock_keeping.keep(self.chain.node.shop)
        await self.chain.push()

    async def count(self, pieces: int, base: int | None = None) -> StockAct:
        shop = self.chain.node.shop
        answer = await stocks.count(shop, self.till(), SKU, CountAsk(counted=pieces, base=base))
        assert isinstance(answer, StockAct), answer
        return answer

    async def record(self, pieces: int, kind: str = "receipt") -> StockAct:
        ask = RecordAsk(quantity=pieces, kind=cast("Kind", kind))
        answer = await stocks.record(self.chain.node.shop, self.till(), SKU, ask)
        assert isinstance(answer, StockAct), answer
        return answer

    async def lock(self, pieces: int = 1) -> StockAct | Refusal:
        ask = LockAsk(sku=SKU, quantity=pieces)
        return await stocks.set_aside(self.chain.node.shop, self.till(), ask)

    async def view(self) -> StockView:
        found = await stocks.stock(self.chain.node.shop, SKU)
        assert found is not None
        return found

    async def rights(self) -> RightsView:
        found = (await self.view()).rights
        assert found is not None
        return found

    def order(self, pieces: int = 1, *, reservation: str | None = None) -> dict[str, object]:
        new = NewOrder(store=STORE, lines=(NewLine(sku=SKU, quantity=pieces),), bags=1)
        made: dict[str, object] = json.loads(
            json.dumps(orders.create(self.hub, new, reservation=reservation))
        )
        return made

    def code(self, order: dict[str, object]) -> str:
        codes = order["codes"]
        assert isinstance(codes, dict)
        return str(codes["v1"])

    async def hand_over(self, order: dict[str, object]) -> ScanAnswer:
        answer = await scan(self.chain.node.shop, self.till(), ScanAsk(text=self.code(order)))
        assert isinstance(answer, ScanAnswer), answer
        assert answer.verdict is Verdict.OK, answer.reason
        assert answer.state == "handed"
        return answer

    def at_hq(self) -> dict[str, Any]:
        found = stock_api.show_stock(self.hub, STORE, SKU)["stock"]
        assert isinstance(found, list)
        [row] = found
        return cast("dict[str, Any]", row)
