"""What a station is told: the values behind every answer of the API and every screen.

They are stored under an Idempotency-Key as they are, so nothing here may hold a code, a PIN or a
full name.
"""

from dataclasses import dataclass
from typing import Literal

from sync.rules.verdicts import Verdict, Who


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One thing in both languages; `code` is stable."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """What to do, and who can."""

    code: str
    zh: str
    en: str
    who: Who


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What an answer rests on: our replica, the code's own signature, or HQ just now.

    age_s: seconds since the replica last heard from HQ (None: never). clock: how sure time is.
    """

    source: Literal["replica", "token", "hub"]
    age_s: int | None
    clock: Literal["synced", "holdover", "unsure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """An order line on the screen. units: state of each unit, by its index.

    recalled: here, and not to be handed over.
    """

    line: int
    sku: str
    name_zh: str
    name_en: str
    storage: Literal["ambient", "chilled", "frozen"]
    quantity: int
    bundle_of: int | None
    units: tuple[Literal["open", "handed", "gone", "recalled"], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order as a cashier may see it. name: masked (张*), or None when locked or not given.

    name_locked: a name exists and the key for it is not here (reboot without the line).
    """

    id: str
    no: str
    name: str | None
    name_locked: bool
    lane: Literal["normal", "priority"]
    ready: bool
    place: str
    bags: int
    lines: tuple[LineView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """When and where the units went, for `already`."""

    station: str
    at_ms: int
    handover: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipView:
    """A slip of this act: queued, sent, confirmed, unknown or failed; trouble: why it waits."""

    effect: int
    state: str
    trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProvisionalOffer:
    """Another store's order that may be handed over on HQ's budget, and what is left of that.

    why: what stands against it, None when it can be chosen (`POST /provisional`). pieces and
    amount_minor: what it would cost. approval: another person must approve it, beside the PIN.
    """

    budget: str
    pieces_left: int
    amount_left_minor: int
    currency: str
    until_ms: int
    order: str | None = None
    pieces: int = 0
    amount_minor: int = 0
    approval: bool = False
    why: Said | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanAnswer:
    """The answer to a scan, yes and no alike.

    state: `handed` (registered now), `claimed` (this station serves it; confirm next) or None.
    undo_s: seconds in which `undo` needs no reason. tries_left: before the code locks.
    debounced: the same code twice within 2 s, nothing was decided anew. repeat_of_ms: this is the
    stored answer of that time; `painted` then says that a screen showed it already, so that it must
    not look green again. needs: what a confirm will ask for.
    elsewhere: it may be another store's code; HQ can be asked for it by this
    answer's id (`flow.transfers`). provisional: with `not_here`, where HQ granted a budget.
    """

    id: str
    kind: Literal["pickup", "lines", "product", "member", "staff", "unreadable", "paper"]
    verdict: Verdict | None
    reason: Said
    next_step: Next
    basis: Basis
    station: str
    at_ms: int
    order: OrderView | None = None
    state: Literal["handed", "claimed"] | None = None
    handover: int | None = None
    undo_s: int | None = None
    earlier: Earlier | None = None
    tries_left: int | None = None
    case: int | None = None
    slip: SlipView | None = None
    sku: str | None = None
    name_zh: str | None = None
    name_en: str | None = None
    needs: tuple[Literal["second_fact", "approval", "pin"], ...] = ()
    debounced: bool = False
    repeat_of_ms: int | None = None
    painted: bool = False
    queue: int | None = None
    paper: str | None = None
    training: bool = False
    elsewhere: bool = False
    provisional: ProvisionalOffer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An act that was not done, with its reason; HTTP 409 (403 when a person is missing).

    wait_s: seconds after which the same may be asked again, where only time is missing.
    """

    status: int
    code: str
    zh: str
    en: str
    wait_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoAnswer:
    """A hand-over was taken back."""

    id: str
    handover: int
    order_no: str
    units: int
    at_ms: int
    slip: SlipView | None
    repeat_of_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """A case in the review queue. may_release: the kind can be released at the counter."""

    case: int
    reason: Said
    order_no: str | None
    station: str | None
    opened_ms: int
    opened_by: str | None
    tries: int | None
    state: Literal["open", "closed"]
    outcome: str | None
    may_release: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffView:
    """A person to choose at the counter."""

    staff_id: str
    name: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAnswer:
    """Who operates the station now; None: nobody. pin_fresh: the PIN was given this shift."""

    staff_id: str | None
    name: str | None
    role: str | None
    pin_fresh: bool = False
    wait_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One hit of the search without a code, masked."""

    order_id: str
    order_no_tail: str
    name: str | None
    bags: int
    items_zh: str
    items_en: str
    open_units: int
    lane: Literal["normal", "priority"] = "normal"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """A device and how it is. since_ms: wall time of the last change."""

    name: str
    port: Literal["scanner", "printer"]
    station: str | None
    state: Literal["up", "down", "starting"]
    trouble: str | None
    hint: str | None
    since_ms: int
    simulated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusView:
    """The status bar: everything a person must know about this box at a glance."""

    store: str
    station: str
    link: Literal["online", "offline", "not_enrolled"]
    link_since_ms: int | None
    unsynced: int
    oldest_unsynced_s: int | None
    data_age_s: int | None
    clock: Literal["synced", "holdover", "unsure"]
    now_ms: int
    operator: OperatorAnswer
    devices: tuple[DeviceView, ...]
    open_cases: int
    slips_waiting: int
    names: Literal["open", "locked"]
    training: bool
    demo: bool
    second_person: Literal["on_site", "remote", "lone_capped"] = "on_site"
    fenced: Literal["machine", "fork", "witness", "restored", "superseded"] | None = None
