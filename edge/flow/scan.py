"""A scan, from text to answer: what it means first, then whom it concerns.

Debounce is per station and code (attacks 7): within the window nothing is decided anew. A scanner's
double trigger is shown as a duplicate and leaves the panel alone; a question over HTTP is answered
with the truth of that moment.
"""

from dataclasses import dataclass, replace
from typing import assert_never

from edge.domain.parse import (
    CourierSerial,
    Lines,
    MemberCode,
    PickupV1,
    PickupV2,
    PickupV3,
    PlatformNumber,
    Product,
    StaffBadge,
    Unreadable,
    parse,
)
from edge.flow.answers import Earlier, Refusal, ScanAnswer
from edge.flow.caller import Caller
from edge.flow.operator import badge_answer, missing_operator
from edge.flow.plain import not_pickup, product_answer
from edge.flow.provisional_offer import offered
from edge.flow.redeem import Checked, Credential, Redeemer, redeem
from edge.flow.rotating import count, redeem_rotating
from edge.flow.serve import mac, serve
from edge.flow.shop import Shop
from edge.flow.typed import learn, must_wait
from edge.flow.view import next_of, said
from edge.store.tx import Tx
from sync.rules.verdicts import Verdict

MAX_TEXT = 4_096
SERIAL_WAITS_MS = 120_000
_NOT_IN_OUR_DATA = ("no_such_code", "no_such_code_offline")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanAsk:
    """A scan or typed entry. aim: symbology identifier. pin: typed beside a courier serial.

    A PIN with an empty text belongs to the serial that this station scanned within two minutes.
    typed: by hand, so that wrong ones slow the next one down.
    """

    text: str
    aim: str | None = None
    pin: str | None = None
    typed: bool = False


NOT_ENROLLED = Refusal(
    status=503,
    code="not_enrolled",
    zh="本机尚未登记到总部",
    en="This box is not enrolled with HQ yet",
)
NO_SERIAL = Refusal(
    status=409,
    code="no_serial",
    zh="请先扫骑手的取件号,再输密码",
    en="Scan the courier's serial first, then the PIN",
)


async def scan(shop: Shop, caller: Caller, ask: ScanAsk) -> ScanAnswer | Refusal:
    """Answer a scan, durable before it is told.

    Raises:
        StoreError: the question could not be answered; ask again under the same key.
    """
    shop.count("scan")
    shop = shop.at(caller.station, acts=True)
    slow = shop.station(caller.station).typing
    if ask.typed and (wait := must_wait(slow, shop.clock.boot_ms())) is not None:
        return wait
    answer = await _answer(shop, caller, ask)
    if isinstance(answer, ScanAnswer):
        if ask.typed:
            learn(slow, answer, shop.clock.boot_ms())
        show(shop, answer)
    return answer


def show(shop: Shop, answer: ScanAnswer) -> None:
    """Put an answer on its own station's screens; a duplicate leaves the panel alone."""
    if answer.debounced:
        shop.screens.publish(answer.station, "duplicate", answer)
        return
    shop.station(answer.station).recent.appendleft(answer)
    shop.screens.publish(answer.station, "answer", answer)


async def _answer(shop: Shop, caller: Caller, ask: ScanAsk) -> ScanAnswer | Refusal:
    if ask.pin is not None and not ask.text.strip():
        return await _pin_alone(shop, caller, ask)
    meaning = parse(ask.text[: MAX_TEXT + 1], aim=ask.aim)
    match meaning:
        case PickupV1() | PickupV2() | PickupV3() | CourierSerial() | PlatformNumber():
            return await _pickup(shop, caller, ask, meaning)
        case Lines():
            return await _lines(shop, caller, ask, meaning)
        case StaffBadge():
            return await badge_answer(shop, caller, meaning.badge)
        case Product():
            return await product_answer(shop, caller, meaning)
        case MemberCode():
            return not_pickup(shop, caller, "member", "member")
        case Unreadable():
            return not_pickup(shop, caller, "unreadable", meaning.reason)
        case _:
            assert_never(meaning)


async def _pickup(
    shop: Shop,
    caller: Caller,
    ask: ScanAsk,
    meaning: PickupV1 | PickupV2 | PickupV3 | CourierSerial | PlatformNumber,
) -> ScanAnswer | Refusal:
    memory = shop.station(caller.station)
    digest = mac(shop, "seen", ask.text, ask.pin or "")
    seen = memory.seen.get(digest)
    now = shop.clock.boot_ms()
    if caller.key is None and seen is not None and 0 <= now - seen[0] < shop.settings.debounce_ms:
        return debounced(seen[1])
    credential: Credential | PickupV3
    match meaning:
        case PickupV2():
            credential = _check(shop, caller.station, meaning)
        case CourierSerial() if meaning.pin is None:
            credential = replace(meaning, pin=ask.pin)
        case _:
            credential = meaning
    answer = await _redeem(shop, caller, f"{ask.text}\0{ask.pin or ''}", credential)
    if isinstance(answer, ScanAnswer):
        memory.remember(digest, now, answer)
        memory.waiting_serial = _waiting(answer, credential, now)
        needs_lines = _needs_lines(answer)
        memory.waiting_token = meaning if needs_lines and isinstance(meaning, PickupV2) else None
        memory.waiting_lines = None
    return answer


