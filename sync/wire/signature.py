"""Ed25519 over a domain prefix: what is signed for one purpose is worth nothing for another."""

import hashlib
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

SIGNATURE_BYTES = 64
DOMAIN_TOKEN = b"storeedge/token/2\0"
DOMAIN_REQUEST = b"storeedge/request/1\0"
DOMAIN_FEED_HEAD = b"storeedge/feed-head/1\0"
DOMAIN_SNAPSHOT = b"storeedge/snapshot/1\0"
DOMAIN_CERTIFICATE = b"storeedge/certificate/1\0"
DOMAIN_HUB_TIME = b"storeedge/hub-time/1\0"
DOMAIN_ENROL = b"storeedge/enrol/1\0"


class Signer:
    """A private Ed25519 key that never prints itself."""

    def __init__(self, private: bytes) -> None:
        """Take the 32 raw private bytes."""
        self._key = Ed25519PrivateKey.from_private_bytes(private)
        self.public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @staticmethod
    def generate() -> "Signer":
        """A new key from the operating system's randomness."""
        key = Ed25519PrivateKey.generate()
        return Signer(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))

    def private_bytes(self) -> bytes:
        """The 32 raw bytes, to be stored by the owner alone."""
        return self._key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())

    def sign(self, domain: bytes, message: bytes) -> bytes:
        """64 bytes over `domain` followed by `message`."""
        return self._key.sign(domain + message)


@lru_cache(maxsize=64)
def _public_key(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


def is_genuine(public: bytes, domain: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is by `public` over domain and message; bad input is just not."""
    try:
        _public_key(public).verify(signature, domain + message)
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public: bytes) -> bytes:
    """10 bytes that name a public key to people and pairing codes."""
    return hashlib.sha256(b"storeedge/fingerprint/1\0" + public).digest()[:10]
