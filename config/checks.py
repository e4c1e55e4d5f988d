"""What settings must not say together; each value on its own was found good before."""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from config.errors import ConfigError, Contradiction, ExposedSimulation, InsecureListener
from config.schema import Config, HubConfig, PrinterConfig, WebConfig

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


def contradictions(config: Config) -> Iterator[ConfigError]:
    """Every pair of settings that cannot both hold, in the order of the sections."""
    yield from _web(config.web)
    yield from _hub(config.hub)
    yield from _grades(config)
    yield from _names("station", "id", (station.id for station in config.stations))
    yield from _names("scanner", "name", (scanner.name for scanner in config.scanners))
    yield from _names("scanner", "address", (scanner.address for scanner in config.scanners))
    yield from _names("printer", "name", (printer.name for printer in config.printers))
    yield from _names("printer", "address", (printer.address for printer in config.printers))
    yield from _tokens(config)
    yield from _stations(config)
    yield from _backups(config.printers)
    yield from _simulation(config)


def _web(web: WebConfig) -> Iterator[ConfigError]:
    if (web.tls_cert is None) != (web.tls_key is None):
        yield Contradiction("tls_cert and tls_key go together; one is missing", key="web.tls_cert")
    elif not web.listen.loopback and web.tls_cert is None:
        yield InsecureListener(f"{web.listen} can be reached without TLS", key="web.listen")


def _hub(hub: HubConfig) -> Iterator[ConfigError]:
    if hub.url is None:
        if hub.ca is not None:
            yield Contradiction("a hub's authority without a hub; give hub.url", key="hub.ca")
        return
    address = urlsplit(hub.url)
    if address.scheme == "http" and address.hostname not in LOOPBACK_HOSTS:
        yield Contradiction("a hub on another machine needs https", key="hub.url")


def _grades(config: Config) -> Iterator[ConfigError]:
    amounts = [floor.amount_minor for floor in config.counter.least_grade_by_amount]
    if amounts != sorted(set(amounts)):
        yield Contradiction("amounts must rise", key="counter.least_grade_by_amount")


def _names(section: str, name: str, values: Iterable[str]) -> Iterator[ConfigError]:
    seen: dict[str, int] = {}
    for number, value in enumerate(values, start=1):
        first = seen.setdefault(value, number)
        if first != number:
            key = f"{section}[{number}].{name}"
            yield Contradiction(f"{value} is already that of {section}[{first}]", key=key)


def _tokens(config: Config) -> Iterator[ConfigError]:
    stations = enumerate(config.stations, start=1)
    seen: dict[object, int] = {}
    for number, station in stations:
        first = seen.setdefault(station.token, number)
        if first != number:
            key = f"station[{number}].token"
            yield Contradiction(f"the same token as station[{first}]'s", key=key)


def _stations(config: Config) -> Iterator[ConfigError]:
    known = {station.id for station in config.stations}
    for number, scanner in enumerate(config.scanners, start=1):
        if scanner.station not in known:
            key = f"scanner[{number}].station"
            yield Contradiction(f"there is no station {scanner.station}", key=key)
    for number, printer in enumerate(config.printers, start=1):
        for station in printer.stations:
            if station not in known:
                key = f"printer[{number}].stations"
                yield Contradiction(f"there is no station {station}", key=key)


def _backups(printers: tuple[PrinterConfig, ...]) -> Iterator[ConfigError]:
    owners: dict[str, str] = {}
    names = {printer.name for printer in printers}
    for number, printer in enumerate(printers, start=1):
        if not printer.stations and printer.backup_for is None:
            key = f"printer[{number}].stations"
            yield Contradiction("a printer serves a station or backs up another", key=key)
        if printer.backup_for is not None and printer.backup_for not in names - {printer.name}:
            key = f"printer[{number}].backup_for"
            yield Contradiction(f"there is no other printer {printer.backup_for}", key=key)
        for station in printer.stations:
            owner = owners.setdefault(station, printer.name)
            if owner != printer.name:
                key = f"printer[{number}].stations"
                yield Contradiction(f"{station} already prints on {owner}", key=key)


def _simulation(config: Config) -> Iterator[ConfigError]:
    addresses = [
        *((f"scanner[{n}]", each.address) for n, each in enumerate(config.scanners, start=1)),
        *((f"printer[{n}]", each.address) for n, each in enumerate(config.printers, start=1)),
    ]
    for owner, address in addresses:
        if not address.startswith("sim:"):
            continue
        if config.sim.dir is None:
            yield Contradiction("a virtual device needs sim.dir", key=f"{owner}.address")
        elif not config.web.listen.loopback:
            message = f"{address} while web.listen is {config.web.listen}"
            yield ExposedSimulation(message, key=f"{owner}.address")