def _needs_lines(answer: ScanAnswer) -> bool:
    """Whether a PL scanned next belongs to this code."""
    words = {answer.reason.code}
    if answer.provisional is not None and answer.provisional.why is not None:
        words.add(answer.provisional.why.code)
    return not words.isdisjoint(("lines_needed", "lines_mismatch"))


def _waiting(
    answer: ScanAnswer, credential: Credential | PickupV3, boot_ms: int
) -> tuple[CourierSerial, int] | None:
    """The serial that waits for its PIN, or for a better one, after this answer."""
    if not isinstance(credential, CourierSerial):
        return None
    if answer.reason.code not in ("pin_needed", "wrong_pin"):
        return None
    return replace(credential, pin=None), boot_ms


async def _pin_alone(shop: Shop, caller: Caller, ask: ScanAsk) -> ScanAnswer | Refusal:
    """The PIN of a serial that was scanned here a moment ago."""
    memory = shop.station(caller.station)
    waiting, now = memory.waiting_serial, shop.clock.boot_ms()
    if waiting is None or now - waiting[1] > SERIAL_WAITS_MS:
        memory.waiting_serial = None
        return NO_SERIAL
    credential = replace(waiting[0], pin=ask.pin)
    answer = await _redeem(shop, caller, f"{credential.serial}\0{ask.pin}", credential)
    if isinstance(answer, ScanAnswer):
        memory.waiting_serial = _waiting(answer, credential, now)
    return answer


async def _lines(shop: Shop, caller: Caller, ask: ScanAsk, meaning: Lines) -> ScanAnswer | Refusal:
    memory = shop.station(caller.station)
    waiting = memory.waiting_token
    if waiting is None or waiting.signed.token.code_id != meaning.lines.code_id:
        memory.waiting_lines = meaning.lines
        return not_pickup(shop, caller, "lines", "lines_kept")
    memory.waiting_lines = meaning.lines
    credential = _check(shop, caller.station, waiting)
    answer = await _redeem(shop, caller, ask.text, credential)
    if isinstance(answer, ScanAnswer) and not _needs_lines(answer):
        memory.waiting_token = None
        memory.waiting_lines = None
    return answer


def _check(shop: Shop, station: str, meaning: PickupV2) -> Checked:
    """Look at the signature before the writer is bothered with it."""
    public = shop.issuer_keys.get(meaning.signed.token.key_id)
    lines = shop.station(station).waiting_lines
    return Checked(
        signed=meaning,
        key_known=public is not None,
        genuine=public is not None and meaning.signed.is_genuine(public),
        lines=lines,
    )


async def _redeem(
    shop: Shop, caller: Caller, body: str, credential: Credential | PickupV3
) -> ScanAnswer | Refusal:
    enrolled = shop.identity.enrolled
    if enrolled is None:
        return NOT_ENROLLED
    code_id = None if shop.training else _id_of(credential)

    def act(tx: Tx, operator: str | None) -> ScanAnswer | Refusal:
        missing = missing_operator(shop, tx, operator)
        if missing is not None:
            return missing
        asking = Redeemer(
            shop=shop, tx=tx, enrolled=enrolled, station=caller.station, operator=operator
        )
        if isinstance(credential, PickupV3):
            answer = redeem_rotating(asking, credential)
        else:
            answer = redeem(asking, credential)
        if isinstance(credential, Checked) and answer.verdict is Verdict.NOT_HERE:
            answer = offered(asking, credential, answer)
        return replace(answer, elsewhere=code_id is not None and _may_be_elsewhere(answer))

    answer = await serve(shop, caller, body, ScanAnswer, act)
    if isinstance(answer, ScanAnswer):
        if answer.elsewhere and code_id is not None:
            shop.station(caller.station).keep_elsewhere(answer.id, code_id)
        if answer.provisional is not None and isinstance(credential, Checked):
            shop.station(caller.station).offered = (credential.signed, credential.lines)
        shop.count(f"verdict_{answer.verdict}")
        if isinstance(credential, PickupV3):
            count(shop, answer)
        shop.wake_sync()
        if answer.slip is not None:
            shop.wake_effects()
    return answer


def _id_of(credential: Credential | PickupV3) -> bytes | None:
    """The id by which HQ knows a code in any store; typed numbers have none."""
    match credential:
        case PickupV1():
            return credential.code_id
        case Checked():
            return credential.signed.signed.token.code_id
        case PickupV3():
            return credential.rotating.code_id
        case CourierSerial() | PlatformNumber():
            return None


def _may_be_elsewhere(answer: ScanAnswer) -> bool:
    return answer.verdict is Verdict.NOT_HERE or answer.reason.code in _NOT_IN_OUR_DATA


def debounced(first: ScanAnswer) -> ScanAnswer:
    """What the same code means a moment later: handed over just now, or the same as before."""
    if first.state != "handed":
        return replace(first, debounced=True)
    return replace(
        first,
        verdict=Verdict.ALREADY,
        reason=said("just_now"),
        next_step=next_of("just_now"),
        earlier=Earlier(station=first.station, at_ms=first.at_ms, handover=first.handover),
        state=None,
        undo_s=None,
        debounced=True,
    )
