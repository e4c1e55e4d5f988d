"""A progress bar on stderr, for benches that take their time."""

from rich.console import Console
from rich.progress import Progress, TaskID


class Bar:
    """One bar a measured thing; nothing is drawn where stderr is no terminal."""

    def __init__(self) -> None:
        self._bars = Progress(console=Console(stderr=True), transient=True)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> "Bar":
        """Begin to draw."""
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bars away."""
        self._bars.stop()

    def __call__(self, what: str, done: int, of: int) -> None:
        """`done` of `of` steps of `what` are behind us."""
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(what, total=of)
        self._bars.update(self._tasks[what], completed=done, total=of)
