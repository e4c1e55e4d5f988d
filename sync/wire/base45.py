"""Base45 (RFC 9285): bytes as the QR alphanumeric alphabet, two bytes to three characters."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUE = {char: value for value, char in enumerate(_ALPHABET)}


def encode(data: bytes) -> str:
    """Characters for `data`; 3 for two bytes, 2 for a last odd one."""
    out: list[str] = []
    for start in range(0, len(data) - 1, 2):
        high, low = divmod(data[start] << 8 | data[start + 1], 45 * 45)
        middle, first = divmod(low, 45)
        out += (_ALPHABET[first], _ALPHABET[middle], _ALPHABET[high])
    if len(data) % 2:
        high, low = divmod(data[-1], 45)
        out += (_ALPHABET[low], _ALPHABET[high])
    return "".join(out)


def decode(text: str) -> bytes:
    """The bytes behind `text`.

    Raises:
        ValueError: a character outside the alphabet, a length of 1 modulo 3, or a group above
            its range. Every value has one spelling only.
    """
    try:
        values = [_VALUE[char] for char in text]
    except KeyError as error:
        raise ValueError("not a base45 character") from error
    if len(values) % 3 == 1:
        raise ValueError("not a base45 length")
    out = bytearray()
    for start in range(0, len(values), 3):
        group = values[start : start + 3]
        number = group[0] + 45 * group[1] + (45 * 45 * group[2] if len(group) == 3 else 0)
        if number > (0xFFFF if len(group) == 3 else 0xFF):
            raise ValueError("base45 group above its range")
        out += number.to_bytes(len(group) - 1, "big")
    return bytes(out)
