"""Personal data sealed with AES-256-GCM: nonce 12, ciphertext, tag 16.

The key comes from the hub at boot and lives in memory only (attack 30). What a row is sealed for
goes into the associated data, so a name cannot be moved to another order.
"""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


def seal(key: bytes, plain: bytes, *, bound_to: bytes) -> bytes:
    """Sealed bytes; `key` is 32 bytes."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to)


def unseal(key: bytes, sealed: bytes, *, bound_to: bytes) -> bytes:
    """What was sealed.

    Raises:
        ValueError: another key, another row, or changed bytes.
    """
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
    except InvalidTag as error:
        raise ValueError("sealed with another key or for another row") from error
