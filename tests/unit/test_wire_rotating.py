"""V3a on the wire: RFC 6238, the text, the key; vectors in `rotating.json`, never edited."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.parse import PickupV3, Unreadable, parse
from sync.wire import credential, rotating
from sync.wire.rotating import V3_CHARS, RotatingCode, parse_rotating, rotating_text, totp

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "data/vectors/rotating.json").read_text(encoding="utf-8")
)
CODE_IDS = st.integers(0, 2**75 - 1).map(lambda number: number.to_bytes(10, "big"))
SECONDS = st.integers(0, 9_999_999_999)
SECRETS = st.binary(min_size=20, max_size=20)


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


def test_the_digits_are_those_of_rfc_6238_appendix_b() -> None:
    vector = VECTORS["rfc6238_sha1"]
    assert raw(vector["secret"]) == b"12345678901234567890"
    for each in vector["steps"]:
        assert totp(raw(vector["secret"]), each["unix_s"] // vector["step_s"]) == each["totp"]


def test_the_texts_and_what_is_none() -> None:
    for each in VECTORS["codes"]:
        text = rotating_text(raw(each["code_id"]), raw(each["secret"]), each["unix_s"])
        assert text == each["text"]
        read = parse_rotating(text)
        assert (read.code_id, read.unix_s) == (raw(each["code_id"]), each["unix_s"])
        assert read.is_genuine(raw(each["secret"]))
        assert not read.is_genuine(bytes(20))
    dotted = VECTORS["dotted"]
    assert parse_rotating(dotted["text"]) == parse_rotating(dotted["same_as"])
    for text in VECTORS["not_codes"]:
        with pytest.raises(ValueError, match="not a V"):
            parse_rotating(text)


def test_the_key_as_a_store_holds_it() -> None:
    vector = VECTORS["key"]
    k_store, lookup = raw(vector["k_store"]), raw(vector["lookup"])
    framed = b"\0\x0a" + raw(vector["code_id"])
    again = hmac.new(k_store, b"storeedge/rotating/1\0" + framed, hashlib.sha256).digest()[:16]
    assert credential.rotating_lookup(k_store, raw(vector["code_id"])) == lookup == again
    seal_key = hmac.new(k_store, b"storeedge/rotating-seal/1\0", hashlib.sha256).digest()
    assert credential.rotating_seal_key(k_store) == raw(vector["seal_key"]) == seal_key
    window = {"lookup": lookup, "from_ms": vector["from_ms"], "until_ms": vector["until_ms"]}
    sealed = raw(vector["sealed"])
    assert rotating.open_secret(k_store, sealed, **window) == raw(vector["secret"])
    others = ({"until_ms": vector["until_ms"] + 1}, {"from_ms": 0}, {"lookup": bytes(16)})
    for other in others:
        with pytest.raises(ValueError, match="sealed"):
            rotating.open_secret(k_store, sealed, **{**window, **other})
    with pytest.raises(ValueError, match="sealed"):
        rotating.open_secret(bytes(32), sealed, **window)


@given(code_id=CODE_IDS, secret=SECRETS, unix_s=SECONDS)
def test_every_code_is_read_back_and_stays_25_modules_wide(
    code_id: bytes, secret: bytes, unix_s: int
) -> None:
    text = rotating_text(code_id, secret, unix_s)
    assert len(text) == V3_CHARS
    expected = RotatingCode(code_id=code_id, unix_s=unix_s, digits=text[-8:])
    for spelled in (text, text.lower(), f" {text}\r\n", f"]Q1{text}"):
        assert parse(spelled) == PickupV3(rotating=expected)


@given(code_id=CODE_IDS, unix_s=SECONDS)
def test_its_qr_is_version_2_m(code_id: bytes, unix_s: int) -> None:
    symbol = segno.make_qr(rotating_text(code_id, bytes(20), unix_s), error="m", boost_error=False)
    assert (symbol.designator, symbol.mode) == ("2-M", "alphanumeric")
    assert symbol.symbol_size(border=0) == (25, 25)


@given(text=st.text(max_size=60) | st.from_regex(r"P3:[0-9A-Z.]{0,40}", fullmatch=True))
def test_no_text_behind_the_prefix_breaks_the_parser(text: str) -> None:
    meaning = parse("P3:" + text)
    assert isinstance(meaning, PickupV3 | Unreadable)


@given(code_id=CODE_IDS, unix_s=SECONDS, place=st.integers(0, V3_CHARS - 1), char=st.characters())
def test_one_changed_character_is_no_other_code_s_code(
    code_id: bytes, unix_s: int, place: int, char: str
) -> None:
    """It is unreadable, the same, or its digits are wrong: it never names another order."""
    text = rotating_text(code_id, bytes(20), unix_s)
    meaning = parse(text[:place] + char + text[place + 1 :])
    if isinstance(meaning, PickupV3):
        assert meaning.rotating.code_id == code_id


@given(first=SECONDS, second=SECONDS, secret=SECRETS)
def test_digits_belong_to_their_step(first: int, second: int, secret: bytes) -> None:
    made = parse_rotating(rotating_text(bytes(10), secret, first))
    assert RotatingCode(
        code_id=made.code_id, unix_s=first // 30 * 30, digits=made.digits
    ).is_genuine(secret)
    moved = RotatingCode(code_id=made.code_id, unix_s=second, digits=made.digits)
    assert moved.is_genuine(secret) == (totp(secret, second // 30) == made.digits)
