"""What stands on a phone: base45, V1, V2 and PL, forwards, backwards and under fuzz."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync.rules import crockford
from sync.wire import base45, pairing, token
from sync.wire.pairing import Pairing
from sync.wire.signature import Signer
from sync.wire.token import OrderLines, PickupToken, TokenLine

ISSUER = Signer(bytes(range(32)))

ids = st.binary(min_size=10, max_size=10)
code_ids = st.integers(0, 2**75 - 1).map(lambda number: number.to_bytes(10, "big"))
tokens = st.builds(
    PickupToken,
    key_id=st.integers(0, 2**16 - 1),
    code_id=code_ids,
    home_store=st.integers(0, 2**24 - 1),
    epoch=st.integers(0, 2**16 - 1),
    issued_at_s=st.integers(0, 2**32 - 1),
    not_after_s=st.integers(0, 2**32 - 1),
    grade=st.integers(0, 255),
    line_digest=st.binary(min_size=8, max_size=8),
)
skus = st.text(alphabet="ABC019-é奶", min_size=1, max_size=8).filter(
    lambda text: len(text.encode()) <= 8
)
lines = st.lists(
    st.builds(TokenLine, line=st.integers(0, 65_535), sku=skus, quantity=st.integers(1, 9_999)),
    min_size=1,
    max_size=60,
    unique_by=lambda line: line.line,
).map(tuple)


@given(st.binary(max_size=300))
def test_base45_brings_back_the_bytes(data: bytes) -> None:
    text = base45.encode(data)
    assert base45.decode(text) == data
    assert len(text) == len(data) // 2 * 3 + len(data) % 2 * 2


@given(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", max_size=30))
def test_base45_has_one_spelling_for_each_value(text: str) -> None:
    try:
        data = base45.decode(text)
    except ValueError:
        return
    assert base45.encode(data) == text


@pytest.mark.parametrize(
    "text",
    # "GGW" is 65,536 and "V5" is 256: one above what three and two characters may say
    ["A", "AAAA", ":::", "GGW", "::", "V5", "ab", "é0", "0\n", "\x00\x00"],
)
def test_base45_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="base45"):
        base45.decode(text)


@given(code_ids)
def test_a_v1_brings_back_its_id_however_it_is_typed(code_id: bytes) -> None:
    text = token.v1_text(code_id)
    assert len(text) == 16
    assert token.v1_code_id(text) == code_id
    typed = "-".join(text[start : start + 4] for start in range(0, 16, 4)).lower()
    assert token.v1_code_id(crockford.normalise(typed)) == code_id


@given(code_ids, st.integers(0, 15), st.sampled_from(crockford.ALPHABET))
def test_a_mistyped_v1_is_never_another_code(code_id: bytes, place: int, symbol: str) -> None:
    text = token.v1_text(code_id)
    if symbol == text[place]:
        return
    with pytest.raises(ValueError, match="V1"):
        token.v1_code_id(text[:place] + symbol + text[place + 1 :])


@given(tokens)
def test_a_v2_brings_back_its_fields_and_is_genuine(made: PickupToken) -> None:
    text = token.issue(made, ISSUER)
    assert len(text) == 152
    parsed = token.parse_v2(text)
    assert parsed.token == made
    assert parsed.is_genuine(ISSUER.public)
    assert not parsed.is_genuine(Signer(bytes(32)).public)


@given(tokens, st.integers(0, 98), st.integers(1, 255))
def test_any_changed_byte_of_a_v2_is_noticed(made: PickupToken, place: int, flip: int) -> None:
    data = bytearray(base45.decode(token.issue(made, ISSUER)[3:]))
    data[place] ^= flip
    try:
        parsed = token.parse_v2("P2:" + base45.encode(bytes(data)))
    except ValueError:
        return
    assert not parsed.is_genuine(ISSUER.public)


@given(st.text(max_size=220))
@example("P2:")
@example("P2:" + "0" * 149)
@example("P2:" + ":" * 149)
@example("P2:" + "0" * 5_000)
@example("PL:")
@example("PL:" + "0" * 3_000)
def test_any_text_is_either_a_code_or_a_value_error(text: str) -> None:
    for parse in (token.parse_v2, token.parse_lines, token.v1_code_id):
        try:
            parse(text)
        except ValueError:
            continue


@given(st.binary(max_size=400))
def test_any_bytes_behind_a_prefix_are_a_code_or_a_value_error(data: bytes) -> None:
    for prefix, parse in (("P2:", token.parse_v2), ("PL:", token.parse_lines)):
        try:
            parse(prefix + base45.encode(data))
        except ValueError:
            continue


@given(ids, ids, lines)
def test_a_pl_brings_back_its_lines_in_line_order(
    code_id: bytes, order_id: bytes, listed: tuple[TokenLine, ...]
) -> None:
    made = OrderLines(code_id=code_id, order_id=order_id, lines=listed)
    parsed = token.parse_lines(token.lines_text(made))
    assert parsed.lines == tuple(sorted(listed, key=lambda line: line.line))
    assert (parsed.code_id, parsed.order_id) == (code_id, order_id)
    digest = token.line_digest(code_id, order_id, listed)
    assert digest == token.line_digest(code_id, order_id, parsed.lines)


@given(ids, ids, lines, st.data())
def test_a_changed_line_has_another_digest(
    code_id: bytes, order_id: bytes, listed: tuple[TokenLine, ...], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(listed) - 1))
    old = listed[place]
    more = TokenLine(line=old.line, sku=old.sku, quantity=old.quantity % 9_999 + 1)
    changed = (*listed[:place], more, *listed[place + 1 :])
    digest = token.line_digest(code_id, order_id, listed)
    assert digest != token.line_digest(code_id, order_id, changed)


def _packed(*raw: bytes) -> str:
    return "PL:" + base45.encode(b"\x01" + bytes(20) + b"".join(raw))


@pytest.mark.parametrize(
    "text",
    [
        _packed(),
        _packed(b"\0\1MILK\0\0\0\0" + (0).to_bytes(4, "big")),
        _packed(b"\0\1MILK\0\0\0\0" + (10_000).to_bytes(4, "big")),
        _packed(b"\0\1" + bytes(8) + (1).to_bytes(4, "big")),
        _packed(b"\0\1\xff\xfe\0\0\0\0\0\0" + (1).to_bytes(4, "big")),
        _packed(*(b"\0\1MILK\0\0\0\0" + (1).to_bytes(4, "big"),) * 2),
        _packed(b"\0\1MILK\0\0\0\0" + (1).to_bytes(4, "big"), b"x"),
        _packed(
            *(n.to_bytes(2, "big") + b"MILK\0\0\0\0" + (1).to_bytes(4, "big") for n in range(61))
        ),
    ],
    ids=["none", "zero", "too many", "no sku", "not text", "twice", "a rest", "61 lines"],
)
def test_lines_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"PL|codec"):
        token.parse_lines(text)


def test_a_sku_of_more_than_8_bytes_does_not_go_into_a_token() -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        token.line_digest(bytes(10), bytes(10), (TokenLine(line=1, sku="九个字节", quantity=1),))


@given(st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10))
def test_a_pairing_code_is_read_back_however_it_is_typed(secret: bytes, hub: bytes) -> None:
    made = Pairing(secret=secret, hub_fingerprint=hub)
    text = pairing.text(made)
    assert pairing.parse(text) == made
    assert pairing.parse(text.lower().replace("-", " ")) == made


@given(st.binary(min_size=10, max_size=10), st.integers(0, 33), st.sampled_from("0Z7"))
def test_a_mistyped_pairing_code_is_noticed(secret: bytes, place: int, symbol: str) -> None:
    symbols = crockford.normalise(pairing.text(Pairing(secret=secret, hub_fingerprint=secret)))
    if symbols[place] == symbol:
        return
    with pytest.raises(ValueError, match="pairing"):
        pairing.parse(symbols[:place] + symbol + symbols[place + 1 :])


@given(st.text(max_size=60))
def test_any_text_is_a_pairing_code_or_a_value_error(text: str) -> None:
    try:
        pairing.parse(text)
    except ValueError:
        return


def test_a_pairing_never_prints_its_secret() -> None:
    assert "secret" not in repr(Pairing(secret=b"0123456789", hub_fingerprint=bytes(10)))
