"""Commands as somebody types them: what they print, and their exit codes."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.demo import demo_toml

COMMAND = (sys.executable, "-m", "edge.cli.app")


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*COMMAND, *words),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env={"PATH": "/usr/bin:/bin", "COLUMNS": "100", **environment},
    )


@pytest.fixture
def devices(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A served folder of virtual devices with a clock."""
    folder = tmp_path_factory.mktemp("d")
    serving = subprocess.Popen(
        (
            *(*COMMAND, "sim", "serve", "--dir", str(folder), "--clock", str(folder / "offset")),
            *("--device", "gun=serial", "--device", "front=escpos"),
        ),
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline_s = time.monotonic() + 20
        while not (folder / "sim.json").exists():
            assert time.monotonic() < deadline_s
            assert serving.poll() is None
            time.sleep(0.05)
        yield folder
    finally:
        serving.terminate()
        assert serving.wait(20) == 0
    assert not (folder / "sim.json").exists()


def test_a_bad_configuration_is_refused_with_all_its_errors_and_code_3(tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text('[web]\nlissten = "127.0.0.1:1"\n[node]\nname = 3\n', encoding="utf-8")
    done = run("config", "check", str(file))
    assert done.returncode == 3
    assert done.stdout == ""
    assert "did you mean web.listen" in done.stderr
    assert "node.name" in done.stderr


def test_a_good_configuration_is_called_good_and_its_secrets_are_masked(tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    text = demo_toml(
        folder=tmp_path, port=8080, hub_url="https://127.0.0.1:8090", hub_ca=tmp_path / "ca.pem"
    )
    file.write_text(text, encoding="utf-8")
    secrets = {
        "STOREEDGE_SECRET_COUNTER_1": "first-secret-of-twenty-characters",
        "STOREEDGE_SECRET_COUNTER_2": "second-secret-of-twenty-characters",
    }
    assert run("config", "check", str(file), **secrets).returncode == 0
    shown = run("config", "show", str(file), **secrets)
    assert shown.returncode == 0
    assert "web.listen" in shown.stdout
    assert "of-twenty-characters" not in shown.stdout
    missing = run("config", "check", str(file))
    assert missing.returncode == 3


def test_an_unknown_step_is_a_usage_error() -> None:
    done = run("demo", "--once", "--only", "everything")
    assert done.returncode == 2
    assert "paper_out_then_confirmed" in done.stderr


def test_virtual_devices_are_listed_and_do_what_they_are_told(devices: Path) -> None:
    listed = run("sim", "ls", "--dir", str(devices))
    assert listed.returncode == 0
    assert "gun" in listed.stdout
    assert "front" in listed.stdout
    done = run("sim", "do", "front", "paper_out", "--dir", str(devices))
    assert json.loads(done.stdout)["paper"] == "out"
    refused = run("sim", "do", "front", "dance", "--dir", str(devices))
    assert refused.returncode == 4
    assert "paper_out" in refused.stderr


def test_the_clock_is_advanced_for_who_reads_its_file(devices: Path) -> None:
    done = run("sim", "clock", "advance", "1h30m", STOREEDGE_DIR=str(devices))
    assert (done.returncode, done.stdout) == (0, "the clock is 1 h 30 min ahead\n")
    assert int((devices / "offset").read_text(encoding="ascii")) == 5_400_000
    assert run("sim", "clock", "advance", "soon", STOREEDGE_DIR=str(devices)).returncode == 2


def test_nobody_serving_is_code_4(tmp_path: Path) -> None:
    assert run("sim", "ls", "--dir", str(tmp_path)).returncode == 4
    assert run("sim", "clock", "advance", "1h", "--dir", str(tmp_path)).returncode == 4


def test_a_printer_is_probed_and_prints_a_test_slip(devices: Path) -> None:
    ready = run("device", "probe", "printer", "sim:front", "--dir", str(devices))
    assert (ready.returncode, ready.stdout.split(",")[0].strip()) == (0, "ready")
    printed = run("device", "test", "printer", "sim:front", "--dir", str(devices))
    assert printed.returncode == 0
    assert "Confirmed" in printed.stdout
    papers = json.loads(run("sim", "do", "front", "papers", "--dir", str(devices)).stdout)
    assert len(papers["papers"]) == 1
    run("sim", "do", "front", "cover_open", "--dir", str(devices))
    open_ = run("device", "probe", "printer", "sim:front", "--dir", str(devices))
    assert (open_.returncode, open_.stdout.split(",")[0].strip()) == (1, "cover_open")


def test_a_virtual_device_needs_its_folder() -> None:
    done = run("device", "probe", "printer", "sim:front")
    assert done.returncode == 4
    assert "E-DEV-05" in done.stderr


def test_listing_devices_works_on_a_machine_without_any() -> None:
    assert run("device", "list").returncode == 0


def test_a_box_without_books_cannot_be_verified(tmp_path: Path) -> None:
    file = tmp_path / "node.toml"
    file.write_text(f'[node]\ndata_dir = "{tmp_path}/data"\n', encoding="utf-8")
    done = run("verify", "--config", str(file))
    assert done.returncode == 5
    assert "E-STO-03" in done.stderr
    assert run("verify", "--config", str(file), "--head", "x").returncode == 2


def test_a_command_starts_without_loading_what_it_does_not_need() -> None:
    code = (
        "import sys, edge.cli.app; "
        "print([m for m in sys.modules if m.split('.')[0] in "
        "('rich', 'fastapi', 'httpx', 'sqlite3', 'PIL', 'escpos', 'uvicorn', 'msgspec')])"
    )
    done = subprocess.run(
        (sys.executable, "-c", code), capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "[]"
