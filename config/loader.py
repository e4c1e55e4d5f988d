"""From a TOML file to settings: read, lay over the defaults, check, or say what is wrong."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import cast
from zoneinfo import available_timezones

from config.checks import contradictions
from config.errors import ConfigSyntax, ConfigUnreadable, ManyConfigErrors
from config.reading import Origin, Reading
from config.schema import (
    BoxConfig,
    Config,
    CounterConfig,
    GradeFloor,
    HubConfig,
    Listener,
    NodeConfig,
    PrinterConfig,
    ReconcileConfig,
    ScannerConfig,
    SimConfig,
    SlipConfig,
    StationConfig,
    StockConfig,
    TimeConfig,
    WebConfig,
)
from config.table import Table

ID = r"[a-z0-9][a-z0-9-]{0,31}"
ID_WORDS = "small letters, digits and hyphens, 32 at most"
ADDRESS = r"[a-z][a-z0-9+]*:\S+"
ADDRESS_WORDS = "an address such as tcp:192.0.2.7:9100"
LISTEN = r"(localhost|[0-9.]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}"
LISTEN_WORDS = "an address and a port such as 127.0.0.1:8080 or [::1]:8080"
NAME = r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?"
MAX_AMOUNT_MINOR = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The settings, and for each (`section.name`) where it came from."""

    config: Config
    origins: Mapping[str, Origin]


def load(path: Path, *, environ: Mapping[str, str]) -> Loaded:
    """Read a node's configuration; every path in it comes back absolute.

    environ: where secrets and $CREDENTIALS_DIRECTORY are looked up; nothing else is taken from it.

    Raises:
        ConfigError: nothing can be started; `ManyConfigErrors` when there are several reasons.
    """
    own = _parse(path)
    defaults = cast(
        "Mapping[str, object]",
        tomllib.loads(files("config").joinpath("defaults.toml").read_text(encoding="utf-8")),
    )
    reading = Reading(place=str(path), base=path.absolute().parent, environ=environ)
    config = _config(Table(reading, key="", own=own, fallback=defaults), defaults)
    problems = [*reading.unknown_settings(), *reading.problems]
    problems = problems or list(contradictions(config))
    if len(problems) > 1:
        raise ManyConfigErrors(problems)
    if problems:
        raise problems[0]
    return Loaded(config=config, origins=reading.origins)


