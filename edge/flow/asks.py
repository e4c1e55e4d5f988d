"""What HQ asks of the holder, answered once by its id: release, or keep and say why.

Run over all unanswered rows at start, after each page, after a swap, and when a claim ends. A claim
defers the answer; a hand-over is a no; anything else is given up with a tombstone and an event.
"""

from dataclasses import dataclass
from typing import Literal

from edge.domain.facts import Gone, UnitKey
from edge.domain.pickup import is_gone
from edge.flow.serve import count_failure
from edge.flow.shop import Shop
from edge.store import picks
from edge.store.errors import UnitFailed
from edge.store.handovers import claim
from edge.store.orders import away_of, standing
from edge.store.row import blob, integer, text
from edge.store.tx import Tx
from sync.wire.codec import unpack
from sync.wire.events import Answered, Lapsed, Tries

_BATCH = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """An unanswered row of the catalog."""

    ask_id: bytes
    kind: str
    order_id: bytes
    epoch: int
    holder: bytes
    destination: str
    units: tuple[UnitKey, ...]


async def answer_asks(shop: Shop) -> int:
    """Answer what can be answered now; answers how many."""

    def read(tx: Tx) -> list[Ask]:
        return [
            Ask(
                ask_id=blob(row[0]),
                kind=text(row[1]),
                order_id=blob(row[2]),
                epoch=integer(row[3]),
                holder=blob(row[4]),
                destination=text(row[5]),
                units=unpack(tuple[tuple[int, int], ...], blob(row[6])),
            )
            for row in tx.all("asks_open")
        ]

    answered = 0
    for ask in await shop.writer.do(read, shop.moment()):

        def act(tx: Tx, ask: Ask = ask) -> bool:
            return _answer(shop, tx, ask)

        try:
            answered += await shop.writer.do(act, shop.moment())
        except UnitFailed as error:
            await count_failure(shop, f"ask:{ask.ask_id.hex()}", error)
    if answered:
        shop.wake_sync()
    return answered


def _answer(shop: Shop, tx: Tx, ask: Ask) -> bool:
    if ask.kind != "release" or tx.one("ask_is_answered", ask.ask_id) is not None:
        return False
    taken = claim(tx, ask.order_id)
    if taken is not None and taken.until_ms >= tx.moment.trusted_ms:
        return False
    ours = ask.holder == shop.identity.incarnation and not tx.fenced
    now = standing(tx, ask.order_id)
    released: list[UnitKey] = []
    kept: list[UnitKey] = []
    for unit in ask.units:
        promised = _promised_elsewhere(now.gone.get(unit), ask)
        keep = not ours or unit in now.handed or promised
        (kept if keep else released).append(unit)
    for line, number in released:
        tx.run(
            "tombstone_add",
            ask.order_id,
            line,
            number,
            ask.epoch,
            "released",
            ask.destination,
            tx.moment.trusted_ms,
        )
        # what had lapsed is somebody's from now on, and never again anybody else's
        tx.run(
            "tombstone_name",
            ask.destination,
            tx.moment.trusted_ms,
            ask.order_id,
            line,
            number,
            ask.epoch,
        )
    if released and ask.destination.startswith("store:"):
        picks.forget(tx, ask.order_id)  # what lay in our bin goes along
    tx.run("ask_answered", ask.ask_id, tx.moment.trusted_ms, len(released), len(kept))
    tx.note("ask_answered", ask=ask.ask_id.hex(), released=released, kept=kept)
    named_released = tuple((ask.order_id, line, unit) for line, unit in released)
    named_kept = tuple((ask.order_id, line, unit) for line, unit in kept)
    tx.tell(
        "answered",
        Answered(
            ask_id=ask.ask_id,
            order_id=ask.order_id,
            epoch=ask.epoch,
            destination=ask.destination,
            released=named_released,
            kept=named_kept,
            at_ms=tx.moment.trusted_ms,
            tries=_tries(tx, ask.order_id) if released else (),
        ),
        named_released + named_kept,
    )
    return True


def _tries(tx: Tx, order_id: bytes) -> tuple[Tries, ...]:
    """What was counted against the order's codes here, for who has them next."""
    return tuple(
        Tries(lookup=blob(row[0]), credential=_counted(text(row[1])), tries=integer(row[2]))
        for row in tx.all("lockouts_of_order", order_id)
    )


def _counted(word: str) -> Literal["pin", "signature", "rotating"]:
    match word:
        case "pin" | "signature" | "rotating":
            return word
        case _:
            raise AssertionError(f"a lockout of {word!r}: the table's CHECK forbids it")


def _promised_elsewhere(gone: Gone | None, ask: Ask) -> bool:
    """Given up before, to somebody else: a release names one destination for ever."""
    if gone is None or not is_gone(gone, ask.epoch):
        return False
    return gone.reason == "released" and gone.destination != ask.destination


async def lapse(shop: Shop) -> int:
    """Give up the units of orders whose last not-after is past; answers how many orders.

    Only trusted time counts, and only a sure clock or one that stood still: late, never early.
    """
    enrolled = shop.identity.enrolled
    if enrolled is None or shop.identity.fenced:
        return 0

    def past(tx: Tx) -> list[tuple[bytes, int]]:
        rows = tx.all(
            "orders_past",
            enrolled.certificate.store,
            shop.identity.incarnation,
            tx.moment.trusted_ms,
            _BATCH,
        )
        return [(blob(row[0]), integer(row[1])) for row in rows]

    count = 0
    for order_id, epoch in await shop.writer.do(past, shop.moment()):

        def act(tx: Tx, order_id: bytes = order_id, epoch: int = epoch) -> int:
            return _lapse(tx, order_id, epoch)

        try:
            count += await shop.writer.do(act, shop.moment())
        except UnitFailed as error:
            await count_failure(shop, f"lapse:{order_id.hex()}", error)
    if count:
        shop.wake_sync()
    return count


def _lapse(tx: Tx, order_id: bytes, epoch: int) -> int:
    taken = claim(tx, order_id)
    if taken is not None and taken.until_ms >= tx.moment.trusted_ms:
        return 0
    now = standing(tx, order_id)
    lines = tx.all("lines_of_order", order_id)
    away = away_of(tx, order_id)
    units = tuple(
        (integer(line[0]), unit)
        for line in lines
        for unit in range(1, integer(line[2]) + 1)
        if (integer(line[0]), unit) not in now.handed and (integer(line[0]), unit) not in away
    )
    for line, unit in units:
        tx.run("tombstone_add", order_id, line, unit, epoch, "lapsed", "hq", tx.moment.trusted_ms)
    named = tuple((order_id, line, unit) for line, unit in units)
    tx.note("lapsed", order_id=order_id.hex(), units=len(units))
    tx.tell(
        "lapsed",
        Lapsed(order_id=order_id, units=named, epoch=epoch, at_ms=tx.moment.trusted_ms),
        named,
    )
    return 1
