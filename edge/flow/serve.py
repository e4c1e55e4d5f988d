"""Serving one question once: the act and its answer commit together, a repeated question is known.

Scope of a key: station, operator, route, key (attacks 7). The body must be the same, compared by a
keyed hash, since it may hold a code.
"""

import hashlib
import hmac
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from edge.flow.answers import Refusal, ScanAnswer, UndoAnswer
from edge.flow.caller import Caller
from edge.flow.shop import Shop
from edge.flow.stock_answers import StockAct
from edge.flow.view import named
from edge.store.errors import UnitFailed, origin
from edge.store.handovers import open_case
from edge.store.row import blob, integer, maybe_integer, text
from edge.store.tx import Tx
from sync.wire.codec import from_json, to_json

logger = logging.getLogger(__name__)
Answer = TypeVar("Answer", ScanAnswer, UndoAnswer, StockAct)
_TIMES_UNTIL_PARKED = 3

KEY_REUSED = Refusal(
    status=422,
    code="key_reused",
    zh="同一请求编号用于不同内容",
    en="This Idempotency-Key was used for something else",
)


def mac(shop: Shop, *parts: str) -> bytes:
    """16 bytes that recognise these parts and tell nothing about them."""
    framed = "\0".join(parts).encode()
    return hashlib.blake2b(framed, key=shop.mac_key, digest_size=16).digest()


async def serve(
    shop: Shop,
    caller: Caller,
    body: str,
    kind: type[Answer],
    act: Callable[[Tx, str | None], Answer | Refusal],
) -> Answer | Refusal:
    """Run `act(tx, operator)` unless this very question was answered before.

    Raises:
        UnitFailed: it threw; the third time a case was opened.
        Unanswered: ask again under the same key.
    """
    body_mac = mac(shop, "body", body)

    def unit(tx: Tx) -> Answer | Refusal:
        operator = operator_of(tx, caller.station)
        request = None
        if caller.key is not None:
            request = mac(shop, "key", caller.station, operator or "", caller.route, caller.key)
            known = tx.one("answer_by_request", request)
            if known is not None:
                return _repeat(shop, tx, known, body_mac, kind)
        answer = act(tx, operator)
        if isinstance(answer, Refusal):
            return answer
        number = tx.run(
            "answer_keep",
            caller.station,
            request,
            body_mac,
            kind.__name__,
            to_json(answer),
            tx.moment.trusted_ms,
        )
        return _dress(shop, tx, answer, str(number))

    try:
        return await shop.writer.do(unit, shop.moment())
    except UnitFailed as error:
        key = f"{caller.route}:{(caller.key or body_mac.hex())[:200]}"
        await count_failure(shop, key, error, station=caller.station)
        raise


def operator_of(tx: Tx, station: str) -> str | None:
    """Who operates the station, by staff id."""
    row = tx.one("operator", station)
    return None if row is None else text(row[0])


def _repeat(
    shop: Shop, tx: Tx, known: tuple[object, ...], body_mac: bytes, kind: type[Answer]
) -> Answer | Refusal:
    number, kept_mac, _, body, at_ms, shown_ms = known
    if not hmac.compare_digest(blob(kept_mac), body_mac):
        return KEY_REUSED
    answer = replace(from_json(kind, blob(body)), repeat_of_ms=integer(at_ms))
    if isinstance(answer, ScanAnswer):
        answer = replace(answer, painted=maybe_integer(shown_ms) is not None)
    return _dress(shop, tx, answer, str(integer(number)))


def dressed_answer(
    shop: Shop, tx: Tx, body: bytes, *, number: int, at_ms: int, shown: bool
) -> ScanAnswer:
    """A kept answer as it is told again: marked as a repeat, and whether a screen had it."""
    kept = from_json(ScanAnswer, body)
    return _dress(shop, tx, replace(kept, repeat_of_ms=at_ms, painted=shown), str(number))


def _dress(shop: Shop, tx: Tx, answer: Answer, number: str) -> Answer:
    """Add its number, and the masked name, which is never stored, to what goes to the station."""
    if isinstance(answer, ScanAnswer):
        order = None if answer.order is None else named(shop, tx, answer.order)
        return replace(answer, id=number, order=order)
    return replace(answer, id=number)


async def count_failure(
    shop: Shop, key: str, error: UnitFailed, *, station: str | None = None
) -> None:
    """Count an act that threw; at the third time under one key a person is asked."""

    def count(tx: Tx) -> None:
        row = tx.one(
            "failure_count", key, str(type(error.__cause__).__name__), tx.moment.trusted_ms
        )
        assert row is not None
        if integer(row[0]) == _TIMES_UNTIL_PARKED:
            open_case(tx, "unserved", station=station)

    logger.error("act failed route=%s error=%s", key.partition(":")[0], origin(error))
    await shop.writer.do(count, shop.moment())
    shop.count("unit_failed")
