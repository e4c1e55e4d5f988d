"""Pickup tokens: V1 text, V2 signed bytes, and the PL list of lines that goes with a V2.

V1 is 16 Crockford symbols: 75 random bits and a check character. Its *code id* is the 75 bits in
10 bytes, big-endian. A V2 carries a code id of its own, of the same form.

V2, 99 bytes big-endian: version 1 (=2), key id 2, code id 10, home store 3, epoch 2,
issued-at 4, not-after 4 (both Unix seconds), grade 1, line digest 8, Ed25519 signature 64 over
a domain prefix and the 35 bytes before it. On the code: `P2:` + base45, 152 characters, QR 6-M.

PL: `PL:` + base45 of version 1 (=1), code id 10, order id 10, then per line: line 2, SKU 8 (UTF-8,
NUL padded), quantity 4. `line digest` = SHA-256(domain, code id, order id, lines)[:8].

A signature proves that a code is genuine, never that it is unspent.
"""

import hashlib
from dataclasses import dataclass

from sync.rules import crockford
from sync.wire import base45
from sync.wire.signature import DOMAIN_TOKEN, SIGNATURE_BYTES, Signer, is_genuine

CODE_ID_BYTES = 10
ORDER_ID_BYTES = 10
V1_SYMBOLS = 16
V2_PREFIX = "P2:"
PL_PREFIX = "PL:"
V2_BYTES = 99
MAX_LINES = 60
_V2_VERSION = 2
_PL_VERSION = 1
_LINE_BYTES = 14
_DIGEST_DOMAIN = b"storeedge/lines/1\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLine:
    """One order line as a token names it: line number 0..65535, SKU up to 8 bytes, quantity."""

    line: int
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PickupToken:
    """What a V2 says, before anybody checked its signature."""

    key_id: int
    code_id: bytes
    home_store: int
    epoch: int
    issued_at_s: int
    not_after_s: int
    grade: int
    line_digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedToken:
    """A parsed V2 with the bytes that were signed and the signature."""

    token: PickupToken
    message: bytes
    signature: bytes

    def is_genuine(self, public: bytes) -> bool:
        """Whether the issuer key `public` signed it."""
        return is_genuine(public, DOMAIN_TOKEN, self.message, self.signature)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLines:
    """What a PL says: the lines that belong to a code and an order."""

    code_id: bytes
    order_id: bytes
    lines: tuple[TokenLine, ...]


def v1_text(code_id: bytes) -> str:
    """The 16 symbols of a code id whose top 5 bits are zero."""
    symbols = crockford.encode(int.from_bytes(code_id, "big"), V1_SYMBOLS - 1)
    return symbols + crockford.check_character(symbols)


def v1_code_id(symbols: str) -> bytes:
    """The code id behind 16 normalised symbols.

    Raises:
        ValueError: wrong length, a foreign character, or a check character that does not fit.
    """
    if len(symbols) != V1_SYMBOLS or not crockford.has_valid_check(symbols):
        raise ValueError("not a V1 code")
    return crockford.decode(symbols[:-1]).to_bytes(CODE_ID_BYTES, "big")


def _line_bytes(line: TokenLine) -> bytes:
    sku = line.sku.encode()
    if len(sku) > 8 or b"\0" in sku:
        raise ValueError("a SKU in a token is at most 8 bytes")
    return line.line.to_bytes(2, "big") + sku.ljust(8, b"\0") + line.quantity.to_bytes(4, "big")


def line_digest(code_id: bytes, order_id: bytes, lines: tuple[TokenLine, ...]) -> bytes:
    """8 bytes that bind a V2 to its order's lines, in line order."""
    ordered = sorted(lines, key=lambda line: line.line)
    packed = b"".join(_line_bytes(line) for line in ordered)
    return hashlib.sha256(_DIGEST_DOMAIN + code_id + order_id + packed).digest()[:8]


def _message(token: PickupToken) -> bytes:
    return b"".join(
        (
            _V2_VERSION.to_bytes(1, "big"),
            token.key_id.to_bytes(2, "big"),
            token.code_id,
            token.home_store.to_bytes(3, "big"),
            token.epoch.to_bytes(2, "big"),
            token.issued_at_s.to_bytes(4, "big"),
            token.not_after_s.to_bytes(4, "big"),
            token.grade.to_bytes(1, "big"),
            token.line_digest,
        )
    )


def issue(token: PickupToken, signer: Signer) -> str:
    """The text of a signed V2."""
    message = _message(token)
    return V2_PREFIX + base45.encode(message + signer.sign(DOMAIN_TOKEN, message))


def parse_v2(text: str) -> SignedToken:
    """A V2's fields; the signature is not checked here.

    Raises:
        ValueError: no prefix, not base45, not 99 bytes, or another version.
    """
    if not text.startswith(V2_PREFIX) or len(text) > 200:
        raise ValueError("not a V2 code")
    data = base45.decode(text[len(V2_PREFIX) :])
    if len(data) != V2_BYTES or data[0] != _V2_VERSION:
        raise ValueError("not a V2 code")
    message = data[:-SIGNATURE_BYTES]
    return SignedToken(
        token=PickupToken(
            key_id=int.from_bytes(message[1:3], "big"),
            code_id=message[3:13],
            home_store=int.from_bytes(message[13:16], "big"),
            epoch=int.from_bytes(message[16:18], "big"),
            issued_at_s=int.from_bytes(message[18:22], "big"),
            not_after_s=int.from_bytes(message[22:26], "big"),
            grade=message[26],
            line_digest=message[27:35],
        ),
        message=message,
        signature=data[-SIGNATURE_BYTES:],
    )


def lines_text(lines: OrderLines) -> str:
    """The text of a PL, lines in line order."""
    ordered = sorted(lines.lines, key=lambda line: line.line)
    packed = b"".join(_line_bytes(line) for line in ordered)
    head = _PL_VERSION.to_bytes(1, "big") + lines.code_id + lines.order_id
    return PL_PREFIX + base45.encode(head + packed)


def parse_lines(text: str) -> OrderLines:
    """The lines that a PL names; the digest is the caller's to compare.

    Raises:
        ValueError: not a PL, no line or more than 60, a repeated line number, a quantity of zero
            or above 9,999, or a SKU that is not text.
    """
    if not text.startswith(PL_PREFIX) or len(text) > 2_000:
        raise ValueError("not a PL code")
    data = base45.decode(text[len(PL_PREFIX) :])
    body = data[1 + CODE_ID_BYTES + ORDER_ID_BYTES :]
    count, rest = divmod(len(body), _LINE_BYTES)
    if not data or data[0] != _PL_VERSION or rest or not 1 <= count <= MAX_LINES:
        raise ValueError("not a PL code")
    lines: list[TokenLine] = []
    for start in range(0, len(body), _LINE_BYTES):
        raw = body[start : start + _LINE_BYTES]
        sku = raw[2:10].rstrip(b"\0").decode()
        quantity = int.from_bytes(raw[10:14], "big")
        if not sku or not 1 <= quantity <= 9_999:
            raise ValueError("not a PL line")
        lines.append(TokenLine(line=int.from_bytes(raw[:2], "big"), sku=sku, quantity=quantity))
    if len({line.line for line in lines}) != count:
        raise ValueError("a PL line appears twice")
    return OrderLines(code_id=data[1:11], order_id=data[11:21], lines=tuple(lines))
