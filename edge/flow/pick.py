"""Picking an order: begin, count what is found, settle what is short, put it into its bin.

Each act says how things are (so many found, lies there), so asking it again changes nothing. What
is not there is settled by the choice that the customer recorded, never by the picker's; a refund
gives the units up in the same commit, so that nobody can hand over what HQ pays back.
"""

from collections.abc import Callable
from dataclasses import dataclass

from edge.domain.facts import Order
from edge.domain.pick_slip import BagLabelFacts, PickSlipFacts, PickSlipLine
from edge.domain.picking import Missing, count, is_complete, units_missing
from edge.domain.pickup import open_units
from edge.flow.answers import Refusal, SlipView
from edge.flow.caller import Caller
from edge.flow.give import add_slip, store_time
from edge.flow.handover import NO_ORDER
from edge.flow.operator import OPERATOR_NEEDED, missing_operator
from edge.flow.pick_view import PickView, choice_said, pick_view
from edge.flow.scan import NOT_ENROLLED
from edge.flow.serve import operator_of
from edge.flow.shop import Shop
from edge.store import picks
from edge.store.handovers import claim
from edge.store.identity import Enrolled
from edge.store.orders import order_by_id, standing
from edge.store.picks import Who
from edge.store.row import text
from edge.store.tx import Tx
from sync.rules.order_life import OnShort, allows, read_price

MAX_PLACE = 40
MAX_BAGS = 99
MAX_MINOR = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundAsk:
    """So many pieces of a line lie in the basket."""

    line: int
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortAsk:
    """Only `found` pieces of a line are there; `choice` is what the customer chose for the rest.

    substitute_sku: what goes instead, by SKU or by the bar code on it. substitute_price: what a
    piece of it costs on the shelf, as a person types it; substitute_minor: in minor units.
    """

    line: int
    found: int
    choice: OnShort
    substitute_sku: str | None = None
    substitute_minor: int | None = None
    substitute_price: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyAsk:
    """Where the packed order lies, in how many bags."""

    place: str
    bags: int


NOT_TO_PICK = Refusal(
    status=409,
    code="not_to_pick",
    zh="这个订单没有可拣的货品",
    en="There is nothing to pick in this order",
)
NOT_OURS = Refusal(
    status=409, code="not_ours", zh="这个订单不在本店", en="This order is another store's"
)
FENCED = Refusal(
    status=409,
    code="fenced",
    zh="本机需要先由总部确认",
    en="This box must be confirmed by HQ first",
)
ALREADY_READY = Refusal(
    status=409, code="already_ready", zh="这个订单已经备好", en="This order is ready already"
)
NO_LINE = Refusal(status=404, code="no_line", zh="没有这一项", en="No such line in this order")
BAD_COUNT = Refusal(
    status=422, code="bad_count", zh="数量不对", en="That count does not fit what is still open"
)
NOT_COMPLETE = Refusal(
    status=409,
    code="not_complete",
    zh="还有货品没拣,或缺货未处理",
    en="Something is not picked yet, or a short item is not settled",
)
BAD_PLACE = Refusal(
    status=422,
    code="bad_place",
    zh="请填位置(最多 40 字)和袋数 1–99",
    en="Give a place (40 characters) and 1 to 99 bags",
)
NO_SUBSTITUTE = Refusal(
    status=422,
    code="no_substitute",
    zh="请填替代商品和它的价格",
    en="Name the substitute and its price",
)
UNKNOWN_SUBSTITUTE = Refusal(
    status=422,
    code="unknown_substitute",
    zh="没有这个替代商品",
    en="The substitute is not an article of ours",
)


def _at_counter(station: str) -> Refusal:
    return Refusal(
        status=409,
        code="at_counter",
        zh=f"{station} 正在办理这个订单,请先放回",
        en=f"{station} is serving this order; put it back there first",
    )


