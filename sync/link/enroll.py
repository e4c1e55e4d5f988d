"""The box's side of enrolment: ask, show the fingerprint, ask again until HQ confirmed it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from sync.link.answers import require_ok
from sync.link.http import exchange, open_client, read
from sync.link.ports import Clock
from sync.wire import codec, enrol, pairing
from sync.wire.errors import HubBusy, Offline
from sync.wire.messages import Certificate, EnrolAnswer, EnrolRequest, SignedTakeOver
from sync.wire.signature import Signer

POLL_MS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What a box keeps: the certificate with its proof, and the store's key for look-ups."""

    certificate: Certificate
    certificate_bytes: bytes
    signature: bytes
    hub_fingerprint: bytes
    k_store: bytes = field(repr=False)
    takeovers: tuple[SignedTakeOver, ...] = ()


async def _ask(client: httpx.AsyncClient, asked: EnrolRequest) -> EnrolAnswer:
    async with exchange(
        client,
        "POST",
        "/v1/nodes/enroll",
        body=codec.to_json(asked),
        headers={"content-type": "application/json"},
    ) as response:
        body = await read(response)
    require_ok(response.status_code, response.headers, body)
    return codec.from_json(EnrolAnswer, body)


async def enroll(
    *,
    base_url: str,
    ca_file: Path | None,
    pairing_code: str,
    signer: Signer,
    incarnation: bytes,
    clock: Clock,
    on_pending: Callable[[str], None],
) -> Enrolment:
    """Become a store's node; waits for HQ as long as it takes, so cancel it by a time-out.

    incarnation: 8 random bytes, never used before. on_pending: told the printed fingerprint once,
    for a person to compare with what HQ sees.

    Raises:
        ValueError: not a pairing code, or not an https address.
        Offline: the hub could not be reached at the first attempt; later ones are repeated.
        HubRefused: the code is not known, used, or too old.
        RemoteWireError: the answer is not from the hub that the code names.
    """
    pair = pairing.parse(pairing_code)
    asked = enrol.request(signer, incarnation, pair)
    reached = False
    async with open_client(base_url, ca_file) as client:
        while True:
            wait_ms = POLL_MS
            try:
                answer = await _ask(client, asked)
            except HubBusy as busy:
                wait_ms = max(POLL_MS, busy.retry_after_ms)
            except Offline:
                if not reached:
                    raise
            else:
                if answer.state == "enrolled":
                    return Enrolment(
                        certificate=enrol.accept(answer, asked, pair),
                        certificate_bytes=answer.certificate,
                        signature=answer.signature,
                        hub_fingerprint=pair.hub_fingerprint,
                        k_store=answer.k_store,
                        takeovers=answer.takeovers,
                    )
                if not reached:
                    on_pending(enrol.printed(enrol.node_name(signer.public)))
                reached = True
            await clock.until(clock.boot_ms() + wait_ms)
