"""QR and Code 128 as pictures, sized so that a counter's scanner reads them from paper.

At 203 dpi a dot is 0.125 mm. QR modules of 4 dots and more (0.5 mm) read well from a worn head;
bars of 2 dots are the least that laser guns read.
"""

import segno
from PIL import Image, ImageDraw

from drivers.ports.errors import DeviceRefused
from drivers.raster import code128

QR_QUIET_MODULES = 4
_QR_LEAST_DOTS = 3
_QR_GOOD_DOTS = 4
_QR_MOST_DOTS = 8
_QR_SIDE_DOTS = 288  # 36 mm: large enough for any gun, small enough to leave the slip short
_BAR_DOTS = (3, 2)
BAR_HEIGHT_DOTS = 88


class CodeRefused(DeviceRefused):
    """The data does not fit the paper as a readable symbol, or is empty; nothing was drawn."""

    code = "E-DEV-07"
    hint = "The code on this slip is too long for the paper. Tell HQ which slip it was."


def qr(data: str, *, width_dots: int) -> Image.Image:
    """A QR code, level M, never Micro QR, quiet zone included; mode "L".

    Raises:
        CodeRefused: it does not fit `width_dots` at 3 dots a module, or there is no data.
    """
    symbol = qr_symbol(data)
    return qr_picture(symbol, qr_module_dots(symbol, width_dots=width_dots))


def qr_symbol(data: str) -> segno.QRCode:
    """The symbol itself; raises as `qr`."""
    if not data:
        raise CodeRefused("a code without data")
    try:
        return segno.make_qr(data, error="m", boost_error=False)
    except segno.DataOverflowError as error:
        raise CodeRefused("more data than a QR code holds") from error


def qr_module_dots(symbol: segno.QRCode, *, width_dots: int) -> int:
    """Dots a module: the largest that keeps the symbol within 36 mm, but at least 4 if it fits."""
    side = int(symbol.symbol_size(border=QR_QUIET_MODULES)[0])
    nice = max(_QR_GOOD_DOTS, _QR_SIDE_DOTS // side)
    dots = min(_QR_MOST_DOTS, nice, width_dots // side)
    if dots < _QR_LEAST_DOTS:
        raise CodeRefused(f"QR of {side} modules does not fit {width_dots} dots")
    return dots


def qr_picture(symbol: segno.QRCode, module_dots: int) -> Image.Image:
    """The symbol with its quiet zone at `module_dots`; mode "L", 0 is black."""
    rows = [bytes(0 if dark else 255 for dark in row) for row in symbol.matrix_iter(border=4)]
    small = Image.frombytes("L", (len(rows[0]), len(rows)), b"".join(rows))
    size = (small.width * module_dots, small.height * module_dots)
    return small.resize(size, Image.Resampling.NEAREST)  # pyright: ignore[reportUnknownMemberType]  # names numpy


def bar_dots(data: str, *, width_dots: int) -> int | None:
    """Dots a module for a Code 128 of `data`.

    None when it is too long to be readable on this paper, or holds what Code 128 cannot.
    """
    try:
        length = code128.modules(data)
    except ValueError:
        return None
    return next((dots for dots in _BAR_DOTS if length * dots <= width_dots), None)


def bars(data: str, *, width_dots: int) -> Image.Image | None:
    """A Code 128 with quiet zones, mode "L"; None as `bar_dots`."""
    dots = bar_dots(data, width_dots=width_dots)
    if dots is None:
        return None
    return bar_picture(code128.widths(data), dots, BAR_HEIGHT_DOTS)


def bar_picture(widths: str, module_dots: int, height_dots: int) -> Image.Image:
    """Bars from module widths, a bar first, quiet zones added; mode "L"."""
    total = sum(map(int, widths)) + 2 * code128.QUIET_MODULES
    picture = Image.new("L", (total * module_dots, height_dots), 255)
    draw = ImageDraw.Draw(picture)
    x = code128.QUIET_MODULES * module_dots
    for place, width in enumerate(widths):
        end = x + int(width) * module_dots
        if place % 2 == 0:
            draw.rectangle((x, 0, end - 1, height_dots), fill=0)
        x = end
    return picture
