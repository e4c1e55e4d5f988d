"""Who operates a station: by badge or choice, with a PIN by the rules of the shop.

A PIN is asked when a person signs in by choice; a badge switches at once, and the PIN follows for
what needs it. Five wrong PINs wait 30 s, 2 min, 10 min, never for ever (attacks 32). The hash is
argon2id, checked off the loop, one at a time.
"""

import asyncio
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from edge.flow.answers import OperatorAnswer, Refusal, ScanAnswer, StaffView
from edge.flow.caller import Caller
from edge.flow.plain import not_pickup
from edge.flow.shop import Shop
from edge.store.row import integer, maybe_integer, maybe_text, text
from edge.store.tx import Tx
from sync.wire.credential import badge_lookup

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_one_at_a_time = asyncio.Semaphore(1)
_WAITS_MS = (30_000, 120_000, 600_000)
_FREE_TRIES = 5
SHIFT_MS = 12 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A person and their PIN, for one act."""

    staff_id: str
    pin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member of staff as the catalog knows them."""

    staff_id: str
    name: str
    role: str
    pin_hash: str | None


OPERATOR_NEEDED = Refusal(
    status=403,
    code="operator_needed",
    zh="请先选择操作员",
    en="Choose the operator first",
)
PIN_DUE = Refusal(
    status=403,
    code="pin_due",
    zh="本班还没有输过密码,请登录一次",
    en="Give your PIN once this shift: sign in",
)
PIN_WRONG = Refusal(status=403, code="pin_wrong", zh="密码错误", en="Wrong PIN")


def person(tx: Tx, staff_id: str) -> Person | None:
    """An active member of staff."""
    return _person(tx.one("staff_by_id", staff_id))


def _person(row: tuple[object, ...] | None) -> Person | None:
    if row is None:
        return None
    return Person(
        staff_id=text(row[0]), name=text(row[1]), role=text(row[2]), pin_hash=maybe_text(row[3])
    )


async def check_pin(shop: Shop, approval: Approval) -> Person | Refusal:
    """The person, if the PIN is right.

    The try is counted, durably, before the PIN is looked at, and forgotten when it was right: many
    at once get no more tries than one after another.
    """

    def count(tx: Tx) -> Person | Refusal | None:
        waiting = pin_wait(tx, approval.staff_id)
        if waiting is None:
            count_pin_try(tx, approval.staff_id)
        return waiting or person(tx, approval.staff_id)

    found = await shop.writer.do(count, shop.moment())
    if isinstance(found, Refusal):
        return found
    good = found is not None and await _matches(found.pin_hash, approval.pin)

    def record(tx: Tx) -> None:
        if good:
            forget_pin_tries(tx, approval.staff_id)
        else:
            tx.note("wrong_pin", staff=approval.staff_id if found else None)

    await shop.writer.do(record, shop.moment())
    return found if found is not None and good else PIN_WRONG


def missing_operator(shop: Shop, tx: Tx, operator: str | None) -> Refusal | None:
    """Why nobody may hand over here now, in a shop that wants to know who does."""
    if shop.settings.operator != "required":
        return None
    if operator is None:
        return OPERATOR_NEEDED
    given = tx.one("shift_pin", operator)
    fresh = given is not None and tx.moment.trusted_ms - integer(given[0]) < SHIFT_MS
    return None if fresh else PIN_DUE


