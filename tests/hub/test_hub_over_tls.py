"""The whole road over a real socket with TLS 1.3: enrol, snapshot, feed, events, doorbell."""

import asyncio
import random
import secrets
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from running_hub import Certificates, RunningHub
from toy_node import FileReplica, ListOutbox, enrol_box, handed, order, read_order

from drivers.host.clock import SystemClock
from sync.engine.actions import Send
from sync.engine.peer import Peer
from sync.engine.state import LinkState
from sync.link.enroll import Enrolment, enroll
from sync.link.http import HttpLink
from sync.link.loop import run
from sync.wire import codec
from sync.wire.errors import HubRefused, Offline
from sync.wire.messages import SignedManifest
from sync.wire.signature import Signer
from sync.wire.snapshot import open_manifest


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # another thread makes it true
            await asyncio.sleep(0.01)


def test_health_names_the_run(running: RunningHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STOREEDGE_RUN", "run-7")
    with running.admin() as admin:
        assert admin.get("/healthz").json() == {"ok": True, "run": "run-7"}


def test_the_hub_refuses_tls_1_2(running: RunningHub) -> None:
    context = ssl.create_default_context(cafile=str(running.ca_file))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", running.port), timeout=5) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


async def test_the_box_refuses_a_hub_with_tls_1_2(certificates: Certificates) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificates.certificate, certificates.key)

    async def say_ok(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(say_ok, "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        peer = Peer(chain="c", store=1, node="N", incarnation=bytes(8), hub_public=bytes(32))
        async with HttpLink(
            base_url=f"https://127.0.0.1:{port}",
            signer=Signer.generate(),
            peer=peer,
            ca_file=certificates.ca,
        ) as link:
            with pytest.raises(Offline):
                await link.ask(Send(method="GET", target="/v1/snapshot"))


async def test_the_box_refuses_a_hub_of_another_ca(running: RunningHub) -> None:
    peer = Peer(chain="c", store=1, node="N", incarnation=bytes(8), hub_public=bytes(32))
    async with HttpLink(
        base_url=running.url, signer=Signer.generate(), peer=peer, ca_file=None
    ) as link:
        with pytest.raises(Offline):
            await link.ask(Send(method="GET", target="/v1/snapshot"))


def test_plain_http_is_for_the_loopback_only() -> None:
    peer = Peer(chain="c", store=1, node="N", incarnation=bytes(8), hub_public=bytes(32))
    with pytest.raises(ValueError, match="https"):
        HttpLink(base_url="http://192.0.2.1:80", signer=Signer.generate(), peer=peer, ca_file=None)


async def _enrol(running: RunningHub, admin: httpx.Client, number: int = 101) -> Enrolment:
    made = admin.post("/v1/pairings", json={"store": number})  # noqa: ASYNC212 - a test
    code = made.json()["code"]
    printed: list[str] = []

    def confirm(fingerprint: str) -> None:
        printed.append(fingerprint)
        answer = admin.post(f"/v1/nodes/{fingerprint}/confirm")
        assert answer.status_code == 200, answer.text

    return await enroll(
        base_url=running.url,
        ca_file=running.ca_file,
        pairing_code=code,
        signer=Signer.generate(),
        incarnation=secrets.token_bytes(8),
        clock=_Hasty(),
        on_pending=confirm,
    )


class _Hasty:
    """Does not wait between polls."""

    def boot_ms(self) -> int:
        return SystemClock().boot_ms()

    async def until(self, boot_deadline_ms: int) -> None:
        await asyncio.sleep(0)


async def test_a_box_enrols_once_hq_confirmed_its_fingerprint(running: RunningHub) -> None:
    with running.admin() as admin:
        enrolment = await _enrol(running, admin)
        fleet = admin.get("/v1/fleet").json()["nodes"]
    assert enrolment.certificate.store == 101
    assert enrolment.certificate.demo
    assert len(enrolment.k_store) == 32
    assert [(each["node"], each["state"]) for each in fleet] == [
        (enrolment.certificate.node, "enrolled")
    ]


async def test_a_node_bootstraps_follows_and_reports_over_the_line(
    running: RunningHub, tmp_path: Path
) -> None:
    headquarters = running.headquarters
    box = enrol_box(headquarters)
    first = order(headquarters)
    outbox, replica = ListOutbox(), FileReplica(tmp_path)
    states: list[LinkState] = []
    wake = asyncio.Event()
    async with HttpLink(
        base_url=running.url, signer=box.signer, peer=box.peer, ca_file=running.ca_file
    ) as link:
        key = await link.personal_key()
        task = asyncio.create_task(
            run(
                peer=box.peer,
                random_=random.SystemRandom(),
                link=link,
                outbox=outbox,
                replica=replica,
                clock=SystemClock(),
                wake=wake,
                folder=tmp_path / "parts",
                on_state=states.append,
            )
        )
        await until(lambda: bool(states) and states[-1].online and bool(replica.installed))
        assert len(replica.installed) == 1, "the first thing is a snapshot"
        await until(lambda: bool(replica.times))
        with running.admin() as admin:  # the doorbell brings it, not the poll of 30 s
            second = read_order(
                admin.post("/v1/orders", json={"store": 101, "lines": [{"sku": "MILK1"}]}).json()
            )
            await until(lambda: bool(replica.pages))
            assert [row.kind for page in replica.pages for row in page.rows] == ["order"]
            outbox.events = [
                box.event(handed(first, (1, 1))),
                box.event(handed(second, (1, 1), handover=2)),
            ]
            wake.set()
            await until(lambda: outbox.acked == 2)
            shown = admin.get(f"/v1/orders/{first.order_no}").json()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    replica.close()
    assert len(key) == 32
    assert [row.outcome for answer in outbox.answers for row in answer.rows] == ["accepted"] * 2
    unit = shown["lines"][0]["units"][0]
    assert (unit["state"], unit["handed_total"], unit["handed"]["station"]) == (
        "handed",
        1,
        "till-1",
    )
    assert [each["kind"] for each in shown["events"]] == ["handed"]


async def test_a_request_signed_by_another_key_is_refused(running: RunningHub) -> None:
    box = enrol_box(running.headquarters)
    async with HttpLink(
        base_url=running.url, signer=Signer.generate(), peer=box.peer, ca_file=running.ca_file
    ) as link:
        with pytest.raises(HubRefused, match="bad_signature"):
            await link.personal_key()


async def test_a_replaced_box_is_told_so(running: RunningHub) -> None:
    old = enrol_box(running.headquarters)
    enrol_box(running.headquarters, replace=True)
    async with HttpLink(
        base_url=running.url, signer=old.signer, peer=old.peer, ca_file=running.ca_file
    ) as link:
        with pytest.raises(HubRefused, match="superseded"):
            await link.personal_key()


async def test_a_cut_download_goes_on_where_it_stopped(running: RunningHub) -> None:
    box = enrol_box(running.headquarters)
    async with HttpLink(
        base_url=running.url, signer=box.signer, peer=box.peer, ca_file=running.ca_file
    ) as link:
        signed = codec.from_body(
            SignedManifest, await link.ask(Send(method="GET", target="/v1/snapshot"))
        )
        opened = open_manifest(signed, box.peer.hub_public)
        target = f"/v1/snapshot/{opened.sha256.hex()}"
        whole, rest = bytearray(), bytearray()
        await link.download(target, offset=0, sink=whole.extend)
        await link.download(target, offset=100, sink=rest.extend)
    assert len(whole) == opened.size
    assert rest == whole[100:]


def test_admin_routes_need_a_token(running: RunningHub) -> None:
    with running.admin() as admin:
        answer = admin.get("/v1/fleet", headers={"authorization": "Bearer no"})
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "no_token"


def test_a_wrong_order_is_explained_as_a_problem(running: RunningHub) -> None:
    with running.admin() as admin:
        unknown = admin.post("/v1/orders", json={"store": 101, "lines": [{"sku": "NOPE"}]})
        shapeless = admin.post("/v1/orders", json={"store": 101, "lines": []})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert (shapeless.status_code, shapeless.json()["code"]) == (422, "invalid")
    assert "lines" in shapeless.json()["detail"]
