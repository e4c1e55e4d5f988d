"""Documents to be drawn: what is on a slip, before anybody knows how it is printed.

A document is a list of blocks. A raster printer draws it to pixels, a native printer writes text
commands; both keep the same order and the same words.
"""

from dataclasses import dataclass
from enum import StrEnum


class Align(StrEnum):
    """Where a line stands."""

    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"


class CodeKind(StrEnum):
    """Symbols that a slip can carry."""

    QR = "qr"
    CODE128 = "code128"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A paragraph. `size` 1 to 4 multiplies the base height; wraps at the paper's width."""

    text: str
    size: int = 1
    bold: bool = False
    align: Align = Align.LEFT


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Two ends of one line; `left` wraps below itself, `right` never wraps."""

    left: str
    right: str
    bold: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A line across the paper."""

    double: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """A machine-readable symbol with its text below. QR: level M. Code 128: set chosen by data."""

    kind: CodeKind
    data: str
    caption: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture, PNG bytes, drawn in black and white, never wider than the paper."""

    png: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A word that nobody may overlook (副本 COPY, 作废 VOID, 练习 TRAINING): white on black."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Empty lines."""

    lines: int = 1


Block = Text | Row | Rule | Code | Image | Mark | Feed


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Blocks from top to bottom, then a cut unless `cut` is off."""

    blocks: tuple[Block, ...]
    cut: bool = True
