"""What pages must list: commands, settings, addresses, errors, metrics, verdicts, steps, …."""

import dataclasses
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Protocol, cast, get_args, get_type_hints

import pytest
import typer.main

from config.loader import load
from config.schema import Config, GradeFloor
from drivers import address
from drivers.ports import printer
from edge.cli import exits
from edge.cli.app import app as node_app
from edge.flow import transfers
from edge.lab.bench import benches
from edge.lab.tour import STEPS
from edge.store import documents
from sync.hub.cli import main as hub_app
from sync.rules import order_life, verdicts

ROOT = Path(__file__).parents[2]


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def table(text: str, first: str) -> list[list[str]]:
    """The rows of the table whose head begins with the cell `first`."""
    found: list[list[str]] = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
        rows = [cells(line) for line in block.splitlines()]
        if rows[0][0] == first:
            found += rows[2:]
    assert found, f"no table begins with {first}"
    return found


def test_drawn_pages_are_as_the_program_draws_them_now() -> None:
    said = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.stdout, said.stderr, said.returncode) == ("", "", 0), "run scripts/docs"


# ------------------------------------------------------------ commands


class Param(Protocol):
    """An argument or option, as typer's own click has it."""

    @property
    def name(self) -> str | None: ...
    @property
    def opts(self) -> list[str]: ...
    @property
    def param_type_name(self) -> str: ...


class Command(Protocol):
    """A command or a group of them."""

    @property
    def help(self) -> str | None: ...
    @property
    def params(self) -> Sequence[Param]: ...


def commands(command: Command, path: str) -> Iterator[tuple[str, Command]]:
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, f"{path} {name}")


COMMANDS = [
    *commands(typer.main.get_command(node_app), "storeedge"),
    *commands(typer.main.get_command(hub_app), "storeedge-hub"),
]


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[path for path, _ in COMMANDS])
def test_a_command_and_each_of_its_options_is_documented(path: str, command: Command) -> None:
    text = page("commands.md")
    assert f"## `{path}`\n" in text
    part = text.split(f"## `{path}`\n", 1)[1].split("\n## ", 1)[0]
    assert command.help
    for param in command.params:
        if param.name in ("help", "install_completion", "show_completion"):
            continue
        for spelled in param.opts if param.param_type_name == "option" else ():
            assert f"`{spelled}`" in part


def test_exit_codes_are_those_of_the_commands() -> None:
    assert exits.__doc__ is not None
    known = re.findall(r"^(\d+) +\S", exits.__doc__, re.MULTILINE)
    rows = table(page("operations.md"), "code")
    assert [row[0] for row in rows] == known


# ------------------------------------------------------------ settings


def settings() -> dict[tuple[str, str], str]:
    """(section, setting) → the default as the table must show it."""
    defaults = tomllib.loads(files("config").joinpath("defaults.toml").read_text(encoding="utf-8"))
    known: dict[tuple[str, str], str] = {}
    for field in dataclasses.fields(Config):
        kind = get_type_hints(Config)[field.name]
        listed = get_args(kind)
        name = field.name.removesuffix("s") if listed else field.name
        own = defaults["each"].get(name, {}) if listed else defaults.get(name, {})
        section = f"[[{name}]]" if listed else f"[{name}]"
        for setting, hint in get_type_hints(listed[0] if listed else kind).items():
            known[section, setting] = shown(own, setting, hint)
    for setting in get_type_hints(GradeFloor):
        known["[[counter.least_grade_by_amount]]", setting] = "needed"
    return known


def shown(own: dict[str, object], setting: str, hint: object) -> str:
    if setting not in own:
        return "none" if type(None) in get_args(hint) else "needed"
    value = own[setting]
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def test_every_setting_is_listed_with_its_default() -> None:
    rows = table(page("operations.md"), "section")
    listed = {(row[0].strip("`"), row[1].strip("`")): row[2] for row in rows}
    assert listed == settings()
    assert all(row[3] for row in rows)


# ------------------------------------------------------------ the rest


def test_every_address_scheme_is_listed() -> None:
    rows = [row for row in table(page("operations.md"), "port") if len(row) == 4]
    listed = [(row[0], row[1].strip("`")) for row in rows]
    assert sorted(listed) == sorted(address.schemes())
    for port, scheme, example, _ in rows:
        address.check(port, example.strip("`"), sim_allowed=True)
        assert example.startswith(f"`{scheme.strip('`')}:")


