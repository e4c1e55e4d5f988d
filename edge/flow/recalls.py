"""Recall at the node: nothing of it leaves the shop any more, and HQ is told so once.

What is recalled is kept in memory and read anew by the unit that answers, on the writer, where
units run one after another: one that ran before the answer is counted in it as handed over, one
behind it sees the recall. So the answer is the proof.
"""

from dataclasses import dataclass, replace

from edge.domain.facts import Order, Standing
from edge.domain.recall import FOR_EVER_MS, Recalls, held_back
from edge.flow.answers import Refusal
from edge.flow.serve import count_failure
from edge.flow.shop import Shop
from edge.store import stock as stocks
from edge.store.errors import UnitFailed
from edge.store.row import blob, integer, maybe_blob, maybe_integer, maybe_text, text
from edge.store.tx import Tx
from sync.wire.recalls import MAX_TOLD, RecallAnswered

RECALLED = Refusal(
    status=409,
    code="recalled",
    zh="该商品已召回,请放到一边",
    en="This article is recalled; put it aside",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A recall that this box has not answered."""

    recall_id: bytes
    kind: str
    sku: str | None
    order_id: bytes | None
    lookup: bytes | None
    reason: str


def read(tx: Tx) -> Recalls | None:
    """What is recalled by the catalog now; None when nothing is."""
    skus: dict[str, int] = {}
    orders: dict[bytes, int] = {}
    for sku, order_id, until_ms in tx.all("recalls_open"):
        until = maybe_integer(until_ms)
        end = FOR_EVER_MS if until is None else until
        if sku is not None:
            skus[text(sku)] = max(end, skus.get(text(sku), 0))
        if order_id is not None:
            orders[blob(order_id)] = max(end, orders.get(blob(order_id), 0))
    return Recalls(skus=skus, orders=orders) if skus or orders else None


def hold_back(shop: Shop, tx: Tx, order: Order, now: Standing) -> Standing:
    """The standing with what must stay here; callers ask `shop.recalls` first."""
    assert shop.recalls is not None
    kept = held_back(order, now, shop.recalls, tx.moment.trusted_ms)
    return replace(now, held_back=kept) if kept else now


async def answer_recalls(shop: Shop) -> None:
    """Answer what this incarnation has not answered; each once, by its id."""
    if shop.training or shop.identity.enrolled is None:
        return
    store = shop.identity.enrolled.certificate.store
    answered = 0
    for asked in await shop.writer.do(_unanswered, shop.moment()):

        def act(tx: Tx, asked: Asked = asked) -> bool:
            shop.recalls = read(tx)
            return _answer(tx, asked, store)

        try:
            answered += await shop.writer.do(act, shop.moment())
        except UnitFailed as error:
            await count_failure(shop, f"recall:{asked.recall_id.hex()}", error)
    if answered:
        shop.count("recall_answered")
        shop.screens.publish(None, "recalls", {"open": _open_count(shop)})
        shop.wake_sync()


def _open_count(shop: Shop) -> int:
    found = shop.recalls
    return 0 if found is None else len(found.skus) + len(found.orders)


def _unanswered(tx: Tx) -> list[Asked]:
    return [
        Asked(
            recall_id=blob(row[0]),
            kind=text(row[1]),
            sku=maybe_text(row[2]),
            order_id=maybe_blob(row[3]),
            lookup=maybe_blob(row[4]),
            reason=text(row[5]),
        )
        for row in tx.all("recalls_unanswered")
    ]


def _answer(tx: Tx, asked: Asked, store: int) -> bool:
    if tx.one("recall_is_answered", asked.recall_id) is not None:
        return False
    order_id = asked.order_id
    if asked.lookup is not None:
        row = tx.one("order_of_lookup", asked.lookup)
        order_id = None if row is None else blob(row[0])
    stopped = tx.one("recall_stops", asked.sku, order_id, store)
    assert stopped is not None
    handed = tx.all("recall_handed", asked.sku, order_id)
    handed_units = sum(integer(row[2]) for row in handed)
    level = None if asked.sku is None else stocks.level(tx, asked.sku)
    at_ms = tx.moment.trusted_ms
    units, orders = integer(stopped[0]), integer(stopped[1])
    tx.run("recall_answer_add", asked.recall_id, at_ms, units, handed_units)
    tx.note("recalled", recall=asked.recall_id.hex(), kind=asked.kind, sku=asked.sku, stopped=units)
    tx.tell(
        "recall_answered",
        RecallAnswered(
            recall_id=asked.recall_id,
            at_ms=at_ms,
            stopped_units=units,
            stopped_orders=orders,
            handed_units=handed_units,
            handed=tuple((integer(row[0]), integer(row[1])) for row in handed[:MAX_TOLD]),
            on_hand=None if level is None else level.rights.on_hand,
        ),
    )
    return True
