"""The composition root: opens addresses, wires ports, owns the signals, runs one TaskGroup."""

from config.schema import Config


def run(config: Config) -> int:
    """Serve the store until SIGTERM or SIGINT; answers the exit code."""
    # Loaded here: enrolling and verifying need no web server.
    from edge.main.node import run as run_node

    return run_node(config)
