"""The pairing code: what HQ prints and the box in the store is given (attack 28).

Two halves of 16 Crockford symbols, each with a check character: an 80-bit secret that is good for
one box, once, for 15 minutes; and the fingerprint of the hub's key, so that the box knows its hub
whatever certificate the line shows. Printed in groups: `XXXXX-XXXXX-XXXXXXX-XXXXX-XXXXX-XXXXXXX`.
The id under which the hub keeps the secret is derived from it and is not secret.
"""

import hashlib
import hmac
from dataclasses import dataclass, field

from sync.rules import crockford

SECRET_BYTES = 10
FINGERPRINT_BYTES = 10
_HALF = 16
_GROUPS = (5, 5, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """The secret, and whom it may be told to."""

    secret: bytes = field(repr=False)
    hub_fingerprint: bytes

    @property
    def pairing_id(self) -> str:
        """16 hexadecimal digits."""
        return hashlib.sha256(b"storeedge/pairing-id/1\0" + self.secret).hexdigest()[:16]

    def proof(self, message: bytes) -> bytes:
        """32 bytes that only who holds the secret can make."""
        return hmac.digest(self.secret, b"storeedge/pairing/1\0" + message, hashlib.sha256)


def _half(data: bytes) -> str:
    symbols = crockford.encode(int.from_bytes(data, "big"), _HALF)
    return symbols + crockford.check_character(symbols)


def text(pairing: Pairing) -> str:
    """The code as it is printed."""
    symbols = _half(pairing.secret) + _half(pairing.hub_fingerprint)
    groups: list[str] = []
    start = 0
    for length in _GROUPS * 2:
        groups.append(symbols[start : start + length])
        start += length
    return "-".join(groups)


def parse(typed: str) -> Pairing:
    """The pairing behind a typed or scanned code; case, spaces and hyphens are forgiven.

    Raises:
        ValueError: wrong length, a foreign character, or a check character that does not fit.
    """
    symbols = crockford.normalise(typed)
    halves = (symbols[: _HALF + 1], symbols[_HALF + 1 :])
    if len(symbols) != 2 * (_HALF + 1) or not all(map(crockford.has_valid_check, halves)):
        raise ValueError("not a pairing code")
    secret, hub = (crockford.decode(half[:-1]).to_bytes(SECRET_BYTES, "big") for half in halves)
    return Pairing(secret=secret, hub_fingerprint=hub)
