"""Paper in a virtual printer: what commands leave on it, as rows of dots and as words."""

import codecs
import math
from dataclasses import dataclass, field

import segno
from PIL import Image, ImageDraw

from drivers.raster import code128, symbols
from drivers.raster.fonts import font
from drivers.sim.escpos import Command

_CELL_PX = 24  # a printer's own font: 12 x 24 dots, Chinese 24 x 24
_LINE_PX = 30
_CODE_PAGES = {0: "cp437", 2: "cp850", 3: "cp860", 4: "cp863", 5: "cp865", 16: "cp1252"}
_QR_LEVELS = {48: "l", 49: "m", 50: "q", 51: "h"}


class NotUnderstood(Exception):
    """A command that is known, with a parameter that is not."""


@dataclass(slots=True)
class _Format:
    """What ESC @ resets."""

    align: int = 0
    across: int = 1
    down: int = 1
    bold: bool = False
    inverse: bool = False
    underline: bool = False
    kanji: codecs.IncrementalDecoder | None = None
    code_page: str = "cp437"
    spacing_px: int = _LINE_PX
    bar_height_px: int = 162
    bar_module_px: int = 3
    bar_text: int = 0
    qr_module_px: int = 3
    qr_level: int = 48
    qr_data: bytes = b""


@dataclass(frozen=True, slots=True)
class _Glyph:
    char: str
    wide: bool
    across: int
    down: int
    bold: bool
    inverse: bool

    @property
    def width_px(self) -> int:
        return (_CELL_PX if self.wide else _CELL_PX // 2) * self.across


@dataclass(slots=True)
class Paper:
    """The piece of paper below the head, since the last cut. `width_px` dots wide."""

    width_px: int
    strips: list[Image.Image] = field(default_factory=list[Image.Image])
    words: list[str] = field(default_factory=list[str])
    _line: list[_Glyph] = field(default_factory=list[_Glyph])
    _format: _Format = field(default_factory=_Format)

    @property
    def rows(self) -> int:
        """Rows fed out since the last cut."""
        return sum(strip.height for strip in self.strips)

    def take(self) -> tuple[Image.Image, list[str]]:
        """Tear the piece off: its picture (mode "1", 0 is black) and its words, line by line."""
        self._end_line()
        piece = Image.new("1", (self.width_px, max(1, self.rows)), 1)
        y = 0
        for strip in self.strips:
            piece.paste(strip, (0, y))
            y += strip.height
        words = self.words
        self.strips, self.words = [], []
        return piece, words

    def obey(self, command: Command) -> None:
        """Carry out a command that prints or changes how printing looks.

        Raises:
            NotUnderstood: a parameter outside what this printer knows; nothing was changed.
        """
        data, form = command.data, self._format
        match command.name:
            case "ESC @":
                self._line.clear()
                self._format = _Format()
            case "text":
                self._text(data)
            case "LF":
                self._end_line(feed_empty=True)
            case "ESC a":
                form.align = _digit(data[0], 2)
            case "ESC !":
                form.bold = bool(data[0] & 0x08)
                form.down = 2 if data[0] & 0x10 else 1
                form.across = 2 if data[0] & 0x20 else 1
            case "GS !":
                form.across, form.down = (data[0] >> 4) + 1, (data[0] & 0x0F) + 1
            case "FS !":
                form.across = 2 if data[0] & 0x04 else 1
                form.down = 2 if data[0] & 0x08 else 1
            case "ESC E" | "ESC G":
                form.bold = bool(data[0] & 1)
            case "ESC -":
                form.underline = _digit(data[0], 2) > 0
            case "GS B":
                form.inverse = bool(data[0] & 1)
            case "FS &":
                form.kanji = codecs.getincrementaldecoder("gbk")("replace")
            case "FS .":
                form.kanji = None
            case "ESC t":
                if data[0] not in _CODE_PAGES:
                    raise NotUnderstood(f"code page {data[0]}")
                form.code_page = _CODE_PAGES[data[0]]
            case "ESC 2":
                form.spacing_px = _LINE_PX
            case "ESC 3":
                form.spacing_px = data[0]
            case "ESC d":
                self._end_line()
                self._feed(data[0] * form.spacing_px)
            case "ESC J":
                self._end_line()
                self._feed(data[0])
            case "GS v 0":
                self._raster(data)
            case _:
                self._code(command)

    def _code(self, command: Command) -> None:
        data, form = command.data, self._format
        match command.name:
            case "GS h":
                form.bar_height_px = data[0]
            case "GS w":
                if not 1 <= data[0] <= 6:
                    raise NotUnderstood(f"bar width {data[0]}")
                form.bar_module_px = data[0]
            case "GS H":
                form.bar_text = _digit(data[0], 3)
            case "GS f":
                _digit(data[0], 1)
            case "GS k":
                self._barcode(data)
            case "GS ( k":
                self._qr(data[2:])
            case _:
                raise NotUnderstood(command.name)

    def _text(self, data: bytes) -> None:
        form = self._format
        for char in _characters(data, form):
            wide = form.kanji is not None and char > "\x7f"  # came as two bytes
            glyph = _Glyph(char, wide, form.across, form.down, form.bold, form.inverse)
            if sum(g.width_px for g in self._line) + glyph.width_px > self.width_px:
                self._end_line()
            self._line.append(glyph)

    def _end_line(self, *, feed_empty: bool = False) -> None:
        form = self._format
        if not self._line:
            if feed_empty:
                self._feed(form.spacing_px)
            return
        tallest = max(glyph.down for glyph in self._line) * _CELL_PX
        height = max(form.spacing_px, tallest + 4)
        strip = Image.new("L", (self.width_px, height), 255)
        x = self._left(sum(glyph.width_px for glyph in self._line))
        for glyph in self._line:
            drawn = _drawn(glyph)
            strip.paste(drawn, (x, tallest - drawn.height + (height - tallest) // 2))
            x += glyph.width_px
        self._put(strip)
        self.words.append("".join(glyph.char for glyph in self._line))
        self._line.clear()

    def _left(self, used_px: int) -> int:
        return max(0, (self.width_px - used_px) * self._format.align // 2)

    def _feed(self, rows: int) -> None:
        if rows:
            self.strips.append(Image.new("1", (self.width_px, rows), 1))

    def _put(self, strip: Image.Image) -> None:
        self.strips.append(strip.convert("1", dither=Image.Dither.NONE))

    def _place(self, picture: Image.Image) -> None:
        strip = Image.new("L", (self.width_px, picture.height), 255)
        strip.paste(picture, (self._left(picture.width), 0))
        self._put(strip)

    def _raster(self, data: bytes) -> None:
        across, rows = (int.from_bytes(data[at : at + 2], "little") for at in (1, 3))
        if data[0] not in (0, 48):
            raise NotUnderstood(f"GS v 0 mode {data[0]}")
        if across * 8 > self.width_px or not across or not rows:
            raise NotUnderstood(f"GS v 0 of {across * 8} x {rows} dots")
        self._end_line()
        self._place(Image.frombytes("1", (across * 8, rows), bytes(b ^ 0xFF for b in data[5:])))

    def _barcode(self, data: bytes) -> None:
        form = self._format
        if data[0] != 73:
            raise NotUnderstood(f"GS k type {data[0]}")
        coded, human = _code128(data[2:])
        self._end_line()
        picture = symbols.bar_picture(code128.bars(coded), form.bar_module_px, form.bar_height_px)
        if picture.width > self.width_px + 2 * code128.QUIET_MODULES * form.bar_module_px:
            return  # as printers do: a code that is too wide leaves nothing
        quiet = code128.QUIET_MODULES * form.bar_module_px
        self._place(picture.crop((quiet, 0, picture.width - quiet, picture.height)))
        if form.bar_text & 2:
            self._line = [_Glyph(char, False, 1, 1, False, False) for char in human]
            self._end_line()

    def _qr(self, data: bytes) -> None:
        form = self._format
        match data[:2]:
            case b"1A":
                if data[2] not in (49, 50):
                    raise NotUnderstood(f"QR model {data[2]}")
            case b"1C":
                if not 1 <= data[2] <= 16:
                    raise NotUnderstood(f"QR module {data[2]}")
                form.qr_module_px = data[2]
            case b"1E":
                if data[2] not in _QR_LEVELS:
                    raise NotUnderstood(f"QR level {data[2]}")
                form.qr_level = data[2]
            case b"1P":
                form.qr_data = data[3:]
            case b"1Q":
                self._end_line()
                level = _QR_LEVELS[form.qr_level]
                symbol = segno.make_qr(form.qr_data, error=level, boost_error=False)
                # A printer adds no quiet zone; the paper beside the symbol is what there is.
                framed = symbols.qr_picture(symbol, form.qr_module_px)
                quiet = symbols.QR_QUIET_MODULES * form.qr_module_px
                box = (quiet, quiet, framed.width - quiet, framed.height - quiet)
                if box[2] - box[0] <= self.width_px:
                    self._place(framed.crop(box))
            case _:
                raise NotUnderstood(f"GS ( k {data[:2].hex(' ')}")


def _digit(value: int, most: int) -> int:
    """Parameters may be sent as 0, 1, 2 or as the digits of ASCII."""
    plain = value - 48 if value >= 48 else value
    if not 0 <= plain <= most:
        raise NotUnderstood(f"parameter {value}")
    return plain


def _characters(data: bytes, form: _Format) -> str:
    if form.kanji is None:
        return data.decode(form.code_page, errors="replace")
    return form.kanji.decode(data)  # a character may come in two pieces


def _drawn(glyph: _Glyph) -> Image.Image:
    """The glyph in its cell; one too wide for it is squeezed, as a cell font's would be."""
    face = font(_CELL_PX * glyph.down, bold=glyph.bold)
    natural = max(glyph.width_px * glyph.down // glyph.across, math.ceil(face.width(glyph.char)))
    cell = Image.new("L", (natural, _CELL_PX * glyph.down), 255)
    left = (natural - face.width(glyph.char)) / 2
    base = round(cell.height * 0.86)
    pen = ImageDraw.Draw(cell)
    for strike in range(face.strikes):
        pen.text((left + strike, base), glyph.char, font=face.font, anchor="ls")
    if natural != glyph.width_px:
        size = (glyph.width_px, cell.height)
        cell = cell.resize(size)  # pyright: ignore[reportUnknownMemberType]  # names numpy
    ink = _ink_inverse if glyph.inverse else _ink
    return cell.point(ink)  # pyright: ignore[reportUnknownMemberType]  # names numpy


def _ink(value: int) -> int:
    return 0 if value < 150 else 255


def _ink_inverse(value: int) -> int:
    return 255 - _ink(value)


def _code128(data: bytes) -> tuple[tuple[int, ...], str]:
    """Symbol values and human-readable text of `GS k 73`: `{B` and `{C` choose sets."""
    starts, changes = {66: 104, 67: 105}, {66: 100, 67: 99}
    coded: list[int] = []
    human = ""
    in_c = False
    at = 0
    while at < len(data):
        if data[at] == 0x7B and at + 1 < len(data) and data[at + 1] in starts:
            in_c = data[at + 1] == 67
            coded.append((changes if coded else starts)[data[at + 1]])
            at += 2
            continue
        if not coded:
            raise NotUnderstood("Code 128 without a set")
        if in_c:
            if data[at] > 99:
                raise NotUnderstood(f"Code 128 set C value {data[at]}")
            coded.append(data[at])
            human += f"{data[at]:02}"
            at += 1
            continue
        if data[at] == 0x7B:
            at += 1
            if data[at : at + 1] != b"{":
                raise NotUnderstood("Code 128 function")
        if not 32 <= data[at] <= 126:
            raise NotUnderstood(f"Code 128 set B byte {data[at]}")
        coded.append(data[at] - 32)
        human += chr(data[at])
        at += 1
    check = coded[0] + sum(place * value for place, value in enumerate(coded[1:], start=1))
    return (*coded, check % 103, 106), human
