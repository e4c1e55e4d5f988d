"""Slips that came out of a virtual printer, as files."""

import asyncio
import json
from pathlib import Path

from PIL import Image


class Tray:
    """Numbers slips on, also over a restart."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        taken = [int(path.stem) for path in folder.glob("*.png") if path.stem.isdigit()]
        self._number = max(taken, default=0)
        self._first = self._number + 1
        self._pulses = self._beeps = 0
        self._unknown: list[str] = []
        self.all_pulses = self.all_beeps = 0
        self.all_unknown: list[str] = []

    @property
    def count(self) -> int:
        """Slips since the start or the last `forget`."""
        return self._number - self._first + 1

    def papers(self) -> list[Path]:
        """Their pictures, oldest first."""
        return [self._picture(number) for number in range(self._first, self._number + 1)]

    def forget(self) -> None:
        """Begin to count anew; files stay."""
        self._first = self._number + 1
        self._pulses = self._beeps = self.all_pulses = self.all_beeps = 0
        self._unknown, self.all_unknown = [], []

    def pulse(self) -> None:
        """The drawer was pulsed."""
        self._pulses += 1
        self.all_pulses += 1

    def beep(self, times: int) -> None:
        """It beeped."""
        self._beeps += times
        self.all_beeps += times

    def unknown(self, what: str) -> None:
        """It was told something that it does not know."""
        self._unknown.append(what)
        self.all_unknown.append(what)

    async def save(self, picture: Image.Image, words: list[str], *, cut: bool) -> int:
        """Write a slip; returns its number. The JSON file appears last, by rename."""
        number = self._number + 1
        facts: dict[str, object] = {
            "png": self._picture(number).name,
            "rows": picture.height,
            "cut": cut,
            "text": words,
            "drawer_pulses": self._pulses,
            "beeps": self._beeps,
            "unknown": self._unknown,
        }
        self._pulses = self._beeps = 0
        self._unknown = []
        await asyncio.to_thread(self._write, number, picture, facts)
        self._number = number
        return number

    def _picture(self, number: int) -> Path:
        return self._folder / f"{number:04}.png"

    def _write(self, number: int, picture: Image.Image, facts: dict[str, object]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._picture(number)
        fresh = target.with_suffix(".new")
        picture.save(fresh, "PNG")
        fresh.rename(target)
        fresh.write_text(json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        fresh.rename(target.with_suffix(".json"))
