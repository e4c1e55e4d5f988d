"""One store of the demo: its box, and its own line to headquarters.

The first store's files are the demo folder's own (`node.toml`, `node/`); those of store N lie in
`store-N/`. Only the first has virtual devices; the others are driven over HTTP.
"""

import asyncio
import contextlib
import secrets
import signal
from dataclasses import dataclass
from pathlib import Path

from edge.flow.answers import StatusView
from edge.lab.children import Child, command
from edge.lab.counter import Counter
from edge.lab.ground import Ground
from edge.lab.hq_views import NodeAtHq
from edge.lab.line import HOST, Line, reserve_port
from edge.lab.people import MARKER, PEOPLE
from sync.wire.codec import from_json

STATIONS = ("counter-1", "counter-2")
_GLANCE_S = 0.6
_GLANCES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """What `storeedge enroll --json` prints at the end."""

    node: str
    fingerprint: str
    store: int
    demo: bool


class Branch:
    """A store's box. `line` is its way to headquarters; `fingerprint` is None until enrolled."""

    def __init__(
        self, ground: Ground, number: int, *, folder: Path, port: int | None = None
    ) -> None:
        """port: of its staff listener; None for one that nobody else on this machine gets."""
        self._holder = reserve_port() if port is None else None
        self.port = port or int(self._holder.getsockname()[1] if self._holder else 0)
        self.number = number
        self.folder = folder
        self.line = Line(to_port=ground.hub_port)
        self.tokens = {station: secrets.token_urlsafe(24) for station in STATIONS}
        self.counters = {
            station: Counter(self.node_url, station=station, token=token)
            for station, token in self.tokens.items()
        }
        self.fingerprint: str | None = None
        self._ground = ground
        self._process: Child | None = None
        self._marks = 0

    # -- addresses ------------------------------------------------------------------------------

    @property
    def node_url(self) -> str:
        """Where the node's staff listener answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def hub_url(self) -> str:
        """Where this store's line to headquarters begins."""
        return f"https://{HOST}:{self.line.port}"

    @property
    def config(self) -> Path:
        """The node's configuration."""
        return self.folder / "node.toml"

    @property
    def running(self) -> bool:
        """Whether its process was started and lives."""
        return self._process is not None and self._process.alive

    @property
    def pid(self) -> int:
        """The node's process."""
        assert self._process is not None
        return self._process.process.pid

    def counter(self, number: int = 1) -> Counter:
        """Station 1 or 2."""
        return self.counters[STATIONS[number - 1]]

    # -- its life -------------------------------------------------------------------------------

    async def prepare(self, config: str) -> None:
        """Make its folder and open its line."""
        for folder in (self.folder, self.folder / "node"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.config.write_text(config, encoding="utf-8")
        await self.line.mend()

    async def furnish(self) -> None:
        """Tell headquarters of the store and its people."""
        hq, suffix = self._ground.hq, "" if self.number == 1 else f" {self.number}"
        await hq.add_store(
            self.number, f"S{self.number}", f"演示门店{suffix}", f"Demo store{suffix}"
        )
        for person in PEOPLE:
            await hq.add_person(
                self.number, person.staff_id, person.name, person.role, person.pin, person.badge
            )

    async def enrol(self, *, replace: bool = False, config: Path | None = None) -> Enrolled:
        """Enrol a box for this store; headquarters confirms the fingerprint that the box shows.

        config: of another box than this branch's own. replace: the store's old box gives way.
        """
        hq = self._ground.hq
        pairing = await hq.pairing(self.number)
        box = asyncio.create_task(
            self.call(
                *("enroll", "--config", str(config or self.config)),
                *("--code", pairing.code, "--json"),
            ),
            name=f"enroll {self.number}",
        )
        waiting: list[NodeAtHq] = []

        async def knocks() -> bool:
            if box.done():
                box.result()
            waiting.extend(
                node
                for node in await hq.fleet()
                if node.state == "pending" and node.store == self.number
            )
            return bool(waiting)

        try:
            await self._ground.until(knocks, "the box asks headquarters to be enrolled")
            await hq.confirm(waiting[0].fingerprint, replace=replace)
            self._ground.advance("3s")  # the box asks again every two seconds
            told = from_json(Enrolled, (await box).strip().splitlines()[-1].encode())
        finally:
            box.cancel()
        if told.fingerprint != waiting[0].fingerprint:
            raise AssertionError(
                f"the box shows {told.fingerprint}, headquarters {waiting[0].fingerprint}"
            )
        if config is None:
            self.fingerprint = told.fingerprint
        return told

    async def start(self) -> None:
        """Start the node, and wait until it is this very process that answers."""
        name = "node" if self.number == 1 else f"node-{self.number}"
        process = await self._ground.nursery.start(
            name,
            (*command("storeedge"), "run", "--config", str(self.config)),
            environment=self.secrets(),
        )
        self._process = process

        async def answers() -> bool:
            health = await self.counter(1).health()
            return health is not None and health.run == process.run

        await self._ground.until(answers, f"the node of store {self.number} answers")

    async def ready(self) -> None:
        """Wait until it can redeem and is online."""

        async def online() -> bool:
            counter = self.counter(1)
            return await counter.ready() and (await counter.status()).link == "online"

        await self._ground.until(online, f"the node of store {self.number} is ready and online")

    async def stop(self) -> None:
        """Shut the node down as systemd would."""
        assert self._process is not None
        await self._process.end()

    async def kill(self) -> None:
        """Take the node's power away: SIGKILL."""
        assert self._process is not None
        await self._process.end(signal.SIGKILL)

    async def close(self) -> None:
        """Give its connections back."""
        for counter in self.counters.values():
            await counter.close()
        await self.line.close()
        if self._holder is not None:
            self._holder.close()

    async def call(self, *words: str, timeout_s: float = 20) -> str:
        """Run `storeedge` with this store's secrets; its stdout."""
        return await self._ground.nursery.call(
            "storeedge",
            (*command("storeedge"), *words),
            environment=self.secrets(),
            timeout_s=timeout_s,
        )

    def secrets(self) -> dict[str, str]:
        """The environment that its process gets."""
        return {
            f"STOREEDGE_SECRET_{station.upper().replace('-', '_')}": token
            for station, token in self.tokens.items()
        }

    # -- its line -------------------------------------------------------------------------------

    async def cut(self) -> None:
        """Cut its line, and wait until the node says `offline`."""
        await self.line.cut()
        if self.running:
            await self._ground.until(
                lambda: self._link_is("offline"), f"store {self.number} is offline"
            )

    async def mend(self) -> None:
        """Mend its line, and wait until the node says `online`.

        The node waits longer after each failure, a minute at most. Everybody's clock is moved
        ahead in small steps until it has come back; call `line.mend()` where that may not be.

        Raises:
            TimeoutError: it did not come back.
        """
        await self.line.mend()
        if not self.running:
            return
        for _ in range(_GLANCES):
            with contextlib.suppress(TimeoutError):
                await self._ground.until(
                    lambda: self._link_is("online"), "online", within_s=_GLANCE_S
                )
                return
            self._ground.advance("15s")
        raise TimeoutError(f"store {self.number} did not come back to its line")

    async def _link_is(self, wanted: str) -> bool:
        return (await self.status()).link == wanted

    # -- what it knows --------------------------------------------------------------------------

    async def status(self) -> StatusView:
        """The status bar."""
        return await self.counter(1).status()

    async def heard(self) -> None:
        """Wait until the node knows all that headquarters knows by now.

        A last order, of an article that is ordered for nothing else, is counted in the node's
        stock. Nothing is scanned for it, so that no screen shows what no person did.
        """
        body: dict[str, object] = {
            "store": self.number,
            "lines": [{"sku": MARKER.sku, "quantity": 1}],
            "hours": 24 * 30,
        }
        last = await self._ground.hq.create_order(body)
        self._marks += 1

        async def known() -> bool:
            held = await self.counter(2).stock(MARKER.sku)
            return held is not None and held.orders >= self._marks

        await self._ground.until(known, "the node has heard of a new order", within_s=10)
        self._ground.expect(last, units=0, handed=0)

    async def all_sent(self, *, within_s: float = 20) -> None:
        """Wait until nothing is left unsent."""

        async def nothing_left() -> bool:
            status = await self.status()
            return status.link == "online" and status.unsynced == 0

        await self._ground.until(
            nothing_left, f"store {self.number} has told headquarters everything", within_s=within_s
        )
