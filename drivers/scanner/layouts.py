"""Which character a key position gives in which layout.

A keyboard-wedge scanner sends key *positions*; the layout set inside the scanner decides which.
Positions are evdev codes (linux/input-event-codes.h). Each row of a layout lists the characters of
consecutive positions: plain, with Shift, with AltGr (a blank stands for "nothing here"). Dead keys
count as the character printed on them. Source: the national keyboards as printed, German DIN 2137
T1 and French AZERTY as on PCs.
"""

from dataclasses import dataclass

# First position of each row, and how the four rows run on.
_DIGITS = (41, *range(2, 14))
_UPPER = tuple(range(16, 28))
_HOME = (*range(30, 41), 43)
_LOWER = (86, *range(44, 54))
_SPACE = 57


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Characters by position; `letters` are the positions that Caps Lock turns to capitals."""

    plain: dict[int, str]
    shift: dict[int, str]
    altgr: dict[int, str]
    letters: frozenset[int]


def _layer(digits: str, upper: str, home: str, lower: str) -> dict[int, str]:
    pairs = (
        (code, char)
        for codes, row in ((_DIGITS, digits), (_UPPER, upper), (_HOME, home), (_LOWER, lower))
        for code, char in zip(codes, row.ljust(len(codes)), strict=True)
    )
    return {code: char for code, char in pairs if char != " "} | {_SPACE: " "}


def _layout(
    plain: tuple[str, str, str, str],
    shift: tuple[str, str, str, str],
    altgr: tuple[str, str, str, str] = ("", "", "", ""),
) -> Layout:
    low = _layer(*plain)
    high = _layer(*shift)
    letters = frozenset(
        code
        for code, char in low.items()
        if char.isalpha() and char.upper() == high.get(code) and char != "ß"
    )
    return Layout(plain=low, shift=high, altgr=_layer(*altgr), letters=letters)


LAYOUTS: dict[str, Layout] = {
    "us": _layout(
        ("`1234567890-=", "qwertyuiop[]", "asdfghjkl;'\\", "<zxcvbnm,./"),
        ("~!@#$%^&*()_+", "QWERTYUIOP{}", 'ASDFGHJKL:"|', ">ZXCVBNM<>?"),
    ),
    "de": _layout(
        ("^1234567890ß´", "qwertzuiopü+", "asdfghjklöä#", "<yxcvbnm,.-"),
        ('°!"§$%&/()=?`', "QWERTZUIOPÜ*", "ASDFGHJKLÖÄ'", ">YXCVBNM;:_"),
        ("  ²³   {[]}\\", "@ €        ~", "", "|      µ"),
    ),
    "fr": _layout(
        ("²&é\"'(-è_çà)=", "azertyuiop^$", "qsdfghjklmù*", "<wxcvbn,;:!"),
        (" 1234567890°+", "AZERTYUIOP¨£", "QSDFGHJKLM%µ", ">WXCVBN?./§"),
        ("  ~#{[|`\\^@]}", "  €        ¤", "", ""),
    ),
}

# The keypad means the same in every layout; Num Lock is taken to be on.
KEYPAD: dict[int, str] = {
    71: "7",
    72: "8",
    73: "9",
    74: "-",
    75: "4",
    76: "5",
    77: "6",
    78: "+",
    79: "1",
    80: "2",
    81: "3",
    82: "0",
    83: ".",
    55: "*",
    98: "/",
    117: "=",
    121: ",",
}
