"""The demo's shop floor: headquarters, virtual devices and stores' boxes, and how to ask them.

Each is a process, started through the product's own commands and asked through its own addresses.
Files lie in one folder: `node.toml`, `node/` (the first store's data), `store-N/` (another's),
`hub/`, `tls/`, `sim.json`, `paper/`, `clock-offset-ms`, `logs/`, `access.json`.
"""

import asyncio
import contextlib
import json
import signal
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from config.demo import demo_branch_toml, demo_toml
from drivers.sim.control import ask
from edge.lab.branch import STATIONS, Branch
from edge.lab.certificates import HubTls, make_hub_tls
from edge.lab.children import Child, Nursery, command
from edge.lab.counter import Counter
from edge.lab.ground import START_WITHIN_S, Expected, Ground, order_body
from edge.lab.headquarters import Headquarters
from edge.lab.hq_views import Order
from edge.lab.line import HOST
from edge.lab.papers import Desk
from edge.lab.people import ARTICLES, MARKER
from sync.wire.codec import from_json

__all__ = ["STATIONS", "STORE", "CannotStart", "Expected", "Floor", "Plan", "opened"]

DEVICES = ("gun=serial", "wedge=hid", "front=escpos", "spare=escpos58")
PRINTERS = ("front", "spare")
STORE = 1
MOST_STORES = 5
CONSOLE_LOGIN = "demo"
_LONGEST_DIR = 70


class CannotStart(Exception):
    """Something outside is in the way: a taken port, a folder that cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a demo is asked to be. database: the hub's, None for SQLite in the folder.

    stores: how many are open from the beginning, 1 to 5.
    """

    directory: Path
    port: int = 8080
    hub_port: int = 8090
    database: str | None = None
    stores: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Initialised:
    admin_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Person:
    password: str


