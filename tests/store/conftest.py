"""A ledger on disk, and moments to act at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.store.ledger import Ledger
from edge.store.tx import Moment


@pytest.fixture
def moment() -> Moment:
    return Moment(trusted_ms=1_790_000_000_000, boot_ms=1_000_000, clock="synced")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger.db")
    yield ledger
    ledger.close()
