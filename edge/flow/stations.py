"""Station tokens: who may speak for a counter."""

import hashlib
import hmac
from collections.abc import Mapping


class Stations:
    """Tokens by station; only keyed hashes are kept, compared in constant time."""

    def __init__(self, tokens: Mapping[str, str], *, key: bytes) -> None:
        """`tokens` maps a station to its token (at least 20 characters)."""
        self._key = key
        self._stations = {self._mac(token): station for station, token in tokens.items()}
        self.names = tuple(tokens)

    def by_token(self, token: str) -> str | None:
        """The station that a token stands for, or None."""
        presented = self._mac(token)
        found = None
        for known, station in self._stations.items():
            if hmac.compare_digest(known, presented):
                found = station
        return found

    def _mac(self, token: str) -> bytes:
        return hashlib.blake2b(token.encode(), key=self._key, digest_size=32).digest()
