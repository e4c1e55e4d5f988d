"""The wired shop: what every act is given. Made once by `edge.main`; its state is rebuildable."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from edge.domain.parse import PickupV2
from edge.flow.answers import DeviceView, ScanAnswer
from edge.flow.ports import Clock, Draw, Screens, Wake
from edge.flow.settings import Settings
from edge.flow.timekeeper import Timekeeper
from edge.store.identity import Identity
from edge.store.tx import Moment
from edge.store.writer import Writer
from sync.wire.token import OrderLines

RECENT_ANSWERS = 5
_MAX_SEEN = 256


@dataclass(slots=True)
class StationMemory:
    """What a station remembers between scans; losing it costs one more scan, never the books."""

    seen: "OrderedDict[bytes, tuple[int, ScanAnswer]]" = field(default_factory=OrderedDict)
    waiting_token: PickupV2 | None = None
    waiting_lines: OrderLines | None = None
    recent: "deque[ScanAnswer]" = field(default_factory=lambda: deque(maxlen=RECENT_ANSWERS))
    training: bool = False

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


@dataclass(slots=True)
class Shop:
    """Everything an act may use.

    issuer_keys: public keys by id, of the catalog as last applied. personal_key: for names, in
    memory only. run: names this process, so that an undo window ends with it. mac_key: for what
    must be recognised later and never read (requests, codes just seen).
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
    issuer_keys: dict[int, bytes] = field(default_factory=dict)
    not_understood: bool = False
    has_replica: bool = False
    personal_key: bytes | None = None
    memory: dict[str, StationMemory] = field(default_factory=dict)
    devices: dict[str, DeviceView] = field(default_factory=dict)
    link: LinkState = field(default_factory=LinkState)
    mac_key: bytes = b""
    counts: dict[str, int] = field(default_factory=dict)

    def moment(self) -> Moment:
        """Now."""
        return self.time.moment()

    def station(self, name: str) -> StationMemory:
        """A station's memory, made on first use."""
        return self.memory.setdefault(name, StationMemory())

    def count(self, name: str) -> None:
        """Add one to a metric."""
        self.counts[name] = self.counts.get(name, 0) + 1
