"""Enrolling this box: its own key asks, a person at headquarters confirms, the ledger keeps it."""

from collections.abc import Callable
from dataclasses import dataclass

from config.schema import Config
from drivers.host.clock import open_clock
from edge.main.opening import open_store
from edge.main.wiring import is_simulated
from edge.store.identity import enrol
from edge.store.ledger import Done, Unit
from edge.store.tx import Moment, Tx
from sync.wire.enrol import printed


class EnrolmentRefused(Exception):
    """This box cannot be enrolled as it is; the message says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolledBox:
    """What this box is now. fingerprint: as people compare it; demo: `sim:` may be used."""

    node: str
    fingerprint: str
    store: int
    store_code: str
    demo: bool


async def enrol_box(config: Config, code: str, *, on_pending: Callable[[str], None]) -> EnrolledBox:
    """Ask the configured headquarters with a pairing code and wait for its yes; cancel to give up.

    Raises:
        ValueError: not a pairing code.
        LinkError: headquarters cannot be reached, or refused.
        WireError: it is another headquarters than the code's.
        StoreError: the data folder is in use or unsound; nothing was asked.
        EnrolmentRefused: enrolled already, no address of headquarters, or virtual devices and a
            headquarters that is no demo (promise 5); nothing was kept.
    """
    from sync.link.enroll import enroll

    if config.hub.url is None:
        raise EnrolmentRefused("hub.url is missing: write HQ's address into the configuration")
    clock = open_clock(config.time.source)
    opened = open_store(config.node.data_dir, boot_ms=clock.boot_ms())
    try:
        if opened.identity.enrolled is not None:
            store_code = opened.identity.enrolled.certificate.store_code
            raise EnrolmentRefused(f"this box is {store_code} already")
        enrolment = await enroll(
            base_url=config.hub.url,
            ca_file=config.hub.ca,
            pairing_code=code,
            signer=opened.identity.signer(),
            incarnation=opened.identity.incarnation,
            clock=clock,
            on_pending=on_pending,
        )
        certificate = enrolment.certificate
        if is_simulated(config) and not certificate.demo:
            raise EnrolmentRefused(
                "virtual devices (sim:) are configured and HQ is no demo: use real addresses"
            )

        def keep(tx: Tx) -> None:
            enrol(
                tx,
                enrolment.certificate_bytes,
                enrolment.k_store,
                certificate.hub_public,
                certificate.issued_ms,
                papers=enrolment.takeovers,
            )

        moment = Moment(trusted_ms=0, boot_ms=clock.boot_ms(), clock="unsure")
        result = opened.ledger.run_batch([Unit(keep, moment)])[0]
        if not isinstance(result, Done):
            raise result.error
    finally:
        opened.ledger.close()
        opened.folder.close()
    return EnrolledBox(
        node=certificate.node,
        fingerprint=printed(certificate.node),
        store=certificate.store,
        store_code=certificate.store_code,
        demo=certificate.demo,
    )
