"""A store's box in the test's own process: all product code but the sockets.

Its boot clock follows the time that the test moves, its wall clock says whatever it likes. All is
asynchronous on one loop; nothing happens by itself.
"""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import made_shop
from hand_clock import HandClock
from running_hub import NOON_MS, Headquarters

from edge.flow import stock_keeping
from edge.flow.asks import answer_asks, lapse
from edge.flow.boxes import WitnessStand, doubt, hear_takeover, paper_of, set_aside, start_over
from edge.flow.grants import accept_grants
from edge.flow.recalls import answer_recalls
from edge.flow.receive import CatalogReplica, refresh
from edge.flow.settings import Settings
from edge.flow.shop import Shop
from edge.flow.timekeeper import Timekeeper, load
from edge.main.boxes import compare_mark, hand_in_some, keep_attested, to_return
from edge.main.opening import Opened, machine_name
from edge.main.opening import open_store as open_data
from edge.store import identity as identities
from edge.store.errors import StoreError
from edge.store.outbox import LedgerOutbox
from edge.store.tx import Moment, Tx
from edge.store.writer import Writer
from sync.engine.actions import Send
from sync.engine.peer import Peer
from sync.engine.pull import PullEngine
from sync.engine.push import PushEngine
from sync.engine.state import Presence
from sync.hub import enrolment
from sync.link import boxes as asking
from sync.link.answers import PROBLEM, require_ok
from sync.link.memory import MemoryLink, Weather
from sync.link.rounds import Puller, Pusher
from sync.wire import codec, enrol, pairing
from sync.wire.errors import HubAhead, LinkError, RemoteWireError, Superseded
from sync.wire.messages import Certificate, EnrolAnswer


def _nothing() -> None:
    return


def _no_drawing(_: object) -> bytes:
    return b""


class _Line(MemoryLink):
    """The line, which remembers that HQ refused it for good."""

    refused: Superseded | None = None

    async def ask(self, send: Send) -> bytes:
        try:
            return await super().ask(send)
        except Superseded as error:
            self.refused = error
            raise


@dataclass(slots=True, kw_only=True)
class Talk:
    """The two rounds over a line, under one certificate."""

    peer: Peer
    link: _Line
    presence: Presence
    pusher: Pusher
    puller: Puller
    compared: bool = False


@dataclass(slots=True, kw_only=True)
class Node:
    """A running node."""

    opened: Opened
    shop: Shop
    replica: CatalogReplica
    outbox: LedgerOutbox
    stand: WitnessStand
    talk: Talk
    fatal: list[StoreError]

    @property
    def pusher(self) -> Pusher:
        return self.talk.pusher

    @property
    def puller(self) -> Puller:
        return self.talk.puller


