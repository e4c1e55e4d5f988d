"""The settings of one node as frozen values: one class a section, one field a setting.

Money is in minor units (分), lengths of time carry their unit in the name. What each setting may be
is stated here and held by `config.loader`; default values are in `defaults.toml`.
"""

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from config.secret import Secret

Confirm = Literal["auto", "tap"]
SecondPerson = Literal["on_site", "remote", "lone_capped"]
OperatorRule = Literal["optional", "required"]
SlipRule = Literal["always", "ask", "never"]
PaperWidth = Literal[58, 80]
PrinterProfile = Literal["raster", "native_gbk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Where a server listens. host: an IPv4 or IPv6 address or `localhost`; port: 1 to 65535."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this box can reach it."""
        return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeConfig:
    """[node]. data_dir: absolute; holds ledger, catalogs and keys. name: for people.

    time_zone: the shop's, an IANA name; slips, lists and the day of training follow it.
    """

    data_dir: Path
    name: str
    time_zone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeConfig:
    """[time]. source: `system:`, or `offset:` and the absolute path of a file of milliseconds."""

    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SimConfig:
    """[sim]. dir: the folder of `sim.json`, where `sim:NAME` is looked up; None without any."""

    dir: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """[web]. Certificate and key are PEM files; both or neither; both when not on loopback.

    names: host names, besides the address itself, under which browsers may call this box.
    """

    listen: Listener
    names: tuple[str, ...]
    tls_cert: Path | None
    tls_key: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HubConfig:
    """[hub]. url: https, http on loopback alone, None for a store on its own.

    ca: PEM file of the authority that signed the hub's certificate; None for the system's own.
    """

    url: str | None
    ca: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GradeFloor:
    """From amount_minor up, a code needs this grade (1 to 3) at least."""

    amount_minor: int
    grade: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CounterConfig:
    """[counter]: how the pickup counter decides.

    confirm: hand over at the scan (`auto`, one ambient bag only) or at a tap.
    debounce_s: a pickup code repeated within it at one station is one scan; 0 to 10.
    claim_min: how long `ok` keeps an order for its station; 1 to 120.
    undo_s: how long "undo" needs no reason; 0 to 600.
    second_person: who may release what is locked or under review: another person here, also one at
    HQ by six digits, or a person alone up to lone_each_minor an act and lone_shift_minor a shift.
    idle_lock_min: after it an unused counter signs its operator out; 1 to 240.
    operator: whether a hand-over needs somebody signed on.
    dear_minor: from this amount an order needs a tap. proxy_approval_minor: from this amount a
    hand-over without a code needs approval.
    least_grade_by_amount: rising amounts, no amount twice.
    """

    confirm: Confirm
    debounce_s: float
    claim_min: int
    undo_s: int
    second_person: SecondPerson
    operator: OperatorRule
    dear_minor: int
    proxy_approval_minor: int
    lone_each_minor: int
    lone_shift_minor: int
    idle_lock_min: int
    least_grade_by_amount: tuple[GradeFloor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipConfig:
    """[slip]: when the pickup slip prints, what else the printer does, and its head."""

    pickup: SlipRule
    drawer: bool
    buzzer: bool
    store_name: str
    store_address: str
    store_phone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StockConfig:
    """[stock]: how long pieces are set aside, 1 to 240 minutes; tight_min while they are tight."""

    set_aside_min: int
    tight_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileConfig:
    """[reconcile]. at: the time of day, HH:MM in the store's zone, of the daily reconciliation.

    A store comes up to ten minutes later, by its number, so that not all come at once.
    """

    at: str

    @property
    def at_min(self) -> int:
        """Minutes after midnight."""
        return int(self.at[:2]) * 60 + int(self.at[3:])


@dataclass(frozen=True, slots=True, kw_only=True)
class StationConfig:
    """[[station]]: a place where a cashier works. token: what its page shows to the node."""

    id: str
    name: str
    token: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannerConfig:
    """[[scanner]]. address: `scheme:rest`. layout: of a keyboard scanner.

    gs: the one character that this scanner sends for GS1's separator (0x1D); empty when it sends
    the separator itself.
    """

    name: str
    address: str
    station: str
    layout: str
    gs: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterConfig:
    """[[printer]]. stations: whose slips it prints, at least one, unless it only backs up.

    backup_for: the printer whose slips it prints when that one cannot; None if none.
    """

    name: str
    address: str
    stations: tuple[str, ...]
    width_mm: PaperWidth
    profile: PrinterProfile
    backup_for: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxConfig:
    """[box]: how an old copy of this box is found out, and what outlives its disk.

    witness_file: a file on another medium (a stick) that says how far the box had come.
    second_copy: a folder on another medium; what HQ has not got yet is kept there too, sealed.
    lan: tell other boxes in the shop when this one took another's place, and listen for that.
    """

    witness_file: Path | None
    second_copy: Path | None
    lan: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """All settings of one node."""

    node: NodeConfig
    time: TimeConfig
    sim: SimConfig
    web: WebConfig
    hub: HubConfig
    counter: CounterConfig
    slip: SlipConfig
    box: BoxConfig
    reconcile: ReconcileConfig
    stock: StockConfig
    stations: tuple[StationConfig, ...]
    scanners: tuple[ScannerConfig, ...]
    printers: tuple[PrinterConfig, ...]
