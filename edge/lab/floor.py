"""The demo's shop floor: headquarters, virtual devices and a node, and how to ask them.

Each is a process, started through the product's own commands and asked through its own addresses.
Files lie in one folder: `node.toml`, `node/` (the node's data), `hub/`, `tls/`, `sim.json`,
`paper/`, `clock-offset-ms`, `logs/`, `access.json`.
"""

import asyncio
import contextlib
import json
import secrets
import signal
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from config.demo import demo_toml
from drivers.sim.clock import advance, parse_duration_ms
from drivers.sim.control import ask
from edge.lab.certificates import HubTls, make_hub_tls
from edge.lab.children import Child, Nursery, command
from edge.lab.counter import Counter
from edge.lab.headquarters import Headquarters, Order
from edge.lab.papers import Desk
from edge.lab.people import ARTICLES, MARKER, PEOPLE
from sync.wire.codec import from_json

STATIONS = ("counter-1", "counter-2")
DEVICES = ("gun=serial", "wedge=hid", "front=escpos", "spare=escpos58")
PRINTERS = ("front", "spare")
STORE = 1
HOST = "127.0.0.1"
_LOOK_S = 0.05
_START_WITHIN_S = 20.0
_LONGEST_DIR = 70


class CannotStart(Exception):
    """Something outside is in the way: a taken port, a folder that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a demo is asked to be. database: the hub's, None for SQLite in the folder."""

    directory: Path
    port: int = 8080
    hub_port: int = 8090
    database: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What headquarters must hold of an order in the end: units out, and how often it was told."""

    order_no: str
    units: int
    handed: int
    undone: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Initialised:
    admin_token: str


class Floor:
    """The running shop. `expected` is all that the tour handed over; `kept` is for later steps."""

    def __init__(self, plan: Plan, nursery: Nursery) -> None:
        self.plan = plan
        self.nursery = nursery
        self.tokens = {station: secrets.token_urlsafe(24) for station in STATIONS}
        self.expected: dict[str, Expected] = {}
        self.kept: dict[str, Order] = {}
        self.cases: dict[str, int] = {}
        self._marks = 0
        self._node: Child | None = None
        self._hub: Child | None = None
        self._sim: Child | None = None
        self._tls: HubTls | None = None
        self.admin_token = ""
        self.counters = {
            station: Counter(self.node_url, station=station, token=self.tokens[station])
            for station in STATIONS
        }
        self.headquarters: Headquarters | None = None
        self.desk = Desk(plan.directory, PRINTERS)

    # -- addresses ------------------------------------------------------------------------------

    @property
    def node_url(self) -> str:
        """Where the node's staff listener answers."""
        return f"http://{HOST}:{self.plan.port}"

    @property
    def hub_url(self) -> str:
        """Where headquarters answers, TLS only."""
        return f"https://{HOST}:{self.plan.hub_port}"

    @property
    def config(self) -> Path:
        """The node's configuration."""
        return self.plan.directory / "node.toml"

    @property
    def clock_file(self) -> Path:
        """Milliseconds added to every clock."""
        return self.plan.directory / "clock-offset-ms"

    @property
    def database(self) -> str:
        """The hub's database."""
        return self.plan.database or f"sqlite:///{self.plan.directory}/hub/hub.db"

    @property
    def hq(self) -> Headquarters:
        """Headquarters, as somebody there uses it."""
        assert self.headquarters is not None
        return self.headquarters

    @property
    def hub_pid(self) -> int:
        """The hub's process."""
        assert self._hub is not None
        return self._hub.process.pid

    def counter(self, number: int) -> Counter:
        """Station 1 or 2."""
        return self.counters[STATIONS[number - 1]]

    # -- processes ------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Make the folder's files.

        Raises:
            CannotStart: a port is taken, or the folder's path is too long for a socket.
        """
        directory = self.plan.directory
        if len(str(directory)) > _LONGEST_DIR:
            raise CannotStart(f"{directory}: at most {_LONGEST_DIR} characters, for its sockets")
        for port in (self.plan.port, self.plan.hub_port):
            if _taken(port):
                raise CannotStart(f"port {port} is taken; choose another or end what has it")
        for folder in (directory, directory / "hub", directory / "node"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._tls = make_hub_tls(directory / "tls")
        self.config.write_text(
            demo_toml(
                folder=directory,
                port=self.plan.port,
                hub_url=self.hub_url,
                hub_ca=self._tls.ca,
            ),
            encoding="utf-8",
        )

    async def furnish(self) -> None:
        """Tell headquarters of the store, its people and its goods."""
        await self.hq.add_store(STORE, "S1", "演示门店", "Demo store")
        for each in (*ARTICLES, MARKER):
            await self.hq.add_product(each.sku, each.gtin, each.name_zh, each.name_en, each.storage)
        for person in PEOPLE:
            await self.hq.add_person(
                STORE, person.staff_id, person.name, person.role, person.pin, person.badge
            )

    async def start_sim(self) -> None:
        """Switch the virtual devices on."""
        directory = self.plan.directory
        devices = [word for device in DEVICES for word in ("--device", device)]
        child = await self.nursery.start(
            "sim",
            (
                *command("storeedge"),
                *("sim", "serve", "--dir", str(directory), "--clock", str(self.clock_file)),
                *devices,
            ),
        )
        self._sim = child

        async def served() -> bool:
            with contextlib.suppress(OSError, ValueError):
                table = json.loads((directory / "sim.json").read_text(encoding="utf-8"))
                return bool(table["pid"] == child.process.pid)
            return False

        await self.until(served, "the virtual devices answer")

    async def start_hub(self) -> None:
        """Open headquarters, and wait until it is this very process that answers."""
        assert self._tls is not None
        asking = self.headquarters or Headquarters(self.hub_url, ca=self._tls.ca)
        self._hub = await self.nursery.start(
            "hub",
            (
                *command("storeedge-hub"),
                *("serve", "--database", self.database),
                *("--listen", f"{HOST}:{self.plan.hub_port}"),
                *("--tls-cert", str(self._tls.cert), "--tls-key", str(self._tls.key)),
                *("--time", f"offset:{self.clock_file}", "--demo"),
            ),
        )
        run = self._hub.run
        await self.until(lambda: asking.answers_as(run), "headquarters answers")
        if self.headquarters is None:
            # An empty database was made a demo chain; its first token is the first line printed.
            await asking.close()
            first = self._hub.log.read_bytes().splitlines()[0]
            self.admin_token = from_json(_Initialised, first).admin_token
            self.headquarters = Headquarters(self.hub_url, ca=self._tls.ca, token=self.admin_token)

    async def stop_hub(self) -> None:
        """Take headquarters' power away: SIGKILL. The line is dead from here on."""
        assert self._hub is not None
        await self._hub.end(signal.SIGKILL)

    async def start_node(self) -> None:
        """Start the node, and wait until it is this very process that answers."""
        self._node = await self.nursery.start(
            "node",
            (*command("storeedge"), "run", "--config", str(self.config)),
            environment=self._secrets(),
        )
        run = self._node.run

        async def answers() -> bool:
            health = await self.counter(1).health()
            return health is not None and health.run == run

        await self.until(answers, "the node answers")

    async def stop_node(self) -> None:
        """Shut the node down as systemd would."""
        assert self._node is not None
        await self._node.end()

    async def kill_node(self) -> None:
        """Take the node's power away: SIGKILL."""
        assert self._node is not None
        await self._node.end(signal.SIGKILL)

    async def admin(self, *words: str) -> str:
        """Run `storeedge-hub admin` straight on the database; its stdout."""
        time_address = f"offset:{self.clock_file}"
        return await self.call(
            "storeedge-hub", "admin", "--database", self.database, "--time", time_address, *words
        )

    async def call(self, name: str, *words: str, timeout_s: float = 20) -> str:
        """Run `storeedge` or `storeedge-hub` with these words; its stdout."""
        return await self.nursery.call(
            name, (*command(name), *words), environment=self._secrets(), timeout_s=timeout_s
        )

    def _secrets(self) -> dict[str, str]:
        return {
            f"STOREEDGE_SECRET_{station.upper().replace('-', '_')}": token
            for station, token in self.tokens.items()
        }

    async def close(self) -> None:
        """Give connections back and end every child."""
        for counter in self.counters.values():
            await counter.close()
        if self.headquarters is not None:
            await self.headquarters.close()
        await self.nursery.end_all()

    # -- what a person does ---------------------------------------------------------------------

    async def do(self, device: str, action: str, **args: str | int) -> None:
        """Do something to a virtual device."""
        await ask(self.plan.directory, device, action, **args)

    async def order(
        self, lines: tuple[tuple[str, int], ...] = (("BREAD", 1),), **more: object
    ) -> Order:
        """An order of these (SKU, quantity), and the node has heard of it."""
        made = await self.hq.create_order(self.order_body(lines, **more))
        await self.heard()
        return made

    def order_body(self, lines: tuple[tuple[str, int], ...], **more: object) -> dict[str, object]:
        """An order as headquarters' API takes it."""
        return {
            "store": STORE,
            "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
            "customer": {"name": "张三丰", "phone": "13800138000"},
            "hours": 24 * 30,
            "place": "A1",
            **more,
        }

    async def heard(self) -> None:
        """Wait until the node knows all that headquarters knows by now.

        A last order, of an article that is ordered for nothing else, is counted in the node's
        stock. Nothing is scanned for it, so that no screen shows what no person did.
        """
        body = {"store": STORE, "lines": [{"sku": MARKER.sku, "quantity": 1}], "hours": 24 * 30}
        last = await self.hq.create_order(body)
        self._marks += 1

        async def known() -> bool:
            held = await self.counter(2).stock(MARKER.sku)
            return held is not None and held.orders >= self._marks

        await self.until(known, "the node has heard of a new order", within_s=10)
        self.expect(last, units=0, handed=0)

    def expect(self, order: Order, *, units: int, handed: int = 1, undone: int = 0) -> None:
        """Note what headquarters must hold of this order when all is synced."""
        self.expected[order.order_no] = Expected(
            order_no=order.order_no, units=units, handed=handed, undone=undone
        )

    def advance(self, duration: str) -> None:
        """Move everybody's clock ahead."""
        advance(self.clock_file, parse_duration_ms(duration))

    async def until(
        self, holds: Callable[[], Awaitable[bool]], what: str, *, within_s: float = _START_WITHIN_S
    ) -> None:
        """Look until it holds.

        Raises:
            TimeoutError: it did not; ChildDied: a child ended meanwhile.
        """
        deadline_s = time.monotonic() + within_s
        while not await holds():
            if self.nursery.died.done():
                self.nursery.died.result()
            if time.monotonic() >= deadline_s:
                raise TimeoutError(f"not within {within_s:.0f} s: {what}")
            await asyncio.sleep(_LOOK_S)

    def write_access(self, *, fingerprint: str | None = None) -> Path:
        """Write `access.json`: addresses, tokens, fingerprints; readable by its owner alone."""
        assert self._tls is not None
        path = self.plan.directory / "access.json"
        access = {
            "node": {
                "url": self.node_url,
                "fingerprint": fingerprint,
                "config": str(self.config),
                "stations": {
                    station: {
                        "token": token,
                        "page": f"{self.node_url}/counter?token={token}",
                    }
                    for station, token in self.tokens.items()
                },
            },
            "hub": {
                "url": self.hub_url,
                "ca": str(self._tls.ca),
                "admin_token": self.admin_token,
                "database": self.database,
            },
            "sim": {"dir": str(self.plan.directory), "clock": str(self.clock_file)},
        }
        fresh = path.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(access, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        fresh.rename(path)
        return path


@contextlib.asynccontextmanager
async def opened(plan: Plan) -> AsyncGenerator[Floor]:
    """A floor whose children are gone when the block ends, however it ends."""
    nursery = Nursery(plan.directory / "logs")
    floor = Floor(plan, nursery)
    try:
        yield floor
    finally:
        await floor.close()


def _taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False
