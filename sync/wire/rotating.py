"""V3a: a rotating pickup code, an id beside a TOTP (RFC 6238: HMAC-SHA-1, 8 digits, 30 s).

On the code: `P3:` + 16 symbols + 10 digits of Unix time in seconds + 8 digits, 37 characters, all
of QR's alphanumeric set: version 2-M, 25×25. The symbols are a code id with its check character.
The time is the phone's own and may be any second of its step, as a wallet's `RotatingBarcode`
writes it, so the digits can be checked at any time and how late they are is a question apart. A dot
before the time and before the digits is read too (then 2-L).

The digits prove who made the code and when by the phone's clock; never that it is unspent.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass

from sync.wire import sealing, token
from sync.wire.credential import rotating_seal_key

V3_PREFIX = "P3:"
V3_CHARS = 37
STEP_S = 30
DIGITS = 8
SECRET_BYTES = 20
"""As long as what HMAC-SHA-1 answers (RFC 4226, 4: R6)."""

_FORM = re.compile(r"P3:([0-9A-Z]{16})(\.?)([0-9]{10})\2([0-9]{8})")


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatingCode:
    """What a V3a says, before anybody checked its digits. unix_s: by the phone's clock."""

    code_id: bytes
    unix_s: int
    digits: str

    @property
    def step(self) -> int:
        """The 30 seconds it was made in, counted from 1970."""
        return self.unix_s // STEP_S

    def is_genuine(self, secret: bytes) -> bool:
        """Whether who holds `secret` made it."""
        return hmac.compare_digest(self.digits, totp(secret, self.step))


def totp(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The digits of a step (RFC 6238, 4.2 over RFC 4226, 5.3)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), hashlib.sha1)
    at = mac[-1] & 0x0F
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFF_FFFF
    return f"{number % 10**digits:0{digits}d}"


def rotating_text(code_id: bytes, secret: bytes, unix_s: int) -> str:
    """What the code shows in the second `unix_s`."""
    digits = totp(secret, unix_s // STEP_S)
    return f"{V3_PREFIX}{token.v1_text(code_id)}{unix_s:010d}{digits}"


def parse_rotating(text: str) -> RotatingCode:
    """A V3a's fields; the digits are not checked here.

    Raises:
        ValueError: another form, or a check character that does not fit.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError("not a V3a code")
    return RotatingCode(code_id=token.v1_code_id(found[1]), unix_s=int(found[3]), digits=found[4])


def seal_secret(
    k_store: bytes, secret: bytes, *, lookup: bytes, from_ms: int, until_ms: int
) -> bytes:
    """A code's secret as its home store's catalog carries it, bound to code and window."""
    return sealing.seal(
        rotating_seal_key(k_store), secret, bound_to=_bound(lookup, from_ms, until_ms)
    )


def open_secret(
    k_store: bytes, sealed: bytes, *, lookup: bytes, from_ms: int, until_ms: int
) -> bytes:
    """The secret that was sealed for this store, code and window.

    Raises:
        ValueError: another store's, another code's, or changed bytes.
    """
    return sealing.unseal(
        rotating_seal_key(k_store), sealed, bound_to=_bound(lookup, from_ms, until_ms)
    )


def _bound(lookup: bytes, from_ms: int, until_ms: int) -> bytes:
    return lookup + from_ms.to_bytes(8, "big") + until_ms.to_bytes(8, "big")
