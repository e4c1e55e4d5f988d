"""Many prices in one row: of articles with a number for a SKU, five bytes each.

`PricesRow.numbered` is a run of pairs of unsigned LEB128 numbers, by rising SKU: how much a SKU is
above the one before (the first above 0), and the price in minor units. Any other SKU stands in
`named` as text.
"""

from collections.abc import Iterator, Mapping

from sync.wire.catalog import PricesRow
from sync.wire.errors import RemoteWireError

MAX_PRICES = 500
"""What one row carries."""
MAX_MINOR = 10**12
_MOST_SHIFT = 42


def prices_row(prices: Mapping[str, int], *, effective_from_ms: int, own: bool) -> PricesRow:
    """The row that says these prices (SKU to minor units, 0 to `MAX_MINOR`)."""
    numbers = sorted((int(sku), minor) for sku, minor in prices.items() if _is_number(sku))
    packed = bytearray()
    before = 0
    for number, minor in numbers:
        packed += _leb128(number - before) + _leb128(minor)
        before = number
    named = sorted((sku, minor) for sku, minor in prices.items() if not _is_number(sku))
    return PricesRow(
        effective_from_ms=effective_from_ms, own=own, numbered=bytes(packed), named=tuple(named)
    )


def prices_of(row: PricesRow) -> Iterator[tuple[str, int]]:
    """SKU and minor units of each price.

    Raises:
        RemoteWireError: not such numbers.
    """
    numbers = _numbers(row.numbered)
    sku = 0
    for step in numbers:
        minor = next(numbers, None)
        if minor is None:
            raise RemoteWireError("an article's number without a price")
        sku += step
        yield str(sku), minor
    yield from row.named


def _is_number(sku: str) -> bool:
    """Whether a SKU comes back the same from an integer."""
    return sku.isascii() and sku.isdecimal() and sku[0] != "0"


def _leb128(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _numbers(data: bytes) -> Iterator[int]:
    number, shift = 0, 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
            if shift > _MOST_SHIFT:
                raise RemoteWireError("a number without end among prices")
        else:
            yield number
            number, shift = 0, 0
    if shift:
        raise RemoteWireError("a number cut short among prices")
