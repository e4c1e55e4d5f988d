"""What the service manager hears, on a real datagram socket."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from drivers.host.notify import notify, watchdog_interval_ms


@pytest.fixture
def manager() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(5)
        yield listener


def test_chinese_status_arrives_whole_in_one_datagram(
    manager: socket.socket, tmp_path: Path
) -> None:
    manager.bind(str(tmp_path / "notify"))
    environ = {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    assert notify("READY=1", "STATUS=门店就绪", environ=environ)
    assert manager.recv(4096).decode() == "READY=1\nSTATUS=门店就绪"


def test_an_abstract_socket_is_found(manager: socket.socket) -> None:
    name = f"storeedge-test-{os.getpid()}"
    manager.bind(f"\0{name}")
    assert notify("WATCHDOG=1", environ={"NOTIFY_SOCKET": f"@{name}"})
    assert manager.recv(4096) == b"WATCHDOG=1"


def test_a_line_break_cannot_start_another_field(manager: socket.socket, tmp_path: Path) -> None:
    manager.bind(str(tmp_path / "notify"))
    notify("STATUS=a\nREADY=1", environ={"NOTIFY_SOCKET": str(tmp_path / "notify")})
    assert manager.recv(4096) == b"STATUS=a READY=1"


@pytest.mark.parametrize("path", ["", "relative", "vsock:2:1", "/nowhere/at/all"])
def test_without_a_manager_nothing_is_sent(path: str) -> None:
    assert not notify("READY=1", environ={"NOTIFY_SOCKET": path})
    assert not notify("READY=1", environ={})


def test_the_watchdog_is_fed_at_half_of_its_limit() -> None:
    assert watchdog_interval_ms(environ={"WATCHDOG_USEC": "30000000"}) == 15_000


@pytest.mark.parametrize("limit", ["", "0", "-5", "soon"])
def test_no_limit_means_no_watchdog(limit: str) -> None:
    assert watchdog_interval_ms(environ={"WATCHDOG_USEC": limit}) is None


def test_the_watchdog_of_another_process_is_not_ours() -> None:
    mine = {"WATCHDOG_USEC": "2000000", "WATCHDOG_PID": str(os.getpid())}
    assert watchdog_interval_ms(environ=mine) == 1000
    assert watchdog_interval_ms(environ={**mine, "WATCHDOG_PID": "1"}) is None
