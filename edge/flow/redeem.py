"""A pickup credential inside the deciding unit: look it up, count what is wrong, decide, record."""

import hmac
from dataclasses import dataclass, replace

from edge.domain.facts import Code, Here, Order
from edge.domain.parse import CourierSerial, PickupV1, PickupV2, PlatformNumber
from edge.domain.pickup import Refuse, Serve, decide, open_units
from edge.flow.answers import Earlier, ScanAnswer
from edge.flow.give import Giving, give
from edge.flow.leases import lease_now
from edge.flow.recalls import hold_back
from edge.flow.shop import Shop
from edge.flow.view import Source, order_view, pickup_answer
from edge.store.handovers import (
    LiveClaim,
    Lock,
    LockedCredential,
    count_try,
    lock_of,
    open_case,
    take_claim,
)
from edge.store.identity import Enrolled
from edge.store.orders import (
    FoundCode,
    TokenOrder,
    codes_by_lookup,
    keep_token_order,
    order_by_id,
    order_of_token,
    standing,
    token_order,
)
from edge.store.picks import place_in_queue
from edge.store.row import integer
from edge.store.tx import Tx
from sync.rules.verdicts import Verdict
from sync.wire.credential import code_lookup, pin_verifier, platform_lookup, serial_lookup
from sync.wire.token import OrderLines, line_digest

MAX_TRIES = 3
_NOT_KNOWN = ("no_such_code", "key_unknown")
_V1_GRADE = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A V2 whose signature was looked at before the unit began; lines: a PL that belongs to it."""

    signed: PickupV2
    key_known: bool
    genuine: bool
    lines: OrderLines | None = None


Credential = PickupV1 | Checked | CourierSerial | PlatformNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemer:
    """Who asks, where, and who we are."""

    shop: Shop
    tx: Tx
    enrolled: Enrolled
    station: str
    operator: str | None

    def here(self) -> Here:
        """This box at this moment."""
        identity = self.shop.identity
        return Here(
            store=self.enrolled.certificate.store,
            incarnation=identity.incarnation,
            fenced=self.tx.fenced,
            station=self.station,
            trusted_ms=self.tx.moment.trusted_ms,
            clock=self.tx.moment.clock,
            lease=lease_now(self.shop),
        )

    def refuse(
        self, verdict: Verdict, why: str, *, source: Source = "replica", order: Order | None = None
    ) -> ScanAnswer:
        """A refusal, committed to the audit."""
        if self.shop.training and why in _NOT_KNOWN:
            why = "not_practice"
        self.tx.note(
            "refused",
            verdict=verdict.value,
            reason=why,
            station=self.station,
            operator=self.operator,
            order=None if order is None else order.order_no,
        )
        return pickup_answer(
            self.shop, self.tx, station=self.station, verdict=verdict, why=why, source=source
        )


def redeem(asking: Redeemer, credential: Credential) -> ScanAnswer:
    """The answer to a credential, and everything that it makes true."""
    match credential:
        case PickupV1():
            lookup = code_lookup(asking.enrolled.k_store, credential.code_id)
            found = codes_by_lookup(asking.tx, lookup)
            if not found and credential.code_id in asking.shop.practice_codes:
                return asking.refuse(Verdict.UNKNOWN, "practice_code")
            return _by_row(asking, found, spelled=True)
        case Checked():
            return _signed(asking, credential)
        case CourierSerial():
            return _serial(asking, credential)
        case PlatformNumber():
            lookup = platform_lookup(
                asking.enrolled.k_store,
                credential.platform,
                credential.number,
                credential.order_tail,
            )
            return _by_row(asking, codes_by_lookup(asking.tx, lookup), tap=True)


def _as_spelled(code: Code) -> Code:
    """Sixteen symbols prove no more than V1 does, even when they spell a V2's id."""
    if code.kind == "v1" and code.grade <= _V1_GRADE:
        return code
    return replace(code, kind="v1", grade=min(code.grade, _V1_GRADE))


def _by_row(
    asking: Redeemer, found: list[FoundCode], *, spelled: bool = False, tap: bool = False
) -> ScanAnswer:
    for row in found:
        if row.order is not None:
            code = _as_spelled(row.code) if spelled else row.code
            return conclude(asking, row.order, code, "replica", tap=tap)
    return asking.refuse(Verdict.UNKNOWN, "no_such_code")


