"""The composition root: opens addresses, wires ports, owns the signals, runs one TaskGroup."""

from edge.main.node import run

__all__ = ["run"]
