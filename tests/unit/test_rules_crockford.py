"""What a person types is forgiven in form and never in substance."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.rules import crockford

symbols = st.text(alphabet=crockford.ALPHABET, min_size=1, max_size=30)


@given(st.integers(min_value=0, max_value=2**75 - 1))
def test_a_number_survives_its_symbols(value: int) -> None:
    assert crockford.decode(crockford.encode(value, 15)) == value


@given(symbols)
def test_the_check_character_fits(text: str) -> None:
    assert crockford.has_valid_check(text + crockford.check_character(text))


@given(symbols, st.data())
def test_every_single_wrong_character_is_noticed(text: str, data: st.DataObject) -> None:
    whole = text + crockford.check_character(text)
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.sampled_from(crockford.ALPHABET.replace(whole[place], "")))
    assert not crockford.has_valid_check(whole[:place] + other + whole[place + 1 :])


@given(symbols, st.data())
def test_every_swap_of_neighbours_is_noticed(text: str, data: st.DataObject) -> None:
    whole = text + crockford.check_character(text)
    place = data.draw(st.integers(0, len(whole) - 2))
    swapped = whole[:place] + whole[place + 1] + whole[place] + whole[place + 2 :]
    assert crockford.has_valid_check(swapped) == (swapped == whole)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("abcd-efgh", "ABCDEFGH"),
        (" ab cd ", "ABCD"),
        ("ＡＢ１２", "AB12"),
        ("oO0", "000"),
        ("iIlL1", "11111"),
        ("ab‐cd–ef", "ABCDEF"),
        ("\u3000AB\u00a0", "AB"),
    ],
)
def test_typed_text_is_forgiven(typed: str, meant: str) -> None:
    assert crockford.normalise(typed) == meant


@given(st.text(alphabet=crockford.ALPHABET + "OIL oil-abc\u3000", max_size=60))
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = crockford.normalise(text)
    assert crockford.normalise(once) == once


@given(st.text(max_size=40))
def test_any_text_is_checked_without_an_error(text: str) -> None:
    crockford.has_valid_check(text)
    crockford.has_valid_check(crockford.normalise(text))


@pytest.mark.parametrize("text", ["", "0", "U", "0U", "é0", "0" * 32])
def test_what_cannot_carry_a_check_has_none(text: str) -> None:
    assert not crockford.has_valid_check(text)


@pytest.mark.parametrize("symbols", ["U", "!", "A B"])
def test_a_foreign_character_is_no_number(symbols: str) -> None:
    with pytest.raises(ValueError, match="Crockford"):
        crockford.decode(symbols)


def test_a_number_must_fit_its_length() -> None:
    with pytest.raises(ValueError, match="fit"):
        crockford.encode(32, 1)
