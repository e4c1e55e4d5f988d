"""Makes the ledger that is kept of a release: `python tests/kit/released_ledger.py FILE`.

Run once when a schema is released; the file is never made again.
"""

import asyncio
import sqlite3
import sys
import tempfile
from pathlib import Path

import made_shop
from hand_clock import HandClock

from edge.flow.answers import ScanAnswer
from edge.flow.scan import ScanAsk, scan
from edge.flow.undo import UndoAsk, undo


async def _day(folder: Path) -> None:
    clock = HandClock()
    made_shop.prepare(folder, orders=8, clock=clock, pin="271828")
    async with made_shop.open_shop(folder, clock=clock) as made:
        for number in range(1, 5):
            caller = made.caller(key=f"key-{number}", route="scans")
            answer = await scan(made.shop, caller, ScanAsk(text=made_shop.v1(number)))
            assert isinstance(answer, ScanAnswer)
            clock.advance(1_500)
            if number == 2:
                assert answer.handover is not None
                taken_back = UndoAsk(handover=answer.handover, goods_still_here=True)
                await undo(made.shop, made.caller(key="undo-2", route="undo"), taken_back)
        for guess in ("111222", "333444", "555666"):
            ask = ScanAsk(text=made_shop.serial(5), pin=guess)
            await scan(made.shop, made.caller(), ask)
            clock.advance(2_500)


def make(path: Path) -> None:
    """Write the ledger of a short day to `path`, in small pages."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_day(Path(folder) / "data"))
        source = sqlite3.connect(Path(folder) / "data" / "ledger.db")
        version = source.execute("PRAGMA user_version").fetchone()[0]
        source.execute("PRAGMA journal_mode = DELETE")
        source.execute("PRAGMA page_size = 1024")
        source.execute("VACUUM")
        source.execute("VACUUM INTO ?", (str(path),))
        source.close()
        kept = sqlite3.connect(path)
        kept.execute(f"PRAGMA user_version = {version:d}")
        kept.close()


if __name__ == "__main__":
    make(Path(sys.argv[1]))