def _not_chosen(words: PickView) -> Refusal:
    said = words.on_short
    return Refusal(
        status=409,
        code="not_chosen",
        zh=f"顾客的选择是:{said.zh}",
        en=f"The customer chose: {said.en}",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picking:
    """An act of picking inside its unit."""

    shop: Shop
    tx: Tx
    enrolled: Enrolled
    order: Order
    who: Who


async def begin(shop: Shop, caller: Caller, order: str) -> PickView | Refusal:
    """Somebody begins to pick an order."""

    def act(picking: _Picking) -> Refusal | None:
        if picking.order.ready:
            return ALREADY_READY
        if not open_units(picking.order, standing(picking.tx, picking.order.order_id)):
            return NOT_TO_PICK
        picks.start(picking.tx, picking.order, picking.who)
        return None

    return await _do(shop, caller, order, act)


async def found(shop: Shop, caller: Caller, order: str, ask: FoundAsk) -> PickView | Refusal:
    """Say how many pieces of a line lie in the basket now."""

    def act(picking: _Picking) -> Refusal | None:
        tx, this = picking.tx, picking.order
        if this.ready:
            return ALREADY_READY
        line = next((each for each in this.lines if each.line == ask.line), None)
        if line is None:
            return NO_LINE
        pick = picks.pick_of(tx, this.order_id)
        now = count(line, this, standing(tx, this.order_id), pick)
        if not 0 <= ask.found <= len(now.open) - now.replaced:
            return BAD_COUNT
        picks.start(tx, this, picking.who)
        if ask.found != pick.found.get(ask.line, 0):
            picks.found(tx, this, ask.line, ask.found, picking.who)
        if now.waits and ask.found + now.replaced == len(now.open):
            picks.no_longer_waits(tx, this, ask.line)
        return None

    return await _do(shop, caller, order, act)


async def short(shop: Shop, caller: Caller, order: str, ask: ShortAsk) -> PickView | Refusal:
    """Settle what is not there, by the customer's choice."""
    return await _do(shop, caller, order, lambda picking: _short(picking, ask))


def _short(picking: _Picking, ask: ShortAsk) -> Refusal | None:
    tx, order = picking.tx, picking.order
    if order.ready:
        return ALREADY_READY
    line = next((each for each in order.lines if each.line == ask.line), None)
    if line is None:
        return NO_LINE
    serving = claim(tx, order.order_id)
    if serving is not None and serving.until_ms >= tx.moment.trusted_ms:
        return _at_counter(serving.station)  # it may be giving these very units away
    pick = picks.pick_of(tx, order.order_id)
    now = count(line, order, standing(tx, order.order_id), pick)
    if not 0 <= ask.found <= len(now.open) - now.replaced:
        return BAD_COUNT
    if not allows(pick.on_short, ask.choice):
        return _not_chosen(pick_view(picking.shop, tx, order))
    sub_sku, sub_minor = None, None
    if ask.choice == "substitute":
        substitute = _substitute(tx, ask)
        if isinstance(substitute, Refusal):
            return substitute
        sub_sku, sub_minor = substitute
    picks.start(tx, order, picking.who)
    if ask.found != pick.found.get(ask.line, 0):
        picks.found(tx, order, ask.line, ask.found, picking.who)
    missing = units_missing(now, pick, ask.found)
    if ask.choice == "wait":  # said once for each unit
        told = {(each.line, each.unit) for each in pick.shorts if each.choice == "wait"}
        missing = tuple(unit for unit in missing if unit not in told)
    if missing:
        what = Missing(units=missing, choice=ask.choice, sub_sku=sub_sku, sub_minor=sub_minor)
        picks.short(tx, order, what, picking.who)
        picking.shop.count(f"short_{ask.choice}")
    return None


def _substitute(tx: Tx, ask: ShortAsk) -> tuple[str, int] | Refusal:
    """What goes instead, and what it costs on the shelf."""
    minor = ask.substitute_minor
    if ask.substitute_price is not None:
        minor = read_price(ask.substitute_price)
    named = (ask.substitute_sku or "").strip()
    if not named or minor is None or not 0 <= minor <= MAX_MINOR:
        return NO_SUBSTITUTE
    row = tx.one("product", named)
    if row is None and named.isascii() and named.isdigit():
        row = tx.one("product_by_gtin", named.zfill(14))
    return UNKNOWN_SUBSTITUTE if row is None else (text(row[0]), minor)


async def put_ready(shop: Shop, caller: Caller, order: str, ask: ReadyAsk) -> PickView | Refusal:
    """The order lies packed in its bin; said again, it moves to another."""
    place = ask.place.strip()
    if not 1 <= len(place) <= MAX_PLACE or not place.isprintable() or not 1 <= ask.bags <= MAX_BAGS:
        return BAD_PLACE

    def act(picking: _Picking) -> Refusal | None:
        tx, this = picking.tx, picking.order
        pick = picks.pick_of(tx, this.order_id)
        if this.ready and pick.ready_ms is None:
            return ALREADY_READY  # HQ made it so; nothing was picked here
        if not is_complete(this, standing(tx, this.order_id), pick):
            return NOT_COMPLETE
        if (this.ready, this.place, this.bags) != (True, place, ask.bags):
            picks.ready(tx, this, place=place, bags=ask.bags, who=picking.who)
            picking.shop.count("order_ready")
        return None

    return await _do(shop, caller, order, act)


async def print_papers(shop: Shop, caller: Caller, order: str) -> tuple[SlipView, ...] | Refusal:
    """Queue the pick slip; for an order in its bin, a label for each bag."""
    shop = shop.at(caller.station, acts=True)
    try:
        order_id = bytes.fromhex(order)
    except ValueError:
        return NO_ORDER

    def act(tx: Tx) -> tuple[SlipView, ...] | Refusal:
        found_order = order_by_id(tx, order_id)
        if found_order is None:
            return NO_ORDER
        view = pick_view(shop, tx, found_order)
        if not any(line.open for line in view.lines):
            return NOT_TO_PICK
        if not found_order.ready:
            facts: list[tuple[str, object]] = [("pick", _slip_facts(shop, tx, view))]
        else:
            facts = [("bag", _label_facts(shop, tx, view, bag)) for bag in range(1, view.bags + 1)]
        effects = [add_slip(tx, caller.station, layout, each, order_id) for layout, each in facts]
        tx.note("pick_papers", order=found_order.order_no, station=caller.station, slips=len(facts))
        return tuple(SlipView(effect=effect, state="queued") for effect in effects)

    answer = await shop.writer.do(act, shop.moment())
    shop.wake_effects()
    return answer


def _slip_facts(shop: Shop, tx: Tx, view: PickView) -> PickSlipFacts:
    said = choice_said(picks.pick_of(tx, bytes.fromhex(view.order)))
    return PickSlipFacts(
        store_name=shop.settings.store_name,
        order_no=view.order_no,
        priority=view.lane == "priority",
        placed_text="" if view.placed_ms is None else store_time(shop, view.placed_ms),
        at_text=store_time(shop, tx.moment.trusted_ms),
        choice_zh=said.zh,
        choice_en=said.en,
        lines=tuple(
            PickSlipLine(
                sku=line.sku,
                name_zh=line.name_zh,
                name_en=line.name_en,
                quantity=line.open,
                storage=line.storage,
            )
            for line in view.lines
            if line.open
        ),
    )


def _label_facts(shop: Shop, tx: Tx, view: PickView, bag: int) -> BagLabelFacts:
    return BagLabelFacts(
        store_name=shop.settings.store_name,
        order_no=view.order_no,
        place=view.place,
        bag=bag,
        of_bags=view.bags,
        pieces=sum(line.open for line in view.lines),
        storages=tuple(sorted({line.storage for line in view.lines if line.open})),
        priority=view.lane == "priority",
        at_text=store_time(shop, tx.moment.trusted_ms),
    )


async def _do(
    shop: Shop, caller: Caller, order: str, act: Callable[[_Picking], Refusal | None]
) -> PickView | Refusal:
    shop = shop.at(caller.station, acts=True)
    enrolled = shop.identity.enrolled
    if enrolled is None:
        return NOT_ENROLLED
    try:
        order_id = bytes.fromhex(order)
    except ValueError:
        return NO_ORDER

    def unit(tx: Tx) -> PickView | Refusal:
        operator = operator_of(tx, caller.station)
        if operator is None:
            return OPERATOR_NEEDED
        missing = missing_operator(shop, tx, operator)
        if missing is not None:
            return missing
        this = order_by_id(tx, order_id)
        if this is None:
            return NO_ORDER
        if tx.fenced or (this.holder != shop.identity.incarnation and any(this.holder)):
            return FENCED
        if this.home_store != enrolled.certificate.store:
            return NOT_OURS
        if this.cancelled:
            return NOT_TO_PICK
        who = Who(station=caller.station, operator=operator)
        picking = _Picking(shop=shop, tx=tx, enrolled=enrolled, order=this, who=who)
        refusal = act(picking)
        if refusal is not None:
            return refusal
        after = order_by_id(tx, order_id)
        assert after is not None
        return pick_view(shop, tx, after)

    answer = await shop.writer.do(unit, shop.moment())
    if isinstance(answer, PickView):
        shop.screens.publish(None, "picks", {"order": answer.order})
        shop.wake_sync()
    return answer
