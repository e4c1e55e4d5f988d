"""Enrolment of this box, with the daemon stopped: ask HQ, wait for a person, keep the answer."""

from collections.abc import Callable, Sequence

from config.schema import Config
from drivers.host.clock import open_clock
from edge.main.opening import open_store
from edge.main.wiring import is_simulated
from edge.store import identity
from edge.store.errors import StoreError
from edge.store.ledger import Failed, Unit
from edge.store.tx import Moment, Tx
from sync.link.enroll import Enrolment, enroll
from sync.wire.messages import Certificate


class EnrolmentRefused(Exception):
    """This box cannot be enrolled as it is; the message says what to change."""


async def enrol_node(
    config: Config, pairing_code: str, *, on_pending: Callable[[str], None]
) -> Certificate:
    """Become a store's node; answers the certificate once it is durable here.

    on_pending: told the fingerprint that a person at HQ must see as well.

    Raises:
        EnrolmentRefused: enrolled already, no hub address, or virtual devices without HQ's flag.
        StoreError, LinkError, RemoteWireError, ValueError: as the store and `sync.link.enroll` say.
    """
    if config.hub.url is None:
        raise EnrolmentRefused("[hub] url is not set: write HQ's address into the configuration")
    clock = open_clock(config.time.source)
    opened = open_store(config.node.data_dir, boot_ms=clock.boot_ms())
    try:
        if opened.identity.enrolled is not None:
            raise EnrolmentRefused(
                f"this box is {opened.identity.enrolled.certificate.store_code} already"
            )
        answer = await enroll(
            base_url=config.hub.url,
            ca_file=config.hub.ca,
            pairing_code=pairing_code,
            signer=opened.identity.signer(),
            incarnation=opened.identity.incarnation,
            clock=clock,
            on_pending=on_pending,
        )
        if is_simulated(config) and not answer.certificate.demo:
            raise EnrolmentRefused(
                "virtual devices (sim:) are configured and HQ is not a demo: use real addresses"
            )
        _keep(opened.ledger.run_batch([Unit(_keeping(answer), _moment(clock.boot_ms()))]))
        return answer.certificate
    finally:
        opened.ledger.close()
        opened.folder.close()


def _moment(boot_ms: int) -> Moment:
    return Moment(trusted_ms=0, boot_ms=boot_ms, clock="unsure")


def _keeping(answer: Enrolment) -> Callable[[Tx], None]:
    def act(tx: Tx) -> None:
        identity.enrol(
            tx,
            answer.certificate_bytes,
            answer.k_store,
            answer.certificate.hub_public,
            answer.certificate.issued_ms,
        )

    return act


def _keep(results: Sequence[object]) -> None:
    for result in results:
        if isinstance(result, Failed):
            error: StoreError = result.error
            raise error
