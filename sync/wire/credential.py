"""What a store keeps of a code instead of the code: keyed HMACs.

All keys are K_store, 32 random bytes that the hub draws per store and hands over at enrolment. A
code's 75 random bits cannot be searched; a PIN can, by who holds K_store and the row, and is
protected by the lock after three tries and by never leaving home and hub.
"""

import hashlib
import hmac

LOOKUP_BYTES = 16


def _mac(key: bytes, purpose: bytes, *parts: bytes) -> bytes:
    framed = b"".join(len(part).to_bytes(2, "big") + part for part in parts)
    return hmac.digest(key, b"storeedge/" + purpose + b"/1\0" + framed, hashlib.sha256)[
        :LOOKUP_BYTES
    ]


def code_lookup(k_store: bytes, code_id: bytes) -> bytes:
    """Where a V1 or V2 code stands in the catalog; `code_id` is its 10 bytes."""
    return _mac(k_store, b"code", code_id)


def rotating_lookup(k_store: bytes, code_id: bytes) -> bytes:
    """Where a V3a stands in the catalog; another place than a V1 of the same 10 bytes.

    Whoever saw a rotating code knows its id: typed as a V1 it must find nothing.
    """
    return _mac(k_store, b"rotating", code_id)


def rotating_seal_key(k_store: bytes) -> bytes:
    """The 32 bytes that a store's V3a secrets are sealed with."""
    return hmac.digest(k_store, b"storeedge/rotating-seal/1\0", hashlib.sha256)


def serial_lookup(k_store: bytes, serial: str) -> bytes:
    """Where a courier serial (8 normalised Crockford symbols) stands in the catalog."""
    return _mac(k_store, b"serial", serial.encode())


def pin_verifier(k_store: bytes, serial: str, pin: str) -> bytes:
    """What a 6-digit courier PIN is compared with, bound to its serial."""
    return _mac(k_store, b"pin", serial.encode(), pin.encode())


def platform_lookup(k_store: bytes, platform: str, number: str, order_tail: str) -> bytes:
    """Where a platform number stands: `MT`, digits without leading zeros, last 4 of the order."""
    return _mac(k_store, b"platform", platform.encode(), number.encode(), order_tail.encode())


def badge_lookup(k_store: bytes, badge: str) -> bytes:
    """Where a staff badge stands in the catalog."""
    return _mac(k_store, b"badge", badge.encode())


def phone_tail_lookup(k_personal: bytes, tail: str) -> bytes:
    """Where the last 4 digits of a phone stand; keyed by the personal-data key, not by K_store."""
    return _mac(k_personal, b"phone-tail", tail.encode())
