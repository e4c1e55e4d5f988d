"""A scan's text → what it means. Pure, bounded, never raises.

Order, by form alone (what a station is doing is the caller's question, asked of the answer):

1. a scanner's own word (`aim`): GS1 and EAN/UPC symbologies are products, whatever they contain;
2. prefixes that we gave out: `P2:` signed code, `P3:` rotating code, `PL:` order lines, `SB:`
   badge, `MB:` member;
3. GS1 element strings (FNC1 kept as 0x1D, or in brackets) and GS1 Digital Link addresses;
4. a platform and its number: `MT#023-1234`, `美团 #23 1234`;
5. digits alone: GTIN of 8, 12, 13 or 14 digits with a valid check digit, or `01` + GTIN;
6. 16 symbols: a V1 code. With a wrong check character it is a mistyped one, unless it is all
   digits: then a payment or bank card is likelier, and it is just not readable;
7. 8 symbols, or 8 symbols and 6 digits: a courier serial, with its PIN.

Step 5 stands before 6 and 7 because a random code consists of digits alone once in 10^8 (16
symbols) or 10^4 (8 symbols, and then once in ten has a valid check digit), a product always.
Typed forms forgive case, spaces, hyphens and full-width digits. A signed code is upper case only;
one in lower case comes from a scanner whose Caps Lock is inverted and is read all the same.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from sync.rules import crockford
from sync.wire.rotating import V3_PREFIX, RotatingCode, parse_rotating
from sync.wire.token import (
    CODE_ID_BYTES,
    PL_PREFIX,
    V1_SYMBOLS,
    V2_PREFIX,
    OrderLines,
    SignedToken,
    parse_lines,
    parse_v2,
)

MAX_TEXT_BYTES = 4_096
FNC1 = "\x1d"

_MAX_TYPED_CHARS = 64
_SERIAL_SYMBOLS = 8
_PIN_DIGITS = 6
_BADGE_SYMBOLS = range(8, 33)
_EDGES = " \t\r\n\0\x02\x03\u3000\ufeff"
_GS1_AIMS = ("]C1", "]d2", "]Q3", "]J1", "]e0", "]e1", "]e2")
_EAN_AIMS = ("]E0", "]E1", "]E2", "]E3", "]E4", "]I1")
_GTIN_DIGITS = (8, 12, 13, 14)
_AIM = re.compile(r"\][A-Za-z][0-9A-Za-z]")
_PLATFORM_NAMES = {"美团": "MT", "饿了么": "EL", "京东": "JD", "抖音": "DD"}
_PLATFORM = re.compile(
    r"(?:(?P<word>美团|饿了么|京东|抖音)[\s#\-]*|(?P<code>MT|EL|JD|DD)[\s#\-]+)"
    r"(?P<number>[0-9]{1,6})[\s#\-]+(?P<tail>[0-9A-Z]{4})"
)
_SERIAL = re.compile(r"(?P<serial>[0-9A-Z]{8})(?:(?P<pin>[0-9]{6}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class PickupV1:
    """A V1 code with a right check character; `code_id` is its 10 bytes."""

    code_id: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PickupV2:
    """A V2 of the right shape; whether its signature is genuine was not asked."""

    signed: SignedToken


@dataclass(frozen=True, slots=True, kw_only=True)
class PickupV3:
    """A V3a of the right shape; whether its digits are right was not asked."""

    rotating: RotatingCode


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """The lines of an order, to go with a V2 that this store never synced."""

    lines: OrderLines


@dataclass(frozen=True, slots=True, kw_only=True)
class CourierSerial:
    """8 normalised Crockford symbols, and the 6 digits when they came along."""

    serial: str
    pin: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformNumber:
    """MT, EL, JD or DD; the day's number without leading zeros; the order's last 4 digits."""

    platform: str
    number: str
    order_tail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffBadge:
    """The normalised symbols behind `SB:`, their check character included and right."""

    badge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCode:
    """What stood behind `MB:`, at most 64 characters."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """An article: its 14-digit GTIN, or None for a GS1 message without one."""

    gtin: str | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """Nothing that we know; `check_character` is a V1 or badge with a mistake in it."""

    reason: Literal["unreadable", "check_character", "too_long"]


Meaning = (
    PickupV1
    | PickupV2
    | PickupV3
    | Lines
    | CourierSerial
    | PlatformNumber
    | StaffBadge
    | MemberCode
    | Product
    | Unreadable
)

_UNREADABLE = Unreadable(reason="unreadable")
_MISTYPED = Unreadable(reason="check_character")


def bytes_to_text(data: bytes) -> str:
    """Scanned bytes as text: UTF-8, else GB18030, else UTF-8 with replacements; 0x1D is kept."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8", "replace")


