"""Signed requests: how the hub knows which node asks, instead of client certificates (ADR 0005).

Headers: StoreEdge-Node, StoreEdge-Incarnation (hex), StoreEdge-Signature (base64). The signature
is Ed25519 over (method, target with query, node, incarnation, SHA-256 of the body). A replayed
question changes nothing: events are known by (node, incarnation, seq) and the line is TLS 1.3.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping

from sync.wire.signature import DOMAIN_REQUEST, Signer, is_genuine

NODE_HEADER = "storeedge-node"
INCARNATION_HEADER = "storeedge-incarnation"
SIGNATURE_HEADER = "storeedge-signature"


def _message(method: str, target: str, node: str, incarnation: bytes, body: bytes) -> bytes:
    parts = (method.upper().encode(), target.encode(), node.encode(), incarnation)
    framed = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    return framed + hashlib.sha256(body).digest()


def sign_request(
    signer: Signer, *, method: str, target: str, node: str, incarnation: bytes, body: bytes
) -> dict[str, str]:
    """The headers to send; `target` is path and query as they go over the wire."""
    signature = signer.sign(DOMAIN_REQUEST, _message(method, target, node, incarnation, body))
    return {
        NODE_HEADER: node,
        INCARNATION_HEADER: incarnation.hex(),
        SIGNATURE_HEADER: base64.b64encode(signature).decode(),
    }


def is_signed_request(
    headers: Mapping[str, str], public: bytes, *, method: str, target: str, body: bytes
) -> bool:
    """Whether the node with key `public` sent exactly this; header names in lower case."""
    try:
        incarnation = bytes.fromhex(headers.get(INCARNATION_HEADER, ""))
        signature = base64.b64decode(headers.get(SIGNATURE_HEADER, ""), validate=True)
    except (ValueError, binascii.Error):
        return False
    message = _message(method, target, headers.get(NODE_HEADER, ""), incarnation, body)
    return is_genuine(public, DOMAIN_REQUEST, message, signature)
