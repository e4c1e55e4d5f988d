"""What headquarters answers: the types that the lab reads its API into."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveAtHq:
    """Rights on their way between headquarters and a store."""

    move: str
    kind: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeStockAtHq:
    """A store's stock as its box told last."""

    on_hand: int
    counter: int
    online: int
    in_transit: int
    locked: int
    shortage: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockAtHq:
    """An article in a store: what headquarters may sell of it and has promised."""

    store: int
    sku: str
    based: bool
    closed: bool
    tier: str | None
    online: int
    of_orders: int
    reserved: int
    debt: int
    moves: tuple[MoveAtHq, ...]
    node: NodeStockAtHq


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionAtHq:
    """What headquarters did when a tier was crossed."""

    action: str
    tier: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TierAtHq:
    """An article's tier in a store."""

    store: int
    sku: str
    tier: str
    actions: tuple[ActionAtHq, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalAtHq:
    """A transfer that headquarters proposes."""

    sku: str
    from_store: int
    to_store: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TiersAtHq:
    """Scarce articles, and transfers proposed for them."""

    tiers: tuple[TierAtHq, ...]
    proposals: tuple[ProposalAtHq, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """An order's codes, in clear this once."""

    v1: str
    v2: str | None = None
    pl: str | None = None
    serial: str | None = None
    pin: str | None = None
    platform: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order as headquarters made it."""

    order_id: str
    order_no: str
    not_after_ms: int
    codes: Codes
    customer_page: str | None = None

    @property
    def v1(self) -> str:
        """The plain code."""
        return self.codes.v1

    @property
    def v2(self) -> str | None:
        """The signed code; None when the store had no box yet."""
        return self.codes.v2


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitAtHq:
    """A unit as headquarters knows it; totals count every event that touched it."""

    unit: int
    state: str
    handed_total: int
    undone_total: int
    conflicts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineAtHq:
    """A line as headquarters knows it."""

    line: int
    units: tuple[UnitAtHq, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventAtHq:
    """What a node told; `outcome` is what headquarters made of it."""

    node: str
    incarnation: str
    seq: int
    kind: str
    outcome: str
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeAtHq:
    """Where an order stands, and when it came there."""

    now: str
    placed_ms: int
    picking_ms: int | None
    ready_ms: int | None
    handed_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObligationAtHq:
    """Money that is owed back; `id` never changes."""

    id: str
    kind: str
    line: int
    unit: int
    amount_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderAtHq:
    """An order with its life, as headquarters knows it now."""

    order_no: str
    store: int
    state: str
    lines: tuple[LineAtHq, ...]
    events: tuple[EventAtHq, ...]
    refundable: tuple[tuple[int, int], ...] = ()
    life: LifeAtHq | None = None

    def told(self, kind: str) -> int:
        """How many accepted events of this kind there are."""
        return sum(e.kind == kind and e.outcome == "accepted" for e in self.events)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAtHq:
    """A box in the fleet; audit_seq and audit_hash are the last head that it showed."""

    store: int
    node: str
    fingerprint: str
    incarnation: str
    state: str
    acked_seq: int
    audit_seq: int
    audit_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOverAtHq:
    """A box that gave way: to whom, why, and who attested it."""

    node: str
    incarnation: str
    successor_node: str
    successor_incarnation: str
    why: str
    attested_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedAtHq:
    """A question to an order's holders: what was asked, what stopped, what was kept."""

    state: str
    asked_units: tuple[tuple[int, int], ...]
    stopped_units: tuple[tuple[int, int], ...]
    kept_units: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMoveAtHq:
    """An order's move to another store."""

    from_store: int
    to_store: int
    state: str
    home_reachable: bool
    holders: AskedAtHq | None
    granted_epoch: int | None
    accepted_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundAtHq:
    """A unit's money."""

    refund_id: str
    line: int
    unit: int
    state: str
    loss: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundsAtHq:
    """The refunds of an order."""

    refunds: tuple[RefundAtHq, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAtHq:
    """A case of a store."""

    store: int
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BothSides:
    """A number as the node has it and as headquarters has it."""

    node: int
    hub: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciledAtHq:
    """A daily reconciliation as headquarters keeps it; hashes and signatures in hexadecimal."""

    day: str
    agreed: bool
    handovers: BothSides
    pieces: BothSides
    differences: int
    report_hash: str
    signed_by_node: str
    signed_by_hub: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairingAtHq:
    """A code to be given to a store's new box."""

    code: str
    hub_fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Risked:
    """Pieces and money of a budget."""

    pieces: int
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetAtHq:
    """A budget: what was granted, what a box told that it spent, and what became of that."""

    budget_id: str
    store: int
    state: str
    granted: Risked
    spent: Risked
    pending: Risked
    settled: Risked
    lost: Risked


@dataclass(frozen=True, slots=True, kw_only=True)
class StopAtHq:
    """What a store has proved of a recall; times in ms, None where there is no proof."""

    store: int
    state: str
    unreachable_since_ms: int | None = None
    stopped_ms: int | None = None
    after_ms: int | None = None
    stopped_units: int | None = None
    handed_units: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedAtHq:
    """An order that had left before it was recalled."""

    order_no: str
    store: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallAtHq:
    """A recall, with the proof of each store and the orders that are out."""

    recall_id: str
    state: str
    asked_ms: int
    stores: tuple[StopAtHq, ...]
    handed: tuple[HandedAtHq, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Who answered."""

    ok: bool
    run: str
