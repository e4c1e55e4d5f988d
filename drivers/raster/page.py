"""A document drawn to pixels, block under block, as wide as the paper."""

import io
from typing import assert_never

from PIL import Image as Pictures
from PIL import ImageDraw, ImageOps, UnidentifiedImageError

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
from drivers.ports.errors import DeviceRefused
from drivers.raster import symbols
from drivers.raster.fonts import Font, font
from drivers.raster.wrap import wrap

WIDTH_58_MM_DOTS = 384
WIDTH_80_MM_DOTS = 576

BASE_PX = 24
"""Text of size 1: 3 mm high at 203 dpi, the size of a printer's own Chinese font."""

_LEADING = 1.28  # line height over font size; tighter crowds Chinese, looser wastes paper
_THRESHOLD = 150  # of 255: a little more ink than half, since paper shows thin strokes badly
_GAP_PX = 14  # least white between the two ends of a row
_MOST_PICTURE_ROWS = 4000


class PictureRefused(DeviceRefused):
    """A picture of a document cannot be read as PNG, or is absurdly large; nothing was drawn."""

    code = "E-DEV-08"
    hint = "The picture on this slip is broken. Tell HQ which slip it was."


def draw(document: Document, *, width_dots: int) -> Pictures.Image:
    """The document in black and white, mode "1" (0 is black), `width_dots` wide.

    Raises:
        DeviceRefused: no Chinese font, a code too large for the paper, an unreadable picture.
    """
    strips = [_block(block, width_dots) for block in document.blocks]
    height = max(1, sum(strip.height for strip in strips))
    page = Pictures.new("L", (width_dots, height), 255)
    y = 0
    for strip in strips:
        page.paste(strip, ((width_dots - strip.width) // 2, y))
        y += strip.height
    inked = page.point(_ink)  # pyright: ignore[reportUnknownMemberType]  # names numpy
    return inked.convert("1", dither=Pictures.Dither.NONE)


def png(document: Document, *, width_dots: int) -> bytes:
    """The same as a PNG file, for previews."""
    out = io.BytesIO()
    draw(document, width_dots=width_dots).save(out, "PNG")
    return out.getvalue()


def text_strip(lines: list[str], face: Font, align: Align, width_dots: int) -> Pictures.Image:
    """Lines drawn under each other; mode "L", `width_dots` wide."""
    line_px = round(face.size_px * _LEADING)
    strip = Pictures.new("L", (width_dots, line_px * len(lines)), 255)
    pen = ImageDraw.Draw(strip)
    for place, line in enumerate(lines):
        free = width_dots - face.width(line)
        x = {Align.LEFT: 0.0, Align.CENTER: free / 2, Align.RIGHT: free}[align]
        _write(pen, round(x), place * line_px, line_px, line, face)
    return strip


def _write(pen: ImageDraw.ImageDraw, x: int, y: int, line_px: int, line: str, face: Font) -> None:
    # The baseline is fixed at a share of the line, so that lines of different fonts align.
    baseline = y + round((line_px - face.size_px) / 2 + face.size_px * 0.86)
    for strike in range(face.strikes):
        pen.text((x + strike, baseline), line, font=face.font, fill=0, anchor="ls")


def _ink(value: int) -> int:
    return 0 if value < _THRESHOLD else 255


def _block(block: Block, width: int) -> Pictures.Image:
    match block:
        case Text():
            return _text(block, width)
        case Row():
            return _row(block, width)
        case Rule():
            return _rule(block, width)
        case Code():
            return _code(block, width)
        case Image():
            return _picture(block, width)
        case Mark():
            return _mark(block, width)
        case Feed():
            return _blank(width, round(BASE_PX * _LEADING) * max(0, block.lines))
        case _:
            assert_never(block)


def _blank(width: int, height: int) -> Pictures.Image:
    return Pictures.new("L", (width, height), 255)


def _text(block: Text, width: int) -> Pictures.Image:
    face = _fitting(block.text, BASE_PX * min(4, max(1, block.size)), width, bold=block.bold)
    return text_strip(wrap(block.text, width, face.width), face, block.align, width)


def _fitting(text: str, size: int, width: int, *, bold: bool) -> Font:
    """Large words are made up to a third smaller where that keeps them on one line."""
    face = font(size, bold=bold)
    if size == BASE_PX or "\n" in text or face.width(text) <= width:
        return face
    smaller = int(size * width / face.width(text))
    return font(smaller - smaller % 2, bold=bold) if smaller * 3 >= size * 2 else face


def _row(block: Row, width: int) -> Pictures.Image:
    face = font(BASE_PX, bold=block.bold)
    right_px = face.width(block.right)
    free = width - right_px - (_GAP_PX if block.right else 0)
    if block.right and free < width / 3:
        # The right end is too long to share a line: it goes below, whole.
        left = text_strip(wrap(block.left, width, face.width), face, Align.LEFT, width)
        right = text_strip(wrap(block.right, width, face.width), face, Align.RIGHT, width)
        return _stack((left, right), width)
    strip = text_strip(wrap(block.left, free, face.width), face, Align.LEFT, width)
    line_px = round(BASE_PX * _LEADING)
    pen = ImageDraw.Draw(strip)
    _write(pen, round(width - right_px), 0, line_px, block.right, face)
    return strip


def _rule(block: Rule, width: int) -> Pictures.Image:
    strip = _blank(width, 22 if block.double else 18)
    pen = ImageDraw.Draw(strip)
    for y in (7, 13) if block.double else (8,):
        pen.rectangle((0, y, width, y + 1), fill=0)
    return strip


def _code(block: Code, width: int) -> Pictures.Image:
    parts = [_symbol(block, width)]
    if block.caption:
        face = font(BASE_PX)
        parts.append(text_strip(wrap(block.caption, width, face.width), face, Align.CENTER, width))
    return _stack((_blank(width, 10), *parts, _blank(width, 6)), width)


def _symbol(block: Code, width: int) -> Pictures.Image:
    match block.kind:
        case CodeKind.QR:
            return symbols.qr(block.data, width_dots=width)
        case CodeKind.CODE128:
            drawn = symbols.bars(block.data, width_dots=width)
            # Bars thinner than a gun reads help nobody: the same data as QR is read.
            return drawn if drawn is not None else symbols.qr(block.data, width_dots=width)
        case _:
            assert_never(block.kind)


def _picture(block: Image, width: int) -> Pictures.Image:
    try:
        opened = Pictures.open(io.BytesIO(block.png), formats=("PNG",))
        if opened.width < 1 or opened.height > _MOST_PICTURE_ROWS * max(1, opened.width // width):
            raise PictureRefused(f"picture of {opened.width} x {opened.height} px")
        rgba = opened.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise PictureRefused("not a readable PNG") from error
    except Pictures.DecompressionBombError as error:
        raise PictureRefused("picture too large") from error
    paper = Pictures.new("RGBA", rgba.size, (255, 255, 255, 255))
    grey = Pictures.alpha_composite(paper, rgba).convert("L")
    if grey.width > width:
        height = max(1, round(grey.height * width / grey.width))
        size = (width, height)
        grey = grey.resize(size, Pictures.Resampling.LANCZOS)  # pyright: ignore[reportUnknownMemberType]  # names numpy
    return grey.convert("1", dither=Pictures.Dither.FLOYDSTEINBERG).convert("L")


def _mark(block: Mark, width: int) -> Pictures.Image:
    inner = width - BASE_PX
    face = _fitting(block.text, BASE_PX * 2, inner, bold=True)
    strip = text_strip(wrap(block.text, inner, face.width), face, Align.CENTER, width)
    framed = _stack((_blank(width, 7), strip, _blank(width, 9)), width)
    return _stack((_blank(width, 5), ImageOps.invert(framed), _blank(width, 7)), width)


def _stack(parts: tuple[Pictures.Image, ...], width: int) -> Pictures.Image:
    strip = _blank(width, sum(part.height for part in parts))
    y = 0
    for part in parts:
        strip.paste(part, ((width - part.width) // 2, y))
        y += part.height
    return strip
