"""A box that HQ has to attest: it asks to come back, hands in what is late, gives way when told."""

import asyncio
import logging
import secrets

from config.schema import Config
from edge.flow import boxes
from edge.flow.shop import Shop
from edge.store.handovers import open_case
from edge.store.identity import enrol
from edge.store.incarnation import LeftOver, left_over
from edge.store.tx import Tx
from sync.engine.peer import Peer
from sync.link import boxes as asking
from sync.link.enroll import Enrolment
from sync.link.http import HttpLink
from sync.wire.errors import LinkError, RemoteWireError, Superseded
from sync.wire.messages import BatchAnswer
from sync.wire.takeover import Author, Return, sign_recovered, sign_return

logger = logging.getLogger(__name__)
ASK_EVERY_MS = 2_000
SLOWEST_MS = 30_000
_LATE_EVENTS = 200


async def come_back(config: Config, shop: Shop) -> None:
    """Ask HQ until a person there attested this incarnation, or another box took the place."""
    known = shop.identity.enrolled
    assert known is not None
    assert config.hub.url is not None
    ends = await shop.writer.do(boxes.heads, shop.moment())
    asked = sign_return(
        Return(
            node=known.certificate.node,
            predecessor=known.certificate.incarnation,
            incarnation=shop.identity.incarnation,
            why=shop.identity.fenced_why or "machine",
            audit_seq=ends.audit_seq,
            audit_hash=ends.audit_hash,
        ),
        shop.identity.signer(),
    )
    wait_ms, told = ASK_EVERY_MS, False
    while True:
        try:
            enrolment = await asking.ask_to_come_back(
                asked, base_url=config.hub.url, ca_file=config.hub.ca, hub_public=known.hub_public
            )
        except Superseded as error:
            if await boxes.hear_takeover(shop, boxes.paper_of(error)):
                return
            wait_ms = SLOWEST_MS
        except (LinkError, RemoteWireError) as error:
            logger.info("HQ did not take this box back yet: %s", error)
            wait_ms = min(2 * wait_ms, SLOWEST_MS)
        else:
            if enrolment is not None:
                await _keep(shop, enrolment)
                return
            wait_ms = ASK_EVERY_MS
            if not told:
                logger.warning("fenced: HQ was asked to attest this box; why=%s", asked.why)
                told = True
        await shop.clock.until(shop.clock.boot_ms() + wait_ms)


async def _keep(shop: Shop, enrolment: Enrolment) -> None:
    def act(tx: Tx) -> None:
        certificate = enrolment.certificate
        enrol(
            tx,
            enrolment.certificate_bytes,
            enrolment.k_store,
            certificate.hub_public,
            certificate.issued_ms,
            papers=enrolment.takeovers,
        )

    await shop.writer.do(act, shop.moment())
    await boxes.read_again(shop)
    for memory in shop.memory.values():
        memory.seen.clear()
    logger.warning("HQ attested this box; what it held before is given by a person, one by one")


async def look_at_mark(shop: Shop, link: HttpLink, peer: Peer) -> None:
    """Once a line: does HQ hold events of this incarnation that this ledger never wrote?"""
    while True:
        try:
            acked = await asking.heard_up_to(link, peer, secrets.token_bytes(asking.NONCE_BYTES))
        except (LinkError, RemoteWireError):
            await shop.clock.until(shop.clock.boot_ms() + ASK_EVERY_MS)
            continue
        ends = await shop.writer.do(boxes.heads, shop.moment())
        if acked > ends.outbox_seq:
            await boxes.doubt(
                shop, "witness", f"HQ holds event {acked}, here are {ends.outbox_seq}"
            )
        return


async def hand_in_late(shop: Shop, link: HttpLink, peer: Peer) -> None:
    """Tell HQ what incarnations before this one wrote and never told; ends when all is told."""
    wait_ms = ASK_EVERY_MS
    while True:
        left = await shop.writer.do(lambda tx: left_over(tx, _LATE_EVENTS), shop.moment())
        if left is None:
            return
        author = Author(node=peer.node, incarnation=left.incarnation, signer=shop.identity.signer())
        given = sign_recovered(author, left.events)
        nonce = secrets.token_bytes(asking.NONCE_BYTES)
        try:
            answer = await asking.hand_in(link, peer, given, nonce)
        except (LinkError, RemoteWireError) as error:
            logger.warning("late events were not taken: %s", error)
            await shop.clock.until(shop.clock.boot_ms() + wait_ms)
            wait_ms = min(2 * wait_ms, SLOWEST_MS)
            continue
        wait_ms = ASK_EVERY_MS
        await _acknowledge(shop, left, answer)


async def _acknowledge(shop: Shop, left: LeftOver, answer: BatchAnswer) -> None:
    def act(tx: Tx) -> None:
        for row in answer.rows:
            if row.outcome in ("conflict", "refused"):
                open_case(tx, "sync_conflict" if row.outcome == "conflict" else "sync_refused")
        tx.run("outbox_before_acked", left.incarnation, left.events[-1].seq)
        tx.note("handed_in", incarnation=left.incarnation.hex(), events=len(left.events))

    await shop.writer.do(act, shop.moment())


async def hear_papers(shop: Shop, papers: "asyncio.Queue[Superseded]") -> None:
    """What the line was refused with: evidence that another box took this one's place."""
    while True:
        await boxes.hear_takeover(shop, boxes.paper_of(await papers.get()))
