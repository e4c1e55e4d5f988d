"""The hub as a service: says ready, alive and stopping, and ends at once on TERM."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
from running_hub import Headquarters
from toy_node import enrol_box

from sync.wire.request import sign_request


def messages(channel: socket.socket, last: str) -> list[str]:
    found: list[str] = []
    while not found or found[-1] != last:
        found.append(channel.recv(1000).decode())
    return found


def test_systemd_is_told_and_term_does_not_wait_for_the_doorbell(
    headquarters: Headquarters, database_url: str, tmp_path: Path
) -> None:
    box = enrol_box(headquarters)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(30)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        hub = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "sync.hub.cli",
                "serve",
                "--database",
                database_url,
                "--data",
                str(tmp_path / "snapshots"),
                "--listen",
                f"127.0.0.1:{port}",
            ],
            env={
                **os.environ,
                "NOTIFY_SOCKET": str(tmp_path / "notify"),
                "WATCHDOG_USEC": "300000",
                "STOREEDGE_RUN": "run-9",
            },
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            started = messages(channel, "READY=1")
            assert set(started) <= {"READY=1", "WATCHDOG=1"}
            messages(channel, "WATCHDOG=1")
            assert httpx.get(f"http://127.0.0.1:{port}/healthz").json()["run"] == "run-9"
            target = "/v1/doorbell?at=store:101.999"
            headers = sign_request(
                box.signer,
                method="GET",
                target=target,
                node=box.peer.node,
                incarnation=box.peer.incarnation,
                body=b"",
            )
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            waiting = socket.create_connection(("127.0.0.1", port))
            waiting.sendall(f"GET {target} HTTP/1.1\r\nhost: h\r\n{lines}\r\n".encode())
            messages(channel, "WATCHDOG=1")
            asked_s = time.monotonic()
            hub.send_signal(signal.SIGTERM)
            assert messages(channel, "STOPPING=1")
            waiting.settimeout(10)
            assert waiting.recv(100).startswith(b"HTTP/1.1 204")
            waiting.close()
            _, complaints = hub.communicate(timeout=10)
            assert time.monotonic() - asked_s < 2.5, "not the whole grace"
            assert "Traceback" not in complaints
        finally:
            hub.kill()
            hub.wait()