def _parse(path: Path) -> Mapping[str, object]:
    try:
        text = path.read_bytes().decode("utf-8")
        return cast("Mapping[str, object]", tomllib.loads(text))
    except OSError as error:
        raise ConfigUnreadable(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigSyntax(f"{path}: not UTF-8 at byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigSyntax(f"{path}: {error}") from error


def _config(root: Table, defaults: Mapping[str, object]) -> Config:
    each = cast("Mapping[str, Mapping[str, object]]", defaults["each"])
    config = Config(
        node=_node(root.table("node")),
        time=_time(root.table("time")),
        sim=_sim(root.table("sim")),
        web=_web(root.table("web")),
        hub=_hub(root.table("hub")),
        counter=_counter(root.table("counter")),
        slip=_slip(root.table("slip")),
        box=_box(root.table("box")),
        reconcile=_reconcile(root.table("reconcile")),
        stock=_stock(root.table("stock")),
        stations=tuple(_station(table) for table in root.tables("station", each={})),
        scanners=tuple(_scanner(table) for table in root.tables("scanner", each=each["scanner"])),
        printers=tuple(_printer(table) for table in root.tables("printer", each=each["printer"])),
    )
    root.finish()
    return config


def _node(table: Table) -> NodeConfig:
    node = NodeConfig(
        data_dir=table.path("data_dir"),
        name=table.text("name", pattern=r".{1,80}", expects="a name of 1 to 80 characters"),
        time_zone=_time_zone(table),
    )
    table.finish()
    return node


def _time_zone(table: Table) -> str:
    name = table.text("time_zone")
    if name not in available_timezones():
        table.problem("time_zone", f"{name!r} is no time zone such as Asia/Shanghai")
    return name


def _time(table: Table) -> TimeConfig:
    source = table.text("source", pattern=r"system:|offset:.+", expects="system: or offset:FILE")
    if source.startswith("offset:"):
        source = f"offset:{table.absolute(source.removeprefix('offset:'))}"
    table.finish()
    return TimeConfig(source=source)


def _sim(table: Table) -> SimConfig:
    sim = SimConfig(dir=table.optional_path("dir"))
    table.finish()
    return sim


def _web(table: Table) -> WebConfig:
    web = WebConfig(
        listen=_listener(table, "listen"),
        names=_names(table),
        tls_cert=table.optional_path("tls_cert"),
        tls_key=table.optional_path("tls_key"),
    )
    table.finish()
    return web


def _names(table: Table) -> tuple[str, ...]:
    names = table.texts("names")
    for name in names:
        if not re.fullmatch(NAME, name):
            table.problem("names", f"{name!r} is no host name such as till.shop.example")
    return names


def _listener(table: Table, name: str) -> Listener:
    text = table.text(name, pattern=LISTEN, expects=LISTEN_WORDS)
    host, _, port = text.rpartition(":")
    try:
        listener = Listener(host=host.strip("[]"), port=int(port))
        assert listener.loopback in (True, False)  # asks whether the host is an address
    except ValueError:
        listener = Listener(host="localhost", port=0)
    if text and not 1 <= listener.port <= 65535:
        table.problem(name, f"must be {LISTEN_WORDS}, not {text}")
    return listener


def _hub(table: Table) -> HubConfig:
    hub = HubConfig(
        url=table.optional_text(
            "url",
            pattern=r"https?://[^\s/?#@]+/?",
            expects="an address such as https://hub.example",
        ),
        ca=table.optional_path("ca"),
    )
    table.finish()
    return hub


def _counter(table: Table) -> CounterConfig:
    counter = CounterConfig(
        confirm=table.choice("confirm", ("auto", "tap")),
        debounce_s=table.number("debounce_s", least=0, most=10),
        claim_min=table.integer("claim_min", least=1, most=120),
        undo_s=table.integer("undo_s", least=0, most=600),
        second_person=table.choice("second_person", ("on_site", "remote", "lone_capped")),
        operator=table.choice("operator", ("optional", "required")),
        dear_minor=table.integer("dear_minor", least=0, most=MAX_AMOUNT_MINOR),
        proxy_approval_minor=table.integer("proxy_approval_minor", least=0, most=MAX_AMOUNT_MINOR),
        lone_each_minor=table.integer("lone_each_minor", least=0, most=MAX_AMOUNT_MINOR),
        lone_shift_minor=table.integer("lone_shift_minor", least=0, most=MAX_AMOUNT_MINOR),
        idle_lock_min=table.integer("idle_lock_min", least=1, most=240),
        least_grade_by_amount=tuple(
            _grade_floor(entry) for entry in table.tables("least_grade_by_amount", each={})
        ),
    )
    table.finish()
    return counter


def _grade_floor(table: Table) -> GradeFloor:
    floor = GradeFloor(
        amount_minor=table.integer("amount_minor", least=0, most=MAX_AMOUNT_MINOR),
        grade=table.integer("grade", least=1, most=3),
    )
    table.finish()
    return floor


def _slip(table: Table) -> SlipConfig:
    slip = SlipConfig(
        pickup=table.choice("pickup", ("always", "ask", "never")),
        drawer=table.flag("drawer"),
        buzzer=table.flag("buzzer"),
        store_name=table.text("store_name"),
        store_address=table.text("store_address"),
        store_phone=table.text("store_phone"),
    )
    table.finish()
    return slip


def _stock(table: Table) -> StockConfig:
    stock = StockConfig(
        set_aside_min=table.integer("set_aside_min", least=1, most=240),
        tight_min=table.integer("tight_min", least=1, most=240),
    )
    table.finish()
    return stock


def _reconcile(table: Table) -> ReconcileConfig:
    reconcile = ReconcileConfig(
        at=table.text(
            "at", pattern=r"([01][0-9]|2[0-3]):[0-5][0-9]", expects='a time of day such as "20:00"'
        )
    )
    table.finish()
    return reconcile


def _box(table: Table) -> BoxConfig:
    box = BoxConfig(
        witness_file=table.optional_path("witness_file"),
        second_copy=table.optional_path("second_copy"),
        lan=table.flag("lan"),
    )
    table.finish()
    return box


def _station(table: Table) -> StationConfig:
    station = StationConfig(
        id=table.text("id", pattern=ID, expects=ID_WORDS),
        name=table.text("name", pattern=r".{1,40}", expects="a name of 1 to 40 characters"),
        token=table.secret("token"),
    )
    table.finish()
    return station


def _scanner(table: Table) -> ScannerConfig:
    scanner = ScannerConfig(
        name=table.text("name", pattern=ID, expects=ID_WORDS),
        address=table.text("address", pattern=ADDRESS, expects=ADDRESS_WORDS),
        station=table.text("station", pattern=ID, expects="the id of a station"),
        layout=table.text("layout", pattern=r"[a-z]{2}", expects='a layout such as "us"'),
        gs=table.text("gs", pattern=r"[\x20-\x7e]?", expects="one printable character or none"),
    )
    table.finish()
    return scanner


def _printer(table: Table) -> PrinterConfig:
    printer = PrinterConfig(
        name=table.text("name", pattern=ID, expects=ID_WORDS),
        address=table.text("address", pattern=ADDRESS, expects=ADDRESS_WORDS),
        stations=table.texts("stations"),
        width_mm=table.choice("width_mm", (80, 58)),
        profile=table.choice("profile", ("raster", "native_gbk")),
        backup_for=table.optional_text("backup_for", pattern=ID, expects="the name of a printer"),
    )
    table.finish()
    return printer
