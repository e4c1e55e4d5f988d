"""Breaking text into lines, for Chinese and Latin alike, in whatever unit the caller measures.

Chinese may break between any two characters, save that closing marks do not begin a line and
opening ones do not end it; Latin breaks at spaces and after hyphens and slashes; a word wider than
the line is cut. Nothing is lost but the spaces at which a line was broken. A subset of Unicode's
UAX 14, which a receipt does not need in full.
"""

import unicodedata
from collections.abc import Callable, Iterator

Measure = Callable[[str], float]

_NOT_FIRST = frozenset("，。、；：！？）》」』】〕”’…％%,.;:!?)]}°℃")
_NOT_LAST = frozenset("（《「『【〔“‘￥¥$([{#")
_BREAK_AFTER = frozenset("-/_|")


def columns(text: str) -> int:
    """How many half-width columns a printer's own font takes for `text`."""
    return sum(2 if is_wide(char) else 1 for char in text)


def is_wide(char: str) -> bool:
    """Whether a character takes two columns (East Asian Width W, F, and A as GBK printers do)."""
    return unicodedata.east_asian_width(char) in "WFA"


def wrap(text: str, limit: float, measure: Measure) -> list[str]:
    """Lines of `text`, each at most `limit` by `measure`; at least one line.

    Line feeds in `text` begin a new line. A single character wider than `limit` stands alone.
    """
    lines: list[str] = []
    for paragraph in text.replace("\r\n", "\n").replace("\t", " ").split("\n"):
        lines.extend(_paragraph(paragraph, limit, measure))
    return lines


def _paragraph(text: str, limit: float, measure: Measure) -> Iterator[str]:
    line = ""
    for piece in _pieces(text):
        if measure((line + piece).rstrip(" ")) <= limit:
            line += piece
            continue
        if line.strip(" "):
            yield line.rstrip(" ")
            line = ""
        for part in _cut(piece, limit, measure):
            if line.strip(" "):
                yield line.rstrip(" ")
            line = part
    yield line.rstrip(" ")


def _pieces(text: str) -> Iterator[str]:
    """Smallest parts between which a line may break; joined they are `text`."""
    start = 0
    for at in range(1, len(text)):
        if _may_break(text[at - 1], text[at]):
            yield text[start:at]
            start = at
    if text:
        yield text[start:]


def _may_break(before: str, after: str) -> bool:
    if after == " " or after in _NOT_FIRST or before in _NOT_LAST:
        return False
    if before == " " or before in _BREAK_AFTER:
        return True
    return is_wide(before) or is_wide(after)


def _cut(piece: str, limit: float, measure: Measure) -> Iterator[str]:
    """Parts of one unbreakable piece, each within `limit` where a single character is."""
    part = ""
    for char in piece:
        if part and measure((part + char).rstrip(" ")) > limit:
            yield part
            part = ""
        part += char
    yield part
