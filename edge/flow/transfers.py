"""A code of another store at this counter: ask HQ where its order is, and whether it may come here.

Nothing is decided here. HQ asks the holder; when it gave the order up, the order's row comes by the
feed and the same code is scanned again. While the holder is not heard it may hand the order over at
any moment, so nobody else may: that is said, not worked around.
"""

from dataclasses import dataclass
from typing import Literal

from edge.flow.answers import Next, Refusal, Said
from edge.flow.caller import Caller
from edge.flow.operator import missing_operator
from edge.flow.scan import NOT_ENROLLED
from edge.flow.serve import operator_of
from edge.flow.shop import Shop
from edge.flow.view import next_of, said
from edge.store.orders import order_by_id
from edge.store.row import blob
from edge.store.tx import Tx
from sync.wire.codec import from_json, to_json
from sync.wire.errors import LinkError, RemoteWireError
from sync.wire.transfers import TransferAnswer, TransferQuestion

PATH = "/v1/nodes/transfers"

State = Literal[
    "ready",
    "coming",
    "asked",
    "waiting",
    "unreachable",
    "handed",
    "kept",
    "closed",
    "busy",
    "unknown",
    "offline",
]

NO_SUCH_ANSWER = Refusal(
    status=404,
    code="no_such_answer",
    zh="请再扫一次顾客的码",
    en="Scan the customer's code once more",
)
TRAINING = Refusal(
    status=409, code="training", zh="练习中不能转单", en="Nothing is moved while training"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferAsk:
    """answer: the id of the scan's answer at this station.

    wait: leave the question with HQ though the holder is not heard. follow: only look how far an
    earlier question came.
    """

    answer: str
    wait: bool = False
    follow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """The store that has the order now, or had it when it was handed over."""

    number: int
    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferView:
    """How far a move came. final: following it further shows nothing new by itself.

    heard_ms: when HQ last heard the holder; handed_ms and handed_station: where it went.
    """

    answer: str
    state: State
    reason: Said
    next_step: Next
    final: bool
    order_no: str | None = None
    store: Whose | None = None
    heard_ms: int | None = None
    asked_ms: int | None = None
    handed_ms: int | None = None
    handed_station: str | None = None


async def transfer(shop: Shop, caller: Caller, ask: TransferAsk) -> TransferView | Refusal:
    """Ask HQ for the order of a code that was shown here; nothing is durable here but the audit."""
    if shop.at(caller.station, acts=True) is not shop:
        return TRAINING
    if shop.identity.enrolled is None:
        return NOT_ENROLLED
    code_id = shop.station(caller.station).elsewhere.get(ask.answer)
    if code_id is None:
        return NO_SUCH_ANSWER

    def allowed(tx: Tx) -> str | Refusal | None:
        operator = operator_of(tx, caller.station)
        missing = missing_operator(shop, tx, operator)
        if missing is None and not ask.follow:
            tx.note(
                "transfer_asked",
                station=caller.station,
                operator=operator,
                answer=ask.answer,
                wait=ask.wait,
            )
        return operator if missing is None else missing

    operator = await shop.writer.do(allowed, shop.moment())
    if isinstance(operator, Refusal):
        return operator
    question = TransferQuestion(
        code_id=code_id, ask=not ask.follow, wait=ask.wait, operator=operator
    )
    told = await _ask_hq(shop, question)
    if told is None:
        return _view(ask.answer, "offline", None)
    state: State
    match told.state:
        case "here":
            state = "ready" if await _is_here(shop, told.order_no) else "coming"
        case "unreachable":
            state = "waiting" if told.asked_ms is not None else "unreachable"
        case _:
            state = told.state
    if state == "ready":
        shop.station(caller.station).seen.clear()  # the next scan is no double trigger
    shop.count(f"transfer_{state}")
    reach = shop.station(caller.station).out_of_reach
    (reach.add if state in ("unreachable", "waiting", "offline") else reach.discard)(code_id)
    return _view(ask.answer, state, told)


async def _ask_hq(shop: Shop, question: TransferQuestion) -> TransferAnswer | None:
    if shop.ask_hq is None:
        return None
    try:
        return from_json(TransferAnswer, await shop.ask_hq(PATH, to_json(question)))
    except (LinkError, RemoteWireError):
        return None


async def _is_here(shop: Shop, order_no: str) -> bool:
    """Whether our own row says that the order is ours."""
    enrolled = shop.identity.enrolled
    assert enrolled is not None

    def read(tx: Tx) -> bool:
        found = [order_by_id(tx, blob(row[0])) for row in tx.all("order_ids_by_no", order_no)]
        return any(
            order is not None
            and order.home_store == enrolled.certificate.store
            and order.holder == shop.identity.incarnation
            for order in found
        )

    return await shop.writer.do(read, shop.moment())


_FINAL = ("ready", "handed", "kept", "closed", "busy", "unknown")


def _view(answer: str, state: State, told: TransferAnswer | None) -> TransferView:
    why = f"transfer_{state}"
    known = told is not None and told.store != 0
    return TransferView(
        answer=answer,
        state=state,
        reason=said(why),
        next_step=next_of(why),
        final=state in _FINAL,
        order_no=told.order_no or None if told is not None else None,
        store=Whose(number=told.store, code=told.store_code, zh=told.store_zh, en=told.store_en)
        if told is not None and known
        else None,
        heard_ms=None if told is None else told.heard_ms,
        asked_ms=None if told is None else told.asked_ms,
        handed_ms=None if told is None else told.handed_ms,
        handed_station=(told.handed_station or None) if told is not None else None,
    )
