"""What a station's scanner or keyboard sends: a paper of ours, else a scan.

A bag label confirms the hand-over of an order that this station serves, once every bag of it was
held under the scanner; without the customer's code it opens nothing.
"""

from dataclasses import replace

from edge.domain.paper import Paper, read_paper
from edge.flow.answers import Refusal, ScanAnswer
from edge.flow.caller import Caller
from edge.flow.handover import HandOverAsk, hand_over
from edge.flow.plain import not_pickup
from edge.flow.scan import ScanAsk, scan, show
from edge.flow.shop import Shop
from edge.store.handovers import claim
from edge.store.orders import order_by_id
from edge.store.row import blob
from edge.store.tx import Tx


async def read(shop: Shop, caller: Caller, ask: ScanAsk) -> ScanAnswer | Refusal:
    """Answer whatever was read, durable before it is told.

    Raises:
        StoreError: the question could not be answered; ask again under the same key.
    """
    paper = read_paper(ask.text)
    if paper is None:
        return await scan(shop, caller, ask)
    shop.count("scan")
    shop = shop.at(caller.station, acts=True)
    if paper.kind == "bag":
        served = await _served_here(shop, caller.station, paper)
        if served is not None:
            return await _bag(shop, caller, paper, *served)
    why = {"bag": "bag_label", "pick": "pick_paper", "document": "document_paper"}[paper.kind]
    answer = replace(not_pickup(shop, caller, "paper", why), paper=f"{paper.kind}:{paper.number}")
    show(shop, answer)
    return answer


async def _served_here(shop: Shop, station: str, paper: Paper) -> tuple[bytes, int] | None:
    """The order of a bag that this station serves now, and how many bags it has."""

    def find(tx: Tx) -> tuple[bytes, int] | None:
        for row in tx.all("order_ids_by_no", paper.number):
            order = order_by_id(tx, blob(row[0]))
            taken = None if order is None else claim(tx, order.order_id)
            if order is None or taken is None or taken.until_ms < tx.moment.trusted_ms:
                continue
            if taken.station == station:
                return order.order_id, order.bags
        return None

    return await shop.writer.do(find, shop.moment())


async def _bag(
    shop: Shop, caller: Caller, paper: Paper, order_id: bytes, bags: int
) -> ScanAnswer | Refusal:
    memory = shop.station(caller.station)
    if memory.bags_of != order_id:
        memory.bags_of, memory.bags = order_id, set()
    memory.bags.add(paper.bag)
    if not memory.bags.issuperset(range(1, max(bags, 1) + 1)):
        told = replace(not_pickup(shop, caller, "paper", "bag_counted"), paper=f"bag:{paper.bag}")
        shop.screens.publish(caller.station, "bag", told)
        return told
    answer = await hand_over(shop, caller, HandOverAsk(order=order_id.hex()))
    if isinstance(answer, ScanAnswer):
        memory.bags_of, memory.bags = None, set()
    return answer