def _serial(asking: Redeemer, credential: CourierSerial) -> ScanAnswer:
    tx = asking.tx
    k_store = asking.enrolled.k_store
    lookup = serial_lookup(k_store, credential.serial)
    found = codes_by_lookup(tx, lookup)
    order = found[0].order if found else None
    if not found or order is None:
        practice = credential.serial.encode() in asking.shop.practice_codes
        return asking.refuse(Verdict.UNKNOWN, "practice_code" if practice else "no_such_code")
    if order.home_store != asking.enrolled.certificate.store:
        return asking.refuse(Verdict.NOT_HERE, "other_store", order=order)
    lock = lock_of(tx, lookup, "pin")
    if lock.locked:
        return locked(asking, lock, order)
    if credential.pin is None:
        return replace(asking.refuse(Verdict.REVIEW, "pin_needed", order=order), needs=("pin",))
    expected = found[0].pin or b""
    given = pin_verifier(k_store, credential.serial, credential.pin)
    if not hmac.compare_digest(expected, given):
        return wrong(asking, lookup, "pin", order, "wrong_pin")
    return conclude(asking, order, found[0].code, "replica")


def _signed(asking: Redeemer, checked: Checked) -> ScanAnswer:
    tx = asking.tx
    token = checked.signed.signed.token
    lookup = code_lookup(asking.enrolled.k_store, token.code_id)
    found = codes_by_lookup(tx, lookup)
    if not found:
        return _unsynced(asking, checked, lookup)
    order = found[0].order
    lock = lock_of(tx, lookup, "signature")
    if lock.locked:
        return locked(asking, lock, order)
    if not checked.genuine:
        return wrong(asking, lookup, "signature", order, "bad_signature")
    if order is None:
        return asking.refuse(Verdict.UNKNOWN, "no_such_code")
    code = found[0].code
    # the row under the id is what counts: a live one was prolonged, or came here with its order
    if token.epoch > code.epoch and code.state == "live":
        code = replace(code, state="reissued")
    return conclude(
        asking, order, replace(code, kind="v2", grade=min(code.grade, token.grade)), "replica"
    )


def _unsynced(asking: Redeemer, checked: Checked, lookup: bytes) -> ScanAnswer:
    """A V2 that was never synced: its own signature and lines must carry it (attacks 2, 10)."""
    token = checked.signed.signed.token
    here = asking.here()
    if not checked.key_known:
        return asking.refuse(Verdict.UNKNOWN, "key_unknown", source="token")
    if not checked.genuine:
        return asking.refuse(Verdict.UNKNOWN, "bad_signature", source="token")
    if token.home_store != here.store:
        return asking.refuse(Verdict.NOT_HERE, "other_store", source="token")
    if here.fenced:
        return asking.refuse(Verdict.REVIEW, "fenced", source="token")
    if here.trusted_ms > token.not_after_s * 1000:
        return asking.refuse(Verdict.EXPIRED, "past_pickup_time", source="token")
    if token.issued_at_s * 1000 <= asking.enrolled.acknowledged_from_ms:
        return asking.refuse(Verdict.REVIEW, "issued_too_early", source="token")
    code = Code(
        kind="v2",
        grade=token.grade,
        epoch=token.epoch,
        not_after_ms=token.not_after_s * 1000,
        state="live",
    )
    known = token_order(asking.tx, lookup)
    if known is None:
        lines = checked.lines
        if lines is None or lines.code_id != token.code_id:
            return asking.refuse(Verdict.REVIEW, "lines_needed", source="token")
        if line_digest(token.code_id, lines.order_id, lines.lines) != token.line_digest:
            return asking.refuse(Verdict.REVIEW, "lines_mismatch", source="token")
        synced = order_by_id(asking.tx, lines.order_id)
        if synced is not None:
            return conclude(asking, synced, code, "token")
        known = TokenOrder(
            order_id=lines.order_id,
            lookup=lookup,
            epoch=token.epoch,
            not_after_ms=token.not_after_s * 1000,
            grade=token.grade,
        )
        keep_token_order(asking.tx, known, lines.lines)
    order = order_by_id(asking.tx, known.order_id) or order_of_token(
        asking.tx, known, store=here.store, incarnation=here.incarnation
    )
    return conclude(asking, order, code, "token")


