"""Reads the codes on a slip's picture, by a decoder that had no part in drawing it (zxing-cpp)."""

from dataclasses import dataclass
from pathlib import Path

import zxingcpp
from PIL import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A code on the paper: its symbology as the decoder names it, and its text."""

    symbology: str
    text: str


def read_codes(picture: Path) -> tuple[Seen, ...]:
    """Every code on the PNG at `picture`, from top to bottom.

    Raises:
        OSError: the file is absent or no picture.
    """
    with Image.open(picture) as opened:
        grey = opened.convert("L")
    # A slip ends where its last symbol ends; a quiet zone all around is what a desk would give.
    framed = Image.new("L", (grey.width + 80, grey.height + 80), 255)
    framed.paste(grey, (40, 40))
    found = zxingcpp.read_barcodes(framed)
    ordered = sorted(found, key=lambda code: code.position.top_left.y)
    return tuple(Seen(symbology=code.format.name, text=code.text) for code in ordered)
