"""Code 128 agrees with an independent decoder."""

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.raster import code128
from drivers.raster.symbols import bar_picture, bars, qr

PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=24)
DIGITS = st.text("0123456789", min_size=1, max_size=24)


@pytest.mark.parametrize(
    ("data", "values"),
    [
        ("AB", (104, 33, 34, 102, 106)),
        ("12", (105, 12, 14, 106)),
        ("123456", (105, 12, 34, 56, 44, 106)),
        ("1234A", (105, 12, 34, 100, 33, 102, 106)),
        ("A1234", (104, 33, 99, 12, 34, 95, 106)),
    ],
)
def test_symbol_values_choose_the_shorter_set(data: str, values: tuple[int, ...]) -> None:
    assert code128.values(data) == values


@pytest.mark.parametrize("data", ["", "订单", "a\nb", "\x7f"])
def test_data_outside_the_printable_ascii_is_refused(data: str) -> None:
    with pytest.raises(ValueError, match="Code 128"):
        code128.values(data)


@settings(max_examples=60, deadline=None)
@given(data=PRINTABLE | DIGITS | st.builds(str.__add__, DIGITS, PRINTABLE))
def test_a_decoder_reads_back_what_was_encoded(data: str) -> None:
    picture = bar_picture(code128.widths(data), 2, 60)
    found = [(result.format, result.text) for result in zxingcpp.read_barcodes(picture)]
    assert found == [(zxingcpp.BarcodeFormat.Code128, data)]


@given(data=PRINTABLE | DIGITS)
def test_what_a_printer_is_told_names_the_same_characters(data: str) -> None:
    told, in_c, read = code128.selected(data), False, ""
    at = 0
    while at < len(told):
        if told[at : at + 2] in (b"{B", b"{C"):
            in_c, at = told[at : at + 2] == b"{C", at + 2
        elif in_c:
            read, at = f"{read}{told[at]:02}", at + 1
        else:
            at += told[at : at + 2] == b"{{"
            read, at = read + chr(told[at]), at + 1
    assert read == data


def test_bars_that_no_gun_could_read_are_not_drawn() -> None:
    assert bars("X" * 12, width_dots=384) is not None
    assert bars("X" * 13, width_dots=384) is None
    assert bars("订单", width_dots=576) is None


@pytest.mark.parametrize(("length", "width"), [(7, 384), (152, 384), (152, 576), (400, 576)])
def test_qr_modules_are_at_least_four_dots_and_read_back(length: int, width: int) -> None:
    data = ("P2:" + "AB12CD34" * 60)[:length]
    picture = qr(data, width_dots=width)
    assert picture.width <= width
    dark = picture.crop((0, picture.height // 2, picture.width, picture.height // 2 + 1))
    assert min(_runs(dark.tobytes())) >= 4
    assert [result.text for result in zxingcpp.read_barcodes(picture)] == [data]


def _runs(row: bytes) -> list[int]:
    runs, start = [], 0
    for at in range(1, len(row) + 1):
        if at == len(row) or row[at] != row[start]:
            runs.append(at - start)
            start = at
    return runs
