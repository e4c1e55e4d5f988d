"""Servers of a bench as child processes: the node by its own command, the floor by uvicorn's."""

import asyncio
import secrets
import socket
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from edge.lab.bench.load import BadAnswer, ask_once, request
from edge.lab.children import Child, Nursery, command

HOST = "127.0.0.1"
STATION = "counter-1"
_LOOK_S = 0.01
_START_WITHIN_S = 60.0
_NODE = """
[node]
data_dir = "{data}"
name = "bench"

[web]
listen = "127.0.0.1:{port}"

[[station]]
id = "counter-1"
name = "Counter 1"
token = "counter-1"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that answers at `address`."""

    child: Child
    address: tuple[str, int]
    token: str

    @property
    def pid(self) -> int:
        """Its process."""
        return self.child.process.pid

    def scan(self, text: str, *, pin: str | None = None) -> bytes:
        """The bytes of a scan under a fresh Idempotency-Key. The text needs no JSON escapes."""
        more = "" if pin is None else f',"pin":"{pin}"'
        body = f'{{"text":"{text}"{more}}}'.encode()
        host = f"{self.address[0]}:{self.address[1]}"
        return request("/api/v1/scans", host, self.token, secrets.token_hex(12), body)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def write_config(path: Path, data: Path, port: int, *, more: str = "") -> None:
    """The smallest configuration of a store without headquarters; `more` is TOML behind it."""
    path.write_text(_NODE.format(data=data, port=port) + more, encoding="utf-8")


def node_command(config: Path) -> tuple[str, ...]:
    """How the node is started."""
    return (*command("storeedge"), "run", "--config", str(config))


def node_environment(token: str) -> dict[str, str]:
    """Where the node finds its station's token."""
    return {"STOREEDGE_SECRET_COUNTER_1": token}


@asynccontextmanager
async def node(folder: Path, data: Path, *, more: str = "") -> AsyncGenerator[Server]:
    """`storeedge run` over a stocked folder, answering, ended with the block."""
    port, token = free_port(), secrets.token_urlsafe(24)
    config = folder / "node.toml"
    write_config(config, data, port, more=more)
    async with _running(
        folder, "node", node_command(config), (HOST, port), token, node_environment(token)
    ) as server:
        yield server


@asynccontextmanager
async def bare(folder: Path, catalog: Path, issuer: bytes) -> AsyncGenerator[Server]:
    """The floor's server over the same catalog."""
    port = free_port()
    argv = (
        *(sys.executable, "-m", "uvicorn", "edge.lab.bench.bare:app"),
        *("--host", HOST, "--port", str(port), "--no-access-log", "--log-level", "warning"),
        *("--no-server-header", "--lifespan", "on"),
    )
    environment = {
        "BENCH_CATALOG": str(catalog),
        "BENCH_LEDGER": str(folder / "bare.db"),
        "BENCH_ISSUER": issuer.hex(),
    }
    async with _running(folder, "bare", argv, (HOST, port), "none", environment) as server:
        yield server


@asynccontextmanager
async def _running(
    folder: Path,
    name: str,
    argv: tuple[str, ...],
    address: tuple[str, int],
    token: str,
    environment: dict[str, str],
) -> AsyncGenerator[Server]:
    nursery = Nursery(folder / "logs")
    try:
        child = await nursery.start(name, argv, environment=environment)
        await answering(address, nursery)
        yield Server(child=child, address=address, token=token)
        if nursery.died.done():
            nursery.died.result()
    finally:
        await nursery.end_all()


async def answering(address: tuple[str, int], nursery: Nursery) -> None:
    """Wait until somebody answers HTTP there.

    Raises:
        ChildDied: the child ended; TimeoutError: nobody within a minute.
    """
    ask = request("/healthz", f"{address[0]}:{address[1]}", "", "", b"").replace(b"POST", b"GET", 1)
    deadline_s = time.monotonic() + _START_WITHIN_S
    while time.monotonic() < deadline_s:
        if nursery.died.done():
            nursery.died.result()
        try:
            ask_once(address, ask)
        except (OSError, BadAnswer):
            await asyncio.sleep(_LOOK_S)
        else:
            return
    raise TimeoutError(f"nobody answers at {address}")
