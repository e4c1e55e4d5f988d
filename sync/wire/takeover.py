"""One box gives way to another: what the hub signs of it, and what is handed in late.

    box A (incarnation 1) ──restored, cloned, fenced──▶ begins again as incarnation 2 ──▶ Return
    box A ──broken, stolen──▶ box B enrols with a printed code
    a named person at HQ attests the change ──▶ TakeOver names (A, 1) and its successor

A `TakeOver` is evidence, not an order: whoever is named in it as superseded and can verify it
fences itself, wherever the paper came from (an answer of the hub, the shop's own LAN). `Recovered`
carries events that a superseded incarnation wrote and nobody uploaded, signed by the key that wrote
them; they are taken as that incarnation's own.
"""

from dataclasses import dataclass

import msgspec

from sync.wire import codec
from sync.wire.errors import RemoteWireError
from sync.wire.messages import Event, SignedTakeOver
from sync.wire.signature import Signer, is_genuine

DOMAIN_TAKEOVER = b"storeedge/takeover/1\0"
DOMAIN_RETURN = b"storeedge/return/1\0"
DOMAIN_RECOVERED = b"storeedge/recovered/1\0"
MAX_WHY = 40


class TakeOver(msgspec.Struct, frozen=True, kw_only=True):
    """(node, incarnation) of a store is superseded by its successor; who attested it and when."""

    chain: str
    store: int
    node: str
    incarnation: bytes
    successor_node: str
    successor_incarnation: bytes
    attested_by: str
    at_ms: int


class Return(msgspec.Struct, frozen=True, kw_only=True):
    """A box that began again asks to be certified: the same key, a new incarnation.

    predecessor: the incarnation that HQ knows. why: `restored`, `machine`, `witness`, `fork`.
    audit_seq and audit_hash: how far its ledger goes back, or on. The signature is by the node's
    own key over the other fields.
    """

    node: str
    predecessor: bytes
    incarnation: bytes
    why: str
    audit_seq: int
    audit_hash: bytes
    signature: bytes = b""


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """Events of another incarnation, in seq order; `events` is MessagePack of them.

    The signature is by the key of `node` over node, incarnation and events.
    """

    node: str
    incarnation: bytes
    events: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote events: the node's name, its incarnation and key."""

    node: str
    incarnation: bytes
    signer: Signer


def sign_takeover(takeover: TakeOver, hub: Signer) -> SignedTakeOver:
    """The certificate as it travels."""
    data = codec.pack(takeover)
    return SignedTakeOver(takeover=data, signature=hub.sign(DOMAIN_TAKEOVER, data))


def open_takeover(signed: SignedTakeOver, hub_public: bytes) -> TakeOver:
    """What the hub signed.

    Raises:
        RemoteWireError: not by this hub, or no takeover.
    """
    if not is_genuine(hub_public, DOMAIN_TAKEOVER, signed.takeover, signed.signature):
        raise RemoteWireError("the takeover's signature is not genuine")
    return codec.unpack(TakeOver, signed.takeover)


def names(takeover: TakeOver, node: str, incarnation: bytes) -> bool:
    """Whether it is this box's incarnation that gives way."""
    return takeover.node == node and takeover.incarnation == incarnation


def _return_message(asked: Return) -> bytes:
    return codec.pack(
        (
            asked.node,
            asked.predecessor,
            asked.incarnation,
            asked.why,
            asked.audit_seq,
            asked.audit_hash,
        )
    )


def sign_return(asked: Return, signer: Signer) -> Return:
    """The same, signed."""
    signature = signer.sign(DOMAIN_RETURN, _return_message(asked))
    return msgspec.structs.replace(asked, signature=signature)


def is_signed_return(asked: Return, public: bytes) -> bool:
    """Whether the node with this key asks, and the numbers make sense."""
    return (
        len(asked.predecessor) == 8
        and len(asked.incarnation) == 8
        and asked.predecessor != asked.incarnation
        and len(asked.audit_hash) == 32
        and 0 <= asked.audit_seq < 2**63
        and len(asked.why) <= MAX_WHY
        and is_genuine(public, DOMAIN_RETURN, _return_message(asked), asked.signature)
    )


def _recovered_message(node: str, incarnation: bytes, events: bytes) -> bytes:
    name = node.encode()
    return len(name).to_bytes(2, "big") + name + incarnation + events


def sign_recovered(author: Author, events: tuple[Event, ...]) -> Recovered:
    """Events as they are kept beside the ledger, or handed in for a predecessor."""
    packed = codec.pack(events)
    message = _recovered_message(author.node, author.incarnation, packed)
    return Recovered(
        node=author.node,
        incarnation=author.incarnation,
        events=packed,
        signature=author.signer.sign(DOMAIN_RECOVERED, message),
    )


def open_recovered(recovered: Recovered, public: bytes) -> tuple[Event, ...]:
    """The events, as the node with this key wrote them.

    Raises:
        RemoteWireError: another key's, or changed.
    """
    message = _recovered_message(recovered.node, recovered.incarnation, recovered.events)
    if not is_genuine(public, DOMAIN_RECOVERED, message, recovered.signature):
        raise RemoteWireError("the recovered events are not signed by the box that wrote them")
    return codec.unpack(tuple[Event, ...], recovered.events)
