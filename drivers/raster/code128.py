"""Code 128 as bar widths, code sets B and C (ISO/IEC 15417).

A symbol is a start character, data characters, a check character and a stop. Each character but
the stop has six widths (bar, space, …) adding up to 11 modules; the stop has seven, 13 modules.
Set C packs two digits into a character: it is entered for a run of four digits or more at either
end of the data, six in the middle (Annex on minimum length). Set A is left out: control characters
have no business on a slip.
"""

from collections.abc import Iterator

QUIET_MODULES = 10
_START_B, _START_C, _TO_C, _TO_B, _STOP = 104, 105, 99, 100, 106

# Widths of the 107 symbol characters, value 0 first (the standard's table 1).
_TABLE = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 "
    "122132 122231 113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 "
    "321221 312212 322112 322211 212123 212321 232121 111323 131123 131321 112313 132113 132311 "
    "211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131 213113 "
    "213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422 "
    "121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 "
    "241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 "
    "412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 "
    "211214 211232 2331112"
)
_WIDTHS = tuple(_TABLE.split())


def values(data: str) -> tuple[int, ...]:
    """Symbol character values of `data`, start to stop.

    Raises:
        ValueError: `data` is empty, or holds a character outside ASCII 32 to 126.
    """
    if not data or not all(" " <= char <= "~" for char in data):
        raise ValueError("Code 128 holds 1 or more characters of ASCII 32 to 126")
    coded = list(_coded(data))
    check = coded[0] + sum(place * value for place, value in enumerate(coded[1:], start=1))
    return (*coded, check % 103, _STOP)


def _coded(data: str) -> Iterator[int]:
    at, in_c = 0, False
    while at < len(data):
        digits = _digits(data, at)
        if not in_c and _worth_c(data, at, digits):
            if digits % 2:  # one digit stays in B, so that C takes pairs
                yield from (_START_B,) if at == 0 else ()
                yield ord(data[at]) - 32
                at += 1
                yield _TO_C
            else:
                yield _START_C if at == 0 else _TO_C
            in_c = True
        elif in_c and digits < 2:
            yield _TO_B
            in_c = False
        elif in_c:
            yield int(data[at : at + 2])
            at += 2
        else:
            yield from (_START_B,) if at == 0 else ()
            yield ord(data[at]) - 32
            at += 1


def _digits(data: str, at: int) -> int:
    end = at
    while end < len(data) and "0" <= data[end] <= "9":
        end += 1
    return end - at


def _worth_c(data: str, at: int, digits: int) -> bool:
    if at == 0 and digits == len(data) == 2:
        return True
    at_an_end = at == 0 or at + digits == len(data)
    return digits >= (4 if at_an_end else 6)


def widths(data: str) -> str:
    """Widths of bars and spaces in modules as digits, a bar first; no quiet zones."""
    return "".join(_WIDTHS[value] for value in values(data))


def selected(data: str) -> bytes:
    """The same choice of sets as printers want it for `GS k 73`: `{B`, `{C`, then the data.

    Raises:
        ValueError: as `values`.
    """
    out = bytearray()
    in_c = False
    for value in values(data)[:-2]:
        if value in (_START_C, _START_B) or (value == _TO_C and not in_c) or value == _TO_B:
            in_c = value in (_START_C, _TO_C)
            out += b"{C" if in_c else b"{B"
        elif in_c:
            out.append(value)
        else:
            out += b"{{" if value + 32 == ord("{") else bytes((value + 32,))
    return bytes(out)


def modules(data: str) -> int:
    """Length of the symbol in modules with both quiet zones."""
    return sum(map(int, widths(data))) + 2 * QUIET_MODULES


def bars(coded: tuple[int, ...]) -> str:
    """Widths for symbol character values that somebody else coded (a printer that got `GS k`)."""
    return "".join(_WIDTHS[value] for value in coded)
