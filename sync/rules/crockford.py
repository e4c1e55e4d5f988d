"""Crockford base32 with a check character: what a person can read aloud and type.

Theory: 32 symbols without I, L, O, U. Typed text is forgiven: case, spaces, hyphens, full-width
forms (NFKC), O read as 0, I and L as 1. The check character is a weighted sum over GF(32)
(x^5 + x^2 + 1, weights 2^i): every single wrong character and every swap of two neighbours is
noticed, because the weights of a code of up to 31 characters are all different and never zero.
Source: D. Crockford, "Base 32", for the alphabet; the check is our own.
"""

import unicodedata

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUE = {char: value for value, char in enumerate(ALPHABET)} | {"O": 0, "I": 1, "L": 1}
_POLYNOMIAL = 0b100101
_MAX_CHARS = 31


def _power_table() -> tuple[int, ...]:
    powers = [1]
    for _ in range(_MAX_CHARS - 1):
        doubled = powers[-1] << 1
        powers.append(doubled ^ _POLYNOMIAL if doubled & 32 else doubled)
    return tuple(powers)


_POWERS = _power_table()


def _multiply(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 32:
            a ^= _POLYNOMIAL
        b >>= 1
    return product


_TIMES = tuple(tuple(_multiply(a, b) for b in range(32)) for a in range(32))


def normalise(text: str) -> str:
    """Typed text as upper-case symbols: NFKC, no spaces or hyphens, O to 0, I and L to 1.

    >>> normalise(" ab1o-ｉ９ ")
    'AB1019'
    """
    folded = unicodedata.normalize("NFKC", text).upper()
    kept = (char for char in folded if not char.isspace() and char not in "-‐‑‒–—")
    return "".join({"O": "0", "I": "1", "L": "1"}.get(char, char) for char in kept)


def encode(value: int, length: int) -> str:
    """`value` as exactly `length` symbols, most significant first."""
    if not 0 <= value < 1 << (5 * length):
        raise ValueError("value does not fit the length")
    return "".join(ALPHABET[value >> shift & 31] for shift in range(5 * (length - 1), -1, -5))


def decode(symbols: str) -> int:
    """The number behind normalised symbols.

    Raises:
        ValueError: a character is not in the alphabet.
    """
    value = 0
    for char in symbols:
        digit = _VALUE.get(char)
        if digit is None:
            raise ValueError("not a Crockford base32 symbol")
        value = value << 5 | digit
    return value


def check_character(symbols: str) -> str:
    """The symbol to append to up to 30 symbols so that `has_valid_check` holds."""
    total = 0
    for position, char in enumerate(reversed(symbols), start=1):
        total ^= _TIMES[_VALUE[char]][_POWERS[position]]
    return ALPHABET[total]


def has_valid_check(symbols: str) -> bool:
    """Whether the last symbol is the check character of those before it."""
    if len(symbols) < 2 or len(symbols) > _MAX_CHARS or any(c not in _VALUE for c in symbols):
        return False
    return check_character(symbols[:-1]) == ALPHABET[_VALUE[symbols[-1]]]
