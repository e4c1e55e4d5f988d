"""The demo as a visitor runs it: every step of the tour is ok, and stdout carries nothing else."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

STEPS = {
    "enrolled",
    "bootstrapped",
    "redeemed",
    "refused_second",
    "redeemed_hid",
    "handed_partial",
    "printed",
    "paper_out_then_confirmed",
    "locked_after_three",
    "released_by_supervisor",
    "expired",
    "undone_and_redeemed_again",
    "offline_redeemed",
    "node_killed_and_recovered",
    "synced",
    "audit_verified",
    "transferred_between_stores",
    "partition_refused_elsewhere",
    "cancel_waits_for_release",
    "provisional_settled",
    "v3_rotates_and_replay_refused",
    "online_and_store_never_oversell",
    "short_pick_settled",
    "tier_closed_online",
    "recalled_everywhere",
    "reconciled_2000",
    "restored_backup_fenced",
    "node_replaced",
}
COMMAND = (sys.executable, "-m", "edge.cli.app", "demo")


def free_ports(count: int) -> list[str]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [str(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def ports() -> tuple[str, ...]:
    node, phone, hub = free_ports(3)
    return ("--port", node, "--phone-port", phone, "--hub-port", hub)


def children_of(directory: Path) -> list[int]:
    """Processes whose command line names the demo's folder."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(directory).encode() in words and int(entry.name) != os.getpid():
                found.append(int(entry.name))
    return found


def wait_until_gone(directory: Path, within_s: float = 15) -> list[int]:
    deadline_s = time.monotonic() + within_s
    while (left := children_of(directory)) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    return left


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose path is short enough for sockets."""
    return tmp_path_factory.mktemp("d")


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_every_step_of_the_tour_is_ok_and_stdout_carries_nothing_else(folder: Path) -> None:
    done = subprocess.run(
        (*COMMAND, "--once", "--dir", str(folder), *ports()),
        capture_output=True,
        text=True,
        timeout=400,  # 75 s alone; the other half of the suite runs beside it
        check=False,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    bad = [step for step in told if not step["ok"]]
    assert not bad, (bad, done.stderr[-2000:])
    assert {step["step"] for step in told} == STEPS
    assert done.returncode == 0
    access = json.loads((folder / "access.json").read_text(encoding="utf-8"))
    assert access["node"]["fingerprint"]
    assert (folder / "access.json").stat().st_mode & 0o077 == 0
    assert wait_until_gone(folder) == []


@pytest.fixture
def demo(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A demo that stays, its first step done."""
    running = subprocess.Popen(
        (*COMMAND, "--dir", str(folder), *ports()),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert running.stdout is not None
    try:
        first = json.loads(running.stdout.readline())
        assert first["step"] == "enrolled"
        assert first["ok"], first
        assert len(children_of(folder)) > 3
        yield running
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


@pytest.mark.slow
@pytest.mark.timeout(90)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_demo_that_ends_leaves_no_process_behind(
    demo: subprocess.Popen[bytes], folder: Path, how: signal.Signals
) -> None:
    demo.send_signal(how)
    code = demo.wait(30)
    assert code == (-how if how == signal.SIGKILL else 128 + how)
    assert wait_until_gone(folder) == []


def guide_of(demo: subprocess.Popen[str], said: Path) -> str:
    deadline_s = time.monotonic() + 60
    while "Ctrl-C" not in (words := said.read_text(encoding="utf-8")):
        assert demo.poll() is None, words
        assert time.monotonic() < deadline_s, words
        time.sleep(0.1)
    return words


def ran(line: str) -> str:
    """What a command of the guide prints, typed as it stands there."""
    return subprocess.run(
        shlex.split(line), capture_output=True, text=True, check=True, timeout=30
    ).stdout


def until(holds: Callable[[], bool], within_s: float = 20) -> None:
    deadline_s = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def shown_at(url: str, token: str) -> dict[str, Any]:
    """What a screen of this station is told when it is opened."""
    headers = {"authorization": f"Bearer {token}"}
    with (
        httpx.Client(trust_env=False, timeout=10) as client,
        client.stream("GET", f"{url}/api/v1/events", headers=headers) as stream,
    ):
        for line in stream.iter_lines():
            if line.startswith("data: "):
                told: dict[str, Any] = json.loads(line[6:])
                return told
    raise AssertionError("the stream said nothing")


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_demo_hands_over_an_idle_shop_and_says_where_its_folder_stayed(
    folder: Path, tmp_path: Path
) -> None:
    said = tmp_path / "said"
    with said.open("w") as err:
        demo = subprocess.Popen(
            (*COMMAND, "--dir", str(folder), *ports()),
            stdout=subprocess.DEVNULL,
            stderr=err,
            text=True,
        )
    try:
        words = guide_of(demo, said)
        access = json.loads((folder / "access.json").read_text(encoding="utf-8"))
        for station in access["node"]["stations"].values():
            told = shown_at(access["node"]["url"], station["token"])
            assert (told["acts"], told["slips"]) == ([], [])
            assert told["status"]["link"] == "online"
        here = (access["node"]["url"], access["node"]["stations"]["counter-1"]["token"])
        late_ms = shown_at(*here)["status"]["now_ms"] + 48 * 3_600_000
        typed = [line.strip() for line in words.splitlines()]
        moved = ran(next(one for one in typed if " sim clock advance 49h " in one))
        assert moved.startswith("the clock is 49 h ")
        until(lambda: shown_at(*here)["status"]["now_ms"] > late_ms)
        ran(next(one for one in reversed(typed) if " gun scan text=" in one))
        until(lambda: bool(shown_at(*here)["acts"]))
        (act,) = shown_at(*here)["acts"]
        assert act["value"]["verdict"] == "expired"
    finally:
        demo.send_signal(signal.SIGINT)
        code = demo.wait(30)
    assert code == 128 + signal.SIGINT
    after = said.read_text(encoding="utf-8").removeprefix(words)
    assert after == f"stopped, folder kept at {folder}\n"


@pytest.mark.slow
@pytest.mark.timeout(90)
def test_a_demo_ends_at_once_when_a_child_ends_unasked(
    demo: subprocess.Popen[bytes], folder: Path
) -> None:
    table = json.loads((folder / "sim.json").read_text(encoding="utf-8"))
    os.kill(table["pid"], signal.SIGKILL)
    assert demo.wait(20) == 1
    assert wait_until_gone(folder) == []


@pytest.mark.timeout(60)
def test_a_taken_port_is_refused_before_anything_is_started(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        phone, hub = free_ports(2)
        done = subprocess.run(
            (
                *COMMAND,
                "--once",
                "--dir",
                str(folder),
                "--port",
                port,
                "--phone-port",
                phone,
                "--hub-port",
                hub,
            ),
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
    assert done.returncode == 4
    assert done.stdout == ""
    assert f"port {port} is taken" in done.stderr


@pytest.mark.timeout(60)
def test_somebody_elses_folder_is_left_alone(folder: Path) -> None:
    (folder / "holiday.jpg").write_bytes(b"me at the beach")
    done = subprocess.run(
        (*COMMAND, "--once", "--dir", str(folder), *ports()),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 4
    assert [path.name for path in folder.iterdir()] == ["holiday.jpg"]
