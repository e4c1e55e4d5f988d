"""Text → the key reports of a virtual keyboard-wedge scanner.

Separate from the driver's decoder on purpose, tables included: each layout is written the other
way round, from the character to the key that a person would press. A report is a list of
(key code, value) that arrive together; codes are those of linux/input-event-codes.h.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Report = tuple[tuple[int, int], ...]

CAPS_LOCK, LEFT_SHIFT, LEFT_CTRL, LEFT_ALT, RIGHT_ALT = 58, 42, 29, 56, 100
END_KEYS: Mapping[str, int] = {"enter": 28, "kpenter": 96, "tab": 15}
KEYPAD = dict(zip("0123456789", (82, 79, 80, 81, 75, 76, 77, 71, 72, 73), strict=True))

_LETTERS_US = (
    dict(zip("qwertyuiop", range(16, 26), strict=True))
    | dict(zip("asdfghjkl", range(30, 39), strict=True))
    | dict(zip("zxcvbnm", range(44, 51), strict=True))
)
_DIGITS = {"1": 2, "2": 3, "3": 4, "4": 5, "5": 6, "6": 7, "7": 8, "8": 9, "9": 10, "0": 11}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke:
    """One key with the modifiers held down."""

    code: int
    modifiers: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Typing:
    """How this scanner is programmed and what is wrong with it.

    alt: how a character without a key is sent: "unicode", "gbk", or "none".
    caps: Caps Lock is pressed first, and again behind the text.
    alt_burst: Alt and all digits of a code point go into one report.
    keypad: digits by the keypad.
    repeat: each press is followed by an auto-repeat event.
    """

    layout: str = "us"
    alt: str = "unicode"
    caps: bool = False
    alt_burst: bool = False
    keypad: bool = False
    repeat: bool = False


def _strokes(plain: Mapping[str, int], shift: str, altgr: str = "") -> dict[str, Stroke]:
    """`shift` and `altgr` list pairs: a character, and the plain character on the same key."""
    table = {char: Stroke(code=code) for char, code in plain.items()}
    for pairs, modifier in ((shift, LEFT_SHIFT), (altgr, RIGHT_ALT)):
        for char, base in zip(pairs[::2], pairs[1::2], strict=True):
            table[char] = Stroke(code=plain[base], modifiers=(modifier,))
    table[" "] = Stroke(code=57)
    return table


def _capitals(letters: str) -> str:
    return "".join(char.upper() + char for char in letters)


_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_GERMAN = _LETTERS_US | {"y": 44, "z": 21}
_FRENCH = _LETTERS_US | {"a": 16, "q": 30, "z": 17, "w": 44, "m": 39}

LAYOUTS: Mapping[str, Mapping[str, Stroke]] = {
    "us": _strokes(
        _LETTERS_US
        | _DIGITS
        | {"-": 12, "=": 13, "[": 26, "]": 27, ";": 39, "'": 40, "`": 41, "\\": 43}
        | {",": 51, ".": 52, "/": 53},
        _capitals(_ALPHABET) + "!1@2#3$4%5^6&7*8(9)0_-+={[}]:;\"'~`|\\<,>.?/",
    ),
    "de": _strokes(
        _GERMAN
        | _DIGITS
        | {"ß": 12, "´": 13, "ü": 26, "+": 27, "ö": 39, "ä": 40, "^": 41, "#": 43}
        | {",": 51, ".": 52, "-": 53, "<": 86},
        _capitals(_ALPHABET + "üöä") + "!1\"2§3$4%5&6/7(8)9=0?ß`´*+°^'#;,:._->" + "<",
        "²2³3{7[8]9}0\\ß@q€e~+|<µm",
    ),
    "fr": _strokes(
        _FRENCH
        | {"&": 2, "é": 3, '"': 4, "'": 5, "(": 6, "-": 7, "è": 8, "_": 9, "ç": 10, "à": 11}
        | {")": 12, "=": 13, "^": 26, "$": 27, "ù": 40, "²": 41, "*": 43}
        | {",": 50, ";": 51, ":": 52, "!": 53, "<": 86},
        _capitals(_ALPHABET) + "1&2é3\"4'5(6-7è8_9ç0à°)+=¨^£$%ùµ*?,.;/:§!><",
        "~é#\"{'[(|-`è\\_^ç@à])}=€e¤$",
    ),
}


def reports(text: str, suffix: str, typing: Typing) -> list[Report]:
    """The reports of one scan, the end key (`enter`, `kpenter`, `tab`, `none`) included.

    Raises:
        ValueError: an unknown layout, end key or alt mode, or a character that cannot be sent.
    """
    if typing.layout not in LAYOUTS:
        raise ValueError(f"layout={typing.layout!r}: there are {', '.join(LAYOUTS)}")
    if suffix != "none" and suffix not in END_KEYS:
        raise ValueError(f"suffix={suffix!r}: there are {', '.join(END_KEYS)}, none")
    found: list[Report] = []
    caps = list(_press(Stroke(code=CAPS_LOCK), repeat=False)) if typing.caps else []
    found.extend(caps)
    for char in text:
        found.extend(_character(char, typing))
    found.extend(caps)
    if suffix != "none":
        found.extend(_press(Stroke(code=END_KEYS[suffix]), repeat=False))
    return found


def _character(char: str, typing: Typing) -> Iterator[Report]:
    table = LAYOUTS[typing.layout]
    if typing.keypad and char in KEYPAD:
        yield from _press(Stroke(code=KEYPAD[char]), repeat=typing.repeat)
    elif char in table:
        stroke = table[char]
        if typing.caps and char.upper() != char.lower() and len(char.upper()) == 1:
            stroke = _invert_shift(char, table)
        yield from _press(stroke, repeat=typing.repeat)
    elif ord(char) < 0x20:
        yield from _control(char, table)
    else:
        yield from _alt(char, typing)


def _invert_shift(char: str, table: Mapping[str, Stroke]) -> Stroke:
    other = char.lower() if char.isupper() else char.upper()
    return table.get(other, table[char])


def _control(char: str, table: Mapping[str, Stroke]) -> Iterator[Report]:
    printed = chr(ord(char) | 0x40).lower()
    stroke = table.get(printed)
    if stroke is None:
        raise ValueError(f"this layout has no key for control character {ord(char):#04x}")
    yield from _press(
        Stroke(code=stroke.code, modifiers=(LEFT_CTRL, *stroke.modifiers)), repeat=False
    )


def _alt(char: str, typing: Typing) -> Iterator[Report]:
    match typing.alt:
        case "unicode":
            number = ord(char)
        case "gbk":
            pair = char.encode("gbk")  # UnicodeEncodeError is a ValueError
            number = int.from_bytes(pair, "big")
        case "none":
            raise ValueError(f"layout {typing.layout} has no key for {char!r}, and alt=none")
        case _:
            raise ValueError(f"alt={typing.alt!r}: there are unicode, gbk, none")
    digits = [KEYPAD[digit] for digit in str(number)]
    if typing.alt_burst:
        # One report holds each key once: a repeated digit is lost, as on the real thing.
        once = tuple(dict.fromkeys(digits))
        yield ((LEFT_ALT, 1), *((code, 1) for code in once))
        yield (*((code, 0) for code in once), (LEFT_ALT, 0))
        return
    yield ((LEFT_ALT, 1),)
    for code in digits:
        yield ((code, 1),)
        yield ((code, 0),)
    yield ((LEFT_ALT, 0),)


def _press(stroke: Stroke, *, repeat: bool) -> Iterator[Report]:
    down = tuple((code, 1) for code in stroke.modifiers)
    up = tuple((code, 0) for code in reversed(stroke.modifiers))
    yield (*down, (stroke.code, 1))
    if repeat:
        yield ((stroke.code, 2),)
    yield ((stroke.code, 0), *up)
