"""What a box asks the hub about itself: to come back, to hand in late, and how far it was heard."""

from pathlib import Path

from sync.engine.actions import Send
from sync.engine.peer import Peer
from sync.engine.verify import NONCE_BYTES, verified_time
from sync.link.answers import require_ok
from sync.link.enroll import Enrolment
from sync.link.http import exchange, open_client, read
from sync.link.ports import Link
from sync.wire import codec, enrol
from sync.wire.errors import RemoteWireError
from sync.wire.messages import BatchAnswer, EnrolAnswer, EventBatch
from sync.wire.signature import fingerprint
from sync.wire.takeover import Recovered, Return

__all__ = ["NONCE_BYTES", "ask_to_come_back", "attested", "hand_in", "heard_up_to"]


async def ask_to_come_back(
    asked: Return, *, base_url: str, ca_file: Path | None, hub_public: bytes
) -> Enrolment | None:
    """Ask once; None while a person at HQ has not said yes.

    Raises:
        LinkError: HQ cannot be reached or will not; `Superseded` when another box took the place.
        RemoteWireError: the answer is not from the hub that this box knows.
    """
    async with (
        open_client(base_url, ca_file) as client,
        exchange(
            client,
            "POST",
            "/v1/nodes/return",
            body=codec.to_json(asked),
            headers={"content-type": "application/json"},
        ) as response,
    ):
        body = await read(response)
        require_ok(response.status_code, response.headers, body)
    return attested(codec.from_json(EnrolAnswer, body), asked, hub_public)


def attested(answer: EnrolAnswer, asked: Return, hub_public: bytes) -> Enrolment | None:
    """What HQ certified; None while a person there has not said yes.

    Raises:
        RemoteWireError: the answer is not from the hub that this box knows.
    """
    if answer.state == "pending":
        return None
    hub_fingerprint = fingerprint(hub_public)
    certificate = enrol.open_certificate(answer.certificate, answer.signature, hub_fingerprint)
    if certificate.node != asked.node or certificate.incarnation != asked.incarnation:
        raise RemoteWireError("the certificate is another box's")
    if len(answer.k_store) != enrol.K_STORE_BYTES:
        raise RemoteWireError("the answer has no store key")
    return Enrolment(
        certificate=certificate,
        certificate_bytes=answer.certificate,
        signature=answer.signature,
        hub_fingerprint=hub_fingerprint,
        k_store=answer.k_store,
        takeovers=answer.takeovers,
    )


async def hand_in(link: Link, peer: Peer, given: Recovered, nonce: bytes) -> BatchAnswer:
    """Give HQ events of an incarnation before, or of the box before; answered as any batch.

    Raises:
        LinkError: not taken; RemoteWireError: the answer cannot be trusted.
    """
    body = await link.ask(
        Send(method="POST", target="/v1/events/recovered", body=codec.to_body((given, nonce)))
    )
    answer = codec.from_body(BatchAnswer, body)
    verified_time(answer.time, nonce, peer)
    return answer


async def heard_up_to(link: Link, peer: Peer, nonce: bytes) -> int:
    """The last event of this incarnation that HQ holds: a batch of none, answered.

    Raises:
        LinkError: not answered; RemoteWireError: the answer cannot be trusted.
    """
    batch = EventBatch(incarnation=peer.incarnation, nonce=nonce, events=())
    body = await link.ask(Send(method="POST", target="/v1/events", body=codec.to_body(batch)))
    answer = codec.from_body(BatchAnswer, body)
    verified_time(answer.time, nonce, peer)
    return answer.acked_seq
