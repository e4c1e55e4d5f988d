"""Is this ledger still the box that it was: witnesses are heard, a doubt fences at once.

A fence is durable before anything else happens; the line to HQ then ends, and the box begins again
under a new incarnation that a named person at HQ has to attest (`edge.main.boxes`).
"""

import logging
from dataclasses import dataclass, replace

from edge.domain import witness as witnesses
from edge.domain.witness import Judgement, Witness
from edge.flow.shop import Shop
from edge.store import identity as identities
from edge.store.incarnation import Why, begin_again, fence_of, give_way, predecessors
from edge.store.row import blob, integer
from edge.store.tx import Tx
from sync.wire.enrol import node_name
from sync.wire.errors import RemoteWireError, Superseded
from sync.wire.messages import SignedTakeOver
from sync.wire.takeover import names, open_takeover

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """The ends of a ledger: events written, events HQ has, and the audit head."""

    outbox_seq: int
    outbox_acked: int
    audit_seq: int
    audit_hash: bytes


def heads(tx: Tx) -> Heads:
    """Where the ledger ends now."""
    row = tx.one("outbox_ends")
    assert row is not None
    return Heads(
        outbox_seq=integer(row[0]),
        outbox_acked=integer(row[1]),
        audit_seq=integer(row[2]),
        audit_hash=blob(row[3]),
    )


def judge(tx: Tx, text: str, key: bytes, incarnation: bytes) -> Judgement:
    """What a witness's line says of this ledger, read in one view of it."""
    said = witnesses.parse(text, key)
    there = None if said is None else tx.one("audit_at", said.seq)
    before = frozenset(each.incarnation for each in predecessors(tx))
    return witnesses.judge(
        said,
        incarnation=incarnation,
        before=before,
        audit_seq=heads(tx).audit_seq,
        head_there=bytes(32) if said is not None and said.seq == 0 else _hash(there),
    )


def _hash(row: tuple[object, ...] | None) -> bytes | None:
    return None if row is None else blob(row[0])


class WitnessStand:
    """Gives out this box's witnesses and hears those that come back."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._key = witnesses.witness_key(shop.identity.private_key)
        self._node = node_name(shop.identity.signer().public)
        self._heard: dict[str, None] = {}
        self.text = ""

    async def renew(self) -> str:
        """The line that says where the durable ledger ends now."""
        shop = self._shop
        ends = await shop.writer.do(heads, shop.moment())
        said = Witness(
            node=self._node,
            incarnation=shop.identity.incarnation,
            seq=ends.audit_seq,
            head=ends.audit_hash,
        )
        self.text = witnesses.text_of(said, self._key)
        self._remember(self.text)
        return self.text

    async def hear(self, text: str, *, source: str) -> Judgement:
        """Judge a line that somebody kept; the box is fenced before this returns, if it must be.

        One that was heard or given out by this process costs a look into a dict.
        """
        if text in self._heard:
            return "known"
        shop = self._shop
        incarnation = shop.identity.incarnation
        judgement: Judgement = "foreign"
        if len(text) <= witnesses.MAX_CHARS + 40:
            judgement = await shop.writer.do(
                lambda tx: judge(tx, text, self._key, incarnation), shop.moment()
            )
        if judgement == "foreign":
            shop.count("witness_foreign")
            logger.warning("a witness that is not ours was ignored source=%s", source)
            return judgement
        self._remember(text)
        if judgement != "known":
            await doubt(shop, "witness", f"{source}: {judgement}")
        return judgement

    async def hear_station(self, text: str, station: str) -> Judgement:
        """A line that a counter's screen kept; a training counter's is of the real box too."""
        return await self.hear(text, source=station)

    def _remember(self, text: str) -> None:
        self._heard[text] = None
        while len(self._heard) > 64:
            del self._heard[next(iter(self._heard))]


async def doubt(shop: Shop, why: Why, detail: str) -> bool:
    """Fence the box for a reason, durably; False when it is fenced already."""

    def act(tx: Tx) -> bool:
        if tx.fenced:
            return False
        tx.run("identity_fence")
        tx.run("fence_because", why, tx.moment.trusted_ms, detail)
        tx.note("fenced", reason=why, detail=detail)
        return True

    fenced = await shop.writer.do(act, shop.moment())
    if fenced:
        logger.error("this box is fenced why=%s detail=%s", why, detail)
        await read_again(shop)
    shop.doubted.set()
    return fenced


async def start_over(shop: Shop) -> None:
    """Take a new incarnation if a doubt asks for one; nothing under the old one is sent after."""

    def act(tx: Tx) -> bool:
        fence = fence_of(tx)
        if fence is None or fence.why == "superseded" or not shop.identity.is_certified:
            return False
        begin_again(tx, fence.why, detail=fence.detail)
        return True

    if await shop.writer.do(act, shop.moment()):
        await read_again(shop)


async def set_aside(shop: Shop) -> None:
    """A superseded box's events wait apart, to be handed in under its old name."""

    def act(tx: Tx) -> None:
        tx.run("outbox_set_aside")
        tx.run("outbox_empty")

    await shop.writer.do(act, shop.moment())


async def hear_takeover(shop: Shop, paper: SignedTakeOver) -> bool:
    """HQ signed that a box gives way; this one, if it is named, is fenced for good.

    False for a paper of another box, or one that HQ did not sign.
    """
    known = shop.identity.enrolled
    if known is None:
        return False
    try:
        takeover = open_takeover(paper, known.hub_public)
    except RemoteWireError:
        shop.count("takeover_foreign")
        return False
    mine = known.certificate
    if not names(takeover, mine.node, mine.incarnation):
        return False
    if takeover.successor_incarnation == shop.identity.incarnation:
        return False  # it is this box itself that goes on

    def act(tx: Tx) -> bool:
        fence = fence_of(tx)
        if fence is not None and fence.why == "superseded":
            return False
        give_way(tx, paper, to=takeover.successor_node)
        return True

    if await shop.writer.do(act, shop.moment()):
        logger.error("another box took this one's place successor=%s", takeover.successor_node)
    await read_again(shop)
    shop.doubted.set()
    return True


def paper_of(error: Superseded) -> SignedTakeOver:
    """The evidence in a refusal."""
    return SignedTakeOver(takeover=error.takeover, signature=error.signature)


async def read_again(shop: Shop) -> None:
    """What memory holds of the box's identity is what the ledger says."""
    known = await shop.writer.do(identities.current, shop.moment())
    shop.identity = replace(known, machine=shop.identity.machine)