def test_every_error_code_is_listed_once() -> None:
    code = re.compile(r'^\s+code(?:: [^=]+)? = "(E-[A-Z]+-\d\d)"', re.MULTILINE)
    known = [
        found
        for package in ("drivers", "sync", "config", "edge")
        for path in sorted((ROOT / package).rglob("*.py"))
        for found in code.findall(path.read_text(encoding="utf-8"))
    ]
    assert len(known) == len(set(known)), "a code belongs to one error"
    rows = table(page("errors.md"), "code")
    assert sorted(row[0].strip("`") for row in rows) == sorted(known)
    assert all(row[2] and row[4] for row in rows)


def metrics() -> set[str]:
    """Every name that the node may tell, read from the code that counts."""
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "edge").rglob("*.py")
        if "lab" not in path.parts
    )
    gauges = set(re.findall(r'"((?:storeedge|edge)_[a-z_]+)"(?:: |\] = )', code))
    counted = set(re.findall(r'\.count\(\s*f?"([^"]+)"', code))
    outcomes = [each.__name__.lower() for each in get_args(printer.PrintOutcome)]
    names: set[str] = set()
    for name in counted:
        if name.startswith("verdict_{"):
            names |= {f"verdict_{each.value}" for each in verdicts.Verdict}
        elif name.startswith("print_{"):
            names |= {f"print_{each}" for each in outcomes}
        elif name.startswith("short_{"):
            names |= {f"short_{each}" for each in get_args(order_life.OnShort)}
        elif name.startswith("provisional_{"):
            names |= {"provisional_handed", "provisional_refused"}
        elif name.startswith("transfer_{"):
            names |= {f"transfer_{each}" for each in get_args(transfers.State)}
        elif name.startswith("document_{"):
            names |= {f"document_{each}" for each in get_args(documents.Act)}
        else:
            assert "{" not in name, f"say here what {name} may become"
            names.add(name)
    return gauges | {f"storeedge_{name}_total" for name in names}


def test_every_metric_is_listed() -> None:
    known = metrics()
    assert "storeedge_scan_total" in known
    listed = [row[0].strip("`") for row in table(page("operations.md"), "metric")]
    assert len(listed) == len(set(listed))
    assert set(listed) == known


def test_every_reason_stands_with_a_verdict_in_both_languages() -> None:
    text = page("verdicts.md")
    rows = {row[0].strip("`"): row for row in table(text, "reason")}
    assert set(rows) == set(verdicts.reason_codes())
    for code, row in rows.items():
        words, step = verdicts.reason(code), verdicts.next_step(code)
        assert row[1:3] == [words.zh, words.en]
        assert row[6] == step.who.value
    for verdict in verdicts.Verdict:
        assert f"## `{verdict.value}`" in text


def test_every_step_of_the_tour_is_told() -> None:
    listed = [row[0].strip("`") for row in table(page("tour.md"), "step")]
    assert set(listed) == {step.name for step in STEPS}
    assert len(listed) == len(STEPS)


def test_every_bench_is_told() -> None:
    text = page("bench.md")
    assert benches.NAMES
    assert [name for name in benches.NAMES if f"`{name}`" not in text] == []


def test_the_readme_counts_the_steps_right() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"[{len(STEPS)} steps]" in " ".join(readme.split())


def test_the_two_commands_of_the_readme_are_there() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for script in cast("list[str]", re.findall(r"^(scripts/\w+) ", readme, re.MULTILINE)):
        assert (ROOT / script).stat().st_mode & 0o111


def test_every_configuration_in_the_pages_is_a_good_one(tmp_path: Path) -> None:
    secrets = {f"STOREEDGE_SECRET_COUNTER_{number}": f"token-{number}" for number in range(1, 4)}
    found = re.findall(r"^```toml\n(.*?)^```$", page("operations.md"), re.MULTILINE | re.DOTALL)
    assert found
    for number, text in enumerate(found):
        file = tmp_path / f"{number}.toml"
        file.write_text(text, encoding="utf-8")
        assert load(file, environ=secrets).config.stations
