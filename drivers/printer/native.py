"""A document in the printer's own fonts, for firmware with Chinese characters (profile native_gbk).

Ten times fewer bytes than pixels, for serial lines and slow heads. What such printers share, and no
more, is used: `FS &` once, GBK text, `ESC a`, `ESC E`, `GS !`, `GS B`, `GS ( k` for QR, `GS k` for
Code 128. A character of the code page is one column of 12 dots, any other two columns; the yen sign
`¥` becomes the full-width `￥`, since its byte in a code page is the first half of a Chinese
character to a printer in Chinese mode. A line with a character that GBK lacks is drawn as pixels.

Real-time commands (see `escpos`) may not appear in data: GBK's second bytes begin at 0x40, control
characters are left out, and a code whose data would spell one ("1604" in Code 128's set C is
`10 04`) is drawn as pixels.
"""

from collections.abc import Iterator
from typing import assert_never

from drivers import raster
from drivers.ports.document import (
    Align,
    Block,
    Code,
    CodeKind,
    Document,
    Feed,
    Image,
    Mark,
    Row,
    Rule,
    Text,
)
from drivers.printer import escpos
from drivers.raster import code128, symbols
from drivers.raster.wrap import wrap

COLUMN_DOTS = 12
_CHINESE = b"\x1c&"
_GAP_COLUMNS = 2
_ALIGN = {Align.LEFT: b"\x1ba\x00", Align.CENTER: b"\x1ba\x01", Align.RIGHT: b"\x1ba\x02"}
_BOLD, _REGULAR = b"\x1bE\x01", b"\x1bE\x00"
_INVERSE, _PLAIN = b"\x1dB\x01", b"\x1dB\x00"
_MOST_BARS = 255
_TWINS = str.maketrans({"¥": "￥", "\t": " ", "\xa0": " ", "–": "-", "•": "·"})


def body(document: Document, *, width_dots: int) -> Iterator[bytes]:
    """Whole commands for the blocks, without initialising and cut.

    Raises:
        DeviceRefused: a code too large for the paper, a broken picture, or no font for a line that
            must be drawn.
    """
    yield _CHINESE
    for block in document.blocks:
        yield from _block(block, width_dots)


def encode(text: str) -> bytes | None:
    """GBK bytes of one line; None when GBK lacks a character."""
    plain = "".join(char for char in text.translate(_TWINS) if char >= " ")
    try:
        return plain.encode("gbk")
    except UnicodeEncodeError:
        return None


def columns(text: str) -> int:
    """Columns that the printer takes for `text`; two for a character that will be drawn."""
    return sum(len(encode(char) or b"") if encode(char) is not None else 2 for char in text)


def _block(block: Block, width: int) -> Iterator[bytes]:
    match block:
        case Text():
            yield from _text(block, width)
        case Row():
            yield from _row(block, width)
        case Code():
            yield from _code(block, width)
        case Mark():
            yield from _mark(block, width)
        case Feed():
            yield from (b"\x1bd" + bytes((min(255, block.lines),)),) if block.lines > 0 else ()
        case Rule() | Image():
            yield from _pixels(block, width)
        case _:
            assert_never(block)


def _pixels(block: Block, width: int) -> Iterator[bytes]:
    yield _ALIGN[Align.LEFT]
    picture = raster.draw(Document(blocks=(block,), cut=False), width_dots=width)
    yield from escpos.raster(picture)


def _text(block: Text, width: int) -> Iterator[bytes]:
    size = min(4, max(1, block.size))
    while size > 2 and columns(block.text) > width // (COLUMN_DOTS * size):
        size -= 1  # large words are made a step smaller rather than broken
    limit = width // (COLUMN_DOTS * size)
    for line in wrap(block.text, limit, columns):
        data = encode(line)
        if data is None:
            drawn = Text(text=line, size=size, bold=block.bold, align=block.align)
            yield from _pixels(drawn, width)
        else:
            yield _line(data, size=size, bold=block.bold, align=block.align)


def _line(data: bytes, *, size: int = 1, bold: bool = False, align: Align = Align.LEFT) -> bytes:
    magnified = bytes(((size - 1) << 4 | (size - 1),))
    return _ALIGN[align] + (_BOLD if bold else _REGULAR) + b"\x1d!" + magnified + data + b"\n"


def _row(block: Row, width: int) -> Iterator[bytes]:
    limit = width // COLUMN_DOTS
    right = encode(block.right)
    if right is None or encode(block.left) is None:
        yield from _pixels(block, width)
        return
    free = limit - len(right) - (_GAP_COLUMNS if right else 0)
    if right and free < limit // 3:
        yield from _text(Text(text=block.left, bold=block.bold), width)
        yield from _text(Text(text=block.right, bold=block.bold, align=Align.RIGHT), width)
        return
    first, *rest = (encode(line) or b"" for line in wrap(block.left, free, columns))
    padding = b" " * (limit - len(first) - len(right))
    yield _line(first + padding + right if right else first, bold=block.bold)
    for line in rest:
        yield _line(line, bold=block.bold)


def _mark(block: Mark, width: int) -> Iterator[bytes]:
    limit = width // (COLUMN_DOTS * 2)
    data = encode(block.text)
    if data is None or len(data) > limit:
        yield from _pixels(block, width)
        return
    left = (limit - len(data)) // 2
    bar = b" " * left + data + b" " * (limit - len(data) - left)
    yield _INVERSE + _line(bar, size=2, bold=True) + _PLAIN


def _code(block: Code, width: int) -> Iterator[bytes]:
    symbol = _symbol(block, width)
    if symbol is None or _spells_real_time(symbol):
        yield from _pixels(block, width)
        return
    yield _ALIGN[Align.CENTER] + b"\x1bJ\x18" + symbol + b"\x1bJ\x10"
    if block.caption:
        yield from _text(Text(text=block.caption, align=Align.CENTER), width)


def _symbol(block: Code, width: int) -> bytes | None:
    """The printer's own command for a symbol; None when it has to be drawn."""
    match block.kind:
        case CodeKind.QR:
            return _qr(block.data, width)
        case CodeKind.CODE128:
            dots = symbols.bar_dots(block.data, width_dots=width)
            return None if dots is None else _bars(block.data, dots)
        case _:
            assert_never(block.kind)


def _qr(data: str, width: int) -> bytes:
    dots = symbols.qr_module_dots(symbols.qr_symbol(data), width_dots=width)
    stored = data.encode()
    return b"".join(
        (
            _function(b"1A2\x00"),
            _function(b"1C" + bytes((dots,))),
            _function(b"1E1"),
            _function(b"1P0" + stored),
            _function(b"1Q0"),
        )
    )


def _function(parameters: bytes) -> bytes:
    return b"\x1d(k" + len(parameters).to_bytes(2, "little") + parameters


def _bars(data: str, dots: int) -> bytes | None:
    coded = code128.selected(data)
    if len(coded) > _MOST_BARS:
        return None
    height = bytes((symbols.BAR_HEIGHT_DOTS,))
    shape = b"\x1dh" + height + b"\x1dw" + bytes((dots,)) + b"\x1dH\x00"
    return shape + b"\x1dk\x49" + bytes((len(coded),)) + coded


def _spells_real_time(command: bytes) -> bool:
    return any(bytes((0x10, second)) in command for second in escpos.REALTIME_SECOND)
