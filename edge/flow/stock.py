"""An article's stock in this store: looked at, counted, received, set aside.

Refusals: a lock asks for a right, and there may be none; a count and a receipt are facts and are
taken always. Whatever changes rights or promises is judged for its tier in the same unit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from edge.flow.answers import Refusal
from edge.flow.caller import Caller
from edge.flow.recalls import RECALLED
from edge.flow.scan import NOT_ENROLLED
from edge.flow.serve import serve
from edge.flow.shop import Shop
from edge.flow.stock_answers import (
    LockView,
    OnWayView,
    StockAct,
    StockView,
    lock_view,
    rights_view,
)
from edge.store import stock as stocks
from edge.store import stock_locks, stock_rights, stock_tiers
from edge.store.row import integer, text
from edge.store.stock import Kind, Level, Movement
from edge.store.tx import Tx
from sync.rules.tiers import SCARCE_PIECES_A_MINUTE, Tier
from sync.wire.codec import to_json

__all__ = ["StockView", "count", "end_lock", "record", "set_aside", "stock"]

MINUTE_MS = 60_000
MAX_PIECES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class CountAsk:
    """What somebody counted. base: `seq` of the stock as it was when the counting began."""

    counted: int
    base: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAsk:
    """Pieces that came, went or were set apart. document: what stands behind it."""

    quantity: int
    kind: Kind = "receipt"
    document: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockAsk:
    """Pieces to set aside. station: for programs that name it; must be the token's own."""

    sku: str
    quantity: int = 1
    station: str | None = None


NO_ARTICLE = Refusal(status=404, code="no_article", zh="没有这个商品", en="No such article here")
BAD_NUMBER = Refusal(status=422, code="bad_number", zh="数量不对", en="This number cannot be")
TRAINING = Refusal(
    status=409, code="training", zh="练习中不动真库存", en="Training never touches real stock"
)
FENCED = Refusal(
    status=409,
    code="stock_fenced",
    zh="本机刚恢复,不能承诺库存",
    en="This box was restored; it promises nothing",
)
NOT_COUNTED = Refusal(
    status=409,
    code="not_counted",
    zh="该商品还没有盘点,或总部还没确认",
    en="Not counted here yet, or HQ has not answered the count",
)
SHORTAGE = Refusal(
    status=409,
    code="stock_shortage",
    zh="盘亏,暂停预留",
    en="Fewer pieces than promises: nothing can be set aside",
)
SOLD_OUT = Refusal(
    status=409, code="sold_out", zh="可预留数量不足", en="Not so many pieces are free here"
)
NO_LOCK = Refusal(status=404, code="no_lock", zh="没有这个预留", en="No such lock")
LOCK_OVER = Refusal(
    status=409, code="lock_over", zh="预留已结束", en="The lock ended; set aside anew"
)
NOT_IN_QUARANTINE = Refusal(
    status=409, code="not_in_quarantine", zh="隔离区没有这么多", en="Not so many are in quarantine"
)


def store_of(shop: Shop) -> int:
    """This store's number; 0 before it is enrolled."""
    enrolled = shop.identity.enrolled
    return 0 if enrolled is None else enrolled.certificate.store


async def stock(shop: Shop, sku: str) -> StockView | None:
    """The article, or None when HQ never sent it and nobody counted it."""

    def read(tx: Tx) -> StockView | None:
        return _view(shop, tx, sku)

    return await shop.writer.do(read, shop.moment())


def _view(shop: Shop, tx: Tx, sku: str) -> StockView | None:
    row = tx.one("product", sku)
    held = tx.one("open_units_of_sku", sku, store_of(shop))
    if row is None or held is None:
        return None
    now = stocks.level(tx, sku)
    par = stocks.par_of(tx, sku)
    common = StockView(
        sku=text(row[0]),
        name_zh=text(row[2]),
        name_en=text(row[3]),
        ordered_units=integer(held[0]),
        orders=integer(held[1]),
        par=par,
        seq=stocks.last_movement(tx, sku),
        age_s=shop.time.heard_ago_s(),
    )
    if now is None:
        return common
    return StockView(
        sku=common.sku,
        name_zh=common.name_zh,
        name_en=common.name_en,
        ordered_units=common.ordered_units,
        orders=common.orders,
        par=par,
        seq=common.seq,
        age_s=common.age_s,
        on_hand=now.rights.on_hand,
        quarantine=now.quarantine,
        state=now.state,
        rights=rights_view(now),
        available=stock_tiers.available(tx, now, store_of(shop)),
        tier=now.tier.word if par is not None else None,
        tier_ms=now.tier_ms or None,
        changed_ms=now.changed_ms,
        locks=tuple(lock_view(each) for each in stock_locks.held(tx, sku)),
        on_way=tuple(
            OnWayView(move=move, quantity=quantity, since_ms=since_ms)
            for move, quantity, since_ms in stock_rights.on_way(tx, sku)
        ),
    )


def _act(
    shop: Shop, tx: Tx, now: Level, *, lock: LockView | None = None, delta: int | None = None
) -> StockAct:
    shop.stock_managed.add(now.sku)  # a SKU too early costs a look-up, one too late a piece
    stock_tiers.look(tx, now.sku, store_of(shop))
    now = stocks.known(tx, now.sku)
    return StockAct(
        id="",
        sku=now.sku,
        state=now.state,
        on_hand=now.rights.on_hand,
        quarantine=now.quarantine,
        rights=rights_view(now),
        tier=now.tier.word if stocks.par_of(tx, now.sku) is not None else None,
        seq=stocks.last_movement(tx, now.sku),
        at_ms=tx.moment.trusted_ms,
        lock=lock,
        delta=delta,
    )


