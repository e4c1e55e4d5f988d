"""Claims: which counter serves an order now. Taking over and putting back."""

from dataclasses import replace

from edge.flow.answers import OperatorAnswer, Refusal, ScanAnswer
from edge.flow.caller import Caller
from edge.flow.handover import NO_ORDER, find_order
from edge.flow.operator import missing_operator, operator_answer
from edge.flow.redeem import Redeemer, fenced_answer
from edge.flow.scan import NOT_ENROLLED, show
from edge.flow.serve import serve
from edge.flow.shop import Shop
from edge.flow.view import order_view, pickup_answer
from edge.store.handovers import LiveClaim, claim, end_claim, take_claim
from edge.store.orders import standing
from edge.store.tx import Tx
from sync.rules.verdicts import Verdict

NOT_SERVED = Refusal(
    status=409, code="not_served", zh="没有收银台在办理", en="No counter serves this order"
)


async def take_over(shop: Shop, caller: Caller, order: str) -> ScanAnswer | Refusal:
    """Serve here an order that another counter claimed; that counter is told."""
    shop = shop.at(caller.station, acts=True)
    enrolled = shop.identity.enrolled
    if enrolled is None:
        return NOT_ENROLLED
    before: list[str] = []

    def act(tx: Tx, operator: str | None) -> ScanAnswer | Refusal:
        missing = missing_operator(shop, tx, operator)
        if missing is not None:
            return missing
        asking = Redeemer(
            shop=shop, tx=tx, enrolled=enrolled, station=caller.station, operator=operator
        )
        order_id = _order_id(order)
        found = None if order_id is None else find_order(tx, asking, order_id)
        if found is None:
            return NO_ORDER
        fenced = fenced_answer(asking, found)
        if fenced is not None:
            return fenced
        taken = claim(tx, found.order_id)
        if taken is None or taken.until_ms < tx.moment.trusted_ms:
            return NOT_SERVED
        before.append(taken.station)
        tx.note("taken_over", order=found.order_no, of=taken.station, station=caller.station)
        mine = LiveClaim(
            station=caller.station,
            operator=operator,
            credential=taken.credential,
            basis=taken.basis,
            until_ms=tx.moment.trusted_ms + shop.settings.claim_ms,
        )
        take_claim(tx, found, mine)
        answer = pickup_answer(
            shop,
            tx,
            station=caller.station,
            verdict=Verdict.OK,
            why="ready" if found.ready else "not_picked",
            source=taken.basis,
            order=order_view(found, standing(tx, found.order_id)),
        )
        return replace(answer, state="claimed")

    answer = await serve(shop, caller, order, ScanAnswer, act)
    if isinstance(answer, ScanAnswer):
        show(shop, answer)
        for station in before:
            shop.screens.publish(station, "taken_over", {"order": order, "by": caller.station})
    return answer


async def put_back(shop: Shop, caller: Caller, order: str) -> OperatorAnswer | Refusal:
    """Give the claim up: the bag goes back to its place."""
    shop = shop.at(caller.station, acts=True)

    def act(tx: Tx) -> OperatorAnswer | Refusal:
        order_id = _order_id(order)
        taken = None if order_id is None else claim(tx, order_id)
        if order_id is None or taken is None or taken.station != caller.station:
            return NOT_SERVED
        end_claim(tx, order_id)
        tx.note("put_back", order=order, station=caller.station)
        return operator_answer(tx, caller.station)

    answer = await shop.writer.do(act, shop.moment())
    shop.wake_sync()
    return answer


def _order_id(order: str) -> bytes | None:
    try:
        return bytes.fromhex(order)
    except ValueError:
        return None
