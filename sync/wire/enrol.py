"""How a box becomes a store's node: proofs in the request, a signed certificate in the answer."""

import hmac

from sync.rules import crockford
from sync.wire import codec
from sync.wire.errors import RemoteWireError
from sync.wire.messages import Certificate, EnrolAnswer, EnrolRequest
from sync.wire.pairing import Pairing
from sync.wire.signature import (
    DOMAIN_CERTIFICATE,
    DOMAIN_ENROL,
    Signer,
    fingerprint,
    is_genuine,
)

INCARNATION_BYTES = 8
K_STORE_BYTES = 32
_NAME_SYMBOLS = 16


def node_name(public: bytes) -> str:
    """The name of a node: its key's fingerprint as 16 Crockford symbols."""
    return crockford.encode(int.from_bytes(fingerprint(public), "big"), _NAME_SYMBOLS)


def printed(name: str) -> str:
    """A node's name in groups of four, to be compared by two people."""
    return "-".join(name[start : start + 4] for start in range(0, len(name), 4))


def _message(node_public: bytes, incarnation: bytes) -> bytes:
    return node_public + incarnation


def request(signer: Signer, incarnation: bytes, pairing: Pairing) -> EnrolRequest:
    """What the box asks; asking the same again is how it waits for HQ."""
    message = _message(signer.public, incarnation)
    return EnrolRequest(
        pairing_id=pairing.pairing_id,
        node_public=signer.public,
        incarnation=incarnation,
        proof=pairing.proof(message),
        signature=signer.sign(DOMAIN_ENROL, message),
    )


def is_proved(asked: EnrolRequest, pairing: Pairing) -> bool:
    """Whether the asker holds both the pairing secret and the node's private key."""
    if len(asked.node_public) != 32 or len(asked.incarnation) != INCARNATION_BYTES:
        return False
    message = _message(asked.node_public, asked.incarnation)
    return hmac.compare_digest(asked.proof, pairing.proof(message)) and is_genuine(
        asked.node_public, DOMAIN_ENROL, message, asked.signature
    )


def sign_certificate(certificate: Certificate, hub: Signer) -> tuple[bytes, bytes]:
    """The certificate as bytes, and the hub's signature over them."""
    data = codec.pack(certificate)
    return data, hub.sign(DOMAIN_CERTIFICATE, data)


def open_certificate(data: bytes, signature: bytes, hub_fingerprint: bytes) -> Certificate:
    """The certificate in `data`, signed by the hub whose key has this fingerprint.

    Raises:
        RemoteWireError: another hub's, or changed.
    """
    certificate = codec.unpack(Certificate, data)
    if fingerprint(certificate.hub_public) != hub_fingerprint:
        raise RemoteWireError("the certificate is another hub's")
    if not is_genuine(certificate.hub_public, DOMAIN_CERTIFICATE, data, signature):
        raise RemoteWireError("the certificate's signature is not genuine")
    return certificate


def accept(answer: EnrolAnswer, asked: EnrolRequest, pairing: Pairing) -> Certificate:
    """The certificate of an `enrolled` answer, checked against what was asked.

    Raises:
        RemoteWireError: not for this box, not from this hub, or no store key in it.
    """
    certificate = open_certificate(answer.certificate, answer.signature, pairing.hub_fingerprint)
    if (
        certificate.node_public != asked.node_public
        or certificate.incarnation != asked.incarnation
        or certificate.node != node_name(asked.node_public)
    ):
        raise RemoteWireError("the certificate is another node's")
    if len(answer.k_store) != K_STORE_BYTES:
        raise RemoteWireError("the answer has no store key")
    return certificate