class Floor:
    """The running chain. `kept` and `cases` are for later steps; `first` is the demo's own store.

    `ground` is what all stores share; most of what is asked of the floor is about the first store.
    """

    def __init__(self, plan: Plan, nursery: Nursery) -> None:
        self.plan = plan
        self.nursery = nursery
        self.ground = Ground(plan.directory, plan.hub_port, nursery)
        self.kept: dict[str, Order] = {}
        self.cases: dict[str, int] = {}
        self._hub: Child | None = None
        self._sim: Child | None = None
        self._tls: HubTls | None = None
        self.admin_token = ""
        self.console_password = ""
        self.first = Branch(self.ground, STORE, folder=plan.directory, port=plan.port)
        self.branches: dict[int, Branch] = {STORE: self.first}
        self._opening: dict[int, asyncio.Lock] = {}
        self.desk = Desk(plan.directory, PRINTERS)

    # -- addresses ------------------------------------------------------------------------------

    @property
    def node_url(self) -> str:
        """Where the first store's staff listener answers."""
        return self.first.node_url

    @property
    def tokens(self) -> dict[str, str]:
        """The first store's station tokens."""
        return self.first.tokens

    @property
    def expected(self) -> dict[str, Expected]:
        """All that the tour handed over, by order number."""
        return self.ground.expected

    @property
    def hub_url(self) -> str:
        """Where headquarters answers, TLS only."""
        return f"https://{HOST}:{self.plan.hub_port}"

    @property
    def config(self) -> Path:
        """The first store's configuration."""
        return self.first.config

    @property
    def clock_file(self) -> Path:
        """Milliseconds added to every clock."""
        return self.ground.clock_file

    @property
    def database(self) -> str:
        """The hub's database."""
        return self.plan.database or f"sqlite:///{self.plan.directory}/hub/hub.db"

    @property
    def hq(self) -> Headquarters:
        """Headquarters, as somebody there uses it."""
        return self.ground.hq

    @property
    def hub_pid(self) -> int:
        """The hub's process."""
        assert self._hub is not None
        return self._hub.process.pid

    def counter(self, number: int) -> Counter:
        """Station 1 or 2 of the first store."""
        return self.first.counter(number)

    async def branch(self, number: int) -> Branch:
        """A store: made at headquarters, its box enrolled, started and online at the first call.

        Its line may be cut and its box killed later; nothing is mended here.
        """
        if number == STORE:
            return self.first
        if not STORE < number <= MOST_STORES:
            raise ValueError(f"store {number}: there are 1 to {MOST_STORES}")
        async with self._opening.setdefault(number, asyncio.Lock()):
            if number in self.branches:
                return self.branches[number]
            folder = self.plan.directory / f"store-{number}"
            branch = Branch(self.ground, number, folder=folder)
            try:
                await branch.prepare(
                    demo_branch_toml(
                        folder=folder,
                        clock=self.clock_file,
                        number=number,
                        port=branch.port,
                        hub_url=branch.hub_url,
                        hub_ca=self.ground.hub_ca,
                    )
                )
                await branch.furnish()
                await branch.enrol()
                await branch.start()
                await branch.ready()
            except BaseException:
                await branch.close()
                raise
            self.branches[number] = branch
            self.write_access()
            return branch

    async def open_stores(self) -> None:
        """Open the further stores that the plan names, all at once."""
        await asyncio.gather(*(self.branch(n) for n in range(STORE + 1, self.plan.stores + 1)))

    # -- processes ------------------------------------------------------------------------------

    async def prepare(self) -> None:
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
        for folder in (directory, directory / "hub"):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._tls = make_hub_tls(directory / "tls")
        await self.first.prepare(
            demo_toml(
                folder=directory,
                port=self.plan.port,
                hub_url=self.first.hub_url,
                hub_ca=self._tls.ca,
            )
        )

    async def furnish(self) -> None:
        """Tell headquarters of the goods, and of the first store and its people."""
        for each in (*ARTICLES, MARKER):
            await self.hq.add_product(each.sku, each.gtin, each.name_zh, each.name_en, each.storage)
        await self.first.furnish()
        words = ("person", "add", "--login", CONSOLE_LOGIN, "--name", "Demo manager")
        made = await self.admin(*words, "--role", "manager", "--json")
        self.console_password = from_json(_Person, made.encode()).password

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
        asking = self.ground.headquarters or Headquarters(self.hub_url, ca=self._tls.ca)
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
        if self.ground.headquarters is None:
            # An empty database was made a demo chain; its first token is the one line printed.
            await asking.close()
            lines = self._hub.log.read_bytes().splitlines()
            first = next(line for line in lines if line.startswith(b"{"))
            self.admin_token = from_json(_Initialised, first).admin_token
            self.ground.headquarters = Headquarters(
                self.hub_url, ca=self._tls.ca, token=self.admin_token
            )

    async def stop_hub(self) -> None:
        """Take headquarters' power away: SIGKILL. The line is dead from here on."""
        assert self._hub is not None
        await self._hub.end(signal.SIGKILL)

    async def start_node(self) -> None:
        """Start the first store's node, and wait until it is this very process that answers."""
        await self.first.start()

    async def stop_node(self) -> None:
        """Shut the first store's node down as systemd would."""
        await self.first.stop()

    async def kill_node(self) -> None:
        """Take the first store's node's power away: SIGKILL."""
        await self.first.kill()

    async def admin(self, *words: str) -> str:
        """Run `storeedge-hub admin` straight on the database; its stdout."""
        time_address = f"offset:{self.clock_file}"
        return await self.call(
            "storeedge-hub", "admin", "--database", self.database, "--time", time_address, *words
        )

    async def call(self, name: str, *words: str, timeout_s: float = 20) -> str:
        """Run `storeedge` or `storeedge-hub` with these words; its stdout."""
        return await self.nursery.call(
            name, (*command(name), *words), environment=self.first.secrets(), timeout_s=timeout_s
        )

    async def close(self) -> None:
        """Give connections back and end every child."""
        for branch in self.branches.values():
            await branch.close()
        if self.ground.headquarters is not None:
            await self.ground.headquarters.close()
        await self.nursery.end_all()

    # -- what a person does ---------------------------------------------------------------------

    async def do(self, device: str, action: str, **args: str | int) -> None:
        """Do something to a virtual device."""
        await ask(self.plan.directory, device, action, **args)

    async def order(
        self,
        lines: tuple[tuple[str, int], ...] = (("BREAD", 1),),
        *,
        store: int = STORE,
        **more: object,
    ) -> Order:
        """An order of these (SKU, quantity) at a store, and its node has heard of it."""
        branch = await self.branch(store)
        made = await self.hq.create_order(order_body(store, lines, **more))
        await branch.heard()
        return made

    def order_body(self, lines: tuple[tuple[str, int], ...], **more: object) -> dict[str, object]:
        """An order at the first store as headquarters' API takes it."""
        return order_body(STORE, lines, **more)

    async def heard(self) -> None:
        """Wait until the first store's node knows all that headquarters knows by now."""
        await self.first.heard()

    def expect(self, order: Order, *, units: int, handed: int = 1, undone: int = 0) -> None:
        """Note what headquarters must hold of this order when all is synced."""
        self.ground.expect(order, units=units, handed=handed, undone=undone)

    def advance(self, duration: str) -> None:
        """Move everybody's clock ahead."""
        self.ground.advance(duration)

    async def until(
        self, holds: Callable[[], Awaitable[bool]], what: str, *, within_s: float = START_WITHIN_S
    ) -> None:
        """Look until it holds.

        Raises:
            TimeoutError: it did not; ChildDied: a child ended meanwhile.
        """
        await self.ground.until(holds, what, within_s=within_s)

    def write_access(self) -> Path:
        """Write `access.json`: addresses, tokens, fingerprints; readable by its owner alone."""
        assert self._tls is not None
        path = self.plan.directory / "access.json"
        stores = {number: _access(each) for number, each in sorted(self.branches.items())}
        access = {
            "node": stores[STORE],
            "stores": [{"number": number, **each} for number, each in stores.items()],
            "hub": {
                "url": self.hub_url,
                "ca": str(self._tls.ca),
                "admin_token": self.admin_token,
                "database": self.database,
                "console": {
                    "url": f"{self.hub_url}/console",
                    "login": CONSOLE_LOGIN,
                    "password": self.console_password,
                },
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


def _access(branch: Branch) -> dict[str, object]:
    return {
        "url": branch.node_url,
        "fingerprint": branch.fingerprint,
        "config": str(branch.config),
        "stations": {
            station: {"token": token, "page": f"{branch.node_url}/counter?token={token}"}
            for station, token in branch.tokens.items()
        },
    }


def _taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False
