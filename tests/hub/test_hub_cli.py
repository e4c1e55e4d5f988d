"""`storeedge-hub` as people use it: on the database, with exit codes and words."""

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from sync.hub.cli import main
from sync.wire import enrol, pairing
from sync.wire.signature import Signer


def call(database: Path, *words: str) -> Result:
    arguments = ["admin", "--database", f"sqlite:///{database}", *words]
    return CliRunner().invoke(main, arguments)


def answer(database: Path, *words: str) -> Any:  # noqa: ANN401  # JSON
    result = call(database, *words, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "hub.db"
    answer(path, "init", "--chain", "Test", "--demo")
    answer(
        path, "store", "add", "--number", "101", "--code", "S101", "--name-zh", "一店",
        "--name-en", "One",
    )  # fmt: skip
    answer(path, "product", "add", "--sku", "MILK1", "--name-zh", "牛奶", "--name-en", "Milk")
    return path


def test_the_database_is_its_owners_alone(database: Path) -> None:
    assert stat.S_IMODE(database.stat().st_mode) == 0o600


def test_the_verbs_of_an_order(database: Path) -> None:
    made = answer(
        database, "order", "create", "--store", "101", "--line", "MILK1:2", "--no", "SE1001",
        "--name", "王小明", "--phone", "13800001234", "--courier", "--platform", "MT:023:8831",
        "--hours", "1.5",
    )  # fmt: skip
    assert made["order_no"] == "SE1001"
    assert made["not_after_ms"] - made["created_ms"] == 5_400_000
    assert len(made["codes"]["v1"]) == 16
    assert (len(made["codes"]["serial"]), len(made["codes"]["pin"])) == (8, 6)
    assert made["codes"]["platform"] == "MT #23 8831"
    longer = answer(database, "order", "extend", "SE1001", "--hours", "2")
    assert longer["not_after_ms"] - made["not_after_ms"] == 7_200_000
    renewed = answer(database, "order", "reissue", "SE1001")
    assert renewed["codes"]["v1"] != made["codes"]["v1"]
    assert (renewed["epoch"], renewed["codes"]["serial"] is not None) == (2, True)
    states = {(each["kind"], each["epoch"]): each["state"] for each in renewed["issued"]}
    assert states[("v1", 1)] == "reissued"
    assert states[("v1", 2)] == "live"
    assert answer(database, "order", "cancel", "SE1001")["state"] == "cancelled"
    shown = answer(database, "order", "show", "SE1001")
    assert shown["state"] == "cancelled"
    assert "codes" not in shown
    text = json.dumps(shown, ensure_ascii=False)
    assert "王小明" not in text
    assert "13800001234" not in text


def test_no_code_name_or_phone_stands_in_the_database_in_clear(database: Path) -> None:
    made = answer(
        database, "order", "create", "--store", "101", "--line", "MILK1", "--courier",
        "--name", "王小明", "--phone", "13800001234",
    )  # fmt: skip
    answer(
        database, "staff", "add", "--store", "101", "--id", "c1", "--name", "李", "--role",
        "cashier", "--badge", "BADGE-0001", "--pin", "4711",
    )  # fmt: skip
    files = [path.read_bytes() for path in database.parent.glob("hub.db*")]
    secrets = (made["codes"]["v1"], made["codes"]["serial"], "王小明", "13800001234", "BADGE-0001")
    for secret in secrets:
        assert not any(secret.encode() in data for data in files)


@pytest.mark.parametrize(
    "pin", ["1234", "1111", "9876", "123456", "900101", "311299", "12", "12a4"]
)
def test_weak_pins_are_refused(database: Path, pin: str) -> None:
    result = call(
        database, "staff", "add", "--store", "101", "--id", "c1", "--name", "L", "--role",
        "cashier", "--pin", pin,
    )  # fmt: skip
    assert result.exit_code == 1
    assert "PIN" in result.output


def test_enrolment_by_command(database: Path) -> None:
    code = answer(database, "pairing", "new", "--store", "101")["code"]
    pair = pairing.parse(code)
    assert len(pair.secret) == 10
    assert answer(database, "node", "list")["nodes"] == []
    result = call(database, "node", "confirm", enrol.node_name(Signer.generate().public))
    assert (result.exit_code, "no node" in result.output) == (1, True)


def test_refusals_are_a_sentence_and_exit_code_1(database: Path) -> None:
    for words in (
        ("order", "show", "NOPE"),
        ("order", "create", "--store", "101", "--line", "NOPE"),
        ("order", "create", "--store", "999", "--line", "MILK1"),
        ("order", "create", "--store", "101", "--line", "MILK1:0"),
        ("order", "create", "--store", "101", "--line", "MILK1", "--platform", "MT"),
        ("init", "--chain", "Again"),
    ):
        result = call(database, *words)
        assert result.exit_code == 1, words
        assert "Traceback" not in result.output
        assert result.output.strip()


def test_serving_an_empty_database_says_what_to_do(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sync.hub.cli", "serve", "--database",
         f"sqlite:///{tmp_path / 'none.db'}"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, "admin init" in done.stderr) == (1, True)


def test_plain_http_beyond_the_loopback_is_refused(database: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sync.hub.cli", "serve", "--listen", "0.0.0.0:0", "--database",
         f"sqlite:///{database}"],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, "loopback" in done.stderr) == (1, True)


def test_a_backup_moves_the_mark_that_nodes_may_forget_by(database: Path) -> None:
    copy = database.parent / "copy.db"
    assert answer(database, "backup", "--to", str(copy)) == {"file": str(copy), "nodes": 0}
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert answer(copy, "store", "list")["stores"][0]["number"] == 101
    assert call(database, "backup", "--to", str(copy)).exit_code == 1
