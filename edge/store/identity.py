"""Who this box is: its key, its incarnation, and what HQ certified."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge.store.incarnation import Why, begin_again, fence_of, keep_papers
from edge.store.tx import Tx
from sync.wire.codec import unpack
from sync.wire.messages import Certificate, SignedTakeOver
from sync.wire.signature import Signer


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """What HQ said of this box. k_store: 32 bytes; hub_public: 32 bytes."""

    certificate: Certificate
    k_store: bytes
    hub_public: bytes
    acknowledged_from_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The box. `fenced`: lines open before this incarnation need a person (attacks 5).

    fenced_why: None when it is not fenced. certificate.incarnation is another one while HQ has not
    attested the present incarnation (`is_certified`).
    """

    private_key: bytes
    incarnation: bytes
    machine: str
    fenced: bool
    enrolled: Enrolled | None
    catalog_number: int
    fenced_why: Why | None = None

    @property
    def is_certified(self) -> bool:
        """Whether HQ certified this very incarnation."""
        known = self.enrolled
        return known is not None and known.certificate.incarnation == self.incarnation

    def signer(self) -> Signer:
        """The node's own key, for signing."""
        return Signer(self.private_key)


def load(tx: Tx, *, machine: str, is_same: Callable[[str, str], bool]) -> Identity:
    """The identity of this ledger; a new ledger gets a key and a random incarnation.

    A ledger that was made on another machine or card (`is_same(made_on, machine)` is no) may be a
    copy: it takes a new incarnation, fenced, and is bound to this machine from now on. So does one
    that fenced itself for a fork while it ran.
    """
    if tx.one("identity") is None:
        private = Signer.generate().private_bytes()
        tx.run("identity_create", private, secrets.token_bytes(8), machine)
        tx.note("incarnation_made")
    known = current(tx)
    if not is_same(known.machine, machine):
        tx.run("machine_bind", machine)
        tx.note("moved", was_fenced=known.fenced)
        if not known.fenced:
            begin_again(tx, "machine")
    elif known.fenced_why in ("fork", "witness") and known.is_certified:
        begin_again(tx, known.fenced_why)
    return current(tx)


def current(tx: Tx) -> Identity:
    """The identity as the ledger has it."""
    row = tx.one("identity")
    assert row is not None
    key, incarnation, bound_to, fenced, certificate, k_store, hub, since, number, _ = row
    assert isinstance(key, bytes)
    assert isinstance(incarnation, bytes)
    assert isinstance(bound_to, str)
    assert isinstance(number, int)
    fence = fence_of(tx)
    enrolled = None
    if certificate is not None:
        assert isinstance(certificate, bytes)
        assert isinstance(k_store, bytes)
        assert isinstance(hub, bytes)
        enrolled = Enrolled(
            certificate=unpack(Certificate, certificate),
            k_store=k_store,
            hub_public=hub,
            acknowledged_from_ms=since if isinstance(since, int) else 0,
        )
    return Identity(
        private_key=key,
        incarnation=incarnation,
        machine=bound_to,
        fenced=bool(fenced),
        enrolled=enrolled,
        catalog_number=number,
        fenced_why=None if fence is None else fence.why,
    )


def enrol(
    tx: Tx,
    certificate: bytes,
    k_store: bytes,
    hub_public: bytes,
    issued_ms: int,
    *,
    papers: Sequence[SignedTakeOver] = (),
) -> None:
    """Keep what HQ certified: the fence is lifted, lines held before it still need a person.

    issued_ms: from when on never-synced tokens may count (5e). papers: of boxes that gave way.
    """
    tx.run("identity_enrolled", certificate, k_store, hub_public, issued_ms)
    tx.run("identity_unfence")
    tx.run("fence_lift")
    keep_papers(tx, papers)
    tx.note("enrolled", issued_ms=issued_ms)
