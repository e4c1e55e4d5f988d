"""One seed, one day of a chain: `python simulate.py SEED [SEED …]` prints the story of what failed.

The seed decides who does what, when the lines fail and how the dice of back-off fall. Ids and keys
are random as in the product; nothing here looks at them.
"""

import asyncio
import atexit
import logging
import shutil
import sys
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "kit")]

import acts  # noqa: E402 - found by the line above
import shelf  # noqa: E402
from people import customer_orders  # noqa: E402
from promises import check, heal  # noqa: E402
from world import World, begin, make_template  # noqa: E402

STEPS = 40


def memory_folder() -> Path | None:
    """Where a flush costs nothing: a crash here is the end of a process, never a power cut."""
    folder = Path("/dev/shm")  # noqa: S108 - the kernel's own memory-backed folder
    return folder if folder.is_dir() else None


async def live(world: World, steps: int) -> None:
    """Run a world to its end.

    Raises:
        Broken: a promise does not hold.
    """
    possible = acts.of(world)
    weights = [act.weight for act in possible]
    try:
        await world.open()
        if "stock" in world.parts:
            await shelf.first_counts(world)
        await customer_orders(world)
        for _ in range(steps):
            (act,) = world.dice.choices(possible, weights)
            await act.do(world)
            check(world)
        await heal(world)
    finally:
        await world.close()


class Failed(AssertionError):
    """A seed that broke a promise, with its story."""


def run(template: Path, seed: int, *, steps: int = STEPS) -> Counter[str]:
    """Live one seed; answers what was seen, so that a suite can tell that nothing is idle.

    Raises:
        Failed: with the seed and every line of the story.
    """
    logging.disable(logging.ERROR)  # a bad line is no news here
    folder = _own_folder()
    try:
        world = begin(template, folder / "world", seed)
        try:
            asyncio.run(live(world, steps))
        except Exception as error:
            story = "\n".join(world.story)
            raise Failed(f"seed {seed} {sorted(world.parts)}: {error!r}\n{story}") from error
        return world.seen
    finally:
        shutil.rmtree(folder / "world", ignore_errors=True)


@cache
def _own_folder() -> Path:
    """One a process, so that its hub's compiled statements serve every day that it lives."""
    folder = Path(tempfile.mkdtemp(prefix="sim-", dir=memory_folder()))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def main(words: list[str]) -> int:
    """Live the seeds that are named; the exit code is 1 if one breaks a promise."""
    seen: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="sim-template-", dir=memory_folder()) as name:
        template = Path(name) / "chain"
        make_template(template)
        for word in words:
            try:
                seen += run(template, int(word))
            except Failed as failure:
                sys.stdout.write(f"{failure}\n")
                return 1
    for what, times in sorted(seen.items()):
        sys.stdout.write(f"{times:7} {what}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
