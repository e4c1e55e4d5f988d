"""What every test may use: the workshop folder on the path, and how long the long ones run."""

import sys
from pathlib import Path

import pytest

# Makers and checkers shared by tests and by the programs that tests start; not a package.
sys.path.insert(0, str(Path(__file__).parent / "kit"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kills",
        type=int,
        default=200,
        help="how often the redeeming process is killed at a random moment (proof: 1000 and more)",
    )
    parser.addoption(
        "--long",
        type=int,
        default=1,
        help="multiplies the examples of the stateful tests",
    )
    parser.addoption(
        "--seeds",
        type=int,
        default=100,
        help="how many days of a chain the simulation lives (proof: 1000 and more)",
    )
    parser.addoption(
        "--hardware",
        action="append",
        default=[],
        metavar="[PORT=]ADDRESS",
        help="run the tests of a scanner's or printer's promises on this device instead of a "
        "virtual one, such as tcp:192.0.2.7:9100 or scanner=serial:/dev/ttyUSB0; somebody "
        "has to stand by",
    )
