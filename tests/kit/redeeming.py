"""A process that redeems as fast as it can and says so line by line on its standard output.

    python redeeming.py FOLDER --orders A:B [--clients N] [--undo PART] [--file-limit BYTES]
    python redeeming.py --warm            (forks one such process for each line it is given)

One line before each question and one after each answer, written unbuffered, so that what was
printed was acknowledged and what was asked without an answer may be asked again under its key:

    ask KEY · handed KEY HANDOVER · no KEY REASON · undone KEY HANDOVER
    lost KEY ERROR · fatal ERROR · open · end
"""

import argparse
import asyncio
import os
import random
import resource
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import made_shop
from hand_clock import HandClock
from made_shop import MadeShop

from edge.flow.answers import Refusal, ScanAnswer
from edge.flow.scan import ScanAsk, scan
from edge.flow.undo import UndoAsk, undo
from edge.store.errors import StoreError


def say(*words: object) -> None:
    """One write: a line is there or it is not."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def parser() -> argparse.ArgumentParser:
    asked = argparse.ArgumentParser()
    asked.add_argument("folder", type=Path)
    asked.add_argument("--orders", required=True)
    asked.add_argument("--clients", type=int, default=1)
    asked.add_argument("--undo", type=float, default=0.0, help="the part that is taken back")
    asked.add_argument("--file-limit", type=int)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--retry", default="", help="keys that were asked and not answered")
    asked.add_argument("--statement", type=int, help="die when this SQL statement begins")
    asked.add_argument("--max-pages", type=int, help="pages that the ledger may still grow by")
    return asked


async def ask_scan(made: MadeShop, key: str) -> int | None:
    """Ask for the order in the key (`scan-ORDER-TURN`); answers the hand-over if it was given."""
    say("ask", key)
    number = int(key.split("-")[1])
    caller = made.caller(station=f"till{number % 3}", key=key, route="scans")
    try:
        answer = await scan(made.shop, caller, ScanAsk(text=made_shop.v1(number)))
    except StoreError as error:
        say("lost", key, type(error).__name__)
        return None
    if isinstance(answer, ScanAnswer) and answer.state == "handed":
        say("handed", key, answer.handover)
        return answer.handover
    code = answer.code if isinstance(answer, Refusal) else answer.reason.code
    say("no", key, code)
    return None


async def ask_undo(made: MadeShop, key: str) -> bool:
    """Ask to take back (`undo-ORDER-TURN-HANDOVER`)."""
    say("ask", key)
    _, number, _, handover = key.split("-")
    caller = made.caller(station=f"till{int(number) % 3}", key=key, route="undo")
    wish = UndoAsk(handover=int(handover), goods_still_here=True, reason="changed their mind")
    try:
        answer = await undo(made.shop, caller, wish)
    except StoreError as error:
        say("lost", key, type(error).__name__)
        return False
    if isinstance(answer, Refusal):
        say("no", key, answer.code)
        return False
    say("undone", key, answer.handover)
    return True


async def _client(made: MadeShop, orders: Iterator[int], args: argparse.Namespace) -> None:
    dice = random.Random(args.seed)  # noqa: S311 - which act comes next, nothing secret
    for number in orders:
        turn = f"{args.seed}"
        handover = await ask_scan(made, f"scan-{number}-{turn}")
        if made.ledger.broken:
            return
        if handover is None or dice.random() >= args.undo:
            continue
        if await ask_undo(made, f"undo-{number}-{turn}-{handover}"):
            await ask_scan(made, f"scan-{number}-{turn}b")


async def _retry(made: MadeShop, keys: list[str]) -> None:
    for key in keys:
        if key.startswith("scan-"):
            await ask_scan(made, key)
        else:
            await ask_undo(made, key)


def _die_at(made: MadeShop, statement: int) -> None:
    left = [statement]

    def count(_: str) -> None:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), 9)

    made.ledger.connection.set_trace_callback(count)


async def _run(args: argparse.Namespace) -> None:
    first, last = map(int, args.orders.split(":"))
    orders = iter(range(first, last))
    clock = HandClock(boot_ms=1_000_000 + args.seed * 60_000)
    async with made_shop.open_shop(args.folder, clock=clock, run=f"run-{args.seed}") as made:
        if args.max_pages is not None:
            pages = made.ledger.connection.execute("PRAGMA page_count").fetchone()[0]
            made.ledger.connection.execute(f"PRAGMA max_page_count = {pages + args.max_pages:d}")
        say("open")
        if args.statement is not None:
            _die_at(made, args.statement)
        await _retry(made, args.retry.split())
        await asyncio.gather(*(_client(made, orders, args) for _ in range(args.clients)))
    for error in made.fatal:
        say("fatal", type(error).__name__)


def run(words: list[str]) -> None:
    """Redeem as told."""
    args = parser().parse_args(words)
    if args.file_limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (args.file_limit, args.file_limit))
    asyncio.run(_run(args))
    say("end")


def warm() -> None:
    """Fork a process for each line; say `pid N` as it begins and `dead` once it ended."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            say("pid", os.getpid())  # by the child itself: before anything else that it says
            run(shlex.split(line))
            os._exit(0)
        os.waitpid(child, 0)
        say("dead")


if __name__ == "__main__":
    if sys.argv[1:] == ["--warm"]:
        warm()
    else:
        run(sys.argv[1:])
