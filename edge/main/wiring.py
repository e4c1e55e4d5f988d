"""From the configuration to the values that the flow takes."""

from collections.abc import Mapping

from config.schema import Config, PrinterConfig
from edge.domain.facts import Policy
from edge.flow.perform import Route
from edge.flow.settings import Settings


def settings(config: Config) -> Settings:
    """The shop's rules."""
    counter, slip = config.counter, config.slip
    return Settings(
        policy=Policy(
            confirm=counter.confirm,
            dear_minor=counter.dear_minor,
            grade_by_amount=tuple(
                (floor.amount_minor, floor.grade) for floor in counter.least_grade_by_amount
            ),
        ),
        debounce_ms=round(counter.debounce_s * 1000),
        claim_ms=counter.claim_min * 60_000,
        undo_ms=counter.undo_s * 1000,
        operator=counter.operator,
        second_person=counter.second_person,
        proxy_approval_minor=counter.proxy_approval_minor,
        lone_each_minor=counter.lone_each_minor,
        lone_shift_minor=counter.lone_shift_minor,
        idle_lock_ms=counter.idle_lock_min * 60_000,
        slip_pickup=slip.pickup,
        drawer=slip.drawer,
        buzzer=slip.buzzer,
        store_name=slip.store_name,
        store_address=slip.store_address,
        store_phone=slip.store_phone,
        time_zone=config.node.time_zone,
        reconcile_at_min=config.reconcile.at_min,
        lock_ms=config.stock.set_aside_min * 60_000,
        lock_tight_ms=config.stock.tight_min * 60_000,
    )


def routes(config: Config) -> Mapping[str, Route]:
    """A station's printers: those that name it, then their backups."""
    return {
        station.id: Route(printers=_printers(config.printers, station.id))
        for station in config.stations
    }


def _printers(printers: tuple[PrinterConfig, ...], station: str) -> tuple[str, ...]:
    own = [printer.name for printer in printers if station in printer.stations]
    backups = [printer.name for printer in printers if printer.backup_for in own]
    return tuple(dict.fromkeys(own + backups))


def is_simulated(config: Config) -> bool:
    """Whether any device of this configuration is a virtual one."""
    addresses = [scanner.address for scanner in config.scanners]
    addresses += [printer.address for printer in config.printers]
    return any(address.startswith("sim:") for address in addresses)
