"""Giving goods: the hand-over, its slip, drawer and buzzer, in the unit that decided it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from edge.domain.facts import CredentialKind, Handed, Order, Standing, UnitKey
from edge.domain.pickup import open_units
from edge.domain.slip import SlipFacts, SlipLine
from edge.flow.answers import ScanAnswer, SlipView
from edge.flow.shop import Shop
from edge.flow.stock_handing import took
from edge.flow.view import order_view, pickup_answer
from edge.store.handovers import Basis, Handing, end_claim, hand_over, open_case
from edge.store.tx import Tx
from sync.rules.verdicts import Verdict
from sync.wire.audit import short
from sync.wire.codec import to_json

_PROXY: frozenset[CredentialKind] = frozenset({"serial", "platform", "found"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Giving:
    """Which units of an order a station gives, on which ground. missing: asked for, not there."""

    order: Order
    units: tuple[UnitKey, ...]
    station: str
    operator: str | None
    credential: CredentialKind
    basis: Basis
    missing: tuple[UnitKey, ...] = ()
    at_ms: int | None = None


def give(shop: Shop, tx: Tx, giving: Giving, before: Standing) -> ScanAnswer:
    """Record the hand-over and commit its effects with it; answers `ok` and `handed`.

    before: what this very unit of work read of the order when it decided.
    """
    order = giving.order
    at_ms = tx.moment.trusted_ms if giving.at_ms is None else giving.at_ms
    number = hand_over(
        tx,
        Handing(
            order=order,
            units=giving.units,
            station=giving.station,
            operator=giving.operator,
            credential=giving.credential,
            basis=giving.basis,
            run=shop.run,
            at_ms=at_ms,
            recorded_later=giving.at_ms is not None,
        ),
    )
    if shop.stock_managed:
        took(shop, tx, order, giving.units, number)
    if before.claim is not None:
        end_claim(tx, order.order_id)
    case = None
    if giving.missing:
        case = open_case(
            tx, "missing_part", order=order, station=giving.station, operator=giving.operator
        )
    handed = Handed(handover=number, station=giving.station, at_ms=at_ms)
    after = Standing(
        handed={**before.handed, **dict.fromkeys(giving.units, handed)},
        gone=before.gone,
        claim=None,
    )
    slip = _add_effects(shop, tx, giving, number, after) if giving.at_ms is None else None
    return pickup_answer(
        shop,
        tx,
        station=giving.station,
        verdict=Verdict.OK,
        why="handed_now",
        source=giving.basis,
        order=order_view(order, after),
        state="handed",
        handover=number,
        undo_s=shop.settings.undo_ms // 1000 if giving.at_ms is None else None,
        case=case,
        slip=slip,
    )


def _add_effects(
    shop: Shop, tx: Tx, giving: Giving, number: int, after: Standing
) -> SlipView | None:
    settings = shop.settings
    still_open = len(open_units(giving.order, after))
    dear = giving.order.value_minor >= settings.policy.dear_minor
    special = bool(still_open) or dear or giving.credential in _PROXY
    slip = None
    if settings.slip_pickup == "always" or (settings.slip_pickup == "ask" and special):
        facts = slip_facts(shop, tx, giving, number, still_open=still_open)
        effect = add_slip(
            tx, giving.station, "pickup", facts, giving.order.order_id, handover=number
        )
        slip = SlipView(effect=effect, state="queued")
    for kind, wanted in (("drawer", settings.drawer), ("buzzer", settings.buzzer)):
        if wanted:
            add_effect(tx, kind, giving.station, b"{}", handover=number)
    return slip


def slip_facts(
    shop: Shop, tx: Tx, giving: Giving, number: int | None, *, still_open: int
) -> SlipFacts:
    """What stands on the slip, without the customer's name: that is filled in at the printer."""
    settings = shop.settings
    counted = _count(giving.units)
    lines = tuple(
        SlipLine(
            name_zh=line.name_zh,
            name_en=line.name_en,
            quantity=counted[line.line],
            of_quantity=line.quantity,
            storage=line.storage,
        )
        for line in giving.order.lines
        if line.line in counted
    )
    return SlipFacts(
        store_name=settings.store_name,
        store_address=settings.store_address,
        store_phone=settings.store_phone,
        station=giving.station,
        order_no=giving.order.order_no,
        lines=lines,
        bags=giving.order.bags,
        place=giving.order.place,
        operator=giving.operator,
        at_text=store_time(shop, tx.moment.trusted_ms),
        handover=number,
        audit_head_short=short(tx.head()),
        partial=bool(still_open),
        still_open=still_open,
    )


def _count(units: Sequence[UnitKey]) -> dict[int, int]:
    counted: dict[int, int] = {}
    for line, _ in units:
        counted[line] = counted.get(line, 0) + 1
    return counted


def store_time(shop: Shop, at_ms: int) -> str:
    """A time as the shop reads it; empty while time was never heard."""
    if at_ms == 0:
        return ""
    return _second(at_ms // 1000, shop.settings.time_zone)


@lru_cache(maxsize=8)
def _second(at_s: int, zone: str) -> str:
    return datetime.fromtimestamp(at_s, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")


def add_slip(
    tx: Tx,
    station: str,
    layout: str,
    facts: object,
    order_id: bytes | None,
    *,
    handover: int | None = None,
    order_no: str | None = None,
    of_effect: int | None = None,
    copy: int = 0,
) -> int:
    """Queue a slip; `layout` names its builder, `facts` what that takes."""
    body = to_json(
        {"layout": layout, "order": order_id.hex() if order_id else None, "facts": facts}
    )
    return add_effect(
        tx,
        "slip",
        station,
        body,
        handover=handover,
        order_no=order_no or getattr(facts, "order_no", None),
        of_effect=of_effect,
        copy=copy,
    )


def add_effect(
    tx: Tx,
    kind: str,
    station: str,
    body: bytes,
    *,
    handover: int | None = None,
    order_no: str | None = None,
    of_effect: int | None = None,
    copy: int = 0,
) -> int:
    """Commit an intent to act with the unit that wants it; answers its durable id."""
    now = tx.moment.trusted_ms
    return tx.run("effect_add", kind, handover, station, order_no, body, copy, of_effect, now, now)
