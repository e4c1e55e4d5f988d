"""Opening the data folder: the lock, the ledger, who we are, the catalog it points to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from drivers.host.machine import MachineIdentity, identify
from edge.flow.receive import catalog_path
from edge.store.catalog import Catalog, create
from edge.store.errors import Corrupt
from edge.store.identity import Identity, load
from edge.store.ledger import DataFolder, Done, Ledger, Unit
from edge.store.restore import refuse_unfinished
from edge.store.row import integer
from edge.store.tx import Moment, Tx

_FIELD = "|"
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The store as it was found.

    catalog: empty before the first snapshot, and when it was damaged or made by another release.
    """

    folder: DataFolder
    ledger: Ledger
    identity: Identity
    catalog: Catalog


def open_store(data_dir: Path, *, boot_ms: int) -> Opened:
    """Open everything under `data_dir`; a damaged catalog is left behind, a ledger never.

    Raises:
        StoreError: in use, too new, corrupt, or unsafe here.
    """
    folder = DataFolder(data_dir)
    try:
        refuse_unfinished(data_dir)
        ledger = Ledger(data_dir / "ledger.db")
        moment = Moment(trusted_ms=0, boot_ms=boot_ms, clock="unsure")
        machine = machine_name(data_dir)
        identity = _do(ledger, moment, lambda tx: load(tx, machine=machine, is_same=_is_same))
        catalog = _open_catalog(data_dir, identity.catalog_number)
        if catalog is None:
            number = _do(ledger, moment, _take_number)
            path = catalog_path(data_dir, number)
            create(path)
            catalog = Catalog(path)
            _do(ledger, moment, lambda tx: tx.run("catalog_point", number))
        ledger.attach_catalog(catalog.path)
    except BaseException:
        folder.close()
        raise
    return Opened(folder=folder, ledger=ledger, identity=identity, catalog=catalog)


def _do(ledger: Ledger, moment: Moment, act: Callable[[Tx], T]) -> T:
    """One unit before the writer's thread exists."""
    result = ledger.run_batch([Unit(act, moment)])[0]
    if not isinstance(result, Done):
        raise result.error
    return cast("T", result.value)


def _take_number(tx: Tx) -> int:
    row = tx.one("catalog_number_take")
    assert row is not None
    return integer(row[0])


def _open_catalog(data_dir: Path, number: int) -> Catalog | None:
    path = catalog_path(data_dir, number)
    if number == 0 or not path.exists():
        return None
    try:
        catalog = Catalog(path)
    except Corrupt:
        return None
    if catalog.is_current():
        return catalog
    catalog.close()  # of the release before: HQ's data come again as a snapshot
    return None


def machine_name(data_dir: Path) -> str:
    """This machine and the card that holds `data_dir`, as a ledger is bound to them."""
    found = identify(data_dir)
    return _FIELD.join((found.machine, found.board, found.card))


def _is_same(made_on: str, now: str) -> bool:
    return not _identity(made_on).differences(_identity(now))


def _identity(text: str) -> MachineIdentity:
    machine, board, card = text.split(_FIELD)
    return MachineIdentity(machine=machine, board=board, card=card)
