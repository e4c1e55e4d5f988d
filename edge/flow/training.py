"""Training mode: not built yet, and said so (see docs/counter.md)."""

from edge.flow.answers import Refusal, StatusView
from edge.flow.caller import Caller
from edge.flow.shop import Shop

NOT_BUILT = Refusal(
    status=501, code="not_built", zh="练习模式尚未提供", en="Training mode is not available yet"
)


async def switch(shop: Shop, caller: Caller, on: bool) -> StatusView | Refusal:
    """Refused until training has its own ledger."""
    del shop, caller, on
    return NOT_BUILT
