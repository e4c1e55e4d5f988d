"""A node's configuration: what it may say, what it may not, and what is said about it."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config import errors
from config.demo import demo_toml
from config.explain import as_text, explain
from config.loader import Loaded, load
from config.schema import GradeFloor, Listener
from config.secret import Secret

SHOP = """
[[station]]
id = "counter-1"
name = "取货台 1"
token = "counter-1"

[[scanner]]
name = "gun"
address = "serial:/dev/serial/by-id/usb-gun?baud=9600"
station = "counter-1"

[[printer]]
name = "front"
address = "tcp:192.0.2.7:9100"
stations = ["counter-1"]
"""
ENVIRON = {"STOREEDGE_SECRET_COUNTER_1": "s3cret", "STOREEDGE_SECRET_COUNTER_2": "other"}


class Load(Protocol):
    """Reads a text as if it were the file."""

    def __call__(self, text: str, environ: Mapping[str, str] = ENVIRON) -> Loaded: ...


@pytest.fixture
def read(tmp_path: Path) -> Load:
    def read(text: str, environ: Mapping[str, str] = ENVIRON) -> Loaded:
        path = tmp_path / "storeedge.toml"
        path.write_text(text, encoding="utf-8")
        return load(path, environ=environ)

    return read


def refusals(read: Load, text: str) -> list[errors.ConfigError]:
    with pytest.raises(errors.ConfigError) as caught:
        read(text)
    if isinstance(caught.value, errors.ManyConfigErrors):
        return list(caught.value.errors)
    return [caught.value]


def refusal(read: Load, text: str) -> errors.ConfigError:
    (only,) = refusals(read, text)
    return only


# ---------------------------------------------------------------- what holds


def test_an_empty_file_is_all_defaults(read: Load) -> None:
    config = read("").config
    assert config.node.data_dir == Path("/var/lib/storeedge")
    assert config.time.source == "system:"
    assert config.sim.dir is None
    assert config.web.listen == Listener(host="127.0.0.1", port=8080)
    assert config.hub.url is None
    assert (config.counter.confirm, config.node.time_zone) == ("auto", "Asia/Shanghai")
    assert (config.counter.debounce_s, config.counter.claim_min, config.counter.undo_s) == (
        2.0,
        10,
        30,
    )
    assert config.counter.dear_minor == 20_000
    assert config.slip.pickup == "ask"
    assert (config.stations, config.scanners, config.printers) == ((), (), ())


def test_a_shop_with_a_gun_and_a_printer_is_read_whole(read: Load) -> None:
    config = read(SHOP).config
    assert config.stations[0].token == Secret("s3cret")
    assert config.scanners[0].address == "serial:/dev/serial/by-id/usb-gun?baud=9600"
    assert (config.scanners[0].layout, config.scanners[0].gs) == ("us", "")
    assert config.printers[0].stations == ("counter-1",)
    assert (config.printers[0].width_mm, config.printers[0].profile) == (80, "raster")
    assert config.printers[0].backup_for is None


def test_grades_rise_with_the_amount(read: Load) -> None:
    config = read(
        """
        [counter]
        least_grade_by_amount = [{amount_minor = 0, grade = 1}, {amount_minor = 50000, grade = 2}]
        """
    ).config
    assert config.counter.least_grade_by_amount == (
        GradeFloor(amount_minor=0, grade=1),
        GradeFloor(amount_minor=50_000, grade=2),
    )


def test_relative_paths_count_from_the_folder_of_the_file(read: Load, tmp_path: Path) -> None:
    config = read('[node]\ndata_dir = "data"\n[time]\nsource = "offset:clock"\n').config
    assert config.node.data_dir == tmp_path / "data"
    assert config.time.source == f"offset:{tmp_path}/clock"


@pytest.mark.parametrize(
    ("text", "listener"),
    [
        ("localhost:80", Listener(host="localhost", port=80)),
        ("[::1]:8080", Listener(host="::1", port=8080)),
        ("127.0.0.2:65535", Listener(host="127.0.0.2", port=65535)),
    ],
)
def test_loopback_needs_no_certificate(read: Load, text: str, listener: Listener) -> None:
    assert read(f'[web]\nlisten = "{text}"\n').config.web.listen == listener
    assert str(listener) == text


def test_the_demo_template_is_a_valid_shop(read: Load, tmp_path: Path) -> None:
    folder = tmp_path / 'a "quoted" $dir'
    text = demo_toml(folder=folder, port=18080, hub_url="https://127.0.0.1:8090", hub_ca=folder)
    config = read(text).config
    assert config.node.data_dir == folder / "node"
    assert config.sim.dir == folder
    assert config.time.source == f"offset:{folder}/clock-offset-ms"
    assert config.web.listen.port == 18080
    assert {scanner.address for scanner in config.scanners} == {"sim:gun", "sim:wedge"}
    assert [printer.backup_for for printer in config.printers] == [None, "front"]


# ---------------------------------------------------------------- secrets


def test_a_credential_goes_before_the_environment(read: Load, tmp_path: Path) -> None:
    folder = tmp_path / "credentials"
    folder.mkdir()
    environ = {**ENVIRON, "CREDENTIALS_DIRECTORY": str(folder)}
    assert read(SHOP, environ).config.stations[0].token.reveal() == "s3cret"
    (folder / "counter-1").write_text("from a file\n")
    assert read(SHOP, environ).config.stations[0].token.reveal() == "from a file"
    (folder / "storeedge_counter-1").write_text("from the unit's folder\n")
    loaded = read(SHOP, environ)
    assert loaded.config.stations[0].token.reveal() == "from the unit's folder"
    assert loaded.origins["station[1].token"].place == "credential storeedge_counter-1"


def test_a_secret_nobody_holds_is_an_error_that_names_it(read: Load) -> None:
    with pytest.raises(errors.MissingSecret, match=r"station\[1\].token.*counter-1"):
        read(SHOP, {})


@pytest.mark.parametrize("content", ["", "  \n"])
def test_an_empty_credential_counts_as_absent(read: Load, tmp_path: Path, content: str) -> None:
    (tmp_path / "counter-1").write_text(content)
    with pytest.raises(errors.MissingSecret):
        read(SHOP, {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_a_credential_that_is_not_text_is_an_error(read: Load, tmp_path: Path) -> None:
    (tmp_path / "counter-1").write_bytes(b"\xff\xfe")
    with pytest.raises(errors.MissingSecret, match="cannot be read"):
        read(SHOP, {"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_a_secret_cannot_name_a_file_elsewhere(read: Load) -> None:
    text = SHOP.replace('token = "counter-1"', 'token = "../shadow"')
    assert isinstance(refusal(read, text), errors.WrongValue)


def test_no_secret_shows_in_any_text(read: Load) -> None:
    loaded = read(SHOP)
    shown = f"{loaded!r} {loaded.config} {as_text(loaded)} {loaded.config.stations[0].token}"
    assert "s3cret" not in shown
    assert "Secret(****)" in shown


def test_a_secret_written_into_the_file_is_refused_without_being_shown(read: Load) -> None:
    error = refusal(read, SHOP.replace('token = "counter-1"', 'token = "Pa55 word!"'))
    assert "Pa55" not in str(error)


# ---------------------------------------------------------------- where from


def test_each_value_tells_where_it_came_from(read: Load, tmp_path: Path) -> None:
    loaded = read("[counter]\nundo_s = 45\n" + SHOP)
    rows = {row.key: (row.value, row.place) for row in explain(loaded)}
    path = str(tmp_path / "storeedge.toml")
    assert rows["counter.undo_s"] == ("45", path)
    assert rows["counter.claim_min"] == ("10", "defaults.toml")
    assert rows["station[1].name"] == ('"取货台 1"', path)
    assert rows["station[1].token"] == (
        '"counter-1" (secret)',
        "environment STOREEDGE_SECRET_COUNTER_1",
    )
    assert rows["printer[1].width_mm"] == ("80", "defaults.toml")
    assert "hub.url" not in rows
    assert len(as_text(loaded).splitlines()) == len(rows)


# ---------------------------------------------------------------- what is refused


def test_a_file_that_is_not_there_is_said_to_be(tmp_path: Path) -> None:
    with pytest.raises(errors.ConfigUnreadable, match="No such file"):
        load(tmp_path / "none.toml", environ={})


def test_a_file_that_is_not_toml_names_the_line(read: Load) -> None:
    with pytest.raises(errors.ConfigSyntax, match="line 2"):
        read("[node]\nname = unquoted\n")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gbk.toml"
    path.write_bytes('[node]\nname = "门店"\n'.encode("gbk"))
    with pytest.raises(errors.ConfigSyntax, match="not UTF-8 at byte 15"):
        load(path, environ={})


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        ("[counter]\nundo = 5", "counter.undo", "counter.undo_s"),
        ("[conuter]\nundo_s = 5", "conuter", "counter"),
        ("[web]\nundo_s = 5", "web.undo_s", "counter.undo_s"),
        ("[web]\nzzz = 5", "web.zzz", None),
        ("[each.scanner]\ngs = '~'", "each", None),
        (SHOP + "width = 58", "printer[1].width", "printer[1].width_mm"),
        (
            "[counter]\nleast_grade_by_amount = [{amount = 1, grade = 1, amount_minor = 1}]",
            "counter.least_grade_by_amount[1].amount",
            "counter.least_grade_by_amount[1].amount_minor",
        ),
    ],
)
def test_an_unknown_setting_names_the_nearest(
    read: Load, text: str, key: str, nearest: str | None
) -> None:
    error = refusal(read, text)
    assert isinstance(error, errors.UnknownSetting)
    assert (error.key, error.nearest) == (key, nearest)
    assert nearest is None or nearest in str(error)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("node = 3", "node"),
        ("station = 3", "station"),
        ("station = [3]", "station"),
        ("[node]\nname = 3", "node.name"),
        ('[node]\nname = ""', "node.name"),
        ('[time]\nsource = "ntp:"', "time.source"),
        ("[counter]\nundo_s = 601", "counter.undo_s"),
        ("[counter]\nundo_s = -1", "counter.undo_s"),
        ("[counter]\nundo_s = true", "counter.undo_s"),
        ("[counter]\nundo_s = 1.5", "counter.undo_s"),
        ("[counter]\ndebounce_s = nan", "counter.debounce_s"),
        ('[counter]\ndebounce_s = "2"', "counter.debounce_s"),
        ('[counter]\nconfirm = "maybe"', "counter.confirm"),
        ("[slip]\ndrawer = 1", "slip.drawer"),
        ('[web]\nlisten = "8080"', "web.listen"),
        ('[web]\nlisten = "127.0.0.1:0"', "web.listen"),
        ('[web]\nlisten = "127.0.0.1:65536"', "web.listen"),
        ('[web]\nlisten = "127.0.0.999:80"', "web.listen"),
        ('[web]\nlisten = "[fe80]:80"', "web.listen"),
        ('[hub]\nurl = "ftp://hub.example"', "hub.url"),
        ('[hub]\nurl = "https://user@hub.example"', "hub.url"),
        ('[web]\nnames = ["a b"]', "web.names"),
        ('[node]\ntime_zone = "Mars"', "node.time_zone"),
        (SHOP + "width_mm = 76", "printer[1].width_mm"),
        (SHOP + "width_mm = 80.0", "printer[1].width_mm"),
        (SHOP.replace('["counter-1"]', '"counter-1"'), "printer[1].stations"),
        (SHOP.replace('["counter-1"]', "[1]"), "printer[1].stations"),
        (SHOP.replace("tcp:192.0.2.7:9100", "192.0.2.7"), "printer[1].address"),
        (SHOP.replace('id = "counter-1"', 'id = "Counter 1"'), "station[1].id"),
    ],
)
def test_a_value_outside_its_bounds_is_refused_by_name(read: Load, text: str, key: str) -> None:
    error = refusal(read, text)
    assert isinstance(error, errors.WrongValue)
    assert error.key == key


def test_a_setting_without_a_default_must_be_given(read: Load) -> None:
    error = refusal(read, SHOP.replace('address = "tcp:192.0.2.7:9100"\n', ""))
    assert isinstance(error, errors.MissingSetting)
    assert error.key == "printer[1].address"


def test_all_errors_are_told_at_once(read: Load) -> None:
    found = refusals(read, '[counter]\nundo = 5\nconfirm = "x"\n[slip]\ndrawer = "no"\n')
    assert [error.code for error in found] == ["E-CFG-03", "E-CFG-04", "E-CFG-04"]


SECOND_STATION = '[[station]]\nid = "counter-2"\nname = "2"\ntoken = "counter-2"\n'
SPARE = '[[printer]]\nname = "spare"\naddress = "usb:04b8:0e15"\nbackup_for = "front"\n'


@pytest.mark.parametrize(
    ("text", "kind", "key"),
    [
        ('[web]\nlisten = "0.0.0.0:80"', errors.InsecureListener, "web.listen"),
        ('[web]\nlisten = "[::]:80"', errors.InsecureListener, "web.listen"),
        ('[web]\ntls_cert = "a.pem"', errors.Contradiction, "web.tls_cert"),
        ('[web]\ntls_key = "a.key"', errors.Contradiction, "web.tls_cert"),
        ('[hub]\nurl = "http://hub.example"', errors.Contradiction, "hub.url"),
        ('[hub]\nca = "ca.pem"', errors.Contradiction, "hub.ca"),
        (
            "[counter]\nleast_grade_by_amount = [{amount_minor = 1, grade = 1},"
            " {amount_minor = 1, grade = 2}]",
            errors.Contradiction,
            "counter.least_grade_by_amount",
        ),
        (SHOP + SECOND_STATION.replace("counter-2", "counter-1", 1), errors.Contradiction,
         "station[2].id"),
        (SHOP + SECOND_STATION.replace('token = "counter-2"', 'token = "counter-1"'),
         errors.Contradiction, "station[2].token"),
        (SHOP.replace('station = "counter-1"', 'station = "x"'), errors.Contradiction,
         "scanner[1].station"),
        (SHOP.replace('stations = ["counter-1"]', 'stations = ["x"]'), errors.Contradiction,
         "printer[1].stations"),
        (SHOP.replace('stations = ["counter-1"]', ""), errors.Contradiction,
         "printer[1].stations"),
        (SHOP + SPARE.replace('"front"', '"spare"'), errors.Contradiction,
         "printer[2].backup_for"),
        (SHOP + SPARE.replace('"spare"', '"front"'), errors.Contradiction, "printer[2].name"),
        (SHOP + SPARE + 'stations = ["counter-1"]', errors.Contradiction,
         "printer[2].stations"),
        (SHOP.replace("tcp:192.0.2.7:9100", "sim:front"), errors.Contradiction,
         "printer[1].address"),
    ],
)  # fmt: skip
def test_settings_that_cannot_both_hold_are_refused(
    read: Load, text: str, kind: type[errors.ConfigError], key: str
) -> None:
    keyed = {error.key: error for error in refusals(read, text)}
    assert type(keyed[key]) is kind


def test_virtual_devices_are_refused_on_a_box_that_others_can_reach(read: Load) -> None:
    open_box = '[web]\nlisten = "0.0.0.0:443"\ntls_cert = "a"\ntls_key = "b"\n[sim]\ndir = "d"\n'
    assert read(open_box + SHOP).config.web.listen.port == 443
    error = refusal(read, open_box + SHOP.replace("tcp:192.0.2.7:9100", "sim:front"))
    assert isinstance(error, errors.ExposedSimulation)


def test_every_error_has_a_code_of_its_own_a_hint_and_a_line_in_the_tree() -> None:
    kinds = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.ConfigError)
    ]
    assert len({kind.code for kind in kinds}) == len(kinds) == 11
    for kind in kinds:
        assert kind.hint
        assert not kind.transient
        assert kind.__name__ in (errors.__doc__ or "")
    assert all(kind.code in (errors.__doc__ or "") for kind in kinds if kind.code != "E-CFG-00")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=200) | st.binary(max_size=200))
def test_any_bytes_are_settings_or_a_config_error(tmp_path: Path, text: str | bytes) -> None:
    path = tmp_path / "any.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    with suppress(errors.ConfigError):
        load(path, environ={})


@settings(deadline=None)
@given(
    section=st.sampled_from(["node", "time", "web", "hub", "counter", "slip"]),
    name=st.sampled_from(["name", "source", "listen", "url", "debounce_s", "undo_s", "drawer"]),
    value=st.sampled_from(["1979-05-27", "0x1F", "inf", "[[1]]", "{a = 1}", "''", "'a'", "true"]),
)
def test_any_value_anywhere_is_settings_or_a_config_error(
    tmp_path_factory: pytest.TempPathFactory, section: str, name: str, value: str
) -> None:
    path = tmp_path_factory.mktemp("config") / "any.toml"
    path.write_text(f"[{section}]\n{name} = {value}\n")
    with suppress(errors.ConfigError):
        load(path, environ={})
