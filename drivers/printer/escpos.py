"""ESC/POS commands as bytes: what the driver says to a printer.

Pure: no I/O, no clock. Names are those of Epson's command reference; where a byte is chosen for
printers that are not Epson's, the comment says so. Answers are parsed in `answers.py`.

Real-time commands (`DLE EOT`, `DLE ENQ`, `DLE DC4`) are recognised by printers anywhere in the
stream, even inside the data of a picture (Epson, DLE DC4, notes): three dots that happen to spell
`10 14 01` would open the drawer. `raster` therefore never emits such a sequence; see `_calm`.
"""

from collections.abc import Iterator

from PIL import Image

INITIALIZE = b"\x1b@"
"""ESC @: formats as after power-on. What is buffered for the line is dropped, no earlier lines."""

CUT = b"\x1dVB\x00"
"""GS V 66 0: feed to the cutter, then cut leaving one point. Printers without a cutter feed."""

FEED_TO_TEAR = b"\x1bd\x04"
"""ESC d 4: four lines, so that the last line clears the tear bar where nothing is cut."""

DRAWER = b"\x1bp\x00\x32\x32"
"""ESC p 0 50 50: pin 2, 100 ms on, 100 ms off."""

BUZZER = b"\x1bB\x02\x02"
"""ESC B 2 2: two beeps. Not Epson's own; common to Chinese and Star-like firmware."""

AUTO_STATUS_ON = b"\x1da\x0e"
"""GS a 14: tell changes of on-line state, errors and paper unasked (ASB), for the time of a job."""

AUTO_STATUS_OFF = b"\x1da\x00"

PAPER_IN_ORDER = b"\x1dr\x01"
"""GS r 1: the paper sensor, answered in order, behind all that was sent before."""

BAND_ROWS = 48
"""Rows a raster command carries: 6 mm of paper, 3.4 KB at 80 mm, below the smallest buffers."""

RESYNC = bytes(576 // 8 * BAND_ROWS + 8)
"""NUL for every byte that a picture or code cut off within may still be waiting for.

A printer whose sender died inside GS v 0 takes whatever comes next, over connections too, for the
rest of the picture: ESC @ and questions in order would be dots to it. NUL is white there, and
means nothing between commands. DLE DC4 8, which empties the buffers of Epson's and Citizen's, is
not used: simpler printers take any DLE DC4 for the drawer's.
"""

REALTIME_SECOND = b"\x04\x05\x14"
"""What follows DLE in DLE EOT, DLE ENQ and DLE DC4."""
_ID_FIRST, _ID_LAST = 0x20, 0x7E
_ID_BASE = _ID_LAST - _ID_FIRST + 1


def ask(n: int) -> bytes:
    """DLE EOT n, 1 printer, 2 off-line cause, 3 error cause, 4 paper; answered in real time."""
    assert 1 <= n <= 4
    return bytes((0x10, 0x04, n))


def process_id(job: int, *, fence: bool = False) -> bytes:
    """Four bytes of 0x20 to 0x7E that stand for a job; those of a fence never equal a job's.

    Jobs repeat after 94 · 95³, about 80 million; no late answer lives that long.
    """
    first = _ID_FIRST if fence else _ID_FIRST + 1 + job % (_ID_BASE - 1)
    rest = job if fence else job // (_ID_BASE - 1)
    digits = [_ID_FIRST + rest // _ID_BASE**place % _ID_BASE for place in range(3)]
    return bytes((first, *digits))


def request_process_id(ident: bytes) -> bytes:
    """GS ( H, function 48: `ident` is answered when all before it has been printed."""
    assert len(ident) == 4
    assert all(_ID_FIRST <= byte <= _ID_LAST for byte in ident)
    return b"\x1d(H\x06\x00\x30\x30" + ident


def raster(picture: Image.Image) -> Iterator[bytes]:
    """GS v 0 commands for a picture of mode "1" (0 is black), `BAND_ROWS` rows each.

    The width is padded with white to a multiple of 8. White rows are sent as dots too: the unit of
    a feed (ESC J) differs between makers, and the quiet zone of a code must not shrink.
    """
    assert picture.mode == "1"
    across = (picture.width + 7) // 8
    padded = Image.new("1", (across * 8, picture.height), 1)
    padded.paste(picture, (0, 0))
    data = _calm(bytes(byte ^ 0xFF for byte in padded.tobytes()))
    for top in range(0, picture.height, BAND_ROWS):
        rows = min(BAND_ROWS, picture.height - top)
        band = data[top * across : (top + rows) * across]
        yield _band(across, rows, band)


def _band(across: int, rows: int, band: bytes) -> bytes:
    return b"\x1dv0\x00" + across.to_bytes(2, "little") + rows.to_bytes(2, "little") + band


def _calm(data: bytes) -> bytes:
    """The same dots, with one more wherever they would spell the start of a real-time command.

    A byte 0x10 before 0x04, 0x05 or 0x14 becomes 0x18: one dot beside another, which nobody sees.
    """
    calm = data
    for second in REALTIME_SECOND:
        calm = calm.replace(bytes((0x10, second)), bytes((0x18, second)))
    return calm
