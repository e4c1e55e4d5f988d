"""Approval from afar, by voice: the counter reads six digits out, HQ reads six digits back.

Works without any line. The counter draws the challenge at random for one case; both sides know
K_store, so HQ's tool computes the response and nobody without it can. A guess is right once in a
million: the counter counts wrong ones, makes them wait, and forgets a challenge after three.
"""

import hashlib
import hmac

DIGITS = 6
_DOMAIN = b"storeedge/approval/1\0"


def is_challenge(text: str) -> bool:
    """Whether `text` has the form of a challenge or a response: six ASCII digits."""
    return len(text) == DIGITS and text.isascii() and text.isdigit()


def response(k_store: bytes, challenge: str, case: int) -> str:
    """The six digits that approve `case` for this challenge; `k_store` is the store's 32 bytes.

    Raises:
        ValueError: the challenge is not six digits, or the case is no positive 64-bit number.
    """
    if not is_challenge(challenge):
        raise ValueError("a challenge has six digits")
    if not 0 < case < 1 << 63:
        raise ValueError("a case has a positive number")
    framed = _DOMAIN + challenge.encode() + case.to_bytes(8, "big")
    digest = hmac.digest(k_store, framed, hashlib.sha256)
    return f"{int.from_bytes(digest[:8], 'big') % 10**DIGITS:0{DIGITS}}"
