"""Find without a code: the phone is dead, the person is here.

Two facts narrow the search, the list is masked, five look-ups a minute a station, each audited.
What is chosen is claimed with the credential `found`: the hand-over then needs a second fact, and
above a value another person.
"""

from dataclasses import dataclass, replace

from edge.domain.facts import Code, Order
from edge.domain.mask import mask_name, order_tail
from edge.domain.pickup import Refuse, Serve, decide, open_units
from edge.flow.answers import Found, Refusal, ScanAnswer
from edge.flow.caller import Caller
from edge.flow.handover import NO_ORDER, find_order
from edge.flow.operator import missing_operator
from edge.flow.redeem import Redeemer, conclude
from edge.flow.scan import NOT_ENROLLED, show
from edge.flow.serve import serve
from edge.flow.shop import Shop
from edge.flow.view import unsealed
from edge.store.orders import order_by_id, phone_tail, standing
from edge.store.row import blob, integer
from edge.store.tx import Tx
from sync.wire.credential import phone_tail_lookup

LOOKUPS_A_MINUTE = 5
_FOUND_GRADE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FindAsk:
    """phone_tail: 4 digits. order_tail: 4 to 20 characters. item: a word of an article's name."""

    phone_tail: str | None = None
    order_tail: str | None = None
    item: str | None = None


TOO_FEW = Refusal(
    status=422,
    code="too_few_facts",
    zh="请输入手机后四位和商品,或订单后四位",
    en="Give the phone's last 4 digits and an item, or the order's last 4",
)
TOO_MANY = Refusal(
    status=429, code="too_many_finds", zh="查找过于频繁,请稍候", en="Five look-ups a minute; wait"
)
NAMES_LOCKED = Refusal(
    status=503,
    code="names_locked",
    zh="重启后未联网,无法按手机号查找,请用订单后四位",
    en="Phones are locked until HQ is reached; use the order's last 4",
)


async def find(shop: Shop, caller: Caller, ask: FindAsk) -> tuple[Found, ...] | Refusal:
    """Orders of this store with open units that fit the facts, masked."""
    shop = shop.at(caller.station, acts=True)
    enrolled = shop.identity.enrolled
    if enrolled is None:
        return NOT_ENROLLED
    phone = (ask.phone_tail or "").strip()
    tail = (ask.order_tail or "").strip().upper()
    item = (ask.item or "").strip()
    by_phone = len(phone) == 4 and phone.isdigit()
    by_order = 4 <= len(tail) <= 20 and tail.replace("-", "").isalnum()
    if not by_order and not (by_phone and item):
        return TOO_FEW
    if not by_order and shop.personal_key is None:
        return NAMES_LOCKED

    def act(tx: Tx) -> tuple[Found, ...] | Refusal:
        now = tx.moment.trusted_ms
        tx.run("find_prune", now - 60_000)
        counted = tx.one("find_count", caller.station, now - 60_000)
        if counted is not None and integer(counted[0]) >= LOOKUPS_A_MINUTE:
            return TOO_MANY
        tx.run("find_add", caller.station, now)
        tx.note("found_without_code", station=caller.station, by="order" if by_order else "phone")
        asking = Redeemer(
            shop=shop, tx=tx, enrolled=enrolled, station=caller.station, operator=None
        )
        if by_order:
            rows = tx.all("order_ids_by_tail", tail)
        else:
            assert shop.personal_key is not None
            rows = tx.all("order_ids_by_phone", phone_tail_lookup(shop.personal_key, phone))
        orders = [order_by_id(tx, blob(row[0])) for row in rows]
        fitting = [
            order
            for order in orders
            if order is not None and _fits(asking, order, phone if by_phone else "", item)
        ]
        fitting.sort(key=lambda order: order.lane != "priority")
        return tuple(_found(asking, order) for order in fitting)

    return await shop.writer.do(act, shop.moment())


async def choose(shop: Shop, caller: Caller, order: str) -> ScanAnswer | Refusal:
    """Serve a found order: a claim, never a hand-over at once."""
    shop = shop.at(caller.station, acts=True)
    enrolled = shop.identity.enrolled
    if enrolled is None:
        return NOT_ENROLLED

    def act(tx: Tx, operator: str | None) -> ScanAnswer | Refusal:
        missing = missing_operator(shop, tx, operator)
        if missing is not None:
            return missing
        asking = Redeemer(
            shop=shop, tx=tx, enrolled=enrolled, station=caller.station, operator=operator
        )
        try:
            found = find_order(tx, asking, bytes.fromhex(order))
        except ValueError:
            found = None
        if found is None:
            return NO_ORDER
        answer = conclude(asking, found, _code(found), "replica", tap=True)
        if answer.state != "claimed":
            return answer
        dear = found.value_minor >= shop.settings.proxy_approval_minor
        return replace(answer, needs=("second_fact", "approval") if dear else ("second_fact",))

    answer = await serve(shop, caller, order, ScanAnswer, act)
    if isinstance(answer, ScanAnswer):
        show(shop, answer)
    return answer


def _code(order: Order) -> Code:
    return Code(
        kind="found",
        grade=_FOUND_GRADE,
        epoch=order.epoch,
        not_after_ms=order.not_after_ms,
        state="live",
    )


def _fits(asking: Redeemer, order: Order, phone: str, item: str) -> bool:
    if order.home_store != asking.enrolled.certificate.store:
        return False
    if item and not any(
        item.lower() in line.name_zh.lower() or item.lower() in line.name_en.lower()
        for line in order.lines
    ):
        return False
    if phone:
        key = asking.shop.personal_key
        kept = phone_tail(asking.tx, order.order_id)
        if key is not None and kept != phone_tail_lookup(key, phone):
            return False
    verdict = decide(
        order,
        _code(order),
        standing(asking.tx, order.order_id),
        asking.here(),
        asking.shop.settings.policy,
    )
    match verdict:
        case Serve():
            return True
        case Refuse():
            return verdict.reason == "at_counter"


def _found(asking: Redeemer, order: Order) -> Found:
    someone = None if order.sealed is None else unsealed(asking.shop, order.order_id, order.sealed)
    return Found(
        order_id=order.order_id.hex(),
        order_no_tail=order_tail(order.order_no),
        name=mask_name(someone.get("name", "")) if someone else None,
        bags=order.bags,
        items_zh="、".join(f"{line.name_zh}×{line.quantity}" for line in order.lines),
        items_en=", ".join(f"{line.name_en} x{line.quantity}" for line in order.lines),
        lane=order.lane,
        open_units=len(open_units(order, standing(asking.tx, order.order_id))),
    )
