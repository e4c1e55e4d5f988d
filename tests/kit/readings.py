"""What a scanner must give now: a scan, or word that one was spoiled."""

from drivers.ports.scanner import Fault, Scan, Scanner, Spoiled


async def scan_of(scanner: Scanner) -> Scan:
    """The next reading, which must be a scan."""
    got = await scanner.read()
    assert isinstance(got, Scan), got
    return got


async def fault_of(scanner: Scanner) -> Fault:
    """Why the next reading, which must be a spoiled one, was dropped."""
    got = await scanner.read()
    assert isinstance(got, Spoiled), got
    return got.fault
