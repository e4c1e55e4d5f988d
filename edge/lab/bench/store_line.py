"""A real box and a real headquarters for benches: processes, TLS, a line to cut."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from config.demo import demo_branch_toml
from edge.lab.bench.hq import BenchHub, begin
from edge.lab.bench.processes import HOST, free_port
from edge.lab.branch import STATIONS, Branch
from edge.lab.certificates import make_hub_tls
from edge.lab.children import Nursery, command
from edge.lab.ground import Ground
from edge.lab.headquarters import Headquarters
from sync.hub import feed
from sync.hub.tables import node

STORE = 1
_LOOK_S = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLine:
    """made: headquarters' database, also written from here."""

    ground: Ground
    branch: Branch
    made: BenchHub
    hub_port: int
    hub_pid: int

    @property
    def address(self) -> tuple[str, int]:
        """Where the box's staff listener answers."""
        return HOST, self.branch.port

    @property
    def token(self) -> str:
        """Of its first station."""
        return self.branch.tokens[STATIONS[0]]

    @property
    def data(self) -> Path:
        """The box's data folder."""
        return self.branch.folder / "node"

    def ledger(self, statement: str) -> int:
        """One number out of the box's ledger."""
        return _number(self.data / "ledger.db", statement)

    def catalog(self, statement: str, *values: str | int) -> int:
        """One number out of the box's present catalog; -1 when there is no such row."""
        files = self.data.glob("catalog-*.db")
        newest = max(files, key=lambda file: int(file.stem.rpartition("-")[2]))
        return _number(newest, statement, *values)

    def heads(self) -> dict[str, int]:
        """The ends of the box's scopes at headquarters."""
        with self.made.hub.database.reading() as connection:
            every = feed.all_heads(connection)
        return {scope: every[scope] for scope in (feed.CHAIN, feed.store_scope(STORE))}

    def has_read(self, heads: dict[str, int]) -> bool:
        """Whether the box has applied this far."""
        asked = "SELECT seq FROM cursor WHERE scope = ?"
        return all(self.catalog(asked, scope) >= seq for scope, seq in heads.items())

    def acked(self) -> int:
        """How many of the box's events headquarters has."""
        with self.made.hub.database.reading() as connection:
            found = connection.execute(select(node.c.acked_seq).where(node.c.store == STORE))
            return int(found.scalar_one())

    async def until(self, holds: Callable[[], bool], *, within_s: float) -> float:
        """When it held, by `time.perf_counter`.

        Raises:
            TimeoutError: it did not.
        """
        deadline_s = time.perf_counter() + within_s
        while not await asyncio.to_thread(holds):
            if self.ground.nursery.died.done():
                self.ground.nursery.died.result()
            if time.perf_counter() > deadline_s:
                raise TimeoutError(f"not within {within_s:.0f} s")
            await asyncio.sleep(_LOOK_S)  # of other processes one can only look again
        return time.perf_counter()


def _number(file: Path, statement: str, *values: str | int) -> int:
    with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        row = connection.execute(statement, values).fetchone()
    return -1 if row is None else int(row[0])


@asynccontextmanager
async def store_line(folder: Path) -> AsyncGenerator[StoreLine]:
    """Headquarters on SQLite and one enrolled box that is online, ended with the block."""
    (folder / "hub").mkdir()
    url = f"sqlite:///{folder / 'hub' / 'hub.db'}"
    made = begin(url)
    nursery = Nursery(folder / "logs")
    port = free_port()
    ground = Ground(folder, port, nursery)
    tls = make_hub_tls(folder / "tls")
    base = f"https://{HOST}:{port}"
    ground.headquarters = Headquarters(base, ca=tls.ca, token=made.token)
    branch = Branch(ground, STORE, folder=folder / "store")
    try:
        hub = await nursery.start(
            "hub",
            (
                *command("storeedge-hub"),
                *("serve", "--database", url, "--listen", f"{HOST}:{port}"),
                *("--tls-cert", str(tls.cert), "--tls-key", str(tls.key)),
                *("--time", f"offset:{ground.clock_file}"),
            ),
        )
        await ground.until(lambda: ground.hq.answers_as(hub.run), "headquarters answers")
        await branch.prepare(
            demo_branch_toml(
                folder=branch.folder,
                clock=ground.clock_file,
                number=STORE,
                port=branch.port,
                hub_url=branch.hub_url,
                hub_ca=tls.ca,
            )
        )
        await branch.furnish()
        await branch.enrol()
        await branch.start()
        await branch.ready()
        yield StoreLine(
            ground=ground, branch=branch, made=made, hub_port=port, hub_pid=hub.process.pid
        )
        if nursery.died.done():
            nursery.died.result()
    finally:
        await branch.close()
        await ground.headquarters.close()
        await nursery.end_all()
        made.close()