class StoreBox:
    """The box of one store: enrolled once, then opened and stopped as often as the test likes.

    passes: lets time pass for everybody, when a back-off is waited for.
    """

    def __init__(
        self,
        headquarters: Headquarters,
        *,
        number: int,
        data: Path,
        dice: random.Random,
        passes: Callable[[int], None],
        settings: Settings | None = None,
    ) -> None:
        self.headquarters = headquarters
        self.number = number
        self.data = data
        self.clock = HandClock(wall_ms=NOON_MS, boot_ms=50_000)
        self.weather = Weather()
        self.settings = settings or Settings()
        self.runs = 0
        self._dice = dice
        self._passes = passes
        self._node: Node | None = None

    @property
    def node(self) -> Node:
        assert self._node is not None
        return self._node

    @property
    def running(self) -> bool:
        return self._node is not None

    @property
    def ledger(self) -> Path:
        return self.data / "ledger.db"

    def enrol(self, *, replace: bool = False) -> None:
        """Become the store's box; `replace`: a named person attests that the old one is gone."""
        opened = open_data(self.data, boot_ms=self.clock.boot_ms())
        hub = self.headquarters.hub
        signer = opened.identity.signer()
        code = enrolment.new_pairing(hub, self.number)["code"]
        assert isinstance(code, str)
        pair = pairing.parse(code)
        asked = enrol.request(signer, opened.identity.incarnation, pair)
        enrolment.enroll(hub, asked)
        by = "Li Ping" if replace else ""
        enrolment.confirm(hub, enrol.node_name(signer.public), replace=replace, by=by)
        answer = enrolment.enroll(hub, asked)
        certificate: Certificate = enrol.accept(answer, asked, pair)

        def keep(tx: Tx) -> None:
            identities.enrol(
                tx,
                answer.certificate,
                answer.k_store,
                certificate.hub_public,
                certificate.issued_ms,
            )

        made_shop.inline(
            opened.ledger, keep, Moment(trusted_ms=0, boot_ms=self.clock.boot_ms(), clock="unsure")
        )
        close_files(opened)

    async def open(self) -> None:
        """Start the node as the daemon does."""
        self.runs += 1
        clock = self.clock
        opened = open_data(self.data, boot_ms=clock.boot_ms())
        unsure = Moment(trusted_ms=0, boot_ms=clock.boot_ms(), clock="unsure")
        fatal: list[StoreError] = []
        writer = Writer(opened.ledger, on_fatal=fatal.append)
        known = await writer.do(lambda tx: load(tx, clock=clock), unsure)
        shop = Shop(
            writer=writer,
            clock=clock,
            time=Timekeeper(clock, known),
            settings=self.settings,
            identity=opened.identity,
            screens=made_shop.SilentScreens(),
            wake_sync=_nothing,
            wake_effects=_nothing,
            draw=_no_drawing,
            run=f"run-{self.runs}",
            mac_key=made_shop.MAC_KEY,
        )
        await refresh(shop)
        replica = CatalogReplica(shop, self.data, opened.catalog)
        outbox = LedgerOutbox(writer, shop.moment, on_fork=shop.fence)
        self._node = Node(
            opened=opened,
            shop=shop,
            replica=replica,
            outbox=outbox,
            stand=WitnessStand(shop),
            talk=self._lay_line(shop, replica, outbox),
            fatal=fatal,
        )

    def _lay_line(self, shop: Shop, replica: CatalogReplica, outbox: LedgerOutbox) -> Talk:
        enrolled = shop.identity.enrolled
        assert enrolled is not None
        clock = self.clock
        peer = Peer.of(enrolled.certificate)
        presence = Presence(now_boot_ms=clock.boot_ms())
        link = _Line(
            self.headquarters.desk,
            signer=shop.identity.signer(),
            peer=peer,
            clock=clock,
            weather=self.weather,
            random_=self._dice,
        )

        async def ask_hq(target: str, body: bytes) -> bytes:
            return await link.ask(Send(method="POST", target=target, body=body))

        shop.ask_hq = ask_hq
        talk = Talk(
            peer=peer,
            link=link,
            presence=presence,
            pusher=Pusher(
                PushEngine(peer, self._dice, presence),
                link=link,
                outbox=outbox,
                replica=replica,
                clock=clock,
                changed=_nothing,
            ),
            puller=Puller(
                PullEngine(peer, self._dice, presence),
                link=link,
                replica=replica,
                clock=clock,
                folder=self.data / "parts",
                changed=_nothing,
            ),
        )
        talk.puller.on_snapshot = talk.pusher.engine.ask_marks
        talk.puller.on_hub_mark = talk.pusher.engine.heard_mark
        return talk

    async def stop(self) -> None:
        """End the node's process; what it had not committed is gone."""
        node, self._node = self.node, None
        await node.shop.writer.close()
        node.replica.close()
        close_files(node.opened, catalog=False)

    def advance(self, by_ms: int) -> None:
        """Time passes for this box."""
        self.clock.advance(by_ms)

    async def push(self) -> None:
        """One round up, its back-off waited for."""
        if not await self._may_talk():
            return
        wait = await self.node.pusher.woken()
        self._wait(wait.until_boot_ms)
        await self._look_behind()

    async def pull(self) -> None:
        """One round down, its back-off waited for."""
        if not await self._may_talk():
            return
        wait = await self.node.puller.woken()
        self._wait(wait.until_boot_ms)
        await self._look_behind()

    async def _may_talk(self) -> bool:
        """What the daemon does before it has a line: a box in doubt begins again and asks."""
        node, shop = self.node, self.node.shop
        shop.doubted.clear()
        await start_over(shop)
        if shop.identity.fenced_why == "superseded":
            await set_aside(shop)
            await self._hand_in()
            return False
        if not shop.identity.is_certified:
            if not await self._come_back():
                return False
            node.talk = self._lay_line(shop, node.replica, node.outbox)
            node.stand = WitnessStand(shop)
        if not node.talk.compared:
            try:
                await compare_mark(shop, node.talk.link, node.talk.peer)
            except (LinkError, RemoteWireError):
                pass
            else:
                node.talk.compared = True
            await self._look_behind()
            await self._hand_in()
        return not shop.identity.fenced

    async def _hand_in(self) -> None:
        try:
            while await hand_in_some(self.node.shop, self.node.talk.link, self.node.talk.peer):
                pass
        except (LinkError, RemoteWireError):
            return

    async def _come_back(self) -> bool:
        if self.weather.cut:
            return False
        shop = self.node.shop
        known = shop.identity.enrolled
        assert known is not None
        asked = await to_return(shop)
        status, body = self.headquarters.desk.exchange(
            method="POST", target="/v1/nodes/return", headers={}, body=codec.to_json(asked)
        )
        try:
            require_ok(status, {"content-type": PROBLEM}, body)
        except Superseded as error:
            await hear_takeover(shop, paper_of(error))
            return False
        except LinkError:
            return False
        told = asking.attested(codec.from_json(EnrolAnswer, body), asked, known.hub_public)
        if told is None:
            return False
        await keep_attested(shop, told)
        return True

    async def _look_behind(self) -> None:
        """What HQ's answers said of this box itself."""
        talk, shop = self.node.talk, self.node.shop
        if talk.link.refused is not None:
            paper, talk.link.refused = paper_of(talk.link.refused), None
            await hear_takeover(shop, paper)
        if talk.presence.state.push_error == HubAhead.code:
            await doubt(shop, "witness", "HQ holds events that were not written here")

    def _wait(self, until_boot_ms: int) -> None:
        self._passes(max(0, until_boot_ms - self.clock.boot_ms()))

    async def house(self) -> None:
        """What the node does by itself every two seconds."""
        shop = self.node.shop

        def sweep(tx: Tx) -> None:
            tx.run("claims_over", tx.moment.trusted_ms)

        await shop.writer.do(sweep, shop.moment())
        await answer_recalls(shop)
        await answer_asks(shop)
        await accept_grants(shop)
        await lapse(shop)
        await stock_keeping.keep(shop)

    def machine(self) -> str:
        """This machine, as a ledger is bound to it."""
        return machine_name(self.data)

    def mend(self) -> None:
        """The line is good again."""
        for name in ("lose_question", "lose_answer", "repeat", "late"):
            setattr(self.weather, name, 0.0)
        self.weather.cut = False

    def unsent(self) -> int:
        """Events that the hub has not acknowledged."""
        with closing(sqlite3.connect(self.ledger)) as connection:
            row = connection.execute("SELECT outbox_seq - outbox_acked FROM counters").fetchone()
        count: int = row[0]
        return count


def close_files(opened: Opened, *, catalog: bool = True) -> None:
    """What a process that ended has let go."""
    if catalog:
        opened.catalog.close()
    opened.ledger.close()
    opened.folder.close()
