"""The verdict was painted: from now on a repeat of it is not green."""

from edge.flow.caller import Caller
from edge.flow.shop import Shop
from edge.store.tx import Tx


async def shown(shop: Shop, caller: Caller, answer_id: str) -> None:
    """Record that a screen of this station painted an answer; unknown ids change nothing."""
    if not answer_id.isdigit() or len(answer_id) > 18:
        return
    shop = shop.holding(int(answer_id))

    def act(tx: Tx) -> None:
        tx.run("answer_shown", tx.moment.trusted_ms, int(answer_id), caller.station)

    await shop.writer.do(act, shop.moment())
