"""Who we are to the hub, and by which key we know it."""

from collections.abc import Iterable
from dataclasses import dataclass

from sync.wire.feed import REGION
from sync.wire.messages import Certificate

CHAIN = "chain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """What the engine takes from a checked certificate."""

    chain: str
    store: int
    node: str
    incarnation: bytes
    hub_public: bytes

    @staticmethod
    def of(certificate: Certificate) -> "Peer":
        """From a certificate that `enrol.open_certificate` returned."""
        return Peer(
            chain=certificate.chain,
            store=certificate.store,
            node=certificate.node,
            incarnation=certificate.incarnation,
            hub_public=certificate.hub_public,
        )

    @property
    def scopes(self) -> tuple[str, ...]:
        """The feeds that this node always reads; its region's comes with a snapshot."""
        return (CHAIN, f"store:{self.store}")

    def reads(self, scopes: Iterable[str]) -> tuple[str, ...]:
        """Every feed to be read: our own, and the regions among these."""
        return (*self.scopes, *sorted(scope for scope in scopes if scope.startswith(REGION)))