def parse(text: str, *, aim: str | None = None) -> Meaning:
    """What `text` means by its form; `aim` is the symbology identifier, if the scanner sent one.

    >>> parse("mt#023-1234")
    PlatformNumber(platform='MT', number='23', order_tail='1234')
    >>> parse("6901234567892")
    Product(gtin='06901234567892', text='6901234567892')
    """
    if len(text) > MAX_TEXT_BYTES or len(text.encode(errors="replace")) > MAX_TEXT_BYTES:
        return Unreadable(reason="too_long")
    text = text.strip(_EDGES)
    if aim is None and _AIM.match(text):
        aim, text = text[:3], text[3:].strip(_EDGES)
    if aim is not None and aim.startswith(_GS1_AIMS + _EAN_AIMS):
        return _product(text, is_gs1=aim.startswith(_GS1_AIMS)) or _UNREADABLE
    return _prefixed(text) or _product(text, is_gs1=FNC1 in text) or _typed(text)


def _prefixed(text: str) -> Meaning | None:
    head, rest = text[:3].upper(), text[3:]
    match head:
        case "P2:" | "P3:" | "PL:":
            return _signed(text.upper()) if text.isascii() else _UNREADABLE
        case "SB:":
            return _badge(rest)
        case "MB:":
            member = unicodedata.normalize("NFKC", rest).strip()
            if not 1 <= len(member) <= _MAX_TYPED_CHARS or not member.isprintable():
                return _UNREADABLE
            return MemberCode(text=member)
        case _:
            return None


def _signed(text: str) -> Meaning:
    try:
        if text.startswith(V2_PREFIX):
            return PickupV2(signed=parse_v2(text))
        if text.startswith(V3_PREFIX):
            return PickupV3(rotating=parse_rotating(text))
        assert text.startswith(PL_PREFIX)
        return Lines(lines=parse_lines(text))
    except ValueError:
        return _UNREADABLE


def _badge(text: str) -> Meaning:
    if len(text) > _MAX_TYPED_CHARS:
        return _UNREADABLE
    symbols = crockford.normalise(text)
    if len(symbols) not in _BADGE_SYMBOLS or not _are_symbols(symbols):
        return _UNREADABLE
    return StaffBadge(badge=symbols) if crockford.has_valid_check(symbols) else _MISTYPED


def _typed(text: str) -> Meaning:
    if len(text) > _MAX_TYPED_CHARS or FNC1 in text:
        return _UNREADABLE
    folded = unicodedata.normalize("NFKC", text).upper()
    found = _PLATFORM.fullmatch(folded.strip())
    if found is not None:
        return PlatformNumber(
            platform=found["code"] or _PLATFORM_NAMES[found["word"]],
            number=str(int(found["number"])),
            order_tail=found["tail"],
        )
    symbols = crockford.normalise(text)
    if not _are_symbols(symbols):
        return _UNREADABLE
    if symbols.isdigit():
        # A PIN is set off from its serial; digits in one row may be an article instead.
        gtin = _gtin(symbols)
        if gtin is not None and not (len(symbols) == 14 and symbols != folded.strip()):
            return Product(gtin=gtin, text=symbols)
    if len(symbols) == V1_SYMBOLS:
        if crockford.has_valid_check(symbols):
            code_id = crockford.decode(symbols[:-1]).to_bytes(CODE_ID_BYTES, "big")
            return PickupV1(code_id=code_id)
        return _UNREADABLE if symbols.isdigit() else _MISTYPED
    serial = _SERIAL.fullmatch(symbols)
    if serial is not None:
        return CourierSerial(serial=serial["serial"], pin=serial["pin"])
    return _UNREADABLE


def _are_symbols(text: str) -> bool:
    return bool(text) and all(char in crockford.ALPHABET for char in text)


def _product(text: str, *, is_gs1: bool) -> Product | None:
    gtin = _gtin(text)
    if gtin is not None:
        return Product(gtin=gtin, text=text)
    if is_gs1 or text.startswith("(01)") or (text[:2] == "01" and _gtin(text[2:16]) is not None):
        return _gs1_message(text)
    if text[:8].lower().startswith(("http://", "https://")):
        return _digital_link(text)
    return None


def _gtin(digits: str) -> str | None:
    """14 digits for a GTIN of 8, 12, 13 or 14 with a right check digit. GS1 GenSpecs 7.9.1."""
    if len(digits) not in _GTIN_DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    padded = digits.zfill(14)
    total = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(padded))
    return padded if total % 10 == 0 else None


def _gs1_message(text: str) -> Product | None:
    # biip takes 10 MB, so a store that scans no GS1 messages never loads it.
    from biip import BiipException
    from biip.gs1_messages import GS1Message

    message = text.lstrip(FNC1)
    try:
        parse_one = GS1Message.parse_hri if message.startswith("(") else GS1Message.parse
        elements = parse_one(message).element_strings
    except (BiipException, ValueError, ArithmeticError, LookupError):
        return None
    if not elements:
        return None
    return Product(
        gtin=next((e.value for e in elements if e.ai.ai in ("01", "02")), None), text=text
    )


def _digital_link(text: str) -> Product | None:
    from biip import BiipException
    from biip.gs1_digital_link_uris import GS1DigitalLinkURI

    try:
        elements = GS1DigitalLinkURI.parse(text).element_strings
    except (BiipException, ValueError, ArithmeticError, LookupError):
        return None
    found = next((e.value for e in elements if e.ai.ai == "01"), None)
    return Product(gtin=found.zfill(14), text=text) if found is not None else None
