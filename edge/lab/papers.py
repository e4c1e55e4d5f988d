"""What came out of the virtual printers: pictures, and the codes an independent decoder reads."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from drivers.sim.control import ask
from drivers.sim.eye import read_codes

_LOOK_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """A slip on the desk: which printer it came out of, its picture, the texts of its codes."""

    printer: str
    picture: Path
    codes: tuple[str, ...]


class Desk:
    """The paper that lies before the printers of one folder of virtual devices."""

    def __init__(self, directory: Path, printers: tuple[str, ...]) -> None:
        self._directory = directory
        self._printers = printers
        self._seen: dict[Path, Slip] = {}

    async def slips(self, order_no: str) -> tuple[Slip, ...]:
        """Every slip so far whose paper carries this order number as a code."""
        await self._look()
        return tuple(slip for slip in self._seen.values() if order_no in slip.codes)

    async def wait_for(self, order_no: str, *, count: int = 1, within_s: float = 10) -> Slip:
        """The newest of at least `count` slips with this order number.

        Raises:
            TimeoutError: fewer came out.
        """
        deadline_s = time.monotonic() + within_s
        while True:
            found = await self.slips(order_no)
            if len(found) >= count:
                return found[-1]
            if time.monotonic() >= deadline_s:
                raise TimeoutError(f"{len(found)} of {count} slips of {order_no} came out")
            await asyncio.sleep(_LOOK_S)

    async def _look(self) -> None:
        for printer in self._printers:
            answer = await ask(self._directory, printer, "papers")
            for path in map(Path, cast("list[str]", answer["papers"])):
                if path not in self._seen and path.with_suffix(".json").exists():
                    codes = await asyncio.to_thread(read_codes, path)
                    texts = tuple(code.text for code in codes)
                    self._seen[path] = Slip(printer=printer, picture=path, codes=texts)
