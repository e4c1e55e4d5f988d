"""Processes of the demo: started, watched, ended."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from edge.lab.children import RUN_VARIABLE, ChildDied, Nursery


async def test_a_child_that_ends_unasked_is_told_with_its_last_words(tmp_path: Path) -> None:
    nursery = Nursery(tmp_path)
    await nursery.start("poor", ("sh", "-c", "echo I am ill >&2; exit 3"))
    with pytest.raises(ChildDied, match=r"poor exited unasked with 3:\nI am ill"):
        await asyncio.wait_for(nursery.died, 10)
    await nursery.end_all()


async def test_a_child_that_is_asked_to_end_is_no_death(tmp_path: Path) -> None:
    nursery = Nursery(tmp_path)
    child = await nursery.start("good", ("sleep", "60"))
    assert await child.end() == -signal.SIGTERM
    assert child.process.returncode is not None
    assert not nursery.died.done()
    await nursery.end_all()


async def test_a_child_knows_its_run(tmp_path: Path) -> None:
    nursery = Nursery(tmp_path)
    child = await nursery.start("teller", ("sh", "-c", f"echo ${RUN_VARIABLE}"))
    await asyncio.wait_for(child.process.wait(), 10)
    assert child.last_words() == child.run
    with pytest.raises(ChildDied):
        await asyncio.wait_for(nursery.died, 10)
    await nursery.end_all()


async def test_a_command_that_fails_says_why_in_one_line(tmp_path: Path) -> None:
    nursery = Nursery(tmp_path)
    with pytest.raises(ChildDied, match=r"^broken exited with 1: ZeroDivisionError: "):
        await nursery.call("broken", (sys.executable, "-c", "1 / 0"))
    assert await nursery.call("fine", ("echo", "hello")) == "hello\n"
    with pytest.raises(TimeoutError):
        await nursery.call("slow", ("sleep", "60"), timeout_s=0.1)
    await nursery.end_all()
