"""Who we are to the hub, and by which key we know it."""

from dataclasses import dataclass

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
        """The feeds that this node reads."""
        return (CHAIN, f"store:{self.store}")