async def _serve(
    shop: Shop,
    caller: Caller,
    body: object,
    act: Callable[[Tx, str | None], StockAct | Refusal],
) -> StockAct | Refusal:
    at = shop.at(caller.station, acts=True)
    if at.training:
        return TRAINING
    if shop.identity.enrolled is None:
        return NOT_ENROLLED
    answer = await serve(shop, caller, to_json(body).decode(), StockAct, act)
    if isinstance(answer, StockAct):
        shop.wake_sync()
        shop.screens.publish(None, "stock", answer)
    return answer


async def count(shop: Shop, caller: Caller, sku: str, ask: CountAsk) -> StockAct | Refusal:
    """Take a count over; the same base again is answered with what the first one did."""

    def act(tx: Tx, operator: str | None) -> StockAct | Refusal:
        if tx.one("product", sku) is None:
            return NO_ARTICLE
        if not 0 <= ask.counted <= MAX_PIECES or (ask.base is not None and ask.base < 0):
            return BAD_NUMBER
        base = stocks.last_movement(tx, sku) if ask.base is None else ask.base
        done = stocks.count(tx, sku, ask.counted, base, station=caller.station, operator=operator)
        return _act(shop, tx, done.level, delta=done.delta)

    answer = await _serve(shop, caller, ask, act)
    if isinstance(answer, StockAct):
        shop.count("stock_count")
    return answer


async def record(shop: Shop, caller: Caller, sku: str, ask: RecordAsk) -> StockAct | Refusal:
    """Pieces that came, went, or were set apart."""

    def act(tx: Tx, operator: str | None) -> StockAct | Refusal:
        if tx.one("product", sku) is None:
            return NO_ARTICLE
        if not 1 <= ask.quantity <= MAX_PIECES or len(ask.document) > 80:
            return BAD_NUMBER
        what = Movement(
            sku=sku,
            kind=ask.kind,
            quantity=ask.quantity,
            document=ask.document,
            station=caller.station,
            operator=operator,
        )
        apart = stocks.known(tx, sku).quarantine
        if ask.kind in ("restock", "scrapped") and ask.quantity > apart:
            return NOT_IN_QUARANTINE
        return _act(shop, tx, stocks.move(tx, what))

    answer = await _serve(shop, caller, ask, act)
    if isinstance(answer, StockAct):
        shop.count("stock_move")
    return answer


async def set_aside(shop: Shop, caller: Caller, ask: LockAsk) -> StockAct | Refusal:
    """Set pieces aside for 15 minutes; fewer when the article is tight."""

    def act(tx: Tx, operator: str | None) -> StockAct | Refusal:
        if tx.one("product", ask.sku) is None:
            return NO_ARTICLE
        if not 1 <= ask.quantity <= MAX_PIECES:
            return BAD_NUMBER
        if tx.fenced:
            return FENCED
        if shop.recalls is not None and shop.recalls.stops(ask.sku, tx.moment.trusted_ms):
            return RECALLED
        now = stocks.known(tx, ask.sku)
        refusal = _not_now(tx, now, ask.quantity)
        if refusal is not None:
            return refusal
        settings = shop.settings
        tight = now.tier >= Tier.TIGHT
        made = stock_locks.set_aside(
            tx,
            ask.sku,
            ask.quantity,
            station=caller.station,
            operator=operator,
            term_ms=settings.lock_tight_ms if tight else settings.lock_ms,
            boot_id=shop.clock.boot_id(),
        )
        if made is None:
            return SOLD_OUT
        return _act(shop, tx, stocks.known(tx, ask.sku), lock=lock_view(made))

    answer = await _serve(shop, caller, ask, act)
    if isinstance(answer, StockAct):
        shop.count("stock_lock")
    else:
        shop.count("stock_lock_refused")
    return answer


def _not_now(tx: Tx, now: Level, quantity: int) -> Refusal | None:
    if now.state != "based":
        return NOT_COUNTED
    if now.rights.shortage:
        return SHORTAGE
    if stock_tiers.is_scarce(now):
        taken = stock_locks.locked_since(tx, now.sku, tx.moment.trusted_ms - MINUTE_MS)
        if taken + quantity > SCARCE_PIECES_A_MINUTE:
            return Refusal(
                status=409,
                code="rate_capped",
                zh=f"库存紧缺,每分钟最多 {SCARCE_PIECES_A_MINUTE} 件",
                en=f"Scarce: at most {SCARCE_PIECES_A_MINUTE} pieces a minute",
                wait_s=60,
            )
    return None


async def end_lock(
    shop: Shop, caller: Caller, number: int, state: Literal["taken", "released"]
) -> StockAct | Refusal:
    """Sell what was set aside, or put it back; the same asked twice changes nothing."""

    def act(tx: Tx, _operator: str | None) -> StockAct | Refusal:
        was = stock_locks.lock(tx, number)
        if was is None:
            return NO_LOCK
        if was.state not in ("held", state) and not (
            state == "released" and was.state == "expired"
        ):
            return LOCK_OVER
        done = stock_locks.end(tx, number, state)
        return _act(shop, tx, stocks.known(tx, was.sku), lock=lock_view(done))

    answer = await _serve(shop, caller, {"lock": number, "state": state}, act)
    if isinstance(answer, StockAct):
        shop.count("stock_lock_ended")
    return answer
