"""Who this box is: its key, its incarnation, and what HQ certified."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from edge.store.tx import Tx
from sync.wire.codec import unpack
from sync.wire.messages import Certificate
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
    """The box. `fenced`: lines open before this incarnation need a person (attacks 5)."""

    private_key: bytes
    incarnation: bytes
    machine: str
    fenced: bool
    enrolled: Enrolled | None
    catalog_number: int

    def signer(self) -> Signer:
        """The node's own key, for signing."""
        return Signer(self.private_key)


def load(tx: Tx, *, machine: str, is_same: Callable[[str, str], bool]) -> Identity:
    """The identity of this ledger; a new ledger gets a key and a random incarnation.

    A ledger that was made on another machine or card (`is_same(made_on, machine)` is no) fences
    itself: it may be a copy.
    """
    row = tx.one("identity")
    if row is None:
        private = Signer.generate().private_bytes()
        tx.run("identity_create", private, secrets.token_bytes(8), machine)
        tx.note("incarnation_made")
        row = tx.one("identity")
        assert row is not None
    key, incarnation, bound_to, fenced, certificate, k_store, hub, since, number, _ = row
    assert isinstance(key, bytes)
    assert isinstance(incarnation, bytes)
    assert isinstance(bound_to, str)
    assert isinstance(number, int)
    if not is_same(bound_to, machine) and not fenced:
        tx.run("identity_fence")
        tx.note("fenced", reason="another machine")
        fenced = 1
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
    )


def enrol(tx: Tx, certificate: bytes, k_store: bytes, hub_public: bytes, issued_ms: int) -> None:
    """Keep what HQ certified. `issued_ms` is from when on never-synced tokens may count (5e)."""
    tx.run("identity_enrolled", certificate, k_store, hub_public, issued_ms)
    tx.note("enrolled", issued_ms=issued_ms)
