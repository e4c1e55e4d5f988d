"""The daily reconciliation over the line to HQ."""

from pathlib import Path

from edge.flow.reconcile import Reconciler
from edge.flow.shop import Shop
from sync.engine.actions import Send
from sync.link.ports import Link


async def keep_reconciled(shop: Shop, link: Link, folder: Path) -> None:
    """Compare the books with HQ's each day, for ever. folder: of ledger and catalogs."""
    enrolled = shop.identity.enrolled
    assert enrolled is not None

    async def ask(target: str, body: bytes) -> bytes:
        return await link.ask(Send(method="POST", target=target, body=body))

    await Reconciler(shop, enrolled, folder=folder, ask=ask).keep()
