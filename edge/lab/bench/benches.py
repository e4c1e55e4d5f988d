"""Every bench by its name, and the rows that it gives.

A bench is loaded by the worker alone: what it imports belongs to its measurement, not to the
command that waits for it.
"""

from collections.abc import Callable
from typing import Literal, assert_never, get_args

from edge.lab.bench.plan import Plan
from edge.lab.bench.rows import Row

Bench = Callable[[Plan], tuple[Row, ...]]
Name = Literal[
    "redeem",
    "redeem32",
    "redeem-http",
    "scan",
    "lookup",
    "startup",
    "memory",
    "sync",
    "snapshot",
    "hub",
    "fleet",
    "pricefeed",
]
NAMES: tuple[Name, ...] = get_args(Name)


def rows_of(name: str) -> tuple[str, ...]:
    """The rows of a bench, by name."""
    match name:
        case "redeem":
            return ("redeem", "redeem-cpu", "redeem-wal")
        case "redeem-http":
            return ("redeem-http", "redeem-http-rate")
        case "memory":
            return ("memory", "memory-devices", "memory-flat")
        case "sync":
            return ("sync", "sync-scan")
        case "snapshot":
            return ("snapshot", "snapshot-apply")
        case "hub":
            return ("hub-polls", "hub-batch", "hub-events")
        case "fleet":
            return ("fleet-doorbell", "fleet-poll", "fleet-events", "fleet-memory")
        case "pricefeed":
            return ("pricefeed", "pricefeed-applied")
        case _:
            return (name,)


def bench(name: Name) -> Bench:
    """The bench `name`."""
    match name:
        case "redeem":
            from edge.lab.bench.redeem import redeem

            return redeem
        case "redeem32":
            from edge.lab.bench.redeem import redeem32

            return redeem32
        case "redeem-http":
            from edge.lab.bench.redeem_http import redeem_http

            return redeem_http
        case "scan":
            from edge.lab.bench.scan import scan

            return scan
        case "lookup":
            from edge.lab.bench.lookup import lookup

            return lookup
        case "startup":
            from edge.lab.bench.startup import startup

            return startup
        case "memory":
            from edge.lab.bench.memory import memory

            return memory
        case "sync":
            from edge.lab.bench.sync import sync

            return sync
        case "snapshot":
            from edge.lab.bench.snapshot import snapshot

            return snapshot
        case "hub":
            from edge.lab.bench.hub import hub

            return hub
        case "fleet":
            from edge.lab.bench.fleet import fleet

            return fleet
        case "pricefeed":
            from edge.lab.bench.pricefeed import pricefeed

            return pricefeed
        case _:
            assert_never(name)
