"""The composition root: opens addresses, wires ports and runs one task group."""
