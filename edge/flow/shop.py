"""The wired shop: what every act is given. Made once by `edge.main`; its state is rebuildable."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge.domain.parse import CourierSerial, PickupV2
from edge.domain.recall import Recalls
from edge.flow.answers import DeviceView, ScanAnswer
from edge.flow.ports import AskHq, Clock, Draw, Screens, Wake
from edge.flow.settings import Settings
from edge.flow.timekeeper import Timekeeper
from edge.store.errors import UnitFailed
from edge.store.identity import Identity
from edge.store.tx import Moment
from edge.store.writer import Writer
from sync.wire.budgets import Budget
from sync.wire.token import OrderLines

RECENT_ANSWERS = 5
FIRST_PRACTICE_NUMBER = 900_000_000
"""Training counts hand-overs, answers, slips and cases from here, so that none of its numbers, on a
page that was not redrawn, can ever name a real one."""
_MAX_SEEN = 256
_MAX_ELSEWHERE = 16


@dataclass(slots=True)
class Slowness:
    """Wrong typed entries in a row, and until when (boot time) the next one waits."""

    wrong: int = 0
    until_boot_ms: int = 0
    last_boot_ms: int = 0


@dataclass(slots=True)
class StationMemory:
    """What a station remembers between scans; losing it costs one more scan, never the books.

    waiting_serial: a courier serial that was scanned and lacks its PIN, and when (boot time).
    active_boot_ms: when somebody last did something here. training: as the ledger has it.
    bags: of the order `bags_of`, whose labels were scanned here since it was claimed.
    out_of_reach: codes whose home HQ could not reach when it was asked. offered: the code that may
    be handed over provisionally, with its lines.
    """

    seen: OrderedDict[bytes, tuple[int, ScanAnswer]] = field(
        default_factory=OrderedDict[bytes, tuple[int, ScanAnswer]]
    )
    waiting_token: PickupV2 | None = None
    waiting_lines: OrderLines | None = None
    waiting_serial: tuple[CourierSerial, int] | None = None
    recent: "deque[ScanAnswer]" = field(default_factory=lambda: deque(maxlen=RECENT_ANSWERS))
    typing: Slowness = field(default_factory=Slowness)
    active_boot_ms: int | None = None
    training: bool = False
    bags_of: bytes | None = None
    bags: set[int] = field(default_factory=set[int])
    elsewhere: OrderedDict[str, bytes] = field(default_factory=OrderedDict[str, bytes])
    out_of_reach: set[bytes] = field(default_factory=set[bytes])
    offered: tuple[PickupV2, OrderLines | None] | None = None

    def keep_elsewhere(self, answer: str, code_id: bytes) -> None:
        """Keep a code that may be another store's, to be asked for by its answer's id."""
        self.elsewhere[answer] = code_id
        self.elsewhere.move_to_end(answer)
        while len(self.elsewhere) > _MAX_ELSEWHERE:
            self.elsewhere.popitem(last=False)

    def remember(self, digest: bytes, boot_ms: int, answer: ScanAnswer) -> None:
        """Keep an answer for the debounce window."""
        self.seen[digest] = (boot_ms, answer)
        self.seen.move_to_end(digest)
        while len(self.seen) > _MAX_SEEN:
            self.seen.popitem(last=False)


@dataclass(slots=True)
class LinkState:
    """What is known about the line to HQ."""

    state: str = "offline"
    since_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Where a day's training happens: a shop of its own on a ledger of its own. day: YYYYMMDD."""

    day: str
    shop: "Shop"
    close: Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Shop:
    """Everything an act may use.

    training: this is the shop of a training room. room: today's, while a station trains.
    practice_folder: where training ledgers lie; None offers no training. practice_codes: look-ups
    of the practice sheet's codes, so that the real shop can name them.
    stock_managed: articles that this box keeps levels of; stock_stale: those whose tier is to be
    looked at again. recalls: what must not leave, by the catalog as last applied; None: nothing.
    budgets: what HQ granted to be risked, signatures verified.
    issuer_keys: public keys by id, of the catalog as last applied. personal_key: for names, in
    memory only. run: names this process, so that an undo window ends with it. mac_key: for what
    must be recognised later and never read (requests, codes just seen). doubted: set when the box
    was fenced or superseded while it runs, so that its line to HQ ends. lease_ms: how long after
    HQ was last heard orders may be given, 0 for as long as they are ours. ask_hq: one question over
    the line, while there is one.
    """

    writer: Writer
    clock: Clock
    time: Timekeeper
    settings: Settings
    identity: Identity
    screens: Screens
    wake_sync: Wake
    wake_effects: Wake
    draw: Draw
    run: str
    simulated: bool = False
    training: bool = False
    room: Room | None = None
    room_door: asyncio.Lock = field(default_factory=asyncio.Lock)
    practice_folder: Path | None = None
    practice_codes: frozenset[bytes] = frozenset()
    issuer_keys: dict[int, bytes] = field(default_factory=dict[int, bytes])
    has_replica: bool = False
    personal_key: bytes | None = None
    memory: dict[str, StationMemory] = field(default_factory=dict[str, StationMemory])
    devices: dict[str, DeviceView] = field(default_factory=dict[str, DeviceView])
    link: LinkState = field(default_factory=LinkState)
    mac_key: bytes = b""
    stock_managed: set[str] = field(default_factory=set[str])
    stock_stale: set[str] = field(default_factory=set[str])
    lease_ms: int = 0
    ask_hq: AskHq | None = None
    recalls: Recalls | None = None
    budgets: tuple[Budget, ...] = ()
    counts: dict[str, int] = field(default_factory=dict[str, int])
    doubted: asyncio.Event = field(default_factory=asyncio.Event)

    def moment(self) -> Moment:
        """Now."""
        return self.time.moment()

    def station(self, name: str) -> StationMemory:
        """A station's memory, made on first use."""
        memory = self.memory.get(name)
        if memory is None:
            memory = self.memory[name] = StationMemory()
        return memory

    def at(self, station: str, *, acts: bool = False) -> "Shop":
        """The shop that a station works in: this one, or its training room.

        acts: somebody does something there, which keeps the counter from locking.

        Raises:
            UnitFailed: the station trains and its room is not open; the real shop is never lent.
        """
        if acts:
            self.station(station).active_boot_ms = self.clock.boot_ms()
        memory = self.memory.get(station)
        if memory is None or not memory.training:
            return self
        if self.room is None:
            raise UnitFailed("the training ledger is not open; nothing was done")
        return self.room.shop

    def holding(self, number: int) -> "Shop":
        """The shop whose ledger counted `number`; without a room it is this one."""
        if self.room is not None and number >= FIRST_PRACTICE_NUMBER:
            return self.room.shop
        return self

    def fence(self) -> None:
        """What is durable already: nothing is given any more without a person."""
        self.identity = replace(self.identity, fenced=True)

    def count(self, name: str) -> None:
        """Add one to a metric."""
        self.counts[name] = self.counts.get(name, 0) + 1
