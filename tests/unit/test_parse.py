"""What a scan means, by its form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.domain.parse import (
    CourierSerial,
    Lines,
    Meaning,
    MemberCode,
    PickupV1,
    PickupV2,
    PlatformNumber,
    Product,
    StaffBadge,
    Unreadable,
    bytes_to_text,
    parse,
)
from sync.rules import crockford
from sync.wire.signature import Signer
from sync.wire.token import OrderLines, PickupToken, TokenLine, issue, lines_text

CODE_ID = bytes.fromhex("0123456789abcdef0123")
V1_BODY = crockford.encode(int.from_bytes(CODE_ID, "big") & (1 << 75) - 1, 15)
V1 = V1_BODY + crockford.check_character(V1_BODY)
TOKEN = PickupToken(
    key_id=1,
    code_id=CODE_ID,
    home_store=7,
    epoch=1,
    issued_at_s=1_700_000_000,
    not_after_s=1_700_172_800,
    grade=2,
    line_digest=bytes(8),
)
V2 = issue(TOKEN, Signer(bytes(range(32))))
ORDER_LINES = OrderLines(
    code_id=CODE_ID,
    order_id=bytes(range(10)),
    lines=(TokenLine(line=1, sku="MILK", quantity=2), TokenLine(line=2, sku="EGGS", quantity=1)),
)
PL = lines_text(ORDER_LINES)
BADGE = "0123456" + crockford.check_character("0123456")
GS1 = "0109506000134352"


def full_width(text: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


@pytest.mark.parametrize(
    "text",
    [
        V1,
        V1.lower(),
        full_width(V1),
        f" {V1[:4]}-{V1[4:8]} {V1[8:12]}-{V1[12:]}\r\n",
        f"\x02{V1}\x03",
    ],
)
def test_a_v1_is_read_however_a_person_writes_it(text: str) -> None:
    meaning = parse(text)
    assert isinstance(meaning, PickupV1)
    assert int.from_bytes(meaning.code_id, "big") == crockford.decode(V1[:-1])


@pytest.mark.parametrize("place", range(16))
def test_one_wrong_symbol_in_a_v1_is_called_a_typing_mistake(place: int) -> None:
    other = "7" if V1[place] != "7" else "8"
    wrong = V1[:place] + other + V1[place + 1 :]
    assert parse(wrong) == Unreadable(reason="check_character")


def test_a_sixteen_digit_card_number_is_not_called_a_mistyped_code() -> None:
    assert parse("6222020200112233") == Unreadable(reason="unreadable")


@pytest.mark.parametrize("text", [V2, V2.lower(), V2 + "\r", f" {V2} "])
def test_a_signed_code_survives_an_inverted_caps_lock(text: str) -> None:
    meaning = parse(text)
    assert isinstance(meaning, PickupV2)
    assert meaning.signed.token == TOKEN


@pytest.mark.parametrize("text", [V2[:-1], V2 + "0", "P2:", "P2:中", V2[:20] + "~" + V2[21:]])
def test_a_damaged_signed_code_is_unreadable(text: str) -> None:
    assert parse(text) == Unreadable(reason="unreadable")


def test_the_lines_beside_a_signed_code_are_read() -> None:
    assert parse(PL) == Lines(lines=ORDER_LINES)
    assert parse(PL.lower() + "\n") == Lines(lines=ORDER_LINES)
    assert parse("PL:00") == Unreadable(reason="unreadable")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AB12CD34", CourierSerial(serial="AB12CD34", pin=None)),
        ("ab12 cd34", CourierSerial(serial="AB12CD34", pin=None)),
        ("ABI2CD3O", CourierSerial(serial="AB12CD30", pin=None)),
        ("AB12CD34 123456", CourierSerial(serial="AB12CD34", pin="123456")),
        ("AB12CD34-123456", CourierSerial(serial="AB12CD34", pin="123456")),
        ("ＡＢ１２ＣＤ３４　１２３４５６", CourierSerial(serial="AB12CD34", pin="123456")),
        ("AB12CD34 12345X", Unreadable(reason="unreadable")),
        ("12345678", CourierSerial(serial="12345678", pin=None)),
        ("12345678-123456", CourierSerial(serial="12345678", pin="123456")),
    ],
)
def test_a_courier_serial_is_read_with_and_without_its_pin(text: str, expected: Meaning) -> None:
    assert parse(text) == expected


def test_a_serial_of_digits_with_its_pin_set_off_is_not_taken_for_an_article() -> None:
    assert parse("09506000-134352") == CourierSerial(serial="09506000", pin="134352")
    assert isinstance(parse("09506000134352"), Product)


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("MT#023-1234", "MT"),
        ("mt 023 1234", "MT"),
        ("美团 #23 1234", "MT"),
        ("美团23-1234", "MT"),
        ("饿了么#023-1234", "EL"),
        ("EL-23-1234", "EL"),
        ("京东 ２３ １２３４", "JD"),
        ("抖音#0023 1234", "DD"),
    ],
)
def test_a_platform_number_is_read_in_every_spelling(text: str, platform: str) -> None:
    assert parse(text) == PlatformNumber(platform=platform, number="23", order_tail="1234")


def test_symbols_without_a_separator_are_a_serial_and_no_platform_number() -> None:
    assert parse("MT231234") == CourierSerial(serial="MT231234", pin=None)


def test_a_badge_needs_its_check_character() -> None:
    assert parse(f"SB:{BADGE}") == StaffBadge(badge=BADGE)
    assert parse(f"sb:{BADGE.lower()}") == StaffBadge(badge=BADGE)
    assert parse("SB:0123456Z") == Unreadable(reason="check_character")
    assert parse("SB:0123") == Unreadable(reason="unreadable")
    assert parse("SB:0123456?") == Unreadable(reason="unreadable")


def test_a_member_code_keeps_its_text() -> None:
    assert parse("MB:8840012") == MemberCode(text="8840012")
    assert parse("MB:") == Unreadable(reason="unreadable")
    assert parse("MB:" + "9" * 65) == Unreadable(reason="unreadable")


@pytest.mark.parametrize(
    ("text", "aim", "gtin"),
    [
        ("6901234567892", None, "06901234567892"),
        ("６９０１２３４５６７８９２", None, "06901234567892"),
        ("96385074", None, "00000096385074"),
        ("036000291452", None, "00036000291452"),
        ("09506000134352", None, "09506000134352"),
        (GS1, None, "09506000134352"),
        (f"{GS1}10AB\x1d3712", None, "09506000134352"),
        (f"\x1d{GS1}17291231", "]d2", "09506000134352"),
        (f"]C1{GS1}", None, "09506000134352"),
        ("(01)09506000134352(10)ABC", None, "09506000134352"),
        ("https://id.gs1.org/01/09506000134352/10/ABC", None, "09506000134352"),
        ("6901234567892", "]E0", "06901234567892"),
    ],
)
def test_an_article_is_known_by_its_gtin(text: str, aim: str | None, gtin: str) -> None:
    meaning = parse(text, aim=aim)
    assert isinstance(meaning, Product)
    assert meaning.gtin == gtin


def test_a_gs1_message_without_an_article_is_a_product_without_gtin() -> None:
    assert parse("10ABC123", aim="]C1") == Product(gtin=None, text="10ABC123")


@pytest.mark.parametrize(
    "text",
    ["", " ", "6901234567893", "https://example.com/", "hello world", "134567890123456789", "\x1d"],
)
def test_what_we_do_not_know_is_unreadable(text: str) -> None:
    assert parse(text) == Unreadable(reason="unreadable")


def test_what_an_ean_scanner_calls_ean_is_never_a_pickup_code() -> None:
    assert parse(V1, aim="]E0") == Unreadable(reason="unreadable")
    assert isinstance(parse(V1, aim="]C0"), PickupV1)


def test_text_beyond_the_bound_is_refused_by_its_bytes() -> None:
    assert parse("A" * 4_097) == Unreadable(reason="too_long")
    assert parse("中" * 1_400) == Unreadable(reason="too_long")
    assert parse("A" * 4_096) == Unreadable(reason="unreadable")


def test_bytes_become_text_in_the_encoding_they_are_in() -> None:
    assert bytes_to_text("美团".encode()) == "美团"
    assert bytes_to_text("美团".encode("gb18030")) == "美团"
    assert bytes_to_text(b"\xff\x1d") == "�\x1d"


@given(data=st.binary(max_size=5_000))
def test_no_bytes_make_it_raise(data: bytes) -> None:
    parse(bytes_to_text(data))


@given(
    head=st.sampled_from(
        [
            "",
            "P2:",
            "PL:",
            "SB:",
            "MB:",
            "01",
            "(01)",
            "]C1",
            "]d2",
            "https://id.gs1.org/01/",
            "MT#",
            "\x1d",
        ]
    ),
    tail=st.text(
        alphabet=st.one_of(st.sampled_from("0123456789ABC()/:#-% \x1d%."), st.characters()),
        max_size=200,
    ),
    aim=st.sampled_from([None, "]C1", "]E0", "]Q3", "]", "]C"]),
)
def test_no_text_makes_it_raise(head: str, tail: str, aim: str | None) -> None:
    parse(head + tail, aim=aim)


@given(number=st.integers(min_value=0, max_value=(1 << 75) - 1))
def test_every_v1_comes_back_as_its_code_id(number: int) -> None:
    body = crockford.encode(number, 15)
    meaning = parse(body + crockford.check_character(body))
    if isinstance(meaning, PickupV1):
        assert int.from_bytes(meaning.code_id, "big") == number
    else:
        assert body.isdigit()
        assert body.startswith("01")
