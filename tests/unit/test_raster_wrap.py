"""Lines break where a reader expects it, and no character is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.raster.wrap import columns, wrap

WORDS = st.text(
    st.sampled_from("牛奶有机蓝莓，。（）「」￥ab cd-EF/12 .,;!?:()×·é龦€\n"), max_size=60
)


@pytest.mark.parametrize(
    ("text", "limit", "lines"),
    [
        ("", 8, [""]),
        ("有机纯牛奶", 6, ["有机纯", "牛奶"]),
        ("牛奶，面包", 4, ["牛", "奶，", "面包"]),
        ("价（元）", 4, ["价", "（元", "）"]),
        ("fresh whole milk", 11, ["fresh whole", "milk"]),
        ("ABCDEFGHIJ", 4, ["ABCD", "EFGH", "IJ"]),
        ("20261121-000123", 10, ["20261121-", "000123"]),
        ("a\nb", 9, ["a", "b"]),
        ("1111 :", 2, ["11", "11", ":"]),
        ("奶", 1, ["奶"]),
    ],
)
def test_lines_break_between_characters_and_words_but_not_before_closing_marks(
    text: str, limit: int, lines: list[str]
) -> None:
    assert wrap(text, limit, columns) == lines


@given(text=WORDS, limit=st.integers(min_value=2, max_value=48))
def test_wrapping_loses_nothing_but_spaces_and_keeps_every_line_within_the_limit(
    text: str, limit: int
) -> None:
    lines = wrap(text, limit, columns)
    assert "".join(lines).replace(" ", "") == text.replace("\n", "").replace(" ", "")
    assert all(columns(line) <= limit for line in lines)


@given(text=WORDS)
def test_text_that_fits_is_one_line_a_paragraph(text: str) -> None:
    assert wrap(text, 1000, columns) == [line.rstrip(" ") for line in text.split("\n")]