def pin_wait(tx: Tx, who: str) -> Refusal | None:
    """The refusal while `who` must wait, with its seconds."""
    row = tx.one("pin_try", who)
    left_ms = 0 if row is None else integer(row[1]) - tx.moment.trusted_ms
    if left_ms <= 0:
        return None
    left_s = -(-left_ms // 1000)
    return Refusal(
        status=429,
        code="pin_wait",
        zh=f"尝试过多,请等 {left_s} 秒",
        en=f"Too many tries; wait {left_s} s",
        wait_s=left_s,
    )


def count_pin_try(tx: Tx, who: str) -> int:
    """Count a try before its outcome is known; from the fifth on the next one waits."""
    row = tx.one("pin_failed", who)
    assert row is not None
    failures = integer(row[0])
    if failures >= _FREE_TRIES:
        wait_ms = _WAITS_MS[min(failures - _FREE_TRIES, len(_WAITS_MS) - 1)]
        tx.run("pin_wait", tx.moment.trusted_ms + wait_ms, who)
    return failures


def forget_pin_tries(tx: Tx, who: str) -> None:
    """The PIN was right."""
    tx.run("pin_good", who)


async def _matches(pin_hash: str | None, pin: str) -> bool:
    if pin_hash is None or not 4 <= len(pin) <= 12:
        return False
    async with _one_at_a_time:
        try:
            return await asyncio.to_thread(_hasher.verify, pin_hash, pin)
        except (VerificationError, InvalidHashError):
            return False


async def staff(shop: Shop, station: str | None = None) -> tuple[StaffView, ...]:
    """Everybody who may be chosen at the counter; where it trains, the people of the sheet."""
    shop = shop if station is None else shop.at(station)

    def read(tx: Tx) -> tuple[StaffView, ...]:
        return tuple(
            StaffView(staff_id=text(staff_id), name=text(name), role=text(role))
            for staff_id, name, role in tx.all("staff_all")
        )

    return await shop.writer.do(read, shop.moment())


async def sign_in(shop: Shop, caller: Caller, staff_id: str, pin: str) -> OperatorAnswer | Refusal:
    """Choose the operator of a station, with the PIN."""
    shop = shop.at(caller.station, acts=True)
    found = await check_pin(shop, Approval(staff_id=staff_id, pin=pin))
    if isinstance(found, Refusal):
        return found
    return await _switch(shop, caller.station, found, with_pin=True)


async def sign_out(shop: Shop, caller: Caller) -> OperatorAnswer:
    """Nobody operates the station."""
    shop = shop.at(caller.station, acts=True)

    def act(tx: Tx) -> None:
        if tx.changed("operator_end", caller.station):
            tx.note("signed_out", station=caller.station)

    await shop.writer.do(act, shop.moment())
    answer = OperatorAnswer(staff_id=None, name=None, role=None)
    shop.screens.publish(caller.station, "operator", answer)
    return answer


async def lock_idle(shop: Shop) -> None:
    """Sign out where nobody did anything for a while; a counter that serves an order stays open.

    A station that this process has not heard of counts from its start: a restart locks later,
    never at once.
    """
    staffed = await shop.writer.do(lambda tx: tx.all("operators"), shop.moment())
    now = shop.clock.boot_ms()
    idle: list[str] = []
    for name, _ in staffed:
        memory = shop.station(text(name))
        if memory.active_boot_ms is None:
            memory.active_boot_ms = now
        if now - memory.active_boot_ms >= shop.settings.idle_lock_ms:
            idle.append(text(name))
    if not idle:
        return

    def act(tx: Tx) -> list[str]:
        left: list[str] = []
        for station in idle:
            live = tx.one("claims_live_of_station", station, tx.moment.trusted_ms)
            assert live is not None
            if not integer(live[0]) and tx.changed("operator_end", station):
                tx.note("locked_idle", station=station)
                left.append(station)
        return left

    for station in await shop.writer.do(act, shop.moment()):
        nobody = OperatorAnswer(staff_id=None, name=None, role=None)
        shop.screens.publish(station, "operator", nobody)


async def current(shop: Shop, station: str) -> OperatorAnswer:
    """Who operates the station now."""
    shop = shop.at(station)
    return await shop.writer.do(lambda tx: operator_answer(tx, station), shop.moment())


def operator_answer(tx: Tx, station: str) -> OperatorAnswer:
    """Who operates the station, read inside a unit."""
    row = tx.one("operator", station)
    found = None if row is None else person(tx, text(row[0]))
    if row is None or found is None:
        return OperatorAnswer(staff_id=None, name=None, role=None)
    pin_ms = maybe_integer(row[2])
    return OperatorAnswer(
        staff_id=found.staff_id,
        name=found.name,
        role=found.role,
        pin_fresh=pin_ms is not None and tx.moment.trusted_ms - pin_ms < SHIFT_MS,
    )


async def badge_answer(shop: Shop, caller: Caller, badge: str) -> ScanAnswer:
    """A badge switches the operator of the station that scanned it."""
    enrolled = shop.identity.enrolled
    why = "not_practice" if shop.training else "staff_unknown"
    refused = not_pickup(shop, caller, "staff", why)
    if enrolled is None:
        return refused
    lookup = badge_lookup(enrolled.k_store, badge)
    found = await shop.writer.do(
        lambda tx: _person(tx.one("staff_by_badge", lookup)), shop.moment()
    )
    if found is None:
        return refused
    await _switch(shop, caller.station, found, with_pin=False)
    return not_pickup(shop, caller, "staff", "staff")


async def _switch(shop: Shop, station: str, found: Person, *, with_pin: bool) -> OperatorAnswer:
    def act(tx: Tx) -> OperatorAnswer:
        now = tx.moment.trusted_ms
        if with_pin:
            tx.run("shift_pin_set", found.staff_id, now)
        given = tx.one("shift_pin", found.staff_id)
        pin_ms = None if given is None else integer(given[0])
        tx.run("operator_set", station, found.staff_id, now, pin_ms)
        tx.note("signed_in", station=station, operator=found.staff_id, pin=with_pin)
        return operator_answer(tx, station)

    answer = await shop.writer.do(act, shop.moment())
    shop.screens.publish(station, "operator", answer)
    return answer