def is_not_understood(tx: Tx) -> bool:
    """Whether HQ sent what may matter to every order and cannot be read, by the catalog now."""
    row = tx.one("not_understood")
    return row is not None and integer(row[0]) > 0


def conclude(
    asking: Redeemer, order: Order, code: Code, source: Source, *, tap: bool = False
) -> ScanAnswer:
    """Decide on a genuine credential and record the outcome, whichever it is."""
    tx, shop = asking.tx, asking.shop
    now = standing(tx, order.order_id)
    if is_not_understood(tx):
        now = replace(now, needs_understanding=True)
    if shop.recalls is not None:
        now = hold_back(shop, tx, order, now)
    decision = decide(order, code, now, asking.here(), shop.settings.policy)
    match decision:
        case Refuse():
            return _refused(asking, order, decision, source)
        case Serve() if decision.at_once and not tap:
            giving = Giving(
                order=order,
                units=decision.units,
                station=asking.station,
                operator=asking.operator,
                credential=code.kind,
                basis=source,
            )
            return give(shop, tx, giving, now)
        case Serve():
            until_ms = tx.moment.trusted_ms + shop.settings.claim_ms
            taken = LiveClaim(
                station=asking.station,
                operator=asking.operator,
                credential=code.kind,
                basis=source,
                until_ms=until_ms,
            )
            take_claim(tx, order, taken)
            answer = pickup_answer(
                shop,
                tx,
                station=asking.station,
                verdict=Verdict.OK,
                why=decision.reason,
                source=source,
                order=order_view(order, now),
            )
            queue = None if order.ready else place_in_queue(tx, order)
            return replace(answer, state="claimed", queue=queue)


def _refused(asking: Redeemer, order: Order, refusal: Refuse, source: Source) -> ScanAnswer:
    answer = asking.refuse(refusal.verdict, refusal.reason, source=source, order=order)
    if refusal.verdict in (Verdict.NOT_HERE, Verdict.UNKNOWN):
        return answer
    if refusal.reason == "fenced":
        answer = replace(answer, case=_fence_case(asking, order))
    earlier = None
    if refusal.earlier is not None:
        earlier = Earlier(
            station=refusal.earlier.station,
            at_ms=refusal.earlier.at_ms,
            handover=refusal.earlier.handover or None,
        )
    now = standing(asking.tx, order.order_id)
    if asking.shop.recalls is not None:
        now = hold_back(asking.shop, asking.tx, order, now)
    return replace(answer, order=order_view(order, now), earlier=earlier)


def fenced_answer(asking: Redeemer, order: Order) -> ScanAnswer | None:
    """What a fenced box says to any act on an order it holds; None when it is not fenced."""
    if not asking.here().fenced:
        return None
    return _refused(asking, order, Refuse(verdict=Verdict.REVIEW, reason="fenced"), "replica")


def _fence_case(asking: Redeemer, order: Order) -> int:
    """The open case of a fenced order, opened at its first scan."""
    known = asking.tx.one("review_of_order", order.order_id, "fenced")
    if known is not None:
        return integer(known[0])
    return open_case(
        asking.tx, "fenced", order=order, station=asking.station, operator=asking.operator
    )


def wrong(
    asking: Redeemer,
    lookup: bytes,
    credential: LockedCredential,
    order: Order | None,
    why: str,
) -> ScanAnswer:
    """A wrong try, counted; the third locks this kind of credential of the code."""
    lock = count_try(
        asking.tx,
        lookup,
        credential,
        order=order,
        station=asking.station,
        operator=asking.operator,
    )
    if lock.locked:
        return locked(asking, lock, order)
    answer = asking.refuse(Verdict.UNKNOWN, why, order=order)
    return replace(answer, tries_left=MAX_TRIES - lock.tries)


def locked(asking: Redeemer, lock: Lock, order: Order | None) -> ScanAnswer:
    """The answer while it is locked."""
    answer = asking.refuse(Verdict.LOCKED, "three_tries", order=order)
    return replace(answer, case=lock.case, tries_left=0)


def still_open(asking: Redeemer, order: Order) -> tuple[tuple[int, int], ...]:
    """The units of an order that can still be given."""
    return open_units(order, standing(asking.tx, order.order_id))
