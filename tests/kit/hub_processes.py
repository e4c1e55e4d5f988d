"""Several hub processes on one database, as a chain's operator runs them behind a balancer."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from edge.lab.line import reserve_port
from sync.engine.peer import Peer
from sync.wire import codec, enrol, pairing
from sync.wire.messages import EnrolAnswer
from sync.wire.request import sign_request
from sync.wire.signature import Signer

__all__ = ["Box", "HubProcess", "enrol_over_http", "hub_processes"]
_UP_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """An enrolled box, as far as the wire goes."""

    signer: Signer
    peer: Peer

    def headers(self, method: str, target: str, body: bytes = b"") -> dict[str, str]:
        return sign_request(
            self.signer,
            method=method,
            target=target,
            node=self.peer.node,
            incarnation=self.peer.incarnation,
            body=body,
        )


@dataclass(slots=True, kw_only=True)
class HubProcess:
    """One `storeedge-hub serve`."""

    process: subprocess.Popen[str]
    http: httpx.Client
    printed: Path
    url: str

    def post(self, path: str, body: object, *, token: str) -> httpx.Response:
        return self.http.post(path, json=body, headers={"authorization": f"Bearer {token}"})

    def get(self, path: str, *, token: str) -> httpx.Response:
        return self.http.get(path, headers={"authorization": f"Bearer {token}"})

    def ask(self, box: Box, method: str, target: str, body: bytes = b"") -> httpx.Response:
        headers = box.headers(method, target, body)
        return self.http.request(method, target, content=body or None, headers=headers)


@contextlib.contextmanager
def hub_processes(url: str, folder: Path, count: int = 2) -> Iterator[tuple[list[HubProcess], str]]:
    """So many at once on an empty database, and the chain's one admin token."""
    hubs: list[HubProcess] = []
    try:
        for number in range(count):
            with reserve_port() as held:
                port = held.getsockname()[1]
            printed = folder / f"hub{number}.out"
            with printed.open("w") as out, (folder / f"hub{number}.err").open("w") as err:
                process = subprocess.Popen(
                    [
                        *(sys.executable, "-m", "sync.hub.cli", "serve", "--demo"),
                        *("--database", url, "--listen", f"127.0.0.1:{port}"),
                        *("--data", str(folder / "snapshots")),
                    ],
                    stdout=out,
                    stderr=err,
                    env={**os.environ, "STOREEDGE_RUN": f"hub{number}"},
                    text=True,
                )
            base = f"http://127.0.0.1:{port}"
            client = httpx.Client(base_url=base, timeout=30, trust_env=False)
            hubs.append(HubProcess(process=process, http=client, printed=printed, url=base))
        for hub in hubs:
            _wait(hub)
        told = [line for hub in hubs for line in hub.printed.read_text().splitlines()]
        assert len(told) == 1, f"one process makes the chain: {told}"
        yield hubs, json.loads(told[0])["admin_token"]
    finally:
        for hub in hubs:
            hub.http.close()
            hub.process.send_signal(signal.SIGTERM)
        for hub in hubs:
            hub.process.wait(15)


def _wait(hub: HubProcess) -> None:
    deadline = time.monotonic() + _UP_WITHIN_S
    while True:
        with contextlib.suppress(httpx.TransportError):
            if hub.http.get("/healthz").status_code == 200:
                return
        assert hub.process.poll() is None, "a hub process did not start"
        assert time.monotonic() < deadline, "a hub process is not up"
        time.sleep(0.05)


def enrol_over_http(hubs: list[HubProcess], token: str, store: int) -> Box:
    """A box whose every step goes to another process."""
    first, last = hubs[0], hubs[-1]
    made = first.post("/v1/pairings", {"store": store}, token=token).json()
    pair = pairing.parse(made["code"])
    signer = Signer.generate()
    asked = enrol.request(signer, secrets.token_bytes(8), pair)
    body = codec.to_json(asked)
    assert last.http.post("/v1/nodes/enroll", content=body).json()["state"] == "pending"
    name = enrol.node_name(signer.public)
    confirmed = first.post(f"/v1/nodes/{name}/confirm", {}, token=token)
    assert confirmed.status_code == 200, confirmed.text
    answer = codec.from_json(EnrolAnswer, last.http.post("/v1/nodes/enroll", content=body).content)
    return Box(signer=signer, peer=Peer.of(enrol.accept(answer, asked, pair)))
