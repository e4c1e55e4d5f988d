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
from sync.link.ports import Link
from sync.wire.errors import LinkError, RemoteWireError, Superseded
from sync.wire.messages import BatchAnswer
from sync.wire.takeover import Author, Return, sign_recovered, sign_return

logger = logging.getLogger(__name__)
ASK_EVERY_MS = 2_000
SLOWEST_MS = 30_000
_LATE_EVENTS = 200


async def to_return(shop: Shop) -> Return:
    """What this box asks HQ with, to come back; signed by its key."""
    known = shop.identity.enrolled
    assert known is not None
    ends = await shop.writer.do(boxes.heads, shop.moment())
    return sign_return(
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


async def come_back(config: Config, shop: Shop) -> None:
    """Ask HQ until a person there attested this incarnation, or another box took the place."""
    known = shop.identity.enrolled
    assert known is not None
    assert config.hub.url is not None
    asked = await to_return(shop)
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
                await keep_attested(shop, enrolment)
                return
            wait_ms = ASK_EVERY_MS
            if not told:
                logger.warning("fenced: HQ was asked to attest this box; why=%s", asked.why)
                told = True
        await shop.clock.until(shop.clock.boot_ms() + wait_ms)


async def keep_attested(shop: Shop, enrolment: Enrolment) -> None:
    """Be what HQ certified: this incarnation goes on."""

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


async def look_at_mark(shop: Shop, link: Link, peer: Peer) -> None:
    """Once a line: does HQ hold events of this incarnation that this ledger never wrote?"""
    while True:
        try:
            await compare_mark(shop, link, peer)
        except (LinkError, RemoteWireError):
            await shop.clock.until(shop.clock.boot_ms() + ASK_EVERY_MS)
            continue
        return


async def compare_mark(shop: Shop, link: Link, peer: Peer) -> None:
    """Fence this box when HQ holds more of it than there is here.

    Raises:
        LinkError: not answered; RemoteWireError: the answer cannot be trusted.
    """
    acked = await asking.heard_up_to(link, peer, secrets.token_bytes(asking.NONCE_BYTES))
    ends = await shop.writer.do(boxes.heads, shop.moment())
    if acked > ends.outbox_seq:
        await boxes.doubt(shop, "witness", f"HQ holds event {acked}, here are {ends.outbox_seq}")


async def hand_in_late(shop: Shop, link: Link, peer: Peer) -> None:
    """Tell HQ what incarnations before this one wrote and never told; ends when all is told."""
    wait_ms = ASK_EVERY_MS
    while True:
        try:
            if not await hand_in_some(shop, link, peer):
                return
        except (LinkError, RemoteWireError) as error:
            logger.warning("late events were not taken: %s", error)
            await shop.clock.until(shop.clock.boot_ms() + wait_ms)
            wait_ms = min(2 * wait_ms, SLOWEST_MS)
            continue
        wait_ms = ASK_EVERY_MS


async def hand_in_some(shop: Shop, link: Link, peer: Peer) -> bool:
    """One batch of what incarnations before this one never told; False when there is none.

    Raises:
        LinkError: not taken; RemoteWireError: the answer cannot be trusted.
    """
    left = await shop.writer.do(lambda tx: left_over(tx, _LATE_EVENTS), shop.moment())
    if left is None:
        return False
    author = Author(node=peer.node, incarnation=left.incarnation, signer=shop.identity.signer())
    given = sign_recovered(author, left.events)
    answer = await asking.hand_in(link, peer, given, secrets.token_bytes(asking.NONCE_BYTES))
    await _acknowledge(shop, left, answer)
    return True


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
